//! R3: nothing is told before it is on the disk: the write of it to the state's log or to the audit log, then a sync of that,
//! then the reply.

use super::trace::{Trace, available};
use super::{ask, till};
use crate::support::Place;

/// What the daemon did, a line a call, and how far it was looked at.
struct Calls {
    lines: Vec<String>,
    at: usize,
}

impl Calls {
    /// The next call that begins with `what` and mentions `file` and `text`.
    fn next(&self, from: usize, what: &[&str], file: &str, text: &str) -> Option<usize> {
        (from..self.lines.len()).find(|i| {
            let line = &self.lines[*i];
            let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
            what.iter().any(|w| call.starts_with(&format!("{w}(")))
                && line.contains(file)
                && line.contains(text)
        })
    }

    /// The line on which a call that began on line `at` returned, if it succeeded.
    fn returned(&self, at: usize) -> Option<usize> {
        let line = &self.lines[at];
        let Some(rest) = line.strip_suffix("<unfinished ...>") else {
            return line.ends_with("= 0").then_some(at);
        };
        let (thread, call) = rest.split_once(' ').unwrap();
        let resumed = format!("<... {} resumed>", call.trim_start().split('(').next().unwrap());
        let end = (at..self.lines.len()).find(|i| {
            self.lines[*i].starts_with(&format!("{thread} ")) && self.lines[*i].contains(&resumed)
        })?;
        self.lines[end].ends_with("= 0").then_some(end)
    }

    /// `written` goes to the state's log, the log is synced, and only then somebody is told `told`.
    #[track_caller]
    fn assert_durable_before_told(&mut self, written: &str, told: &str) {
        self.assert_durable_in("state.db-wal", written, told);
    }

    /// The same for a line of the audit log.
    #[track_caller]
    fn assert_audited_before_told(&mut self, written: &str, told: &str) {
        self.assert_durable_in("/audit/0", written, told);
    }

    #[track_caller]
    fn assert_durable_in(&mut self, file: &str, written: &str, told: &str) {
        let shown = || self.lines[self.at..].join("\n");
        let reply = self.next(self.at, &["write", "writev", "sendto", "sendmsg"], "", told);
        let reply = reply.unwrap_or_else(|| panic!("nobody was told `{told}`\n{}", shown()));
        let write = self.next(self.at, &["pwrite64", "write"], file, written);
        let write = write.unwrap_or_else(|| panic!("`{written}` was not written\n{}", shown()));
        let sync = self.next(write, &["fsync", "fdatasync"], file, "").and_then(|i| self.returned(i));
        let sync = sync.unwrap_or_else(|| panic!("`{written}` was not synced\n{}", shown()));
        assert!(
            write < sync && sync < reply,
            "`{told}` on line {reply} before the sync on line {sync}\n{}",
            shown()
        );
        self.at = reply + 1;
    }
}

#[test]
fn nothing_is_told_before_it_is_on_the_disk() {
    if !available() {
        return;
    }
    let place = Place::new();
    till(&place);
    place.file("more/t.csv", "a\n1\n");
    place.ok(&ask("warm"));
    let calls =
        ["-s", "5000", "--trace=pwrite64,fsync,fdatasync,write,writev,sendto,sendmsg"].map(str::to_owned);
    let trace = Trace::attach(place.daemon_pid().unwrap(), &place.path("told"), &calls);
    place.ok(&["source", "add", "noted_source", "more"]);
    place.ok(&["profile", "t", "-s", "noted_source", "--json"]);
    place.ok(&["source", "delete", "noted_source", "--confirm", "noted_source"]);
    place.ok(&["query", "select 'noted_read' || 'er' as x", "--csv"]);
    place.ok(&["query", "copy (select 1) to 'noted_written.csv'", "--write"]);
    place.fails(&["query", "drop table noted_denied"], 7);
    place.ok(&ask("noted_session"));
    place.ok(&["session", "rename", "noted_session", "noted_name"]);
    place.ok(&["session", "delete", "noted_name"]);
    let mut calls = Calls { lines: trace.end(), at: 0 };
    calls.assert_durable_before_told("noted_source", "{\\\"source\\\":{\\\"name\\\":\\\"noted_source");
    calls.assert_durable_before_told("\\\"distinct", "\\\"profile\\\":");
    calls.assert_durable_before_told("", "noted_source removed");
    calls.assert_audited_before_told("noted_read' ||", "noted_reader");
    calls.assert_audited_before_told("noted_written", "noted_written.csv>");
    calls.assert_audited_before_told("noted_denied", "HTTP/1.1 403");
    // The turn is accepted, then each of its events is streamed.
    calls.assert_durable_before_told("noted_session", "\\\"turn_id\\\"");
    calls.assert_durable_before_told("\\\"thinking\\\"", "event: thinking");
    calls.assert_durable_before_told("\\\"complete\\\"", "event: complete");
    calls.assert_durable_before_told("noted_name", "noted_name");
    calls.assert_durable_before_told("", "deleted");
}
