//! Keys that wharf makes for itself: one file each, for the user alone, made at the first use.

use crate::lifecycle::io_error;
use rand::TryRng as _;
use std::path::{Path, PathBuf};
use wharf_protocol::{ApiError, ErrorKind};

/// The keys in one folder. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Secrets {
    dir: PathBuf,
}

/// A key. It is not shown by `{:?}` and has no `==`.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl Secrets {
    /// The keys in `dir`.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// The key of this name, made if there is none.
    ///
    /// # Errors
    /// When its file is not a key, or cannot be read or written. A damaged one is never replaced: what was signed or hashed
    /// with it would silently stop fitting.
    pub fn key(&self, name: &str) -> Result<Key, ApiError> {
        let file = self.dir.join(format!("{name}.key"));
        match std::fs::read(&file) {
            Ok(bytes) => {
                let bytes = zeroize::Zeroizing::new(bytes);
                <[u8; 32]>::try_from(&bytes[..]).map(Key).map_err(|_| {
                    let message = format!("{} holds {} bytes, not the 32 of a key", file.display(), bytes.len());
                    ApiError::new(ErrorKind::Failed, "damaged_key", message)
                        .hint("put it back from a backup; or remove it to have another made, and see the manual for what that ends")
                })
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let key = Key(random()?);
                wharf_settings::write_whole(&file, key.0, wharf_settings::Use::Own)
                    .map_err(|e| io_error(&file, &e))?;
                // Another process may have made one in the same moment: the one that stands there counts.
                std::fs::read(&file).ok().and_then(|b| b.try_into().ok()).map(Key).map_or(Ok(key), Ok)
            }
            Err(e) => Err(io_error(&file, &e)),
        }
    }
}

/// Random bytes from the operating system.
///
/// # Errors
/// When it gives none.
pub fn random<const N: usize>() -> Result<[u8; N], ApiError> {
    let mut bytes = [0_u8; N];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes).map_err(|e| {
        ApiError::new(ErrorKind::Internal, "random", format!("the system gives no random numbers: {e}"))
    })?;
    Ok(bytes)
}

/// Secrets in a file of this folder, for tests of other rooms.
#[cfg(test)]
pub(crate) fn vault(dir: &Path) -> wharf_secrets::Vault {
    wharf_secrets::Vault::new(&dir.join("secrets"), Some(wharf_secrets::Place::File), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_and_for_the_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Secrets::new(dir.path());
        let (a, b) = (secrets.key("a").unwrap(), secrets.key("b").unwrap());
        assert!(a.bytes() != b.bytes() && secrets.key("a").unwrap().bytes() == a.bytes());
        let mode = std::fs::metadata(dir.path().join("a.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(format!("{a:?}"), "Key(..)");
        std::fs::write(dir.path().join("a.key"), "short").unwrap();
        assert_eq!(secrets.key("a").unwrap_err().code, "damaged_key");
        assert_eq!(std::fs::read(dir.path().join("a.key")).unwrap(), b"short");
    }
}
