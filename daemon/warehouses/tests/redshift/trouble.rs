//! What is wrong with an address, a user or a server is told, and the password never is.

use super::{ask, asked, dressed, ids, server, source_at};
use rcgen::generate_simple_self_signed;
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use wharf_protocol::{ApiError, ErrorKind};
use wharf_redshift_face::{Face, Login, Nature, PASSWORD};
use wharf_warehouses::{Redshift, Source};

async fn tried(source: Result<Redshift, ApiError>) -> Result<(), ApiError> {
    let told = match source {
        Ok(source) => source.test().await.map(|_| ()),
        Err(error) => Err(error),
    };
    if let Err(error) = &told {
        assert!(!format!("{error:?}").contains(PASSWORD), "{error:?}");
    }
    told
}

async fn told(source: Result<Redshift, ApiError>) -> (ErrorKind, String, String) {
    let error = tried(source).await.unwrap_err();
    (error.kind, error.code.to_string(), format!("{}; {}", error.message, error.hint.unwrap_or_default()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_come_in_by_password_and_other_ways_are_told() {
    let Some(server) = server() else { return };
    for login in [Login::Clear, Login::Md5, Login::Digest] {
        let face = Face::start(server.port, Nature { login, ..Nature::default() }).await;
        let source = source_at(face.port, "admin", "postgres", Some(PASSWORD)).unwrap();
        assert_eq!(ids(&asked(&source, ask("select 1 as n")).await.unwrap()), [1]);
        let (kind, code, text) = told(source_at(face.port, "admin", "postgres", Some("wrong-one"))).await;
        assert_eq!((kind, code.as_str()), (ErrorKind::Failed, "source_login"));
        assert!(
            text.contains("`rs`") && text.contains("[28000]") && text.contains("check user and password"),
            "{text}"
        );
        assert!(!text.contains("wrong-one"));
        let (_, code, text) = told(source_at(face.port, "admin", "postgres", None)).await;
        assert_eq!(code, "source_login");
        assert!(text.contains("give the password"), "{text}");
    }
    for (number, words) in
        [(13, "another kind than SHA-256"), (14, "identity provider"), (99, "not known here")]
    {
        let face = Face::start(server.port, Nature { login: Login::Code(number), ..Nature::default() }).await;
        let (kind, code, text) = told(source_at(face.port, "admin", "postgres", Some(PASSWORD))).await;
        assert_eq!((kind, code.as_str()), (ErrorKind::Failed, "source_login"));
        assert!(text.contains(words) && text.contains(&format!("[{number}]")), "{text}");
        assert_eq!(number != 99, text.contains("Data API"), "{text}");
    }
    // SCRAM, with PostgreSQL's own word for it.
    server.run("postgres", &format!("create user scram password '{}'", PASSWORD.replace('\'', "''")));
    let scram = source_at(server.port, "scram", "scram", Some(PASSWORD));
    server.run("postgres", "create database scram");
    let version = scram.unwrap().test().await.unwrap();
    assert_eq!(version.user, "scram");
    let (_, code, _) = told(source_at(server.port, "scram", "scram", Some("wrong"))).await;
    assert_eq!(code, "source_login");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_server_is_told() {
    let Some(server) = server() else { return };
    let (face, _) = dressed(&server).await;
    let (kind, code, text) = told(source_at(face.port, "admin", "nowhere", None)).await;
    assert_eq!((kind, code.as_str()), (ErrorKind::Failed, "source_catalog"));
    assert!(
        text.contains("\"nowhere\" does not exist [3D000]") && text.contains("check the database"),
        "{text}"
    );
    let (_, code, text) = told(source_at(face.port, "nobody", "postgres", None)).await;
    assert_eq!(code, "source_login", "{text}");
    let (kind, code, text) = told(source_at(1, "admin", "postgres", None)).await;
    assert_eq!((kind, code.as_str()), (ErrorKind::Unavailable, "unreachable"));
    assert!(text.contains("`rs`") && text.contains("check host and port"), "{text}");
    let (_, code, text) = told(source_at(face.port, "admin", "postgres?sslmode=require", None)).await;
    assert_eq!(code, "no_encryption");
    assert!(text.contains("sslmode=disable"), "{text}");
    for (rest, word) in [
        ("", "no database"),
        ("postgres?sslmode=maybe", "verify-full"),
        ("postgres?connections=many", "no whole number"),
        ("postgres?sslrootcert=/nowhere.pem&sslmode=verify-full", "/nowhere.pem"),
        ("postgres?workgroup=analytics", "`workgroup`"),
    ] {
        let (kind, _, text) = told(source_at(face.port, "admin", rest, None)).await;
        assert_eq!(kind, ErrorKind::Invalid, "{text}");
        assert!(text.contains(word), "{rest}: {text}");
    }
    let tested = super::source_at(face.port, "admin", "postgres", None).unwrap().test().await.unwrap();
    assert!(tested.warnings.iter().any(|w| w.contains("superuser")), "{:?}", tested.warnings);
    let plain = source_at(server.port, "admin", "postgres", None).unwrap();
    server.run("postgres", "create or replace function pg_catalog.version() returns text stable language sql as $$ select 'PostgreSQL 15.18'::text $$");
    let tested = plain.test().await.unwrap();
    assert!(
        tested.warnings.iter().any(|w| w.contains("does not call itself Redshift")),
        "{:?}",
        tested.warnings
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_checked_unless_that_is_switched_off() {
    let Some(server) = server() else { return };
    let made = generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.key_pair.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let tls = Some(TlsAcceptor::from(Arc::new(config)));
    let face = Face::start(server.port, Nature { tls, login: Login::Clear, ..Nature::default() }).await;
    let file = server.path().join("ca.pem");
    std::fs::write(&file, made.cert.pem()).unwrap();
    let at = |rest: &str| source_at(face.port, "admin", rest, Some(PASSWORD));
    let (kind, code, text) = told(at("postgres?sslmode=verify-full")).await;
    assert_eq!((kind, code.as_str()), (ErrorKind::Unavailable, "certificate"));
    assert!(text.contains("sslrootcert"), "{text}");
    let trusted = at(&format!("postgres?sslrootcert={}", file.display())).unwrap();
    assert_eq!(ids(&asked(&trusted, ask("select 1 as n")).await.unwrap()), [1]);
    let unchecked = at("postgres?sslmode=require").unwrap().test().await.unwrap();
    assert!(unchecked.warnings.iter().any(|w| w.contains("not checked")), "{:?}", unchecked.warnings);
}
