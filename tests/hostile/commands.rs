//! Bad input at every command (R11): each argument and flag of the whole tree gets values that it does not expect. No
//! command panics, hangs, or fails without a word; and what there was is still there.

use super::dice::Dice;
use crate::cases::shop;
use crate::streams::http::get;
use crate::support::Place;
use serde_json::Value;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

/// They go on by design, change what others need, or make a whole shop.
const LEFT_OUT: [&str; 10] = [
    "serve",
    "daemon run",
    "daemon stop",
    "daemon restart",
    "daemon logs",
    "demo",
    "chat",
    "man",
    "source delete",
    "config init",
];

const ODD: [&str; 17] = [
    "",
    " ",
    "-1",
    "0",
    "99999999999999999999",
    "1e999",
    "NaN",
    "'; drop table x; --",
    "../..",
    "/",
    "/dev/null/x",
    "a\nb",
    "\u{1b}[31m",
    "\u{202e}",
    "😀",
    "--",
    "nix",
];

/// The leaves of the command tree with their arguments.
fn leaves(command: &Value, path: &str, found: &mut Vec<(String, Vec<Value>)>) {
    let children = command["commands"].as_array().cloned().unwrap_or_default();
    if children.is_empty() && !path.is_empty() {
        found.push((path.to_owned(), command["arguments"].as_array().unwrap().clone()));
    }
    for child in &children {
        let name = child["name"].as_str().unwrap();
        leaves(child, format!("{path} {name}").trim(), found);
    }
}

/// An almost right call: what is required, and one flag more.
fn call(path: &str, arguments: &[Value], flag: Option<&Value>, dice: &mut Dice) -> Vec<String> {
    let mut args: Vec<String> = path.split(' ').map(str::to_owned).collect();
    for argument in arguments.iter().filter(|a| a["positional"] == true) {
        if argument["required"] == true || dice.once_in(2) {
            args.push((*dice.pick(&ODD)).to_owned());
        }
    }
    if let Some(flag) = flag {
        let long = flag["long"].as_str().unwrap();
        match (flag["type"].as_str(), dice.below(3)) {
            (Some("flag"), 0) => args.push(format!("--{long}=x")),
            (Some("flag"), _) => args.push(format!("--{long}")),
            (_, 0) => args.push(format!("--{long}")),
            _ => args.push(format!("--{long}={}", dice.pick(&ODD))),
        }
    }
    args
}

/// Runs to the end. One that does not end within ten seconds is killed, which is told by its missing exit code.
fn run(place: &Place, args: &[String]) -> Output {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let child = place.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (pid, begun) = (child.id(), Instant::now());
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if is_done.recv_timeout(Duration::from_secs(10)).is_err() {
            crate::streams::process::signal(pid, "KILL");
        }
    });
    let output = child.wait_with_output().unwrap();
    let _ = done.send(());
    watch.join().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{args:?} took {:?}", begun.elapsed());
    output
}

/// `source add nix /` is a call like any other where that folder holds data: its source is no damage.
fn delete_added(place: &Place) {
    for source in get(place, "/api/sources").as_array().unwrap() {
        let name = source["name"].as_str().unwrap();
        if name != "shop" {
            assert!(ODD.contains(&name), "{source}");
            place.ok(&["source", "delete", name, "--confirm", name]);
        }
    }
}

#[test]
fn arguments_that_are_almost_right_are_refused_with_a_word() {
    let place = Place::new();
    if !shop(&place) {
        return;
    }
    let pid = place.daemon_pid();
    let kept = || ["/api/sources", "/api/models", "/api/tables"].map(|path| get(&place, path));
    let before = kept();
    let mut dice = Dice::new();
    let (spec, mut commands) = (place.json(&["spec", "--json"]), Vec::new());
    leaves(&spec["command"], "", &mut commands);
    let globals: Vec<Value> = spec["command"]["arguments"].as_array().unwrap().clone();
    let mut calls = Vec::new();
    for (path, arguments) in commands.iter().filter(|(path, _)| !LEFT_OUT.contains(&path.as_str())) {
        calls.push(call(path, arguments, None, &mut dice));
        let flags =
            // `--follow` goes on by design.
            arguments.iter().chain(&globals).filter(|a| a["long"].is_string() && a["long"] != "no-daemon" && a["long"] != "follow");
        for flag in flags {
            calls.push(call(path, arguments, Some(flag), &mut dice));
        }
    }
    calls.push(["source", "add", "nix", "/"].map(str::to_owned).to_vec()); // which is right where / holds data
    let (count, mut failed) = (calls.len(), 0);
    for args in &calls {
        let output = run(&place, args);
        let err = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        assert!(code.is_some_and(|c| c != 101 && c != 70), "{args:?}: {code:?} {err}");
        assert!(!err.contains("panicked"), "{args:?}: {err}");
        assert!(
            code == Some(0) || !err.trim().is_empty() || !output.stdout.is_empty(),
            "{args:?}: {code:?} without a word"
        );
        // What came in as an argument must not command the terminal on its way back; JSON is for programs.
        let turned = err.contains('\u{202e}') && !err.starts_with('{');
        assert!(!err.contains("\u{1b}[31m") && !turned, "{args:?}: {err:?}");
        failed += usize::from(code != Some(0));
    }
    println!("{failed} of {count} calls refused");
    assert!(count > 250 && failed > count / 3, "{failed} of {count}");
    delete_added(&place);
    assert_eq!(kept(), before);
    assert_eq!(place.daemon_pid(), pid);
    let log = std::fs::read_to_string(place.path("s").join("wharfd.log")).unwrap();
    assert!(!log.contains("panicked"), "{log}");
}
