//! Keys as people make them: with OpenSSL, in a folder that goes away.

use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// What encrypted keys are closed with.
pub const PASSPHRASE: &str = "päss phrase";

/// A folder with a key pair.
pub struct Keys {
    folder: TempDir,
}

impl Keys {
    pub fn new() -> Self {
        let keys = Self { folder: tempfile::tempdir().unwrap() };
        openssl(&["genrsa", "-traditional", "-out", &keys.text("old.pem"), "2048"]);
        openssl(&[
            "pkcs8",
            "-topk8",
            "-nocrypt",
            "-in",
            &keys.text("old.pem"),
            "-out",
            &keys.text("plain.p8"),
        ]);
        openssl(&["rsa", "-in", &keys.text("old.pem"), "-pubout", "-out", &keys.text("public.pem")]);
        keys
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    /// PKCS#8 without encryption.
    pub fn plain(&self) -> PathBuf {
        self.path("plain.p8")
    }

    /// PKCS#1 without encryption.
    pub fn older(&self) -> PathBuf {
        self.path("old.pem")
    }

    pub fn public_file(&self) -> PathBuf {
        self.path("public.pem")
    }

    pub fn public_text(&self) -> String {
        std::fs::read_to_string(self.public_file()).unwrap()
    }

    /// PKCS#8, encrypted in the way that the arguments tell.
    pub fn encrypted(&self, how: &[&str]) -> PathBuf {
        let name = format!("closed{}.p8", how.concat());
        let (from, to, pass) = (self.text("old.pem"), self.text(&name), format!("pass:{PASSPHRASE}"));
        let mut arguments = vec!["pkcs8", "-topk8", "-in", &from, "-out", &to, "-passout", &pass];
        arguments.extend(how);
        openssl(&arguments);
        self.path(&name)
    }

    pub fn old_encryption(&self) -> PathBuf {
        let (from, to) = (self.text("old.pem"), self.text("oldclosed.pem"));
        openssl(&["rsa", "-aes128", "-traditional", "-in", &from, "-out", &to, "-passout", "pass:abcd"]);
        self.path("oldclosed.pem")
    }

    pub fn elliptic(&self) -> PathBuf {
        openssl(&[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-out",
            &self.text("ec.p8"),
        ]);
        self.path("ec.p8")
    }
}

fn openssl(arguments: &[&str]) {
    let out =
        Command::new("openssl").args(arguments).output().unwrap_or_else(|e| panic!("openssl is needed: {e}"));
    assert!(
        out.status.success(),
        "openssl {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&out.stderr)
    );
}
