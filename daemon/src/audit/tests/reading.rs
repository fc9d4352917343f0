//! Lines read back.

use super::*;
use std::collections::BTreeMap;

fn filter(parameters: &[(&str, &str)]) -> Filter {
    let mut parameters: BTreeMap<String, String> =
        parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let filter = Filter::take(&mut parameters, crate::clock::now()).unwrap();
    assert!(parameters.is_empty());
    filter
}

fn numbers(log: &Log, parameters: &[(&str, &str)], order: Order) -> Vec<u64> {
    let mut found = log.audit.lines(filter(parameters), order).unwrap();
    let read = std::iter::from_fn(|| found.read().unwrap());
    read.map(|line| serde_json::from_slice::<Line>(&line).unwrap().seq).collect()
}

#[tokio::test]
async fn lines_are_read_from_both_ends_over_all_segments() {
    let log = Log::of(30).await;
    let all: Vec<u64> = (1..=30).collect();
    assert_eq!(numbers(&log, &[], Order::Oldest), all);
    assert_eq!(numbers(&log, &[], Order::Newest), all.iter().rev().copied().collect::<Vec<_>>());
    for n in 0..=31_u64 {
        let text = n.to_string();
        let behind: Vec<u64> = all.iter().copied().filter(|s| *s > n).collect();
        assert_eq!(numbers(&log, &[("after", &text)], Order::Oldest), behind, "{n}");
        let before: Vec<u64> = all.iter().rev().copied().filter(|s| *s < n).collect();
        assert_eq!(numbers(&log, &[("before", &text)], Order::Newest), before, "{n}");
    }
    assert_eq!(numbers(&log, &[("swarm", "bees")], Order::Newest).len(), 15);
    assert_eq!(numbers(&log, &[("table", "t7")], Order::Oldest), [8]);
    assert_eq!(numbers(&log, &[("text", "SELECT 29 ")], Order::Oldest), [30]);
    assert_eq!(numbers(&log, &[("principal", "a1"), ("request_id", "request-3")], Order::Oldest), [4]);
    assert_eq!(numbers(&log, &[("since", "1h")], Order::Oldest), all);
    assert!(numbers(&log, &[("until", "1h")], Order::Oldest).is_empty());
    let at = log.lines()[9].at.clone();
    assert_eq!(numbers(&log, &[("since", &at)], Order::Oldest).first(), Some(&10));
    assert_eq!(numbers(&log, &[("until", &at)], Order::Newest).first(), Some(&9));
}

#[tokio::test]
async fn pages_hold_every_line_once_and_count_them() {
    let log = Log::of(30).await;
    for (parameters, total) in [(&[][..], 30), (&[("swarm", "bees")][..], 15)] {
        let mut seen = Vec::new();
        for number in 1..=5 {
            let page = log.audit.page(filter(parameters), number, 7).await.unwrap();
            assert_eq!(page.total, total, "{parameters:?} page {number}");
            seen.extend(page.lines.iter().map(|l| serde_json::from_str::<Line>(l.get()).unwrap().seq));
        }
        assert_eq!(seen, numbers(&log, parameters, Order::Newest), "{parameters:?}");
    }
    let empty = Log::new(Rules::default()).await;
    let page = empty.audit.page(Filter::default(), 1, 50).await.unwrap();
    assert_eq!((page.lines.len(), page.total), (0, 0));
}

#[tokio::test]
async fn damaged_lines_hide_no_others() {
    let log = Log::of(30).await;
    let file = log.files()[1].clone();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[1000] = 0xff;
    std::fs::write(&file, bytes).unwrap();
    let mut found = log.audit.lines(Filter::default(), Order::Newest).unwrap();
    let count = std::iter::from_fn(|| found.read().unwrap()).count();
    assert!(count >= 29, "{count}");
}
