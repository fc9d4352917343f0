//! Secrets that wharf itself makes: 256 random bits with a prefix that says what they are.
//!
//! Only the BLAKE3 hash is kept. A slow hash, as for passwords, would add nothing: nobody guesses 256 bits.

use crate::secrets::random;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use wharf_protocol::{ApiError, TokenKind};

/// Characters of the random part: 32 bytes in base64 without padding.
const LENGTH: usize = 43;

/// The hash of a secret. It has no `==`: two are compared in constant time.
#[derive(Clone, Copy)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(secret: &str) -> Self {
        Self(*blake3::hash(secret.as_bytes()).as_bytes())
    }

    pub(super) fn from_hex(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(|hash| Self(*hash.as_bytes()))
    }

    pub(super) fn hex(self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    pub(super) fn same(self, other: Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// For finding it among others: half of the hash, which tells nothing about the secret.
    pub(super) fn bucket(self) -> u128 {
        u128::from_le_bytes(std::array::from_fn(|i| self.0[i]))
    }
}

fn prefix(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Swarm => "SWARM-",
        TokenKind::Agent => "AGENT-",
    }
}

/// A new secret.
pub(super) fn make(kind: TokenKind) -> Result<String, ApiError> {
    Ok(format!("{}{}", prefix(kind), URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

/// A password that nobody knows.
pub(super) fn unknown() -> Result<String, ApiError> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// Whether a text could be a secret of this kind. Nothing is looked up for one that couldn't.
pub(super) fn looks_like(kind: TokenKind, text: &str) -> bool {
    text.strip_prefix(prefix(kind)).is_some_and(|rest| {
        rest.len() == LENGTH && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}

/// A short id that is no secret.
pub(super) fn id() -> Result<String, ApiError> {
    Ok(random::<6>()?.iter().map(|b| format!("{b:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_carry_their_kind_and_never_repeat() {
        let (a, b) = (make(TokenKind::Swarm).unwrap(), make(TokenKind::Swarm).unwrap());
        assert!(looks_like(TokenKind::Swarm, &a) && !looks_like(TokenKind::Agent, &a));
        assert!(a != b && a.len() == 6 + LENGTH);
        assert!(Digest::of(&a).same(Digest::from_hex(&Digest::of(&a).hex()).unwrap()));
        assert!(!Digest::of(&a).same(Digest::of(&b)));
        for wrong in ["", "SWARM-", "AGENT-abc", &a[..a.len() - 1], &format!("{a}x"), "SWARM-äää"] {
            assert!(!looks_like(TokenKind::Swarm, wrong), "{wrong}");
        }
    }
}
