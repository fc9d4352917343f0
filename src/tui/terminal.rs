//! The terminal's modes: taken over, and given back whatever happens.

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{self, LeaveAlternateScreen};
use std::io::{self, Write};
use std::sync::Once;
use std::time::Duration;

/// The terminal is in raw mode for as long as this lives.
pub struct Modes(());

impl Modes {
    /// Takes the terminal over. A panic gives it back before it is told.
    ///
    /// # Errors
    /// When it is no terminal.
    pub fn take() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                let _ = crossterm::execute!(io::stdout(), LeaveAlternateScreen);
                let _ = give_back();
                before(panic);
            }));
        });
        terminal::enable_raw_mode()?;
        crossterm::execute!(io::stdout(), EnableBracketedPaste)?;
        Ok(Self(()))
    }
}

impl Drop for Modes {
    fn drop(&mut self) {
        let _ = give_back();
    }
}

fn give_back() -> io::Result<()> {
    let mut out = io::stdout();
    // The end of a synchronized update that a panic may have cut.
    out.write_all(b"\x1b[?2026l")?;
    crossterm::execute!(out, DisableBracketedPaste, Show)?;
    terminal::disable_raw_mode()
}

/// Asks the terminal where its cursor stands: column and row. No [`crossterm::event::EventStream`] may be alive.
///
/// # Errors
/// When it does not tell.
pub fn cursor() -> io::Result<(u16, u16)> {
    // A stream that was dropped leaves a wake-up behind, which would end the wait for the answer at once.
    let _ = crossterm::event::poll(Duration::from_millis(1));
    crossterm::cursor::position()
}

/// Stops this process as the shell's Ctrl-Z does; returns when it is brought to the front again.
///
/// # Errors
/// When the signal cannot be sent.
pub fn suspend() -> io::Result<()> {
    rustix::process::kill_current_process_group(rustix::process::Signal::TSTP).map_err(io::Error::from)
}
