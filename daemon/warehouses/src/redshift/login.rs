//! Signing in.

use super::link::Link;
use super::settings::Settings;
use super::trouble::{Said, Trouble};
use aws_lc_rs::digest::{Context, SHA256};
use bytes::{BufMut, BytesMut};
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;

/// The ways of signing in that are told apart by the library.
const KNOWN: &[i32] = &[0, 3, 5, 10, 11, 12];
/// Redshift's own digest.
const DIGEST: i32 = 13;
/// The only algorithm of it that there is: SHA-256.
const ALGORITHM: i32 = 0;

/// What the server asks for when it wants Redshift's own digest of the password.
struct Asked {
    salt: Vec<u8>,
    nonce: Vec<u8>,
}

impl Asked {
    /// Reads the request: `incoming` begins with a message that is there as a whole. None where it asks for something else.
    ///
    /// # Errors
    /// When it asks for another algorithm, or is none.
    fn read(message: &[u8]) -> Result<Option<Self>, Trouble> {
        let number = |rest: &mut &[u8]| {
            let (four, behind) = rest.split_first_chunk::<4>()?;
            *rest = behind;
            Some(i32::from_be_bytes(*four))
        };
        let text = |rest: &mut &[u8]| {
            let length = usize::try_from(number(rest)?).ok()?;
            let (text, behind) = rest.split_at_checked(length)?;
            *rest = behind;
            Some(text.to_vec())
        };
        let [b'R', _, _, _, _, rest @ ..] = message else { return Ok(None) };
        let mut rest = rest;
        if number(&mut rest) != Some(DIGEST) {
            return Ok(None);
        }
        if number(&mut rest).ok_or_else(Trouble::odd)? != ALGORITHM {
            return Err(Trouble::NoSuchLogin(DIGEST));
        }
        let (salt, nonce) = (text(&mut rest), text(&mut rest));
        Ok(Some(Self { salt: salt.ok_or_else(Trouble::odd)?, nonce: nonce.ok_or_else(Trouble::odd)? }))
    }

    /// SHA-256 of (SHA-256 of password and salt, the server's nonce, ours).
    fn answer(&self, password: &[u8], own: &[u8]) -> Vec<u8> {
        let digest = |parts: &[&[u8]]| {
            let mut context = Context::new(&SHA256);
            parts.iter().for_each(|part| context.update(part));
            context.finish()
        };
        digest(&[digest(&[password, &self.salt]).as_ref(), &self.nonce, own]).as_ref().to_vec()
    }
}

/// The message that answers it, in which both parts have their length before them.
fn digest_message(digest: &[u8], own: &[u8], out: &mut BytesMut) -> Result<(), Trouble> {
    let length = |bytes: usize| i32::try_from(bytes).map_err(|_| Trouble::odd());
    out.put_u8(b'd');
    out.put_i32(length(12 + digest.len() + own.len())?);
    for part in [digest, own] {
        out.put_i32(length(part.len())?);
        out.put_slice(part);
    }
    Ok(())
}

/// Our nonce, in the form that Amazon's own drivers give theirs: 13 digits. Theirs are the time, ours are drawn.
fn own_nonce() -> String {
    use rand::RngExt;
    rand::rng().random_range(1_000_000_000_000_u64..10_000_000_000_000).to_string()
}

/// Refuses a request for a way of signing in that is not spoken here: `incoming` begins with a message.
///
/// # Errors
/// When it does.
pub(super) fn check(incoming: &[u8]) -> Result<(), Trouble> {
    if let [b'R', _, _, _, _, code @ ..] = incoming
        && let Some(code) = code.first_chunk::<4>()
    {
        let code = i32::from_be_bytes(*code);
        if !KNOWN.contains(&code) {
            return Err(Trouble::NoSuchLogin(code));
        }
    }
    Ok(())
}

/// Signs in. No more than user and database is told: older clusters refuse parameters that they do not know, and without
/// `client_protocol_version` the server sends text, as PostgreSQL would.
pub(super) async fn login(link: &mut Link, settings: &Settings) -> Result<(), Trouble> {
    let startup = [("user", settings.user.as_str()), ("database", settings.database.as_str())];
    frontend::startup_message(startup, &mut link.outgoing)?;
    link.flush().await?;
    let mut scram = None;
    loop {
        let message = link.whole().await?;
        if let Some(asked) = Asked::read(&message)? {
            let own = own_nonce();
            let digest = asked.answer(settings.password()?, own.as_bytes());
            digest_message(&digest, own.as_bytes(), &mut link.outgoing)?;
            link.skip(message.len());
            link.flush().await?;
            continue;
        }
        match link.next().await? {
            Message::AuthenticationOk => {}
            Message::AuthenticationCleartextPassword => {
                frontend::password_message(settings.password()?, &mut link.outgoing)?;
                link.flush().await?;
            }
            Message::AuthenticationMd5Password(body) => {
                let digest = md5_hash(settings.user.as_bytes(), settings.password()?, body.salt());
                frontend::password_message(digest.as_bytes(), &mut link.outgoing)?;
                link.flush().await?;
            }
            Message::AuthenticationSasl(body) => {
                if !body.mechanisms().any(|name| Ok(name == SCRAM_SHA_256))? {
                    return Err(Trouble::NoSuchLogin(10));
                }
                let begun = ScramSha256::new(settings.password()?, ChannelBinding::unsupported());
                frontend::sasl_initial_response(SCRAM_SHA_256, begun.message(), &mut link.outgoing)?;
                link.flush().await?;
                scram = Some(begun);
            }
            Message::AuthenticationSaslContinue(body) => {
                let begun = scram.as_mut().ok_or_else(Trouble::odd)?;
                begun.update(body.data())?;
                frontend::sasl_response(begun.message(), &mut link.outgoing)?;
                link.flush().await?;
            }
            Message::AuthenticationSaslFinal(body) => {
                scram.as_mut().ok_or_else(Trouble::odd)?.finish(body.data())?;
            }
            Message::BackendKeyData(key) => link.key = Some((key.process_id(), key.secret_key())),
            Message::ErrorResponse(body) => return Err(Trouble::SaidLast(Said::read(&body))),
            Message::ReadyForQuery(_) => return Ok(()),
            _ => return Err(Trouble::odd()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request for the digest: algorithm, salt, nonce.
    fn request(algorithm: i32, salt: &[u8], nonce: &[u8]) -> Vec<u8> {
        let mut out = vec![b'R', 0, 0, 0, 0];
        for number in [DIGEST, algorithm] {
            out.extend(number.to_be_bytes());
        }
        for part in [salt, nonce] {
            out.extend(i32::try_from(part.len()).unwrap().to_be_bytes());
            out.extend(part);
        }
        out
    }

    #[test]
    fn a_digest_is_asked_for_and_answered() {
        let asked = Asked::read(&request(0, b"salt", b"nonce")).unwrap().unwrap();
        assert_eq!((&asked.salt[..], &asked.nonce[..]), (&b"salt"[..], &b"nonce"[..]));
        // As Amazon's driver for Python makes it of the same.
        let hex: String =
            asked.answer(b"secret", b"1700000000000").iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "719439dca927940e9d7dbd3f060032d8097fa3fab429531071e24612e61a5b43");
        let mut out = BytesMut::new();
        digest_message(b"ab", b"c", &mut out).unwrap();
        assert_eq!(&out[..], b"d\0\0\0\x0f\0\0\0\x02ab\0\0\0\x01c");
        assert_eq!(own_nonce().len(), 13);
        assert!(matches!(Asked::read(&request(1, b"", b"")), Err(Trouble::NoSuchLogin(13))));
        let whole = request(0, b"salt", b"nonce");
        for end in 9..whole.len() {
            assert!(Asked::read(&whole[..end]).is_err(), "{end}");
        }
        let mut other = request(0, b"", b"");
        other[8] = 5;
        assert!(Asked::read(&other).unwrap().is_none());
        assert!(Asked::read(b"Z\0\0\0\x05I").unwrap().is_none());
    }
}
