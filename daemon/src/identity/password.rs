//! Passwords: argon2id, at most a few at once, and the same time for who exists and who doesn't.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use std::sync::LazyLock;
use tokio::runtime::{Builder, Runtime};
use wharf_protocol::{ApiError, ErrorKind};

/// Hashes at once: each takes 19 MiB and some 20 ms of a core.
pub const AT_ONCE: usize = 4;
/// Shortest password, in characters (NIST SP 800-63B).
const SHORTEST: usize = 8;
/// Longest, in bytes: hashing must not be a way to keep the machine busy.
const LONGEST: usize = 1024;

/// Threads for hashing alone, as many as may hash at once. The allocator keeps what a thread has hashed in for that thread:
/// on any of the daemon's blocking threads, a rush of logins would leave 19 MiB with each.
static THREADS: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| {
    Builder::new_current_thread().max_blocking_threads(AT_ONCE).thread_name("password").build()
});
/// What a name that doesn't exist is checked against.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody's password").unwrap_or_default());

/// The hash of a new password, as a PHC text with its salt and costs.
///
/// # Errors
/// When the password is too short or too long.
pub(super) async fn hash(password: String) -> Result<String, ApiError> {
    let bad = |message: String| ApiError::new(ErrorKind::Invalid, "bad_password", message);
    if password.chars().count() < SHORTEST {
        return Err(bad(format!("a password has at least {SHORTEST} characters")));
    }
    if password.len() > LONGEST {
        return Err(bad(format!("a password has at most {LONGEST} bytes")));
    }
    working(move || hash_now(&password)).await?
}

/// Whether a password is the one that was hashed. Takes as long where there is nothing to compare with.
///
/// # Errors
/// When the check could not be made.
pub(super) async fn fits(password: String, hashed: Option<String>) -> Result<bool, ApiError> {
    if password.len() > LONGEST {
        return Ok(false);
    }
    working(move || {
        // Made at the first check of all, whoever is asked for: made for who isn't there, it would tell once who isn't.
        let nobody = NOBODY.clone();
        let known = hashed.is_some();
        let hashed = hashed.unwrap_or(nobody);
        let parsed = PasswordHash::new(&hashed);
        let fits = parsed
            .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok());
        known && fits
    })
    .await
}

fn hash_now(password: &str) -> Result<String, ApiError> {
    let hashed = Argon2::default().hash_password(password.as_bytes());
    hashed.map(|h| h.to_string()).map_err(|e| ApiError::new(ErrorKind::Internal, "password", e.to_string()))
}

async fn working<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let lost = |e: String| ApiError::new(ErrorKind::Internal, "password", e);
    let threads = THREADS.as_ref().map_err(|e| lost(e.to_string()))?;
    threads.spawn_blocking(work).await.map_err(|e| lost(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_somebody_fits() {
        let hashed = hash("correct horse".to_owned()).await.unwrap();
        assert!(hashed.starts_with("$argon2id$"));
        assert!(fits("correct horse".to_owned(), Some(hashed.clone())).await.unwrap());
        assert!(!fits("correct horsf".to_owned(), Some(hashed)).await.unwrap());
        assert!(!fits("nobody's password".to_owned(), None).await.unwrap());
        assert!(!fits("x".repeat(5000), None).await.unwrap());
        for bad in ["short", &"x".repeat(1025)] {
            assert_eq!(hash(bad.to_owned()).await.unwrap_err().code, "bad_password");
        }
    }
}
