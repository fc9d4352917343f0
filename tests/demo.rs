//! `wharf demo`: a newcomer's first command, without a terminal.

use crate::support::Place;

#[test]
fn the_demo_answers_its_questions_and_can_be_asked_for_again() {
    let place = Place::new();
    let ran = place.run(&["demo", "--yes"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err.contains("source `demo`") && ran.err.contains("read as: revenue by month"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("revenue") && ran.out.contains("-01-01"), "{}", ran.out);
    // What it proposes works as it stands.
    let proposed: Vec<&str> =
        ran.err.lines().filter_map(|l| l.trim().strip_prefix("wharf ask \"")?.strip_suffix('"')).collect();
    assert_eq!(proposed.len(), 2, "{}", ran.err);
    for question in proposed {
        let answer = place.json(&["ask", question, "--json"]);
        assert_eq!(answer["status"], "completed", "{question}: {answer}");
        assert!(answer["result"]["rows"].as_array().unwrap().len() > 1, "{question}: {answer}");
    }
    let lines: u64 =
        place.ok(&["query", "select count(*) from order_lines", "--csv", "-t"]).trim().parse().unwrap();
    assert!((900_000..1_200_000).contains(&lines), "{lines}");
    assert!(!place.json(&["metric", "list", "--json"]).to_string().is_empty());
    // A second time nothing is made again, and nothing is lost.
    let again = place.run(&["demo", "--yes"]);
    assert_eq!((again.code, &again.out), (0, &ran.out), "{}", again.err);
    assert_eq!(place.json(&["source", "list", "--json"]).as_array().unwrap().len(), 1);
}
