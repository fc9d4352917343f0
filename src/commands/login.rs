//! `wharf login` and `wharf logout`: who we are at a server. What the server gave is kept among the secrets.

use super::Context;
use super::result::out_json;
use crate::cli::{LoginArgs, LogoutArgs};
use crate::link::{Client, Credential, Failure, Login, Server};
use crate::output::{note, warn};
use serde_json::json;
use std::io::{BufRead, IsTerminal, Read, Write};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};
use wharf_protocol::{ApiError, ErrorKind, LoginRequest, TokenResponse, User};
use wharf_secrets::{ExposeSecret, SecretString, SecretsError, Vault};

/// Runs `wharf login`.
///
/// # Errors
/// When the server is not reached, does not take what is shown, or the login cannot be kept.
pub async fn login(context: &Context, args: LoginArgs) -> Result<ExitCode, Failure> {
    let server = named(context, args.url.as_deref())?;
    let certificate = args.certificate.as_deref().map(std::fs::read_to_string).transpose();
    let certificate =
        certificate.map_err(|e| Failure::usage(format!("the certificate cannot be read: {e}")))?;
    let (login, user) = match &args.tokens {
        Some(file) => as_agent(&server, &tokens(file)?, certificate).await?,
        None => as_user(context, &server, args.user, certificate).await?,
    };
    let secret = login.to_secret();
    with_vault(context, move |vault, name| vault.set(name, &secret), &server).await?;
    tell(context, &server, &login, &user, args.json);
    Ok(ExitCode::SUCCESS)
}

/// Runs `wharf logout`.
///
/// # Errors
/// When nobody was logged in, or the server cannot be told. A login that is over there already is forgotten all the same.
pub async fn logout(context: &Context, args: LogoutArgs) -> Result<ExitCode, Failure> {
    let server = named(context, args.url.as_deref())?;
    let login = kept(context, &server).await?.ok_or_else(|| nobody(&server))?;
    if matches!(login.credential, Credential::Jwt { .. }) {
        let told = Client::of_server(&server, &login)?
            .post::<serde_json::Value>("/api/auth/logout", &json!({}))
            .await;
        match told {
            Err(failure) if failure.error.kind != ErrorKind::Unauthorized => return Err(failure),
            _ => {}
        }
    }
    with_vault(context, Vault::remove, &server).await?;
    if args.json {
        out_json(&json!({"server": server.to_string(), "name": login.name, "status": "logged_out"}));
    } else {
        note(&context.terminal, &format!("{} is logged out of {server}", login.name));
    }
    Ok(ExitCode::SUCCESS)
}

/// A client of `server` for who is logged in there; a JWT in its second half is renewed.
///
/// # Errors
/// When nobody is logged in, or the login has ended.
pub async fn client(context: &Context, server: &Server) -> Result<Client, Failure> {
    let login = kept(context, server).await?.ok_or_else(|| nobody(server))?;
    let Credential::Jwt { given_at, ends_at, .. } = login.credential else {
        return Client::of_server(server, &login);
    };
    let now = now();
    if now >= ends_at {
        let error =
            ApiError::new(ErrorKind::Unauthorized, "login_over", format!("the login at {server} has ended"));
        return Err(
            Failure::from(error).hint(format!("log in again: wharf login {server} --user {}", login.name))
        );
    }
    let client = Client::of_server(server, &login)?;
    if now < given_at + (ends_at - given_at) / 2 {
        return Ok(client);
    }
    let given: TokenResponse = client.post("/api/auth/refresh", &json!({})).await?;
    let login = Login { credential: jwt(given), ..login };
    let secret = login.to_secret();
    if let Err(failure) = with_vault(context, move |vault, name| vault.set(name, &secret), server).await {
        warn(&format!("the renewed login could not be kept: {}", failure.error.message));
    }
    Client::of_server(server, &login)
}

/// Logs in with a name and a password.
async fn as_user(
    context: &Context,
    server: &Server,
    user: Option<String>,
    certificate: Option<String>,
) -> Result<(Login, User), Failure> {
    let username = user.map_or_else(|| ask_name(context), Ok)?;
    let mut login =
        Login { name: username.clone(), credential: Credential::Tokens { pair: String::new() }, certificate };
    let request = LoginRequest { username, password: password(context)? };
    let given: TokenResponse = Client::of_stranger(server, &login)?.post("/api/auth/login", &request).await?;
    let user = given.user.clone();
    login.credential = jwt(given);
    let user = match user {
        Some(user) => user,
        None => Client::of_server(server, &login)?.get("/api/auth/me").await?,
    };
    Ok((login, user))
}

/// Logs in with the tokens of an agent.
async fn as_agent(
    server: &Server,
    tokens: &SecretString,
    certificate: Option<String>,
) -> Result<(Login, User), Failure> {
    let pair = tokens.expose_secret().to_owned();
    let mut login = Login { name: String::new(), credential: Credential::Tokens { pair }, certificate };
    let user: User = Client::of_server(server, &login)?.get("/api/auth/me").await?;
    login.name.clone_from(&user.id);
    Ok((login, user))
}

fn jwt(given: TokenResponse) -> Credential {
    let now = now();
    Credential::Jwt { jwt: given.access_token, given_at: now, ends_at: now + given.expires_in }
}

fn tell(context: &Context, server: &Server, login: &Login, user: &User, as_json: bool) {
    let ends_at = match login.credential {
        Credential::Jwt { ends_at, .. } => Some(ends_at),
        Credential::Tokens { .. } => None,
    };
    if as_json {
        let ends_in = ends_at.map(|at| at.saturating_sub(now()));
        return out_json(&json!({"server": server.to_string(), "user": user, "ends_in": ends_in}));
    }
    note(&context.terminal, &format!("{} is logged in at {server}", login.name));
    if context.server().ok().flatten().as_ref() != Some(server) {
        note(
            &context.terminal,
            &format!("work there with --server {server}, or set WHARF_SERVER or client.server"),
        );
    }
}

fn named(context: &Context, url: Option<&str>) -> Result<Server, Failure> {
    match url {
        Some(url) => Server::read(url),
        None => context.server()?.ok_or_else(|| {
            Failure::usage("which server?").hint("say its address: wharf login https://host:8443")
        }),
    }
}

fn nobody(server: &Server) -> Failure {
    let error =
        ApiError::new(ErrorKind::Unauthorized, "not_logged_in", format!("nobody is logged in at {server}"));
    Failure::from(error).hint(format!("wharf login {server}"))
}

/// Who is logged in at a server.
async fn kept(context: &Context, server: &Server) -> Result<Option<Login>, Failure> {
    let secret = with_vault(context, Vault::get, server).await?;
    secret.as_ref().map(Login::of).transpose()
}

/// Asks the vault for the login at a server. The keyring waits for its service, so it has a thread to wait on.
async fn with_vault<T: Send + 'static>(
    context: &Context,
    work: impl FnOnce(&Vault, &str) -> Result<T, SecretsError> + Send + 'static,
    server: &Server,
) -> Result<T, Failure> {
    let (vault, name) = (context.vault(), server.secret_name());
    let done = tokio::task::spawn_blocking(move || work(&vault, &name)).await;
    let failed = |message: String| Failure::from(ApiError::new(ErrorKind::Failed, "secrets", message));
    match done {
        Ok(result) => result.map_err(|e| failed(e.to_string()).hint(e.hint())),
        Err(e) => Err(failed(e.to_string())),
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

fn ask_name(context: &Context) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() || context.global.no_input {
        return Err(Failure::usage("a user name is needed").hint("say it with --user NAME"));
    }
    let mut err = std::io::stderr();
    let _ = err.write_all(b"User: ").and_then(|()| err.flush());
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// A password: from the terminal, unseen, else the first line of standard input.
fn password(context: &Context) -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        if context.global.no_input {
            return Err(
                Failure::usage("a password is needed").hint("pipe it in: wharf login URL --user NAME < FILE")
            );
        }
        return Ok(rpassword::prompt_password("Password: ")?);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The two tokens of an agent as they are shown: one behind the other, whichever way the file parts them.
fn tokens(file: &std::path::Path) -> Result<SecretString, Failure> {
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().lock().read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(file)
            .map_err(|e| Failure::usage(format!("{} cannot be read: {e}", file.display())))?;
    }
    let parts: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c == ';').filter(|p| !p.is_empty()).collect();
    match parts[..] {
        [swarm, agent] if swarm.starts_with("SWARM-") && agent.starts_with("AGENT-") => {
            Ok(SecretString::from(format!("{swarm};{agent}")))
        }
        _ => Err(Failure::usage("the file does not hold a swarm token and an agent token")
            .hint("write the one that begins with SWARM- and the one that begins with AGENT- into it, in this order")),
    }
}
