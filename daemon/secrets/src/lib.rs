//! Secrets that people gave: keys of sources, logins at servers. They lie in the operating system's keyring or, where there is
//! none, in an encrypted file; which of them is decided once, with the first secret, and written down beside them.
//!
//! Nothing here is shown by `{:?}`, compared with `==`, or written in the clear.

mod error;
mod file;
mod keyring;
mod reference;

pub use error::SecretsError;
pub use reference::Reference;
pub use secrecy::{ExposeSecret, SecretString};

use file::KeptFile;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use wharf_settings::{Dirs, Settings, Use, write_whole};

/// Where secrets lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The operating system's keyring: Secret Service on Linux, the Keychain on macOS.
    Keyring,
    /// An encrypted file in the state folder.
    File,
}

impl Place {
    fn word(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Keyring => "the OS keyring",
            Self::File => "an encrypted file",
        })
    }
}

/// Where the key of the encrypted file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOf {
    /// A file that somebody else keeps: `secrets.key_file`, or a credential of the service manager.
    Given(PathBuf),
    /// A file beside it. This protects copies of the secrets' file, not the folder.
    Beside(PathBuf),
}

impl KeyOf {
    /// The file.
    pub fn path(&self) -> &Path {
        match self {
            Self::Given(path) | Self::Beside(path) => path,
        }
    }
}

/// The name under which a service manager hands over the key of the encrypted file (systemd's `LoadCredential=`).
const CREDENTIAL: &str = "wharf-secrets.key";

/// The secrets of one user in one state folder. Cheap to make; looks at nothing until it is asked.
#[derive(Debug, Clone)]
pub struct Vault {
    dir: PathBuf,
    wanted: Option<Place>,
    key: KeyOf,
    service: String,
}

impl Vault {
    /// The secrets in `dir`. `wanted` is where they shall lie (none: wherever it is best), `key_file` what opens the encrypted
    /// file (none: a key beside it).
    pub fn new(dir: &Path, wanted: Option<Place>, key_file: Option<PathBuf>) -> Self {
        let key = key_file.map_or_else(|| KeyOf::Beside(dir.join("kept.key")), KeyOf::Given);
        Self { dir: dir.to_owned(), wanted, key, service: format!("wharf {}", dir.display()) }
    }

    /// The secrets that `settings` mean in `dirs`; `credentials` is the folder in which a service manager puts what it hands
    /// over (`$CREDENTIALS_DIRECTORY`).
    pub fn of(dirs: &Dirs, settings: &Settings, credentials: Option<String>) -> Self {
        let wanted = match settings.text("secrets.store") {
            "keyring" => Some(Place::Keyring),
            "file" => Some(Place::File),
            _ => None,
        };
        let handed = || credentials.map(|dir| Path::new(&dir).join(CREDENTIAL)).filter(|p| p.exists());
        let key_file = settings.optional("secrets.key_file").map(PathBuf::from).or_else(handed);
        Self::new(&dirs.state.join("secrets"), wanted, key_file)
    }

    /// Where secrets lie; none as long as there are none.
    ///
    /// # Errors
    /// When what was written down about it cannot be read, or the settings ask for another place than the one in use.
    pub fn place(&self) -> Result<Option<Place>, SecretsError> {
        let record = self.record();
        let place = match std::fs::read_to_string(&record) {
            Ok(text) => match text.trim() {
                "keyring" => Place::Keyring,
                "file" => Place::File,
                _ => return Err(SecretsError::damaged(&record, "it names neither `keyring` nor `file`")),
            },
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(SecretsError::io(&record, e)),
        };
        match self.wanted {
            Some(wanted) if wanted != place => Err(SecretsError::Moved { kept: place, wanted, record }),
            _ => Ok(Some(place)),
        }
    }

    /// Where the first secret would lie.
    pub fn best(&self) -> Place {
        match self.wanted {
            Some(place) => place,
            None if keyring::answers(&self.service) => Place::Keyring,
            None => Place::File,
        }
    }

    /// Where the key of the encrypted file comes from.
    pub fn key(&self) -> &KeyOf {
        &self.key
    }

    /// The secret of this name.
    ///
    /// # Errors
    /// When the place does not answer, or is damaged.
    pub fn get(&self, name: &str) -> Result<Option<SecretString>, SecretsError> {
        match self.place()? {
            None => Ok(None),
            Some(Place::Keyring) => keyring::get(&self.service, name),
            Some(Place::File) => self.file().get(name),
        }
    }

    /// Keeps a secret under this name; one that was there before is replaced. The first one decides where all lie.
    ///
    /// # Errors
    /// When the place does not answer, is damaged or cannot be written. Nothing is changed then.
    pub fn set(&self, name: &str, secret: &SecretString) -> Result<(), SecretsError> {
        Dirs::ensure(&self.dir).map_err(|e| SecretsError::Folder(e.to_string()))?;
        let _lock = self.lock()?;
        let decided = self.place()?;
        let place = decided.unwrap_or_else(|| self.best());
        match place {
            Place::Keyring => keyring::set(&self.service, name, secret)?,
            Place::File => self.file().set(name, secret)?,
        }
        if decided.is_none() {
            let record = self.record();
            write_whole(&record, place.word(), Use::Own).map_err(|e| SecretsError::io(&record, e))?;
        }
        Ok(())
    }

    /// Forgets the secret of this name; false if there was none.
    ///
    /// # Errors
    /// When the place does not answer, is damaged or cannot be written.
    pub fn remove(&self, name: &str) -> Result<bool, SecretsError> {
        let Some(place) = self.place()? else { return Ok(false) };
        let _lock = self.lock()?;
        match place {
            Place::Keyring => keyring::remove(&self.service, name),
            Place::File => self.file().remove(name),
        }
    }

    fn record(&self) -> PathBuf {
        self.dir.join("store")
    }

    fn file(&self) -> KeptFile<'_> {
        KeptFile { path: self.dir.join("kept.enc"), key: &self.key }
    }

    /// Client and daemon may keep something in the same moment.
    fn lock(&self) -> Result<File, SecretsError> {
        let path = self.dir.join("lock");
        let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let locked = opened.and_then(|file| file.lock().map(|()| file));
        locked.map_err(|e| SecretsError::io(&path, e))
    }
}

#[cfg(test)]
mod tests;
