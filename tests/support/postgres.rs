//! A PostgreSQL server of a test's own, on loopback and a socket; it ends with the test.

use super::wait_until;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The password of every user of such a server.
pub const PASSWORD: &str = "a-password-of-tests";

pub struct Server {
    process: Child,
    programs: PathBuf,
    dir: tempfile::TempDir,
    pub port: u16,
}

/// Where Debian and others keep the server's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|v| v.path().join("bin")).collect();
    found.push(PathBuf::from("/usr/bin"));
    found.into_iter().find(|bin| bin.join("initdb").exists())
}

/// The server refuses to run as root, so it gets the user that its package made.
fn ordinary(command: &mut Command) -> &mut Command {
    if rustix::process::geteuid().is_root() {
        let id = |flag| {
            let out = Command::new("id").args([flag, "postgres"]).output().unwrap();
            String::from_utf8(out.stdout).unwrap().trim().parse::<u32>().unwrap()
        };
        command.uid(id("-u")).gid(id("-g"));
    }
    command
}

impl Server {
    /// Starts one; none, with a word, where PostgreSQL isn't installed.
    pub fn start(settings: &[&str]) -> Option<Self> {
        Self::with_files(&[], settings)
    }

    /// The same with files in its folder, which settings name as `{dir}`.
    pub fn with_files(files: &[(&str, &str)], settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: PostgreSQL's server is not installed");
            return None;
        };
        let dir = tempfile::Builder::new().prefix("wpg").tempdir_in("/tmp").unwrap();
        let password = dir.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        let data = dir.path().join("data");
        std::fs::create_dir(&data).unwrap();
        use std::os::unix::fs::PermissionsExt;
        let mut owned = vec![dir.path().to_owned(), data.clone(), password.clone()];
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
            owned.push(dir.path().join(name));
        }
        for path in &owned {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
            if rustix::process::geteuid().is_root() {
                let owned = Command::new("chown").arg("postgres").arg(path).status().unwrap();
                assert!(owned.success());
            }
        }
        let made = ordinary(Command::new(programs.join("initdb")).current_dir(dir.path()).args([
            "--username=admin",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
            &format!("--pwfile={}", password.display()),
            &format!("--pgdata={}", data.display()),
        ]))
        .stdout(Stdio::null())
        .status()
        .unwrap();
        assert!(made.success());
        // Freed before the server binds it: nobody else asks for this number in the meantime but by chance.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(programs.join("postgres"));
        command.current_dir(dir.path()).arg("-D").arg(&data);
        let listen = [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", dir.path().display()),
            "fsync=off".to_owned(),
        ];
        for setting in listen.iter().map(String::as_str).chain(settings.iter().copied()) {
            command.args(["-c", &setting.replace("{dir}", dir.path().to_str().unwrap())]);
        }
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let process = ordinary(&mut command).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let server = Self { process, programs, dir, port };
        wait_until("the server to be ready", || server.psql("postgres", "select 1").is_ok());
        Some(server)
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Runs statements by PostgreSQL's own client; its output without heads and frames.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let out = Command::new(self.programs.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "admin"])
            .args(["-p", &self.port.to_string(), "-d", database, "-c", sql])
            .env("PGPASSWORD", PASSWORD)
            .output()
            .unwrap();
        match out.status.success() {
            true => Ok(String::from_utf8(out.stdout).unwrap().trim_end().to_owned()),
            false => Err(String::from_utf8_lossy(&out.stderr).into_owned()),
        }
    }

    #[track_caller]
    pub fn run(&self, database: &str, sql: &str) -> String {
        self.psql(database, sql).unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// The address of a database for this user.
    pub fn address(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGQUIT: at once; what it held is thrown away.
        let pid = rustix::process::Pid::from_child(&self.process);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        let _ = self.process.wait();
    }
}
