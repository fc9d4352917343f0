//! A real terminal: tmux, with a server and no configuration of anybody's.

use super::{Place, is_zombie, wait_until};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A tmux server of one test; it ends with it.
pub struct Tmux<'a> {
    place: &'a Place,
    name: String,
}

impl<'a> Tmux<'a> {
    pub fn new(place: &'a Place) -> Option<Self> {
        if !Command::new("tmux").arg("-V").stdout(Stdio::null()).status().is_ok_and(|s| s.success()) {
            println!("skipped: tmux is not installed");
            return None;
        }
        let name = place.path("").file_name().unwrap().to_string_lossy().into_owned();
        Some(Self { place, name })
    }

    pub fn tmux(&self, args: &[&str]) -> String {
        let all: Vec<&str> =
            ["-L", &self.name, "-f", "/dev/null"].into_iter().chain(args.iter().copied()).collect();
        let mut command = self.place.command_of("tmux", &all);
        command.env("TERM", "xterm-256color").env("TMUX_TMPDIR", self.place.path("r"));
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    }

    /// Runs `wharf` in it.
    pub fn open(&self, args: &[&str]) {
        let wharf = env!("CARGO_BIN_EXE_wharf");
        let line = format!("{wharf} {}", args.join(" "));
        self.tmux(&["new-session", "-d", "-x", "100", "-y", "40", &line]);
    }

    pub fn type_line(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
        self.tmux(&["send-keys", "Enter"]);
    }

    /// Everything on the screen and in the scrollback.
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-S", "-500"])
    }

    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let screen = self.screen();
            if screen.contains(text) {
                return;
            }
            assert!(Instant::now() < deadline, "waited too long until the screen shows `{text}`: {screen}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it, and waits until it is gone: one that is opened too soon would be the old one's, and end with it.
    pub fn close(&self) {
        let pid = self.tmux(&["display-message", "-p", "#{pid}"]);
        self.tmux(&["kill-server"]);
        if let Ok(pid) = pid.trim().parse() {
            let gone = || !Path::new(&format!("/proc/{pid}")).exists() || is_zombie(pid);
            wait_until("the terminal is gone", gone);
        }
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}
