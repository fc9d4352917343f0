//! The encrypted file, the decision where secrets lie, and what is said when something is wrong. The keyring itself is tried end to
//! end with a real Secret Service.

use super::*;
use std::os::unix::fs::PermissionsExt;

fn vault(dir: &Path) -> Vault {
    Vault::new(&dir.join("secrets"), Some(Place::File), None)
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn shown(found: Option<SecretString>) -> Option<String> {
    found.map(|s| s.expose_secret().to_owned())
}

#[test]
fn what_was_kept_is_found_again_replaced_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path());
    assert!(vault.get("a").unwrap().is_none() && !vault.remove("a").unwrap());
    assert!(vault.place().unwrap().is_none() && !dir.path().join("secrets").exists());
    vault.set("a", &secret("first")).unwrap();
    vault.set("b", &secret("säcret \u{0}\n")).unwrap();
    vault.set("a", &secret("second")).unwrap();
    assert_eq!(vault.place().unwrap(), Some(Place::File));
    let again = Vault::new(&dir.path().join("secrets"), None, None);
    assert_eq!(shown(again.get("a").unwrap()).as_deref(), Some("second"));
    assert_eq!(shown(again.get("b").unwrap()).as_deref(), Some("säcret \u{0}\n"));
    assert!(again.remove("a").unwrap() && again.get("a").unwrap().is_none());
}

#[test]
fn nothing_on_the_disk_shows_a_secret_or_its_name_and_all_is_for_the_user_alone() {
    let dir = tempfile::tempdir().unwrap();
    vault(dir.path()).set("source/shop", &secret("planted-7391")).unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(dir.path().join("secrets")).unwrap() {
        let entry = entry.unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        let has = |needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
        assert!(!has(b"planted") && !has(b"shop"), "{}", entry.path().display());
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        files += 1;
    }
    assert_eq!(files, 4);
    assert!(!format!("{:?} {:?}", vault(dir.path()), secret("planted-7391")).contains("planted"));
}

#[test]
fn a_changed_byte_a_cut_or_another_key_is_refused_and_nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, file) = (vault(dir.path()), dir.path().join("secrets/kept.enc"));
    vault.set("a", &secret("one")).unwrap();
    let good = std::fs::read(&file).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&file, &bad).unwrap();
        assert!(vault.get("a").is_err() && vault.set("b", &secret("two")).is_err(), "byte {at}");
        assert_eq!(std::fs::read(&file).unwrap(), bad);
    }
    for cut in 0..good.len() {
        std::fs::write(&file, &good[..cut]).unwrap();
        assert!(vault.get("a").is_err(), "cut to {cut}");
    }
    std::fs::write(&file, &good).unwrap();
    std::fs::write(dir.path().join("other"), [7_u8; 40]).unwrap();
    let other = Vault::new(&dir.path().join("secrets"), None, Some(dir.path().join("other")));
    let error = other.get("a").unwrap_err();
    assert!(matches!(error, SecretsError::WrongKey { .. }) && error.to_string().contains("other"), "{error}");
    assert_eq!(shown(vault.get("a").unwrap()).as_deref(), Some("one"));
    // A key that went away is not replaced by another that opens nothing.
    std::fs::remove_file(dir.path().join("secrets/kept.key")).unwrap();
    assert!(vault.set("b", &secret("two")).is_err() && !dir.path().join("secrets/kept.key").exists());
}

#[test]
fn a_key_that_is_given_is_used_and_a_short_one_refused() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    let vault = Vault::new(&dir.path().join("secrets"), Some(Place::File), Some(key.clone()));
    assert!(
        vault.set("a", &secret("one")).is_err() && !key.exists(),
        "it is not made where it is to be given"
    );
    std::fs::write(&key, "short").unwrap();
    let error = vault.set("a", &secret("one")).unwrap_err();
    assert!(error.to_string().contains("5 bytes") && error.hint().contains("urandom"), "{error}");
    std::fs::write(&key, "a phrase of thirty-two bytes, or of more").unwrap();
    vault.set("a", &secret("one")).unwrap();
    assert_eq!(shown(vault.get("a").unwrap()).as_deref(), Some("one"));
    assert!(!dir.path().join("secrets/kept.key").exists());
}

#[test]
fn the_place_is_decided_once_and_another_wish_is_told() {
    let dir = tempfile::tempdir().unwrap();
    vault(dir.path()).set("a", &secret("one")).unwrap();
    let other = Vault::new(&dir.path().join("secrets"), Some(Place::Keyring), None);
    for error in [other.get("a").map(drop).unwrap_err(), other.set("a", &secret("two")).unwrap_err()] {
        assert!(error.to_string().contains("an encrypted file") && error.hint().contains("store"), "{error}");
    }
    std::fs::write(dir.path().join("secrets/store"), "somewhere").unwrap();
    assert!(vault(dir.path()).get("a").unwrap_err().to_string().contains("damaged"));
}

#[test]
fn two_who_keep_something_at_once_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let vault = vault(dir.path());
            scope.spawn(move || vault.set(&format!("n{n}"), &secret(&n.to_string())).unwrap());
        }
    });
    let vault = vault(dir.path());
    for n in 0..8 {
        assert_eq!(shown(vault.get(&format!("n{n}")).unwrap()), Some(n.to_string()));
    }
}

#[test]
fn references_are_read_when_asked_and_never_repeat_what_they_were_given() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, "from a file\r\n").unwrap();
    let reference: Reference = format!("file:{}", file.display()).parse().unwrap();
    assert_eq!(reference.to_string(), format!("file:{}", file.display()));
    assert_eq!(reference.read().unwrap().expose_secret(), "from a file");
    let home: Reference = "env:PATH".parse().unwrap();
    assert_eq!(home.read().unwrap().expose_secret(), std::env::var("PATH").unwrap());
    let missing: Reference = "env:WHARF_NOT_SET_ANYWHERE".parse().unwrap();
    assert!(missing.read().unwrap_err().to_string().contains("WHARF_NOT_SET_ANYWHERE"));
    for bad in ["hunter2", "env:", "env:A B", "env:1A", "file:relative", "file:", "vault:x", ""] {
        let error = bad.parse::<Reference>().unwrap_err();
        assert!(bad.is_empty() || !error.to_string().contains(bad), "{error}");
    }
}
