//! The daemon's log, and what it can say of its own size.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// A log file is put aside at this size; three are kept, so the log stays under four times that.
const LOG_BYTES: u64 = 4 << 20;
const KEPT: u32 = 3;

/// Sends the log of this process to `file`. Statements' texts and values never go to it; they belong to the audit.
pub fn init(file: &Path, level: &str) {
    let filter =
        EnvFilter::try_new(format!("warn,wharf_daemon={level}")).unwrap_or_else(|_| EnvFilter::new("info"));
    let writer = RotatingLog(Arc::new(Mutex::new(Log { path: file.to_owned(), file: None, bytes: 0 })));
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).try_init();
}

#[derive(Clone)]
struct RotatingLog(Arc<Mutex<Log>>);

struct Log {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
}

impl<'a> MakeWriter<'a> for RotatingLog {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for RotatingLog {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written must not stop the daemon.
        let _ = log.append(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn append(&mut self, text: &[u8]) -> std::io::Result<()> {
        if self.bytes > LOG_BYTES {
            self.file = None;
            for n in (1..KEPT).rev() {
                let _ = std::fs::rename(self.aside(n), self.aside(n + 1));
            }
            let _ = std::fs::rename(&self.path, self.aside(1));
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
                self.bytes = file.metadata()?.len();
                self.file.insert(file)
            }
        };
        file.write_all(text)?;
        self.bytes += text.len() as u64;
        Ok(())
    }

    fn aside(&self, n: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{n}"));
        PathBuf::from(name)
    }
}

/// Resident memory of this process, in bytes.
pub fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok())
        .unwrap_or(0);
    pages * rustix::param::page_size() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_put_aside_when_it_is_large_and_its_size_is_bounded() {
        let tmp = tempfile::tempdir().unwrap();
        let mut log = Log { path: tmp.path().join("log"), file: None, bytes: 0 };
        let line = vec![b'x'; 1 << 20];
        for _ in 0..40 {
            log.append(&line).unwrap();
        }
        let names: std::collections::BTreeSet<String> = std::fs::read_dir(tmp.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["log", "log.1", "log.2", "log.3"]);
    }
}
