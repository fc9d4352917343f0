//! What is wrong with a source is told: which source, which setting, what to check.

use super::far::{Far, Reply};
use super::keys::Keys;
use super::{ask, asked, source_at};
use secrecy::SecretString;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wharf_protocol::{ApiError, ErrorKind};
use wharf_warehouses::{Address, Snowflake, Source};

async fn refused(status: u16, body: serde_json::Value) -> ApiError {
    let far = Far::new(move |_| Reply::Json(status, body.clone())).await;
    asked(&source_at(&far.base, "&role=READER"), "select 1").await.unwrap_err()
}

#[tokio::test]
async fn settings_that_do_not_hold_are_named() {
    for (status, body, kind, code, parts) in [
        (
            401,
            json!({"code": "394400", "message": "Programmatic access token is invalid."}),
            ErrorKind::Unauthorized,
            "credential",
            &["--secret ask", "myorg-acct"][..],
        ),
        (401, json!({}), ErrorKind::Unauthorized, "credential", &["access token"]),
        (
            400,
            json!({"code": "390189", "message": "Role 'READER' specified in the connect string does not exist or not authorized."}),
            ErrorKind::Invalid,
            "role",
            &["role=READER", "granted"],
        ),
        (
            422,
            json!({"code": "000606", "sqlState": "57P03", "message": "No active warehouse selected in the current session."}),
            ErrorKind::Invalid,
            "warehouse",
            &["warehouse=WH", "USAGE"],
        ),
        (
            422,
            json!({"code": "390201", "message": "The requested warehouse does not exist or not authorized."}),
            ErrorKind::Invalid,
            "warehouse",
            &["warehouse=WH"],
        ),
        (
            422,
            json!({"code": "090073", "sqlState": "22000", "message": "Warehouse 'WH' cannot be resumed because resource monitor 'M' has exceeded its quota."}),
            ErrorKind::Unavailable,
            "warehouse_stopped",
            &["ALTER WAREHOUSE WH RESUME"],
        ),
        (
            422,
            json!({"code": "009999", "message": "Warehouse 'WH' is suspended."}),
            ErrorKind::Unavailable,
            "warehouse_stopped",
            &["RESUME"],
        ),
        (
            403,
            json!({"code": "390422", "message": "Incoming request with IP/Token 1.2.3.4 is not allowed to access Snowflake."}),
            ErrorKind::Refused,
            "network_policy",
            &["network policy"],
        ),
        (404, json!(null), ErrorKind::NotFound, "account", &["account", "127.0.0.1"]),
        (301, json!(null), ErrorKind::Unavailable, "redirected", &["endpoint"]),
        (415, json!({"message": "no"}), ErrorKind::Failed, "bad_request", &["source's address"]),
    ] {
        let error = refused(status, body).await;
        assert_eq!((error.kind, error.code.as_str()), (kind, code), "{}", error.message);
        assert!(error.message.contains("source `sales`"), "{}", error.message);
        let hint = error.hint.unwrap_or_default();
        assert!(parts.iter().all(|part| hint.contains(part)), "{hint}");
    }
}

#[tokio::test]
async fn a_page_for_people_is_no_account() {
    let far = Far::new(|_| Reply::Text(403, "<html>Forbidden</html>".to_owned())).await;
    let error = asked(&source_at(&far.base, ""), "select 1").await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::NotFound, "account"));
}

#[tokio::test]
async fn a_host_that_is_not_there_is_told_soon() {
    let begun = Instant::now();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = asked(&source_at(&format!("http://127.0.0.1:{port}"), ""), "select 1").await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "unreachable"));
    assert!(error.message.contains("`sales`") && error.hint.unwrap().contains("account or endpoint"));
    assert!(begun.elapsed() < Duration::from_secs(8));
}

/// A certificate that nobody here trusts.
#[tokio::test]
async fn a_strange_certificate_is_named() {
    let signed = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(signed.key_pair.serialize_der().into());
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![signed.cert.der().clone()], key)
            .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            acceptor.accept(stream).await.ok();
        }
    });
    let begun = Instant::now();
    let error = asked(&source_at(&address, ""), "select 1").await.unwrap_err();
    serving.abort();
    assert_eq!(error.code, "certificate", "{}", error.message);
    assert!(error.hint.unwrap().contains("certificate"));
    assert!(begun.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_named() {
    let keys = Keys::new();
    for (date, part) in [
        ("Tue, 01 Jan 2019 00:00:00 GMT", "seconds ahead of"),
        ("Tue, 01 Jan 2069 00:00:00 GMT", "seconds behind"),
    ] {
        let far = Far::new(move |_| {
            Reply::With(
                401,
                json!({"code": "390144", "message": "JWT token is invalid."}),
                format!("Date: {date}"),
            )
        })
        .await;
        let source = keyed(&far.base, &keys.plain(), None);
        let error = asked(&source, "select 1").await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unauthorized, "clock"));
        assert!(error.hint.unwrap().contains(part));
    }
    let far =
        Far::new(|_| Reply::Json(401, json!({"code": "390144", "message": "JWT token is invalid. [uuid]"})))
            .await;
    let error = asked(&keyed(&far.base, &keys.plain(), None), "select 1").await.unwrap_err();
    assert_eq!(error.code, "credential");
    let hint = error.hint.unwrap();
    assert!(
        ["myorg-acct", "user alice", "private_key", "RSA_PUBLIC_KEY_FP", "clock"]
            .iter()
            .all(|part| hint.contains(part)),
        "{hint}"
    );
}

pub fn keyed(base: &str, key: &std::path::Path, passphrase: Option<&str>) -> Snowflake {
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let text = format!(
        "snowflake://alice@myorg-acct/DB1/S1?warehouse=WH&endpoint={}&private_key={}",
        encoded(base),
        encoded(&key.display().to_string())
    );
    Snowflake::new(
        "sales",
        Address::parse(&text).unwrap(),
        passphrase.map(|text| SecretString::from(text.to_owned())),
    )
    .unwrap()
}

#[tokio::test]
async fn keys_that_cannot_be_used_are_named() {
    let keys = Keys::new();
    let far = Far::new(|_| Reply::Text(500, String::new())).await;
    for (path, passphrase, part) in [
        (keys.path("nowhere.p8"), None, "cannot be read"),
        (keys.file("text.p8", "hello"), None, "no private key in PEM"),
        (keys.file("cut.p8", "-----BEGIN PRIVATE KEY-----\nMIIE"), None, "no private key in PEM"),
        (keys.public_file(), None, "public key"),
        (keys.old_encryption(), None, "old way"),
        (keys.elliptic(), None, "no RSA key"),
        (keys.encrypted(&["-v2", "aes-256-cbc"]), None, "no passphrase"),
        (keys.encrypted(&["-v2", "aes-256-cbc"]), Some("wrong-one"), "passphrase is wrong"),
    ] {
        let source = keyed(&far.base, &path, passphrase);
        let error = source.execute(ask("select 1")).await.map(|_| ()).unwrap_err();
        assert_eq!(error.code, "private_key");
        assert!(error.message.contains(part) && error.message.contains("`sales`"), "{}", error.message);
        let told = format!("{error:?} {source:?}");
        assert!(!told.contains("wrong-one") && error.hint.is_some(), "{told}");
    }
    assert!(far.log().is_empty());
}

#[tokio::test]
async fn secrets_are_never_told() {
    let far = Far::new(|_| Reply::Json(401, json!({"message": "no"}))).await;
    let source = source_at(&far.base, "");
    let error = asked(&source, "select 1").await.unwrap_err();
    assert!(!format!("{error:?} {source:?}").contains("pat-secret"));
}
