//! Files that appear under their name only when they are whole.
//!
//! Where the file system can, a file has no name at all until then, so that a process killed on the way leaves nothing.
//! Elsewhere, and for the instant in which an older file is replaced, it has a name of its own beside the one it will
//! take; it is locked as long as its maker lives, so the next one who writes there can tell what was left behind.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// What a file is to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// The user asked for it: open to whom the user's mask says, on the disk when it is kept.
    Asked,
    /// wharf's own, for the user alone: on the disk when it is kept.
    Own,
    /// wharf's own, and can be made again: whole, but not waited for.
    Cache,
}

/// A file on its way. Dropped before it is kept, it leaves nothing.
#[derive(Debug)]
pub struct WholeFile {
    /// What is written to.
    pub file: File,
    path: PathBuf,
    naming: Naming,
    what: Use,
}

#[derive(Debug)]
enum Naming {
    /// It has no name yet.
    Unnamed,
    /// It has this name until it takes its own.
    Beside(PathBuf),
    /// A device or a pipe is written as it is.
    Itself,
}

impl WholeFile {
    /// Begins a file that will stand at `path`, with the mode of the one that stands there now. A symbolic link is
    /// followed, so that the file behind it is replaced.
    ///
    /// # Errors
    /// When it cannot be made there.
    pub fn create(path: &Path, what: Use) -> io::Result<Self> {
        let before = std::fs::metadata(path).ok();
        // `/dev/stdout` may be a file, but it is the open one that is meant, not its name.
        let open_already = path.starts_with("/dev") || path.starts_with("/proc");
        if before.as_ref().is_some_and(|m| open_already || !m.is_file()) {
            let file = OpenOptions::new().append(true).open(path)?;
            return Ok(Self { file, path: path.to_owned(), naming: Naming::Itself, what });
        }
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mode = if what == Use::Asked { 0o666 } else { 0o600 };
        let (file, naming) = match unnamed(folder(&path), mode) {
            Some(file) => (file, Naming::Unnamed),
            None => beside(&path, mode)?,
        };
        file.try_lock()?;
        if let Some(before) = before {
            file.set_permissions(Permissions::from_mode(before.permissions().mode() & 0o777))?;
        }
        Ok(Self { file, path, naming, what })
    }

    /// The file is whole: it goes to the disk and takes its name.
    ///
    /// # Errors
    /// When it cannot be kept; what stood under its name before still does.
    pub fn keep(mut self) -> io::Result<()> {
        if matches!(self.naming, Naming::Itself) {
            return Ok(());
        }
        let durable = self.what != Use::Cache;
        if durable {
            self.file.sync_all()?;
        }
        if matches!(self.naming, Naming::Unnamed) {
            match link(&self.file, &self.path) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                    let own = own_name(&self.path);
                    link(&self.file, &own)?;
                    self.naming = Naming::Beside(own);
                }
                linked => {
                    linked?;
                    self.naming = Naming::Itself;
                }
            }
        }
        if let Naming::Beside(own) = &self.naming {
            std::fs::rename(own, &self.path)?;
            self.naming = Naming::Itself;
        }
        // The name is safe as well once the folder is on the disk; not every file system can be asked for that.
        if durable {
            let _ = File::open(folder(&self.path)).and_then(|f| f.sync_all());
        }
        Ok(())
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Naming::Beside(own) = &self.naming {
            let _ = std::fs::remove_file(own);
        }
    }
}

/// Writes a file whole or not at all.
///
/// # Errors
/// When it cannot be written; what stood there before still does.
pub fn write_whole(path: &Path, text: impl AsRef<[u8]>, what: Use) -> io::Result<()> {
    let mut whole = WholeFile::create(path, what)?;
    whole.file.write_all(text.as_ref())?;
    whole.keep()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

const PREFIX: &str = ".wharf-";
const ENDING: &str = ".partial";

/// A name that nobody else uses. What dead processes left under such names goes now.
fn own_name(path: &Path) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let folder = folder(path);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let left = || File::open(entry.path()).is_ok_and(|f| f.try_lock().is_ok());
        if name.starts_with(PREFIX) && name.ends_with(ENDING) && left() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    folder.join(format!("{PREFIX}{}-{number}{ENDING}", std::process::id()))
}

fn beside(path: &Path, mode: u32) -> io::Result<(File, Naming)> {
    let own = own_name(path);
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&own)?;
    Ok((file, Naming::Beside(own)))
}

#[cfg(target_os = "linux")]
fn unnamed(folder: &Path, mode: u32) -> Option<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    rustix::fs::open(folder, flags, Mode::from_raw_mode(mode)).ok().map(File::from)
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_: &Path, _: u32) -> Option<File> {
    None
}

#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    use std::os::fd::AsRawFd;
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, own, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_seen_when_it_is_whole_and_replaces_another_with_its_mode() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("a.toml");
        let mut whole = WholeFile::create(&path, Use::Own).unwrap();
        whole.file.write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(whole);
        assert!(names(tmp.path()).is_empty());
        write_whole(&path, "one", Use::Own).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        write_whole(&path, "two", Use::Own).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(names(tmp.path()), ["a.toml"]);
    }

    #[test]
    fn the_file_behind_a_link_is_replaced_and_the_link_stays() {
        let tmp = tempfile::tempdir().unwrap();
        let (real, link) = (tmp.path().join("real"), tmp.path().join("link"));
        std::fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write_whole(&link, "new", Use::Asked).unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&real).unwrap(), b"new");
    }

    #[test]
    fn what_the_dead_left_goes_and_what_the_living_write_stays() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("a");
        let (mut living, naming) = beside(&path, 0o600).unwrap();
        living.try_lock().unwrap();
        living.write_all(b"x").unwrap();
        std::fs::write(tmp.path().join(".wharf-1-0.partial"), "left").unwrap();
        std::fs::write(&path, "old").unwrap();
        write_whole(&path, "new", Use::Asked).unwrap();
        let Naming::Beside(own) = naming else { panic!("{naming:?}") };
        assert_eq!(names(tmp.path()), [own.file_name().unwrap().to_string_lossy().into_owned(), "a".into()]);
    }
}
