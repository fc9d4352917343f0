//! Whatever is typed: no panic, no hang, and no word of content passed over.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use wharf_question::{Outcome, Reader};

use crate::{hospital, script, software};

/// Words of the scripts, the stock that shuffled questions are made of.
fn stock() -> Vec<String> {
    let scripts = [include_str!("hospital.txt"), include_str!("software.txt")];
    let lines = scripts.iter().flat_map(|text| text.lines()).filter(|line| line.starts_with(['?', '+']));
    lines.flat_map(|line| line[1..].split_whitespace().map(str::to_owned)).collect()
}

/// The bound is for a release; a build without optimisation on a busy machine gets ten times that.
fn most() -> Duration {
    Duration::from_millis(if cfg!(debug_assertions) { 500 } else { 50 })
}

static READERS: LazyLock<[Reader; 2]> =
    LazyLock::new(|| [Reader::new(hospital::vocabulary()), Reader::new(software::vocabulary())]);
static STOCK: LazyLock<Vec<String>> = LazyLock::new(stock);

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_survived(text in "\\PC{0,120}") {
        let now = script::noon("2025-03-12");
        for reader in READERS.iter() {
            let _ = reader.read(&text, now, None);
        }
    }

    #[test]
    fn shuffled_words_are_read_or_refused_quickly(
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..14),
        more in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
    ) {
        let stock = &*STOCK;
        let text = |picks: &[prop::sample::Index]| picks.iter().map(|pick| pick.get(stock).as_str()).collect::<Vec<_>>().join(" ");
        let now = script::noon("2025-03-12");
        for reader in READERS.iter() {
            let first = reader.read(&text(&picks), now, None);
            let quickest = (0..3).map(|_| {
                let start = Instant::now();
                let _ = reader.read(&text(&picks), now, None);
                start.elapsed()
            }).min();
            prop_assert!(quickest.is_some_and(|time| time < most()), "{:?} took {:?}", text(&picks), quickest);
            let previous = match &first {
                Outcome::Query(reading) => Some(&**reading),
                Outcome::Cannot(_) => None,
            };
            let second = reader.read(&text(&more), now, previous);
            prop_assert_eq!(second, reader.read(&text(&more), now, previous));
        }
    }

    #[test]
    fn a_word_nobody_knows_is_never_passed_over(
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..8),
        place in any::<prop::sample::Index>(),
    ) {
        let stock = &*STOCK;
        let mut words: Vec<&str> = picks.iter().map(|pick| pick.get(stock).as_str()).collect();
        words.insert(place.index(words.len() + 1), "xylqwort");
        let text = words.join(" ");
        let now = script::noon("2025-03-12");
        for reader in READERS.iter() {
            match reader.read(&text, now, None) {
                Outcome::Query(reading) => prop_assert!(false, "{text:?} was read as {}", reading.summary),
                Outcome::Cannot(cannot) => prop_assert!(!cannot.message.is_empty() && !cannot.hint.is_empty()),
            }
        }
    }
}
