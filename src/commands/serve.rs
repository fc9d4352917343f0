//! `wharf serve`: the daemon in the foreground, with the door over TCP open.

use super::Context;
use super::daemon::{become_daemon, stop};
use crate::cli::ServeArgs;
use crate::link::{Failure, Found, find};
use crate::output::note;
use std::process::ExitCode;

/// Runs the command. It does not come back: the process becomes the daemon.
///
/// # Errors
/// When a daemon runs that does not end, or no address is known.
pub async fn run(context: &Context, args: ServeArgs) -> Result<ExitCode, Failure> {
    let configured = context.settings.optional("http.listen").map(str::to_owned);
    let Some(listen) = args.listen.or(configured) else {
        return Err(Failure::usage("an address is needed to listen at")
            .hint("say --listen 127.0.0.1:8080, or set http.listen"));
    };
    let mut settings = vec![("WHARF_LISTEN", listen), ("WHARF_IDLE_EXIT", "0".to_owned())];
    let absolute = |path: &std::path::Path| context.absolute(path);
    if let (Some(cert), Some(key)) = (&args.tls_cert, &args.tls_key) {
        settings.push(("WHARF_TLS", "files".to_owned()));
        settings.push(("WHARF_TLS_CERT", absolute(cert)));
        settings.push(("WHARF_TLS_KEY", absolute(key)));
    }
    if args.self_signed {
        settings.push(("WHARF_TLS", "self-signed".to_owned()));
    }
    if !args.acme.is_empty() {
        settings.push(("WHARF_TLS", "acme".to_owned()));
        settings.push(("WHARF_ACME_DOMAINS", args.acme.join(",")));
    }
    settings.extend(args.email.map(|email| ("WHARF_ACME_EMAIL", email)));
    settings.extend(args.acme_directory.map(|url| ("WHARF_ACME_DIRECTORY", url)));
    settings.extend(args.acme_root.as_deref().map(|file| ("WHARF_ACME_ROOT", absolute(file))));
    if args.plain {
        settings.push(("WHARF_PLAIN", "true".to_owned()));
    }
    settings.extend(args.static_dir.as_deref().map(|dir| ("WHARF_STATIC_DIR", absolute(dir))));
    if !args.cors.is_empty() {
        settings.push(("WHARF_CORS_ORIGINS", args.cors.join(",")));
    }
    // The one that runs has no such door; it makes room unless it is busy.
    if !matches!(find(&context.dirs), Found::Nothing) {
        let pid = stop(context, true, false).await?;
        let pid = pid.map(|p| format!(" (pid {p})")).unwrap_or_default();
        note(&context.terminal, &format!("the idle daemon{pid} makes room"));
    }
    become_daemon(&settings)
}
