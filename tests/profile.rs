//! `wharf profile`: as text, JSON and a page, stored until the data changes.

use crate::support::Place;
use serde_json::Value;

const SALES: &str = "id,amount,country\n1,10.50,DE\n2,,DE\n3,-4.25,FR\n4,10.50,DE\n";

#[test]
fn a_profile_is_told_as_text_json_and_a_page_of_its_own() {
    let place = Place::new();
    place.file("d/sales.csv", SALES);
    place.ok(&["source", "add", "d", "d"]);
    let json = place.json(&["profile", "sales", "--json"]);
    assert_eq!((json["rows"].as_u64(), json["table"].as_str()), (Some(4), Some("d.main.sales")));
    let amount = &json["columns"][1];
    assert_eq!((amount["nulls"].as_u64(), amount["min"].as_str()), (Some(1), Some("-4.25")));
    assert_eq!(
        (amount["number"]["mean"].as_f64(), &json["columns"][0]["number"]["sum"]),
        (Some(16.75 / 3.0), &"10".into())
    );
    assert_eq!(amount["distinct"], serde_json::json!({"value": 2, "exact": true}));
    assert_eq!(json["columns"][2]["top"][0], serde_json::json!({"value": "DE", "count": 3}));

    let text = place.ok(&["profile", "sales"]);
    assert!(text.contains("4 rows   3 columns") && text.contains("country"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    let ascii = place.ok(&["profile", "sales", "--ascii"]);
    assert!(ascii.is_ascii(), "{ascii}");

    place.ok(&["profile", "sales", "-o", "sales.html"]);
    let page = std::fs::read_to_string(place.work().join("sales.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("country"), "{page}");
    // Self-contained: nothing is loaded from elsewhere.
    assert!(!["src=\"http", "href=\"http", "url(http", "@import"].iter().any(|s| page.contains(s)));
}

#[test]
fn a_profile_is_reused_until_the_data_changes_or_it_is_refreshed() {
    let place = Place::new();
    let file = place.file("sales.csv", SALES);
    let profile = |more: &[&str]| place.json(&[&["profile", "sales.csv", "--json"], more].concat());
    assert_eq!(profile(&[])["reused"], false);
    assert_eq!(profile(&[])["reused"], true);
    assert_eq!(profile(&["--refresh"])["reused"], false);
    std::fs::write(&file, format!("{SALES}5,1.00,IT\n")).unwrap();
    let changed: Value = profile(&[]);
    assert_eq!((changed["reused"].as_bool(), changed["rows"].as_u64()), (Some(false), Some(5)));
}

#[test]
fn what_cannot_be_profiled_is_said_with_the_code_of_its_kind() {
    let place = Place::new();
    place.file("d/sales.csv", SALES);
    place.file("broken.parquet", "PAR1 but not really");
    place.ok(&["source", "add", "d", "d"]);
    assert!(place.fails(&["profile", "sale"], 6).contains("sales"));
    assert!(place.fails(&["profile", "gone.parquet"], 6).contains("gone.parquet"));
    assert!(place.fails(&["profile", "broken.parquet"], 1).contains("broken.parquet"));
    assert!(place.fails(&["profile", "./d"], 2).contains("folder"));
    assert!(place.fails(&["profile", "sales", "-o", "x.pdf"], 2).contains(".html"));
    assert!(!place.work().join("x.pdf").exists());
}
