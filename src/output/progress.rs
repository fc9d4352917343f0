//! Progress of what takes long, on standard error, where it is a terminal.

use super::Terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// A bar that appears only when there is something to wait for.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar for something called `what`.
    pub fn new(terminal: &Terminal, what: &str) -> Self {
        let shown = terminal.err && !terminal.quiet;
        let target =
            if shown { ProgressDrawTarget::stderr_with_hz(15) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        let template = "{spinner} {msg} [{elapsed}]";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(if terminal.unicode { style } else { style.tick_chars("-\\|/ ") });
        }
        bar.set_message(what.to_owned());
        // Nothing is drawn before the first tick: what is quick shows no bar.
        let ticking = bar.clone();
        if shown {
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(300));
                if !ticking.is_finished() {
                    ticking.enable_steady_tick(Duration::from_millis(100));
                }
            });
        }
        Self(bar)
    }

    /// `done` of `of` steps, the next one being `what`.
    pub fn step(&self, what: &str, done: usize, of: usize) {
        if of > 0 && self.0.length().is_none() {
            self.0.set_length(of as u64);
            if let Ok(style) =
                ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {pos}/{len} [{elapsed}]")
            {
                self.0.set_style(style.progress_chars("=> "));
            }
        }
        self.0.set_message(what.to_owned());
        self.0.set_position(done as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
