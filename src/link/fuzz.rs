//! Streams of events as a broken or lying far side would send them: read or refused, never a panic, never more than came.

use super::EventStream;
use proptest::prelude::*;
use wharf_protocol::{Event, EventBody, Text};

fn event(seq: u64) -> String {
    let body = EventBody::Token(Text { text: format!("ein Stück {seq}\nund mehr") });
    let json = Event { seq, turn_id: "t".into(), at: "2024-01-01T00:00:00Z".into(), body }.to_json().unwrap();
    format!("id: {seq}\nevent: token\ndata: {json}\n\n")
}

/// Reads bytes that come in these pieces. The numbers of the events, and whether it ended with a failure.
fn read(bytes: &[u8], piece: usize) -> (Vec<u64>, bool) {
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        bytes.chunks(piece.max(1)).map(|c| Ok(c.to_vec())).collect();
    let body = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut stream = EventStream::new(reqwest::Response::from(http::Response::new(body)));
        let (mut seen, mut failed) = (Vec::new(), false);
        while let Some(next) = stream.next().await {
            match next {
                Ok(event) => seen.push(event.seq),
                Err(failure) => {
                    assert_eq!(failure.error.code, "stream_broken");
                    failed = true;
                }
            }
            assert!(seen.len() <= bytes.len());
        }
        (seen, failed)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn events_are_the_same_however_they_are_cut(count in 0_u64..12, piece in 1_usize..200, pings: bool) {
        let between = if pings { "event: ping\ndata: {}\n\n: a remark\n\n" } else { "" };
        let text: String = (1..=count).map(|seq| event(seq) + between).collect();
        prop_assert_eq!(read(text.as_bytes(), piece), ((1..=count).collect(), false));
    }

    #[test]
    fn broken_streams_are_survived(
        at in any::<prop::sample::Index>(), cut in 0_usize..40, put in prop::collection::vec(any::<u8>(), 0..20), piece in 1_usize..100,
    ) {
        let mut bytes: Vec<u8> = (1..=5).map(event).collect::<String>().into_bytes();
        let start = at.index(bytes.len());
        let end = (start + cut).min(bytes.len());
        bytes.splice(start..end, put);
        let (seen, failed) = read(&bytes, piece);
        // One damage hurts the event it is in and at most the one behind it, or the break is told.
        let whole = (1..=5).filter(|seq| seen.contains(seq)).count();
        prop_assert!(failed || whole >= 3, "{seen:?} {:?}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400), piece in 1_usize..50) {
        read(&bytes, piece);
    }
}
