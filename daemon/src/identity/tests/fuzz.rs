//! Whatever stands in `Authorization`: it gets an answer, and lets nobody in but who it is meant for.
//!
//! Fixed seed, about two seconds. `WHARF_FUZZ_SECONDS` makes the runs longer.

use super::super::*;
use super::{alice, create, place};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// What is right with a few bytes changed, put in, taken out or said twice; or anything.
fn header(right: Vec<String>) -> impl Strategy<Value = Vec<u8>> {
    let edit = (0_usize..5, any::<prop::sample::Index>(), any::<u8>());
    let bent = (prop::sample::select(right), prop::collection::vec(edit, 1..4)).prop_map(|(text, edits)| {
        let mut bytes = text.into_bytes();
        for (kind, at, byte) in edits {
            let at = at.index(bytes.len().max(1)).min(bytes.len());
            match kind {
                0 if at < bytes.len() => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if at < bytes.len() => drop(bytes.remove(at)),
                3 => bytes.truncate(at),
                _ => bytes.extend_from_within(at..),
            }
        }
        bytes
    });
    let odd = "(Bearer |bearer|;|SWARM-|AGENT-|eyJ|\\.|[A-Za-z0-9_-]{43}|=|é|\u{0}| ){0,12}";
    prop_oneof![3 => bent, 1 => odd.prop_map(String::into_bytes), 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

#[tokio::test]
async fn any_header_gets_an_answer_and_lets_in_who_it_is_meant_for() {
    let place = place().await;
    let swarm = place.identity.create_token(create(TokenKind::Swarm)).await.unwrap().secret;
    let agent = place.identity.create_token(create(TokenKind::Agent)).await.unwrap().secret;
    place.identity.create_user(alice()).await.unwrap();
    let jwt = place.alice().await.access_token;
    let right = vec![format!("Bearer {swarm};{agent}"), format!("Bearer {jwt}")];
    // The scheme may be written in any case, and there may be spaces around the tokens.
    let said =
        |bytes: &[u8]| String::from_utf8_lossy(bytes).replace([' ', '\t', '\n', '\r', '\u{b}', '\u{c}'], "");
    let meant: Vec<String> = right.iter().map(|text| said(&text.as_bytes()["Bearer".len()..])).collect();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let wanted = std::env::var("WHARF_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let (begun, strategy) = (Instant::now(), header(right));
    let (mut tried, mut let_in) = (0, 0);
    while begun.elapsed() < Duration::from_secs_f64(wanted.unwrap_or(2.0)) {
        let bytes = strategy.new_tree(&mut runner).unwrap().current();
        tried += 1;
        let Ok(shown) = Shown::read(&bytes) else { continue };
        if place.identity.authenticate(shown).await.is_ok() {
            let_in += 1;
            let bare = said(&bytes).get("Bearer".len()..).unwrap_or_default().to_owned();
            assert!(meant.contains(&bare), "{:?}", String::from_utf8_lossy(&bytes));
        }
    }
    assert!(tried > 200, "{tried} were tried, {let_in} let in");
}
