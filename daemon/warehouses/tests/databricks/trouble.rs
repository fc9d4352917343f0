//! Bad input, and what is told about it.

use super::face::{Face, Plan, TOKEN};
use super::support::{address, ask, by, failure, plan, small, source, told};
use serde_json::json;
use std::time::Duration;
use wharf_protocol::{ApiError, ErrorKind};
use wharf_warehouses::{Address, Ask, Databricks, Session, Source};

fn refused(text: &str, secret: Option<&str>) -> ApiError {
    let address = Address::parse(text).unwrap();
    match Databricks::new("lake", address, secret.map(|secret| secret.to_owned().into())) {
        Err(error) => error,
        Ok(_) => panic!("{text} was accepted"),
    }
}

#[test]
fn what_is_wrong_with_an_address_is_told_before_anything_is_asked() {
    for (text, secret, expected) in [
        ("databricks://ws.example.com", Some(TOKEN), "names no catalog"),
        ("databricks:///main", Some(TOKEN), "names no host"),
        ("databricks://ws.example.com/main", None, "--secret ask"),
        ("databricks://ws.example.com/main", Some(" "), "a personal access token"),
        ("databricks://ws.example.com/main?auth=m2m", Some(TOKEN), "client_id=ID"),
        ("databricks://ws.example.com/main?auth=basic", Some(TOKEN), "it is pat"),
        ("databricks://ws.example.com/main?client_id=x", None, "service principal"),
        ("databricks://ws.example.com/main", Some("two words"), "without quotes"),
        ("databricks://ws.example.com/main?endpoint=http://example.com", Some(TOKEN), "https://"),
        ("databricks://ws.example.com/main?connections=0", Some(TOKEN), "connections=8"),
        ("databricks://ws.example.com/main?endpoint=nonsense", Some(TOKEN), "no address"),
    ] {
        let said = told(&refused(text, secret));
        assert!(said.contains(expected), "{text}: {said}");
        assert!(secret.is_none_or(|secret| secret.trim().is_empty() || !said.contains(secret)), "{said}");
    }
}

#[tokio::test]
async fn a_host_that_is_not_there_or_no_workspace_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let nobody = Databricks::new(
        "lake",
        address(&format!("http://x:{port}"), "&warehouse=w1"),
        Some(TOKEN.to_owned().into()),
    )
    .unwrap();
    let error = nobody.test().await.unwrap_err();
    assert_eq!((error.code.as_str(), error.kind), ("unreachable", ErrorKind::Unavailable));
    assert!(
        error.message.contains("source `lake`") && error.hint.unwrap().contains("host"),
        "{}",
        error.message
    );

    let address = Address::parse("databricks://no-such-host.invalid/main?warehouse=w1").unwrap();
    let error =
        Databricks::new("lake", address, Some(TOKEN.to_owned().into())).unwrap().test().await.unwrap_err();
    assert!(told(&error).contains("host"), "{error:?}");

    let face = Face::start().await;
    face.faults(|_| Some(super::face::Fault::Status(200, vec![], "<!doctype html><p>sign in</p>".into())));
    let error = source(&face).test().await.unwrap_err();
    assert!(told(&error).contains("a web page") && told(&error).contains("host"), "{error:?}");
    face.faults(|_| {
        Some(super::face::Fault::Status(
            302,
            vec![("location", "https://elsewhere.example".into())],
            String::new(),
        ))
    });
    assert!(told(&source(&face).test().await.unwrap_err()).contains("check the host"));
    face.faults(|_| {
        Some(super::face::Fault::Status(
            404,
            vec![],
            json!({"error_code": "ENDPOINT_NOT_FOUND", "message": "No API found"}).to_string(),
        ))
    });
    assert_eq!(source(&face).test().await.unwrap_err().code, "not_databricks");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_named() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.key_pair.serialize_der().into());
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let _ = acceptor.accept(socket).await;
        }
    });
    let address =
        Address::parse(&format!("databricks://ws/main?warehouse=w1&endpoint=https://localhost:{port}"))
            .unwrap();
    let error =
        Databricks::new("lake", address, Some(TOKEN.to_owned().into())).unwrap().test().await.unwrap_err();
    server.abort();
    assert_eq!(error.code, "certificate", "{error:?}");
    assert!(told(&error).contains("source `lake`") && told(&error).contains("certificate"), "{error:?}");
}

#[tokio::test]
async fn tokens_and_permissions_and_warehouses_are_told_apart() {
    let face = Face::start().await;
    let error = by(&face, "&warehouse=w1", "dapi-wrong-one").test().await.unwrap_err();
    assert_eq!((error.code.as_str(), error.kind), ("unauthenticated", ErrorKind::Unauthorized));
    assert!(
        told(&error).contains("personal access token") && !told(&error).contains("dapi-wrong-one"),
        "{error:?}"
    );
    face.faults(|_| {
        Some(super::face::Fault::Status(
            401,
            vec![],
            json!({"error_code": 401, "message": "Credential was not sent"}).to_string(),
        ))
    });
    assert_eq!(source(&face).test().await.unwrap_err().code, "unauthenticated");
    face.faults(|_| None);

    for (asked, source) in
        [(ask("q"), by(&face, "&warehouse=nope", TOKEN)), (ask("q"), by(&face, "&warehouse=w-gone", TOKEN))]
    {
        let error = failure(&source, asked).await;
        assert_eq!((error.code.as_str(), error.kind), ("warehouse_not_found", ErrorKind::NotFound));
        assert!(told(&error).contains("`warehouse=`"), "{error:?}");
    }
    let error = by(&face, "&warehouse=nope", TOKEN).test().await.unwrap_err();
    assert!(error.code == "warehouse_not_found" && error.message.contains("`nope`"), "{error:?}");
    assert_eq!(by(&face, "&warehouse=w-gone", TOKEN).test().await.unwrap_err().code, "warehouse_not_found");

    let denied = json!({"error_code": "PERMISSION_DENIED", "message": "You do not have permission to use the SQL Warehouse."});
    face.faults(move |_| Some(super::face::Fault::Status(403, vec![], denied.to_string())));
    let error = failure(&source(&face), ask("q")).await;
    assert_eq!((error.code.as_str(), error.kind), ("permission_denied", ErrorKind::Refused));
    assert!(told(&error).contains("CAN USE"), "{error:?}");
    assert!(told(&source(&face).schemas().await.unwrap_err()).contains("USE CATALOG"));
    // What is missing may be called like a credential.
    let denied =
        json!({"error_code": "PERMISSION_DENIED", "message": "User does not have SELECT on Table 'tokens'."});
    face.routes(move |_| Some((403, denied.clone())));
    face.faults(|_| None);
    assert_eq!(failure(&source(&face), ask("q")).await.code, "permission_denied");
}

#[tokio::test]
async fn statements_that_fail_keep_class_and_state() {
    let face = Face::start().await;
    let failed = |code: &str, message: &str| Plan {
        status: json!({"state": "FAILED", "error": {"error_code": code, "message": message}}),
        running: Duration::from_millis(60),
        ..plan(&[3])
    };
    for (message, code, kind, holds) in [
        (
            "\n[PARSE_SYNTAX_ERROR] Syntax error at or near 'selec'. SQLSTATE: 42601 (line 1, pos 0)\n\n== SQL ==\nselec 1\n^^^",
            "syntax",
            ErrorKind::Failed,
            "42601",
        ),
        (
            "[TABLE_OR_VIEW_NOT_FOUND] The table or view `x` cannot be found. SQLSTATE: 42P01; line 1 pos 14;\n'Project [*]\n",
            "table_not_found",
            ErrorKind::NotFound,
            "42P01",
        ),
        (
            "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `y` cannot be resolved. SQLSTATE: 42703",
            "column_not_found",
            ErrorKind::NotFound,
            "UNRESOLVED_COLUMN.WITH_SUGGESTION",
        ),
        (
            "[INSUFFICIENT_PERMISSIONS] Insufficient privileges: User does not have SELECT on table t. SQLSTATE: 42501",
            "permission_denied",
            ErrorKind::Refused,
            "SELECT on table t",
        ),
        ("[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012", "sql", ErrorKind::Failed, "22012"),
        ("Job aborted due to stage failure", "sql", ErrorKind::Failed, "BAD_REQUEST"),
    ] {
        for inline in [false, true] {
            face.plan("q", failed("BAD_REQUEST", message));
            let error = failure(&source(&face), if inline { small("q") } else { ask("q") }).await;
            assert_eq!((error.code.as_str(), error.kind), (code, kind), "{error:?}");
            assert!(error.message.starts_with("source `lake`") && error.message.contains(holds), "{error:?}");
            assert!(!error.message.contains('\n') && !error.message.contains("== SQL"), "{error:?}");
        }
    }
    face.plan("q", Plan { status: json!({"state": "FAILED", "sql_state": "57014"}), ..plan(&[3]) });
    assert!(failure(&source(&face), ask("q")).await.message.contains("[57014]"));
    face.plan("q", Plan { status: json!({"state": "CANCELED"}), ..plan(&[3]) });
    assert_eq!(failure(&source(&face), ask("q")).await.code, "cancelled");
    face.plan("q", Plan { status: json!({"state": "CLOSED"}), ..plan(&[3]) });
    assert_eq!(failure(&source(&face), ask("q")).await.code, "result_gone");
    face.plan("q", failed("TEMPORARILY_UNAVAILABLE", "later"));
    assert_eq!(failure(&source(&face), ask("q")).await.kind, ErrorKind::Unavailable);
    let session = Session { role: Some("r".to_owned()), ..Session::default() };
    assert_eq!(failure(&source(&face), Ask { session, ..ask("q") }).await.code, "no_roles");
}

#[tokio::test]
async fn answers_that_make_no_sense_are_errors() {
    let face = Face::start().await;
    let source = source(&face);
    for reply in [
        json!({}),
        json!([]),
        json!("text"),
        json!({"statement_id": null, "status": {"state": "SUCCEEDED"}}),
        json!({"statement_id": "s", "status": {"state": "SUCCEEDED"}, "manifest": {"schema": {"columns": [{"name": "a", "type_text": "INT"}]}, "total_row_count": 1},
               "result": {"data_array": [["1", "2"]]}}),
        json!({"statement_id": "s", "status": {"state": "SUCCEEDED"}, "manifest": {"schema": {"columns": [{"name": "a", "type_text": "INT"}]}},
               "result": {"data_array": [["one"]]}}),
        json!({"statement_id": "s", "status": {"state": "SUCCEEDED"}, "manifest": {"total_chunk_count": 1}, "result": {"external_links": [{}]}}),
        json!({"statement_id": "s", "status": {"state": "SUCCEEDED"},
               "result": {"chunk_index": 0, "data_array": [], "next_chunk_index": 5, "next_chunk_internal_link": "https://elsewhere.example/x"}}),
    ] {
        let answered = reply.clone();
        face.routes(move |request| (request.method == "POST").then(|| (200, answered.clone())));
        let error = failure(&source, small("q")).await;
        assert!(
            matches!(&error.code[..], "reply_unreadable" | "result_unreadable" | "result_incomplete"),
            "{reply}: {error:?}"
        );
    }
}
