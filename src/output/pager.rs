//! Long output goes through a pager, where somebody sits who can leaf through it.

use super::Terminal;
use std::io::Write;
use std::process::{Child, Command, Stdio};

/// Standard output, or a pager in front of it.
pub enum Paged {
    /// Straight out.
    Plain(std::io::Stdout),
    /// Through a program.
    Pager(Child),
}

impl Paged {
    /// A pager if `lines` do not fit the terminal and nobody forbade it.
    pub fn open(terminal: &Terminal, lines: usize) -> Self {
        let fits = terminal.height.is_none_or(|height| lines < height);
        if !terminal.out || terminal.no_pager || fits {
            return Self::Plain(std::io::stdout());
        }
        let mut words = terminal.pager.split_whitespace();
        let Some(program) = words.next() else { return Self::Plain(std::io::stdout()) };
        let mut command = Command::new(program);
        command.args(words).stdin(Stdio::piped());
        // As git does: stay on one screen, keep colour, do not clear, do not fold long lines.
        command.env("LESS", std::env::var("LESS").unwrap_or_else(|_| "FIRXS".to_owned()));
        command.spawn().map_or_else(|_| Self::Plain(std::io::stdout()), Self::Pager)
    }

    /// Waits until the reader has finished.
    pub fn close(self) {
        if let Self::Pager(mut child) = self {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

impl Write for Paged {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(out) => out.write(text),
            Self::Pager(child) => match &mut child.stdin {
                Some(stdin) => stdin.write(text),
                None => Ok(text.len()),
            },
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Pager(child) => child.stdin.as_mut().map_or(Ok(()), Write::flush),
        }
    }
}
