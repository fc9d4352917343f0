//! Secrets in the operating system's keyring, one entry each.

use crate::SecretsError;
use keyring::v1::{Entry, Error};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// Whether a keyring is there and lets itself be asked.
pub(crate) fn answers(service: &str) -> bool {
    get(service, "probe").is_ok()
}

pub(crate) fn get(service: &str, name: &str) -> Result<Option<SecretString>, SecretsError> {
    match entry(service, name)?.get_password() {
        Ok(secret) => Ok(Some(SecretString::from(secret))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

pub(crate) fn set(service: &str, name: &str, secret: &SecretString) -> Result<(), SecretsError> {
    entry(service, name)?.set_password(secret.expose_secret()).map_err(|e| failed(&e))
}

pub(crate) fn remove(service: &str, name: &str) -> Result<bool, SecretsError> {
    match entry(service, name)?.delete_credential() {
        Ok(()) => Ok(true),
        Err(Error::NoEntry) => Ok(false),
        Err(error) => Err(failed(&error)),
    }
}

fn entry(service: &str, name: &str) -> Result<Entry, SecretsError> {
    Entry::new(service, name).map_err(|error| match (Entry::store_status(), &error) {
        // The general error hides why there is no keyring.
        (Err(why), Error::NoDefaultStore) => failed(why),
        _ => failed(&error),
    })
}

/// Says what went wrong; the variants that carry what was stored are not printed.
fn failed(error: &Error) -> SecretsError {
    SecretsError::Keyring(match error {
        Error::BadEncoding(bytes) => {
            drop(Zeroizing::new(bytes.clone()));
            "it holds something else under this name".to_owned()
        }
        other => other.to_string(),
    })
}
