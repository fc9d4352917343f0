//! A certificate from an ACME authority: `pebble`, the small one that is made for tests, run here.

use super::server::{Server, spawn};
use crate::support::{Place, wait_until};
use serde_json::json;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// An authority of our own; it ends when dropped.
struct Authority {
    child: Child,
    /// What vouches for its own addresses.
    own: PathBuf,
    directory: String,
    management: String,
}

/// Ports that were free a moment ago.
fn free<const N: usize>() -> [u16; N] {
    // Held until all are known, so that none comes twice.
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.each_ref().map(|listener| listener.local_addr().unwrap().port())
}

fn curl(trusted: &Path, url: &str) -> Output {
    let mut command = Command::new("curl");
    command.args(["-sS", "-v", "--max-time", "10", "--cacert"]).arg(trusted).arg(url);
    command.output().unwrap()
}

impl Authority {
    /// Begins; looks whether hosts are ours at this port. None where it is not installed.
    fn start(place: &Place, looks_at: u16) -> Option<Self> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let own = place.file("authority/own.pem", made.cert.pem());
        let key = place.file("authority/own.key", made.key_pair.serialize_pem());
        let [directory, management, http] = free();
        let settings = json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{directory}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": own,
            "privateKey": key,
            "httpPort": http,
            "tlsPort": looks_at,
        }});
        let settings = place.file("authority/settings.json", settings.to_string());
        let child = place
            .command_of("pebble", &["-config", settings.to_str().unwrap()])
            // It looks at once, and refuses no request for the sake of it.
            .envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "0")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let url = |port: u16, path: &str| format!("https://localhost:{port}/{path}");
        let (directory, management) = (url(directory, "dir"), url(management, "roots/0"));
        let authority = Self { child, own, directory, management };
        wait_until("the authority answers", || curl(&authority.own, &authority.directory).status.success());
        Some(authority)
    }

    /// What vouches for the certificates that it gives.
    fn root(&self, place: &Place) -> PathBuf {
        let told = curl(&self.own, &self.management);
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        place.file("authority/root.pem", told.stdout)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_certificate_is_fetched_kept_and_trusted() {
    let place = Place::new();
    let [port] = free();
    let Some(authority) = Authority::start(&place, port) else {
        println!("skipped: pebble is not installed (make test installs it where it can)");
        return;
    };
    let root = authority.root(&place);
    let listen = format!("127.0.0.1:{port}");
    let own = authority.own.to_str().unwrap().to_owned();
    let directory = authority.directory.clone();
    let args = [
        "--listen",
        &listen,
        "--acme",
        "localhost",
        "--email",
        "ops@board.example",
        "--acme-directory",
        &directory,
        "--acme-root",
        &own,
    ];
    let mut server = Server::with(place, &args, &[]);
    let health = format!("https://localhost:{port}/health");
    let mut reply = None;
    wait_until("the certificate is there", || {
        reply = Some(curl(&root, &health)).filter(|reply| reply.status.success());
        reply.is_some()
    });
    let reply = reply.unwrap();
    let (said, told) = (String::from_utf8_lossy(&reply.stdout), String::from_utf8_lossy(&reply.stderr));
    assert!(said.contains("healthy") && told.contains("issuer: CN=Pebble Intermediate CA"), "{said}{told}");
    // Who trusts only others is not let believe it.
    assert!(!curl(&authority.own, &health).status.success());
    let kept = server.place.path("s").join("acme");
    assert!(std::fs::read_dir(&kept).unwrap().count() >= 2, "the certificate and the account are kept");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&kept).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);
    // The next start has it at once, whether the authority is there or not.
    drop(authority);
    assert!(server.stop());
    let (mut child, ready) = spawn(&server.place, &args, &[]);
    assert_eq!(ready["address"], format!("https://{listen}"), "{ready}");
    wait_until("the certificate that was kept is shown", || curl(&root, &health).status.success());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_root_that_is_none_is_told_at_the_start() {
    let place = Place::new();
    let none = place.file("none.pem", "nothing of the kind");
    let args =
        ["--listen", "127.0.0.1:0", "--acme", "localhost", "--acme-directory", "https://localhost:1/dir"];
    let (mut child, told) =
        spawn(&place, &[&args[..], &["--acme-root", none.to_str().unwrap()]].concat(), &[]);
    assert_eq!(told["error"]["code"], "certificate", "{told}");
    assert!(told["error"]["message"].as_str().unwrap().contains("none.pem"), "{told}");
    assert!(!child.wait().unwrap().success());
}
