//! What goes wrong is told in words that help, and never holds a key.

use super::super::{ask, asked, server};
use super::{KEY, at};
use secrecy::SecretString;
use wharf_protocol::ErrorKind;
use wharf_redshift_face::data_api::{Fault, refusal};
use wharf_warehouses::{Address, Redshift, Source};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_far_side_says_is_told_in_our_kinds() {
    let Some(server) = server() else { return };
    let (face, _files, source) = at(&server).await;
    for (sql, kind, code, words) in [
        (
            "select * from nothere",
            ErrorKind::NotFound,
            "table_not_found",
            "\"nothere\" does not exist [FAILED] (line 1, column 15)",
        ),
        ("select 1,\n  x", ErrorKind::NotFound, "column_not_found", "(line 2, column 3)"),
        ("selec 1", ErrorKind::Failed, "syntax", "[FAILED]"),
        ("select 1 / 0", ErrorKind::Failed, "conversion", "division by zero"),
        ("select nofunction(1)", ErrorKind::NotFound, "function_not_found", "nofunction"),
    ] {
        let error = asked(&source, ask(sql)).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (kind, code), "{sql}: {}", error.message);
        assert!(error.message.contains(words), "{sql}: {}", error.message);
    }
    let long = format!("select '{}'", "x".repeat(101 << 10));
    let before = face.log().len();
    let error = asked(&source, ask(&long)).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Limit, "statement_too_long"));
    assert_eq!(face.log().len(), before, "it was not sent");
    for (fault, operation, kind, code) in [
        (
            refusal("AccessDeniedException", "User: arn:aws:sts::1:x is not authorized"),
            "BatchExecuteStatement",
            ErrorKind::Refused,
            "source_permission",
        ),
        (
            refusal("ValidationException", "Query result exceeds the maximum size"),
            "GetStatementResult",
            ErrorKind::Limit,
            "result_too_large",
        ),
        (
            refusal("ResourceNotFoundException", "Query does not exist."),
            "GetStatementResult",
            ErrorKind::Unavailable,
            "result_gone",
        ),
        (
            Fault::Fails("ERROR: Result size exceeded 500 MB"),
            "DescribeStatement",
            ErrorKind::Limit,
            "result_too_large",
        ),
        (
            Fault::Status(302, vec![("location", "http://127.0.0.1:1/".to_owned())], String::new()),
            "DescribeStatement",
            ErrorKind::Failed,
            "source_odd",
        ),
        (
            Fault::Status(200, Vec::new(), "<html>sign in</html>".to_owned()),
            "BatchExecuteStatement",
            ErrorKind::Failed,
            "source_odd",
        ),
        (
            Fault::Status(200, Vec::new(), "{}".to_owned()),
            "GetStatementResult",
            ErrorKind::Failed,
            "source_odd",
        ),
    ] {
        let named = format!("{fault:?}");
        face.faults(move |call| (call.operation == operation).then(|| fault.clone()));
        let error = asked(&source, ask("select 1 as n")).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (kind, code), "{named}: {}", error.message);
        assert!(!format!("{error:?}").contains(KEY.1), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_end_in_the_middle_of_a_result_are_fetched_anew() {
    let Some(server) = server() else { return };
    let (face, files, source) = at(&server).await;
    *face.state.page.lock().unwrap() = 10;
    let newer = ("AKIDNEWER", "another/secret");
    face.state.keys.lock().unwrap().insert(newer.0.to_owned(), newer.1.to_owned());
    let state = face.state.clone();
    let config = files.credentials();
    let mut pages = 0;
    face.faults(move |call| {
        pages += usize::from(call.operation == "GetStatementResult");
        if pages == 3 {
            // They end now, and somebody has signed in again.
            state.expired.lock().unwrap().insert(KEY.0.to_owned());
            let text =
                format!("[tests]\naws_access_key_id = {}\naws_secret_access_key = {}\n", newer.0, newer.1);
            std::fs::write(&config, text).unwrap();
        }
        None
    });
    let sql = "select n as id from generate_series(1, 100) as g(n)";
    assert_eq!(super::super::ids(&asked(&source, ask(sql)).await.unwrap()), (1..=100).collect::<Vec<_>>());
    assert!(face.log().iter().any(|call| call.key == newer.0));
    // Nobody signed in again: the error says how.
    face.state.expired.lock().unwrap().insert(newer.0.to_owned());
    let error = asked(&source, ask("select 1 as n")).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Failed, "source_login"));
    assert!(error.message.contains("[ExpiredTokenException]"), "{}", error.message);
    assert!(error.hint.unwrap().contains("aws sso login --profile tests"));
    // Keys that are not known, and a secret that is wrong.
    for (key, words) in [
        (("AKIDNOBODY", "x"), "[UnrecognizedClientException]"),
        ((KEY.0, "wrong"), "[InvalidSignatureException]"),
    ] {
        files.sign_in(key);
        let other = files.source(&face, super::USUAL, super::SILENCE).unwrap();
        let error = other.test().await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Failed, "source_login"));
        assert!(error.message.contains(words), "{}", error.message);
    }
}

#[test]
fn an_address_that_mixes_both_ways_is_refused_with_what_to_write() {
    let told = |rest: &str, secret: Option<&str>| {
        let address = Address::parse(&format!("redshift://{rest}")).unwrap();
        let secret = secret.map(|text| SecretString::from(text.to_owned()));
        let error = Redshift::new("rs", &address, secret.as_ref()).err().unwrap();
        assert_eq!(error.kind, ErrorKind::Invalid);
        format!("{}; {}", error.message, error.hint.unwrap_or_default())
    };
    assert!(told("a@h/d?region=x", None).contains("add transport=data-api"));
    assert!(told("a@h/d?transport=http", None).contains("wire"));
    assert!(told("wg1/d?transport=data-api&sslmode=disable", None).contains("`sslmode`"));
    assert!(told("a@wg1/d?transport=data-api", None).contains("leave the user out"));
    assert!(told("wg1/d?transport=data-api", Some("pw")).contains("leave --secret out"));
}
