//! `strace` beside a process of the test's own: what it does in which order, and calls that fail or kill at the Nth time.

use crate::support::wait_until;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Whether processes can be traced here; says so, once, where they cannot.
pub fn available() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    *WORKS.get_or_init(|| {
        let tried =
            Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
        let works = tried.is_ok_and(|s| s.success());
        if !works {
            println!("skipped: strace is missing or may not trace (scripts/test-tools.sh installs it)");
        }
        works
    })
}

/// What happens to a process at some of its system calls.
pub struct Fault<'a> {
    /// Calls, as strace names them: `fsync,fdatasync`.
    pub calls: &'a str,
    /// `signal=KILL`, `error=ENOSPC`.
    pub effect: &'a str,
    /// At which of them, for each call and thread: `3`, or `3+` for every one from the third on.
    pub when: &'a str,
    /// Only calls on these files; none = on any.
    pub files: &'a [PathBuf],
}

impl Fault<'_> {
    /// The arguments that make strace do it.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("--trace={}", self.calls),
            format!("--inject={}:{}:when={}", self.calls, self.effect, self.when),
        ];
        arguments.extend(self.files.iter().map(|f| format!("--trace-path={}", f.display())));
        arguments
    }
}

/// A tracer at work on a running process.
pub struct Trace {
    tracer: Child,
    told: PathBuf,
}

impl Trace {
    /// Attaches to every thread of `pid`; what is seen goes into the file `told`.
    pub fn attach(pid: u32, told: &Path, arguments: &[String]) -> Self {
        let tracer = Command::new("strace")
            .args(["-f", "-q", "-y", "-s", "120", "-o"])
            .arg(told)
            .args(arguments)
            .args(["-p", &pid.to_string()])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let by = format!("TracerPid:\t{}\n", tracer.id());
        wait_until("every thread is traced", || {
            let threads: Vec<_> = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten().collect();
            threads.iter().all(|t| {
                std::fs::read_to_string(t.path().join("status")).is_ok_and(|status| status.contains(&by))
            })
        });
        Self { tracer, told: told.to_owned() }
    }

    /// Injects a fault into a running process.
    pub fn inject(pid: u32, told: &Path, fault: &Fault) -> Self {
        Self::attach(pid, told, &fault.arguments())
    }

    /// Lets go of the process. Returns what was seen, a line a call.
    pub fn end(mut self) -> Vec<String> {
        self.let_go();
        let text = std::fs::read(&self.told).unwrap_or_default();
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }

    fn let_go(&mut self) {
        if matches!(self.tracer.try_wait(), Ok(None)) {
            let _ = Command::new("kill").args(["-INT", &self.tracer.id().to_string()]).status();
        }
        // It may wait for a thread that was killed while it was born; the process can go once its tracer has gone.
        let deadline = Instant::now() + Duration::from_secs(2);
        while matches!(self.tracer.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = self.tracer.kill();
        let _ = self.tracer.wait();
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.let_go();
    }
}
