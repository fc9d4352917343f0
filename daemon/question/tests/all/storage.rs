//! A session stores a reading and hands it back later.

use wharf_question::{Outcome, Reader, Reading};

use crate::{hospital, script};

#[test]
fn a_stored_reading_takes_follow_ups_like_a_fresh_one() {
    let reader = Reader::new(hospital::vocabulary());
    let now = script::noon("2025-03-12");
    let Outcome::Query(first) = reader.read("top 3 wards by bed days in 2024 vs 2023", now, None) else {
        panic!("the first question is plain");
    };
    let stored: Reading = serde_json::from_str(&serde_json::to_string(&first).unwrap()).unwrap();
    assert_eq!(stored, *first);
    let again = reader.read("only York", now, Some(&stored));
    assert_eq!(again, reader.read("only York", now, Some(&first)));
    assert!(matches!(again, Outcome::Query(reading) if reading.summary.contains("York")));
}

#[test]
fn the_summary_states_the_whole_reading() {
    let reader = Reader::new(hospital::vocabulary());
    let now = script::noon("2025-03-12");
    let Outcome::Query(reading) = reader.read("admisions by month in 2024 without maternity", now, None)
    else {
        panic!("the question is plain");
    };
    let said = "admissions by month, 2024, ward name not Maternity (rows without one are left out too); sorted by month \
                (“admisions” read as “admissions”)";
    assert_eq!(reading.summary, said);
}

#[test]
fn the_summary_says_what_has_not_ended_and_what_was_widened() {
    let reader = Reader::new(hospital::vocabulary());
    let said = |question: &str| match reader.read(question, script::noon("2025-03-12"), None) {
        Outcome::Query(reading) => reading.summary,
        Outcome::Cannot(cannot) => panic!("{question}: {cannot:?}"),
    };
    assert_eq!(said("admissions this year versus last year"), "admissions, 2025 so far, compared with 2024");
    assert_eq!(said("admissions this month"), "admissions, March 2025 so far");
    assert_eq!(said("admissions last month"), "admissions, February 2025");
    assert_eq!(
        said("admissions by week in february 2025"),
        "admissions by week, February 2025, in whole weeks: 2025-01-27 to 2025-03-02; sorted by week"
    );
}
