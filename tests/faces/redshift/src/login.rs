//! How the face lets people in.

use super::{Io, refusal};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::{Buf, BufMut, BytesMut};
use pgwire::messages::response::ErrorResponse;
use pgwire::messages::startup::{Authentication, Startup};
use pgwire::messages::{DecodeContext, PgWireBackendMessage as Back, PgWireFrontendMessage as Front};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How the face lets people in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    Anybody,
    Clear,
    Md5,
    /// Redshift's own digest, by SHA-256.
    Digest,
    /// A code that the client may not know: 14 is Redshift's own, and 13 with another algorithm.
    Code(i32),
}

/// The password that the face knows.
pub const PASSWORD: &str = "a 'password' \\ of tests";

/// Checks who comes, as Redshift would.
pub async fn let_in(
    client: &mut dyn Io,
    buffer: &mut BytesMut,
    context: &DecodeContext,
    startup: &Startup,
    login: Login,
) -> Result<Result<(), ErrorResponse>, Box<dyn std::error::Error + Send + Sync>> {
    let user = startup.parameters.get("user").cloned().unwrap_or_default();
    let digits = startup.parameters.get("extra_float_digits").and_then(|n| n.parse::<i32>().ok());
    if digits.is_some_and(|n| n > 2) {
        let message = "3 is outside the valid range for parameter \"extra_float_digits\" (-15 .. 2)";
        return Ok(Err(refusal("22023", message)));
    }
    const SALT: [u8; 4] = [1, 2, 3, 4];
    let (question, wanted) = match login {
        Login::Anybody => return Ok(Ok(())),
        Login::Clear => (Authentication::CleartextPassword, PASSWORD.to_owned()),
        Login::Md5 => {
            let wanted =
                postgres_protocol::authentication::md5_hash(user.as_bytes(), PASSWORD.as_bytes(), SALT);
            (Authentication::MD5Password(SALT.to_vec()), wanted)
        }
        Login::Digest => return by_digest(client, buffer, &user).await,
        Login::Code(code) => {
            let mut out = BytesMut::from(&b"R"[..]);
            out.put_i32(8 + 12);
            out.put_i32(code);
            out.put_slice(&[7; 12]);
            client.write_all(&out).await?;
            // The client leaves; what it says meanwhile must not hold the password.
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await?;
            return Ok(Err(refusal("28000", "nobody comes in this way")));
        }
    };
    let mut out = BytesMut::new();
    Back::Authentication(question).encode(&mut out)?;
    client.write_all(&out).await?;
    loop {
        match Front::decode(buffer, context)? {
            Some(Front::PasswordMessageFamily(told)) => {
                if told.into_password()?.password == wanted {
                    return Ok(Ok(()));
                }
                let message = format!("password authentication failed for user \"{user}\"");
                return Ok(Err(refusal("28000", &message)));
            }
            Some(other) => return Err(format!("{other:?}").into()),
            None if client.read_buf(buffer).await? == 0 => return Err("gone".into()),
            None => {}
        }
    }
}

/// Asks for Redshift's own digest and checks it.
async fn by_digest(
    client: &mut dyn Io,
    buffer: &mut BytesMut,
    user: &str,
) -> Result<Result<(), ErrorResponse>, Box<dyn std::error::Error + Send + Sync>> {
    const PARTS: [&[u8]; 2] = [&[0, 1, 2, 0xff, b'\''], b"1763770000000"];
    let mut question = BytesMut::new();
    question.put_i32(13);
    question.put_i32(0);
    for part in PARTS {
        question.put_i32(i32::try_from(part.len())?);
        question.put_slice(part);
    }
    let mut out = BytesMut::from(&b"R"[..]);
    out.put_i32(i32::try_from(4 + question.len())?);
    out.put_slice(&question);
    client.write_all(&out).await?;
    while buffer.len() < 5 || buffer.len() < 1 + usize::try_from(buffer[1..].as_ref().get_i32())? {
        if client.read_buf(buffer).await? == 0 {
            return Err("gone".into());
        }
    }
    if buffer.get_u8() != b'd' {
        return Err("no digest".into());
    }
    buffer.advance(4);
    let mut part = || {
        let length = usize::try_from(buffer.get_i32()).unwrap();
        buffer.split_to(length)
    };
    let (told, nonce) = (part(), part());
    let [salt, own] = PARTS;
    let inner = digest(&SHA256, &[PASSWORD.as_bytes(), salt].concat());
    let wanted = digest(&SHA256, &[inner.as_ref(), own, &nonce].concat());
    Ok(match told == wanted.as_ref() {
        true => Ok(()),
        false => {
            let message = format!("password authentication failed for user \"{user}\"");
            Err(refusal("28000", &message))
        }
    })
}
