//! R7: the wall clock is set while the daemon runs. Ids, events, conversations and the audit stay in order, deadlines and the
//! idle exit follow the monotonic clock.
//!
//! A few lines of C, compiled here and loaded before the C library, move the wall clock of the daemon alone.

use super::{ask, audit_is_sound, has_no_gap, is_right, till};
use crate::support::{Place, wait_until};
use serde_json::Value;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const DAY: i64 = 86_400;
/// Ten years and a day back and ahead, and around the minute.
const STEPS: [i64; 7] = [-3650 * DAY, -DAY, -61, 61, DAY, 3650 * DAY, 0];

/// A place whose daemon has a wall clock that can be set.
struct Clocked {
    place: Place,
    moved: std::fs::File,
}

impl Clocked {
    /// None, with a word, where C cannot be compiled.
    fn new(idle_exit: &str) -> Option<Self> {
        let place = Place::new();
        let source = place.file("wall_clock.c", include_str!("wall_clock.c"));
        let library = place.path("wall_clock.so");
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source);
        if !compile.status().is_ok_and(|s| s.success()) {
            println!("skipped: there is no C compiler");
            return None;
        }
        let moved = place.path("moved");
        std::fs::write(&moved, 0_i64.to_ne_bytes()).unwrap();
        let moved_file = std::fs::OpenOptions::new().write(true).open(&moved).unwrap();
        let mut start = place.command(&["daemon", "start"]);
        start
            .env("LD_PRELOAD", &library)
            .env("WALL_CLOCK_MOVED_BY", &moved)
            .env("WHARF_IDLE_EXIT", idle_exit);
        assert!(start.stdout(Stdio::null()).status().unwrap().success());
        Some(Self { place, moved: moved_file })
    }

    /// Sets the clock to so many seconds from now.
    fn set(&self, seconds: i64) {
        // In place: the daemon has the file mapped.
        self.moved.write_all_at(&seconds.to_ne_bytes(), 0).unwrap();
    }
}

fn year_of(place: &Place) -> i32 {
    let session = &place.json(&["session", "list", "--json"])[0];
    session["updated_at"].as_str().unwrap()[..4].parse().unwrap()
}

#[test]
fn ids_events_conversations_and_the_audit_stay_in_order_when_the_clock_is_set() {
    let Some(clocked) = Clocked::new("30m") else { return };
    let place = &clocked.place;
    till(place);
    let now = place.json(&ask("first"));
    assert!(is_right(&now));
    let (this_year, mut years) = (year_of(place), Vec::new());
    let mut ids = vec![now["turn_id"].as_str().unwrap().to_owned()];
    for (n, step) in STEPS.into_iter().enumerate() {
        clocked.set(step);
        let (own, shared) = (format!("own{n}"), place.json(&ask("first")));
        let begun = place.json(&ask(&own));
        assert!(is_right(&shared) && is_right(&begun));
        assert!(shared["usage"]["time_ms"].as_f64().unwrap() >= 0.0, "{shared}");
        for answer in [&shared, &begun] {
            ids.push(answer["turn_id"].as_str().unwrap().to_owned());
        }
        years.push(year_of(place) - this_year);
        // The one that was used last comes first, and is gone on with.
        let listed = place.json(&["session", "list", "--json"]);
        let titles: Vec<&str> =
            listed.as_array().unwrap().iter().map(|s| s["title"].as_str().unwrap()).collect();
        assert_eq!(titles[..2], [own.as_str(), "first"], "{step}");
        let again = place.json(&["ask", "revenue by shop", "--continue", "--json"]);
        assert_eq!(again["session_id"], begun["session_id"], "{step}");
        ids.push(again["turn_id"].as_str().unwrap().to_owned());
        // What was stored under another date is still of use.
        let profile = place.json(&["profile", "sales", "--json"]);
        assert_eq!(profile["reused"], n > 0, "{step}");
    }
    assert!(
        years.iter().any(|y| *y <= -9) && years.iter().any(|y| *y >= 9),
        "the clock was not set: {years:?}"
    );
    let mut sorted = ids.clone();
    sorted.sort();
    assert_eq!(ids, sorted);
    let shown = place.json(&["session", "show", "first", "--json"]);
    let turns: Vec<&Value> =
        shown["turns"].as_array().unwrap().iter().map(|t| &t["answer"]["turn_id"]).collect();
    assert_eq!(turns.len(), STEPS.len() + 1);
    assert!(turns.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()), "{turns:?}");
    has_no_gap(place, "first");
    audit_is_sound(place);
}

#[test]
fn a_deadline_comes_neither_sooner_nor_later_when_the_clock_is_set() {
    let Some(clocked) = Clocked::new("30m") else { return };
    let endless = "select count(*) from range(1000000) a, range(1000000) b where a.range + b.range = -1";
    for step in [3650 * DAY, -3650 * DAY] {
        clocked.set(0);
        let begun = Instant::now();
        let mut query = clocked.place.start(&["query", endless, "--timeout", "1500ms"]);
        wait_until("it runs", || clocked.place.json(&["daemon", "status", "--json"])["statements"] == 1);
        clocked.set(step);
        let output = query.wait().unwrap();
        let took = begun.elapsed();
        assert!(!output.success());
        assert!(
            took >= Duration::from_millis(1400) && took < Duration::from_millis(4500),
            "{step}: {took:?}"
        );
    }
}

#[test]
fn an_idle_daemon_ends_when_it_is_idle_and_not_when_the_clock_is_set() {
    let idle = Duration::from_millis(2500);
    let Some(clocked) = Clocked::new("2500ms") else { return };
    let place = &clocked.place;
    let pid = place.daemon_pid().unwrap();
    let runs = || place.daemon_pid() == Some(pid);
    // Set ahead: it is not idle yet. A command would count as use, so the daemon is only looked at, for longer than it
    // takes between two looks of its own.
    place.ok(&["daemon", "status"]);
    let used = Instant::now();
    clocked.set(3650 * DAY);
    while used.elapsed() < Duration::from_millis(1500) {
        let ran = runs();
        assert!(ran || used.elapsed() >= idle, "it ended {:?} after it was used", used.elapsed());
        std::thread::sleep(Duration::from_millis(20));
    }
    // Set back: it ends all the same.
    place.ok(&["daemon", "status"]);
    let used = Instant::now();
    clocked.set(-3650 * DAY);
    wait_until("it has ended", || !runs());
    assert!(used.elapsed() > idle.mul_f64(0.9) && used.elapsed() < idle * 3, "{:?}", used.elapsed());
}

/// Zones on both sides of the date line, and hours that a change of the clock leaves out or repeats.
#[test]
fn answers_do_not_depend_on_the_zone_of_the_machine() {
    let sql = "select timestamptz '2024-03-10 07:30:00+00'::varchar as skipped, timestamptz '2024-11-03 05:30:00+00'::varchar as repeated, \
               date_trunc('day', timestamptz '2024-06-30 23:30:00+00')::varchar as day, current_setting('TimeZone') as zone";
    let told: Vec<String> =
        ["UTC", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", ":nonsense"]
            .iter()
            .map(|zone| {
                let place = Place::new();
                place.file("d/t.csv", "moment\n2024-03-10 02:30:00\n2024-11-03 01:30:00\n");
                let run = |args: &[&str]| {
                    let ran = place.command(args).env("TZ", zone).output().unwrap();
                    assert!(ran.status.success(), "{zone}: {}", String::from_utf8_lossy(&ran.stderr));
                    String::from_utf8(ran.stdout).unwrap()
                };
                run(&["source", "add", "d", "d"]);
                run(&["query", sql, "--csv"])
                    + &run(&["query", "select moment, typeof(moment) t from t order by moment", "--csv"])
            })
            .collect();
    assert!(told[0].contains("2024-03-10 07:30:00+00") && told[0].contains("UTC"), "{}", told[0]);
    assert!(told[0].contains("2024-03-10T02:30:00"), "an hour that some zones leave out stays: {}", told[0]);
    assert!(told.iter().all(|t| *t == told[0]), "{told:#?}");
}
