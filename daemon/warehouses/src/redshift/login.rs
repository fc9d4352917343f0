//! Signing in.

use super::link::Link;
use super::settings::Settings;
use super::trouble::{Said, Trouble};
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;

/// The ways of signing in that are told apart by the library.
const KNOWN: &[i32] = &[0, 3, 5, 10, 11, 12];

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
