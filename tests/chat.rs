//! The chat screen in a real terminal.

use crate::cases::shop;
use crate::support::tmux::Tmux;
use crate::support::{Place, wait_until};
use std::process::Command;

#[test]
fn questions_follow_ups_a_closed_terminal_and_a_killed_daemon() {
    let place = Place::new();
    let Some(tmux) = Tmux::new(&place) else { return };
    if !shop(&place) {
        return;
    }
    tmux.open(&["chat", "--session", "daily"]);
    tmux.wait_for("Ask about your data");
    tmux.type_line("revenue by month in 2024");
    tmux.wait_for("94,990.16");
    tmux.wait_for("12 rows.");
    tmux.type_line("only web");
    tmux.wait_for("❯ only web");
    // The terminal goes away, perhaps in the middle of the answer: the turn goes on without it.
    tmux.close();
    wait_until("the turn is over", || {
        place.json(&["session", "show", "daily", "--json"])["session"]["busy"] == false
    });
    place.kill_daemon();
    tmux.open(&["chat", "--session", "daily"]);
    tmux.wait_for("only web");
    tmux.wait_for("94,990.16");
    tmux.type_line("what is the meaning of life");
    tmux.wait_for("can't answer");
    tmux.tmux(&["send-keys", "C-d"]);
    wait_until("the screen is gone", || tmux.tmux(&["list-sessions"]).is_empty());
    let turns = place.json(&["session", "show", "daily", "--json"])["turns"].as_array().unwrap().len();
    assert_eq!(turns, 3);
}

#[test]
fn a_terminated_chat_gives_the_terminal_back() {
    let place = Place::new();
    let Some(tmux) = Tmux::new(&place) else { return };
    place.file("d/t.csv", "a\n1\n");
    place.ok(&["source", "add", "d", "d"]);
    let wharf = env!("CARGO_BIN_EXE_wharf");
    let script =
        format!("stty -a > before; {wharf} chat --full; echo code=$?; stty -a > after; echo done; sleep 60");
    place.file("run.sh", script);
    tmux.tmux(&["new-session", "-d", "-x", "100", "-y", "40", "sh run.sh"]);
    tmux.wait_for("Ask about your data");
    let state = || tmux.tmux(&["display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}"]);
    let before = std::fs::read_to_string(place.work().join("before")).unwrap();
    assert!(state().starts_with('1'), "the full screen is not the alternate one: {}", state());
    let shell = tmux.tmux(&["display-message", "-p", "#{pane_pid}"]);
    let children = format!("/proc/{0}/task/{0}/children", shell.trim());
    let chat = std::fs::read_to_string(children).unwrap();
    assert!(Command::new("kill").args(["-TERM", chat.trim()]).status().unwrap().success());
    tmux.wait_for("done");
    assert!(tmux.screen().contains("code=143"), "{}", tmux.screen());
    assert_eq!(state().trim(), "0 1 0");
    assert_eq!(std::fs::read_to_string(place.work().join("after")).unwrap(), before);
}
