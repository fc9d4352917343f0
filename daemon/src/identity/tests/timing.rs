//! How long a refusal takes tells nothing (R14): not how much of a token is right, not whether a user exists.
//!
//! Kinds of refusal take turns in random order, so that whatever else the machine does falls on all alike; the slowest
//! tenth, which is interrupts and other processes, is left out by the same bound for all; Welch's t compares the means. A
//! difference of chance shows in one run and not in the next, one of the code in every run: a run below the bound passes.

use super::super::*;
use super::{alice, create, place};
use std::future::Future;
use wharf_protocol::{UserCreate, UserUpdate};

/// Beyond this a difference is not chance.
const BOUND: f64 = 4.5;
const RUNS: usize = 3;
/// Refusals of each kind.
const EACH: usize = 5000;
/// The same for passwords, of which each takes some 30 ms.
const PASSWORDS: usize = 80;

/// Nanoseconds of each kind of refusal, `EACH` times in random order. What is tried is always written to the same place first,
/// so that no kind has its own place in memory.
async fn measure<F: Future<Output = ()>>(tried: &[Vec<String>], run: impl Fn(String) -> F) -> Vec<Vec<f64>> {
    let mut turns: Vec<(usize, &String)> =
        tried.iter().enumerate().flat_map(|(kind, all)| all.iter().map(move |one| (kind, one))).collect();
    for at in (1..turns.len()).rev() {
        let bytes = crate::secrets::random::<8>().unwrap();
        turns.swap(at, usize::try_from(u64::from_le_bytes(bytes) % (at as u64 + 1)).unwrap());
    }
    let mut taken = vec![Vec::new(); tried.len()];
    let mut place = String::with_capacity(256);
    for (kind, one) in turns {
        place.clear();
        place.push_str(one);
        let given = place.clone();
        let begun = Instant::now();
        run(given).await;
        taken[kind].push(begun.elapsed().as_secs_f64() * 1e9);
    }
    taken
}

/// The largest |t| between two kinds, without the slowest tenth of all.
fn largest_t(taken: &[Vec<f64>]) -> f64 {
    let mut all: Vec<f64> = taken.concat();
    all.sort_by(f64::total_cmp);
    let bound = all[all.len() * 9 / 10];
    let figures: Vec<(f64, f64)> = taken
        .iter()
        .map(|kind| {
            let kept: Vec<f64> = kind.iter().copied().filter(|t| *t < bound).collect();
            let (n, mean) = (kept.len() as f64, kept.iter().sum::<f64>() / kept.len() as f64);
            let variance = kept.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / (n - 1.0);
            (mean, variance / n)
        })
        .collect();
    let pairs = (0..figures.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
    let t = pairs.map(|(a, b)| (figures[a].0 - figures[b].0).abs() / (figures[a].1 + figures[b].1).sqrt());
    t.fold(0.0, f64::max)
}

/// The smallest of the largest t of some runs, each with what is tried in it; it stops at the first below the bound.
async fn compared<F: Future<Output = ()>, const N: usize>(
    tried: impl Fn(usize) -> [Vec<String>; N],
    run: impl Fn(String) -> F,
) -> f64 {
    let mut least = f64::INFINITY;
    for number in 0..RUNS {
        least = least.min(largest_t(&measure(&tried(number), &run).await));
        if least < BOUND {
            break;
        }
    }
    least
}

/// The token with another letter in this place.
fn bent(token: &str, at: usize, letter: u8) -> String {
    let mut bytes = token.as_bytes().to_vec();
    bytes[at] = if bytes[at] == letter { b'_' } else { letter };
    String::from_utf8(bytes).unwrap()
}

/// Wrong tokens: unknown, wrong in the first letter, wrong in the last. One alone would show where it happens to fall in a hash
/// table, which is chance, so there are many of each; and each kind is made of as many others of its own, for a processor
/// reads faster what is like something it has just read.
fn wrong(right: &[String]) -> [Vec<String>; 3] {
    let letters: Vec<u8> = (b'a'..=b'z').chain(b'A'..=b'Z').chain(b'0'..=b'9').collect();
    let bent_at = |tokens: &[String], at: usize| {
        let letter = |turn: usize| letters[turn / tokens.len() % letters.len()];
        (0..EACH).map(|turn| bent(&tokens[turn % tokens.len()], at, letter(turn))).collect()
    };
    let (first, last) = right.split_at(right.len() / 2);
    let unknown: Vec<String> = first.iter().map(|_| secret::make(TokenKind::Agent).unwrap()).collect();
    [bent_at(&unknown, 20), bent_at(first, "AGENT-".len()), bent_at(last, last[0].len() - 1)]
}

#[tokio::test]
async fn how_much_of_a_token_is_right_does_not_show() {
    let place = place().await;
    let swarm = place.identity.create_token(create(TokenKind::Swarm)).await.unwrap().secret;
    let mut right = Vec::new();
    for _ in 0..RUNS * 100 {
        right.push(place.identity.create_token(create(TokenKind::Agent)).await.unwrap().secret);
    }
    assert_eq!(place.code(&format!("Bearer {swarm};{}", right[0])).await, "ok");
    // Others in each run, so that chance is another one, too.
    let tokens = |run: usize| wrong(&right[run * 100..][..100]);
    let header = |token: &String| format!("Bearer {swarm};{token}");
    let headers = |run: usize| tokens(run).each_ref().map(|kind| kind.iter().map(header).collect::<Vec<_>>());
    let asked = |header: String| {
        let place = &place;
        async move {
            let refused = place.who(&header).await;
            assert!(refused.is_err_and(|e| e.code == "token_invalid"));
        }
    };
    let t = compared(headers, asked).await;
    assert!(t < BOUND, "asked: t = {t}");
    // The look-up alone, where nothing else takes time.
    let (directory, now) = (place.identity.directory().await.unwrap(), place.identity.now());
    let looked_up = |token: String| {
        let unknown = directory.token(&token, now).is_err();
        async move { assert!(unknown) }
    };
    let t = compared(tokens, looked_up).await;
    assert!(t < BOUND, "looked up: t = {t}");
}

#[tokio::test]
async fn whether_a_user_exists_does_not_show() {
    let place = place().await;
    place.identity.create_user(alice()).await.unwrap();
    place.identity.create_user(UserCreate { username: "shut".to_owned(), ..alice() }).await.unwrap();
    let update = UserUpdate { disabled: Some(true), ..UserUpdate::default() };
    place.identity.update_user("shut", update).await.unwrap();
    let asked = |name: String| {
        let identity = &place.identity;
        async move {
            let refused = identity.login(&name, "wrong horse".to_owned()).await;
            assert!(refused.is_err_and(|e| e.code == "login_failed"));
        }
    };
    let names = |_| ["alice", "nobody", "shut"].map(|name| vec![name.to_owned(); PASSWORDS]);
    let t = compared(names, asked).await;
    assert!(t < BOUND, "t = {t}");
}

#[tokio::test]
async fn a_difference_would_show() {
    // A comparison that stops at the first wrong byte, of texts as long as a token's hash in hex.
    let right = "a".repeat(64);
    let naive = |tried: String| {
        for _ in 0..20 {
            let same = right.bytes().zip(tried.bytes()).all(|(a, b)| std::hint::black_box(a) == b);
            assert!(!std::hint::black_box(same));
        }
        async {}
    };
    let tried = |_| [0, 63].map(|at| vec![bent(&right, at, b'b'); EACH]);
    let t = compared(tried, naive).await;
    assert!(t > BOUND, "t = {t}");
}
