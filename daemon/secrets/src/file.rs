//! Secrets in one encrypted file: a line that says what it is, a nonce of 12 bytes, and AES-256-GCM over a JSON object of names
//! and secrets, with the line as associated data. The key is derived (BLAKE3, key derivation mode) from what the key's file holds,
//! of any form, 32 bytes or more.

use crate::{KeyOf, SecretsError};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wharf_settings::{Use, write_whole};
use zeroize::{Zeroize, Zeroizing};

const HEAD: &[u8] = b"wharf secrets 1\n";
/// Separates this use of the key's file from all others.
const CONTEXT: &str = "wharf 2026-11-21 encrypted secrets file";
/// A key has at least this many bytes.
const KEY_BYTES: usize = 32;

pub(crate) struct KeptFile<'a> {
    pub(crate) path: PathBuf,
    pub(crate) key: &'a KeyOf,
}

/// The secrets in the clear; wiped when they are let go.
#[derive(Default)]
struct Kept(BTreeMap<String, String>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.values_mut().for_each(Zeroize::zeroize);
    }
}

impl KeptFile<'_> {
    pub(crate) fn get(&self, name: &str) -> Result<Option<SecretString>, SecretsError> {
        Ok(self.read()?.0.get(name).map(|secret| SecretString::from(secret.as_str())))
    }

    pub(crate) fn set(&self, name: &str, secret: &SecretString) -> Result<(), SecretsError> {
        let mut kept = self.read()?;
        let before = kept.0.insert(name.to_owned(), secret.expose_secret().to_owned());
        drop(before.map(Zeroizing::new));
        self.write(&kept)
    }

    pub(crate) fn remove(&self, name: &str) -> Result<bool, SecretsError> {
        let mut kept = self.read()?;
        let Some(before) = kept.0.remove(name) else { return Ok(false) };
        drop(Zeroizing::new(before));
        self.write(&kept).map(|()| true)
    }

    fn read(&self) -> Result<Kept, SecretsError> {
        let mut bytes = match std::fs::read(&self.path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Kept::default()),
            Err(e) => return Err(SecretsError::io(&self.path, e)),
        };
        let damaged = |why: &str| SecretsError::damaged(&self.path, why);
        if !bytes.starts_with(HEAD) {
            return Err(damaged("it does not begin like a file of secrets"));
        }
        let sealed = &mut bytes[HEAD.len()..];
        let Some((nonce, sealed)) = sealed.split_first_chunk_mut::<NONCE_LEN>() else {
            return Err(damaged("it is cut short"));
        };
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.cipher(false)?.open_in_place(nonce, Aad::from(HEAD), sealed);
        let wrong = |_| SecretsError::WrongKey { path: self.path.clone(), key: self.key.path().to_owned() };
        serde_json::from_slice(opened.map_err(wrong)?).map(Kept).map_err(|_| damaged("it holds no secrets"))
    }

    fn write(&self, kept: &Kept) -> Result<(), SecretsError> {
        let damaged = |why: &str| SecretsError::damaged(&self.path, why);
        let mut text =
            Zeroizing::new(serde_json::to_vec(&kept.0).map_err(|_| damaged("it cannot be written"))?);
        let nonce = self.cipher(true)?.seal_in_place_append_tag(Aad::from(HEAD), &mut *text);
        let nonce = nonce.map_err(|_| damaged("it cannot be encrypted"))?;
        let whole = [HEAD, nonce.as_ref(), &text[..]].concat();
        write_whole(&self.path, whole, Use::Own).map_err(|e| SecretsError::io(&self.path, e))
    }

    /// The cipher with its key; where `make` says so and the key lies beside, it is made if there is none.
    fn cipher(&self, make: bool) -> Result<RandomizedNonceKey, SecretsError> {
        let material = match (key_of(self.key.path()), self.key) {
            (Ok(material), _) => material,
            (Err(SecretsError::Io { source, .. }), KeyOf::Beside(path))
                if make && source.kind() == std::io::ErrorKind::NotFound && !self.path.exists() =>
            {
                make_key(path)?
            }
            (Err(error), _) => return Err(error),
        };
        let key = Zeroizing::new(blake3::derive_key(CONTEXT, &material));
        RandomizedNonceKey::new(&AES_256_GCM, &*key)
            .map_err(|_| SecretsError::damaged(self.key.path(), "no key can be made of it"))
    }
}

fn key_of(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretsError> {
    let material = Zeroizing::new(std::fs::read(path).map_err(|e| SecretsError::io(path, e))?);
    if material.len() < KEY_BYTES {
        return Err(SecretsError::ShortKey { path: path.to_owned(), bytes: material.len() });
    }
    Ok(material)
}

fn make_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretsError> {
    let mut key = Zeroizing::new(vec![0_u8; KEY_BYTES]);
    aws_lc_rs::rand::fill(&mut key)
        .map_err(|_| SecretsError::damaged(path, "the system gives no random numbers"))?;
    write_whole(path, &*key, Use::Own).map_err(|e| SecretsError::io(path, e))?;
    Ok(key)
}
