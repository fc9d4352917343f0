//! Streams of events that are cut and taken up again (R18): nothing is missing, nothing comes twice.

use super::http::{Reply, get, post, send};
use crate::cases::shop;
use crate::hostile::dice::Dice;
use crate::support::Place;
use serde_json::{Value, json};
use std::io::BufRead;

const CUTS: u64 = 200;
const QUESTIONS: [&str; 4] =
    ["revenue by month in 2024", "top 3 products by revenue", "what is the meaning of life", "revenue"];

/// One event as it stood on the wire, byte by byte.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Raw {
    id: u64,
    bytes: String,
}

/// A stream of events.
struct Stream(std::io::BufReader<Reply>);

impl Stream {
    /// Opened behind event `after`.
    fn open(place: &Place, session: &str, after: u64) -> Self {
        let header = format!("Last-Event-ID: {after}\r\n");
        let reply = send(place, "GET", &format!("/api/sessions/{session}/events"), &header, "");
        assert_eq!(reply.status, 200);
        Self(reply.lines())
    }

    /// The next event; pings are no events.
    fn next(&mut self) -> Raw {
        loop {
            let (mut bytes, mut id) = (String::new(), None);
            while !bytes.ends_with("\n\n") {
                let from = bytes.len();
                assert!(self.0.read_line(&mut bytes).unwrap() > 0, "the stream ended by itself");
                if let Some(number) = bytes[from..].strip_prefix("id: ") {
                    id = Some(number.trim().parse().unwrap());
                }
            }
            if let Some(id) = id {
                return Raw { id, bytes };
            }
        }
    }

    /// Events up to number `last`.
    fn until(&mut self, last: u64) -> Vec<Raw> {
        let mut all = Vec::new();
        while all.last().is_none_or(|e: &Raw| e.id < last) {
            all.push(self.next());
        }
        all
    }

    /// Part of the next event, as a connection that dies leaves it.
    fn torn(mut self) {
        let mut half = [0; 10];
        std::io::Read::read_exact(&mut self.0, &mut half).unwrap();
    }
}

fn ask(place: &Place, session: &str, question: &str) -> Value {
    loop {
        let request = json!({"question": question, "session": session, "create": true, "now": "2024-12-15"});
        let reply = post(place, "/api/chat/turns", &request);
        if reply.status == 200 {
            return reply.json();
        }
        // The turn before still runs: this is what a client would do too.
        let error = reply.json();
        assert_eq!(error["code"], "session_busy", "{error}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn a_stream_cut_anywhere_is_taken_up_without_gap_or_double() {
    let place = Place::new();
    if !shop(&place) {
        return;
    }
    let mut dice = Dice::new();
    let session = ask(&place, "daily", QUESTIONS[3])["session_id"].as_str().unwrap().to_owned();
    let mut joined: Vec<Raw> = Vec::new();
    let mut stream = Stream::open(&place, &session, 0);
    std::thread::scope(|scope| {
        // Turns go on while the streams are cut, so cuts fall into turns that run and into the past.
        let (place, id) = (&place, session.as_str());
        let asking = scope.spawn(move || {
            for i in 0..30 {
                ask(place, id, QUESTIONS[i % QUESTIONS.len()]);
            }
        });
        for cut in 0..CUTS {
            // Cuts come faster than turns: most often none or one event is read before the next.
            for _ in 0..dice.below(3) {
                if joined.len() as u64 > cut {
                    break;
                }
                joined.push(stream.next());
            }
            let after = joined.last().map_or(0, |e| e.id);
            let again = Stream::open(place, id, after);
            let old = std::mem::replace(&mut stream, again);
            if dice.below(2) == 0 && get(place, &format!("/api/sessions/{id}"))["last_event"] != after {
                old.torn();
            }
        }
        asking.join().unwrap();
    });
    let mut last = 0;
    crate::support::wait_until("the last turn is over", || {
        let shown = get(&place, &format!("/api/sessions/{session}"));
        last = shown["last_event"].as_u64().unwrap();
        shown["busy"] == false
    });
    let from = joined.last().map_or(0, |e| e.id);
    if from < last {
        joined.extend(stream.until(last));
    }
    assert!(last > CUTS, "{last} events");
    let numbers: Vec<u64> = joined.iter().map(|e| e.id).collect();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
    // Two further clients, one of which asks by `after`, see the same bytes; and they are what the journal holds.
    let whole = Stream::open(&place, &session, 0).until(last);
    let path = format!("/api/sessions/{session}/events?after=0");
    let other = Stream(send(&place, "GET", &path, "", "").lines()).until(last);
    assert_eq!(joined, whole);
    assert_eq!(whole, other);
    // A daemon that knows nothing but the disk tells the same: what was streamed is what is kept.
    place.kill_daemon();
    place.ok(&["daemon", "start"]);
    assert_eq!(Stream::open(&place, &session, 0).until(last), whole);
}
