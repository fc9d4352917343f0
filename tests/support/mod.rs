//! A hermetic place to run `wharf` in: own folders, own daemon, nothing inherited that matters.

pub mod faces;
pub mod postgres;
pub mod tmux;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Folders and a daemon of one test. The daemon ends with it.
pub struct Place {
    dir: tempfile::TempDir,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Self {
        // Socket paths are short, so the folder must be.
        let dir = tempfile::Builder::new().prefix("wt").tempdir_in("/tmp").unwrap();
        for name in ["r", "home", "work"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(dir.path().join("r"), std::fs::Permissions::from_mode(0o700)).unwrap();
        Self { dir }
    }

    /// A folder of the test's own, where commands run.
    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file into the working folder.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.work().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn command(&self, args: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_wharf"), args)
    }

    pub fn command_of(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.work()).env_clear();
        command
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("LANG", "C.UTF-8");
        for (name, folder) in
            [("CONFIG", "c"), ("DATA", "d"), ("STATE", "s"), ("CACHE", "k"), ("RUNTIME", "r")]
        {
            command.env(format!("WHARF_{name}_DIR"), self.path(folder));
        }
        // Tests look into the daemon. As another user than root they can only if it lets them.
        if !rustix::process::geteuid().is_root() {
            command.env("WHARF_CORE_DUMPS", "true");
        }
        command.stdin(Stdio::null());
        command
    }

    /// Runs `wharf` to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&self.command(args).output().unwrap())
    }

    /// Runs `wharf` with something on its standard input.
    pub fn pipe(&self, args: &[&str], input: impl AsRef<[u8]>) -> Ran {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.as_ref().to_vec();
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Ran::of(&output)
    }

    /// Starts `wharf` and leaves it running.
    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs `wharf`, expects success, and returns standard output.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
        ran.out
    }

    /// Runs `wharf`, expects success, and reads standard output as JSON.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let out = self.ok(args);
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{args:?}: {e}: {out}"))
    }

    /// Runs `wharf`, expects this exit code, and returns standard error.
    #[track_caller]
    pub fn fails(&self, args: &[&str], code: i32) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, code, "{args:?}: {} {}", ran.out, ran.err);
        assert!(!ran.err.trim().is_empty(), "{args:?} failed without a word");
        ran.err
    }

    /// The daemon's process id; none runs if there is none.
    pub fn daemon_pid(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.path("s").join("daemon.json")).ok()?;
        let value: serde_json::Value = serde_json::from_str(&text).ok()?;
        u32::try_from(value["pid"].as_u64()?).ok()
    }

    /// kill -9 on the daemon, and waits until it is gone.
    pub fn kill_daemon(&self) {
        let Some(pid) = self.daemon_pid() else { return };
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        wait_until("the daemon is gone", || !Path::new(&format!("/proc/{pid}")).exists() || is_zombie(pid));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self
            .command(&["daemon", "stop", "--force", "-q"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

impl Ran {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

fn is_zombie(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| s.contains(") Z "))
}

/// Polls until something holds; fails with its name after a while.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A path in `../shared`; none, with a word, where a user has no such folder.
pub fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}
