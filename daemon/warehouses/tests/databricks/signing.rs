//! Both ways to sign in.

use super::face::{CLIENT_SECRET, Face, TOKEN};
use super::support::{by, machine, source};
use serde_json::json;
use std::time::{Duration, Instant};
use wharf_warehouses::Source;

fn grants(face: &Face) -> usize {
    face.count(|request| request.path == "/oidc/v1/token")
}

#[tokio::test]
async fn a_personal_token_is_sent_as_it_is() {
    let face = Face::start().await;
    let tested = source(&face).test().await.unwrap();
    assert_eq!(tested.user, "ada@example.com");
    assert_eq!(tested.warehouse.as_deref(), Some("main (RUNNING)"));
    assert!(tested.warnings.is_empty());
    assert!(face.log().iter().all(|request| request.headers["authorization"] == format!("Bearer {TOKEN}")));
    assert_eq!(face.count(|request| request.method != "GET"), 0, "nothing may be started");
    // With blanks around it, as files have them.
    by(&face, "&warehouse=w1", &format!(" {TOKEN}\n")).test().await.unwrap();
    let off = by(&face, "&warehouse=w-off", TOKEN).test().await.unwrap();
    assert!(off.warnings[0].contains("stopped"), "{off:?}");
}

#[tokio::test]
async fn a_service_principal_has_one_token_for_all_who_ask_at_once() {
    for discovery in [true, false] {
        let face = Face::start().await;
        *face.state.discovery.lock().unwrap() = discovery;
        *face.state.token_life.lock().unwrap() = json!("3600");
        let source = machine(&face);
        let asked = (0..50).map(|_| source.schemas());
        face.routes(|r| r.path.ends_with("/schemas").then(|| (200, json!({}))));
        for schemas in futures::future::join_all(asked).await {
            assert_eq!(schemas.unwrap(), Vec::<String>::new());
        }
        assert_eq!(grants(&face), 1, "discovery: {discovery}");
        let sent = face.log().into_iter().find(|request| request.path == "/oidc/v1/token").unwrap();
        let body = String::from_utf8(sent.body).unwrap();
        assert_eq!(body, "grant_type=client_credentials&scope=all-apis");
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_without_anybody_waiting() {
    let face = Face::start().await;
    *face.state.token_life.lock().unwrap() = json!(1);
    let source = machine(&face);
    source.test().await.unwrap();
    assert_eq!(grants(&face), 1);
    let deadline = Instant::now() + Duration::from_secs(5);
    // Past half of its life the next call still goes with the old one, and the new one comes beside it.
    while grants(&face) < 2 {
        assert!(Instant::now() < deadline, "it was not renewed");
        source.test().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_wrong_client_secret_names_what_to_check_and_is_not_told() {
    let face = Face::start().await;
    let error = by(&face, "&auth=m2m&client_id=client-1", "dose-wrong-secret").test().await.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.kind),
        ("unauthenticated", wharf_protocol::ErrorKind::Unauthorized)
    );
    assert!(error.message.contains("source `lake`") && error.message.contains("invalid_client"), "{error}");
    assert!(error.hint.as_deref().unwrap().contains("client_id="), "{error:?}");
    assert!(!format!("{error:?}").contains("dose-wrong-secret"));

    // A far side that repeats what it was sent.
    let echo = json!({"error_code": 403, "message": format!("Invalid token {TOKEN}")});
    face.routes(move |_| Some((403, echo.clone())));
    let told = format!("{:?}", source(&face).test().await.unwrap_err());
    assert!(told.contains("***") && !told.contains(TOKEN) && !told.contains(CLIENT_SECRET), "{told}");
}
