//! The guided form in a real terminal, and the connections of other programs.

use crate::support::faces::Face;
use crate::support::postgres::{PASSWORD, Server};
use crate::support::tmux::Tmux;
use crate::support::{Place, wait_until};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A file in the home folder that nobody else may read.
fn at_home(place: &Place, name: &str, text: &str) {
    let file = place.path("home").join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// The connections of somebody who works with everything. Files of the machine itself stay out of it.
fn everything(place: &Place, port: u16) {
    at_home(
        place,
        ".pg_service.conf",
        &format!("[crm]\nhost=127.0.0.1\nport={port}\nuser=reader\ndbname=crm\n[twice]\nhost=a,b\n"),
    );
    at_home(place, ".pgpass", &format!("127.0.0.1:{port}:crm:reader:{PASSWORD}\n"));
    at_home(
        place,
        ".databrickscfg",
        "[DEFAULT]\nhost = https://dbc-1.cloud.databricks.com\ntoken = dapi-planted\njunk planted\n",
    );
    at_home(place, ".aws/config", "[profile 3VDEV]\nregion = us-east-1\nsso_session = x\n");
    at_home(
        place,
        ".snowflake/connections.toml",
        "[dev]\naccount = 'acct'\ndatabase = 'D'\nauthenticator = 'externalbrowser'\n",
    );
}

fn database() -> Option<Server> {
    let server = Server::start(&[])?;
    server.run("postgres", &format!("create role reader login password '{PASSWORD}'"));
    server.run("postgres", "create database crm");
    server.run("crm", "create table orders as select 42 as id; grant select on orders to reader");
    Some(server)
}

/// No file below a folder, of those that wharf keeps, holds this text.
#[track_caller]
fn is_nowhere(place: &Place, text: &str) {
    let mut folders: Vec<_> = ["s", "c", "k", "r", "d"].map(|name| place.path(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if let Ok(bytes) = std::fs::read(entry.path()) {
                let found = bytes.windows(text.len()).any(|w| w == text.as_bytes());
                assert!(!found, "{}", entry.path().display());
            }
        }
    }
}

#[test]
fn connections_of_other_programs_are_listed_and_added_by_their_id() {
    let place = Place::new();
    let Some(server) = database() else { return };
    everything(&place, server.port);
    let listed = place.run(&["source", "found", "--json"]);
    assert_eq!(listed.code, 0);
    assert!(listed.err.contains(".databrickscfg:4: neither a section nor KEY=VALUE"), "{}", listed.err);
    assert!(!format!("{}{}", listed.out, listed.err).contains("planted"));
    assert!(!listed.out.contains(PASSWORD));
    assert!(place.daemon_pid().is_none(), "looking needs no daemon");
    let rows: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    let states: Vec<(&str, &str)> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["id"].as_str().unwrap(), r["state"].as_str().unwrap()))
        .filter(|(id, _)| !id.starts_with("postgres:") || ["postgres:crm", "postgres:twice"].contains(id))
        .collect();
    assert_eq!(
        states,
        [
            ("snowflake:dev", "needs secret"),
            ("databricks:DEFAULT", "needs catalog"),
            ("aws:3VDEV", "needs workgroup, database"),
            ("postgres:crm", "ready"),
            ("postgres:twice", "unusable"),
        ]
    );
    let add = |args: &[&str]| place.run(&[&["source", "add"], args].concat());
    for (args, code, mention) in [
        (&["x", "--found", "nix"][..], 6, "wharf source found"),
        (&["x", "--found", "postgres:twice"], 2, "several hosts"),
        (
            &["x", "--found", "postgres:twice", "--set", "host=127.0.0.1"],
            2,
            "--set user=... --set database=...",
        ),
        (&["x", "--found", "aws:3VDEV"], 2, "--set workgroup=... --set database=..."),
        (&["x", "--found", "snowflake:dev"], 2, "--secret ask"),
        (&["x", "--found", "postgres:crm", "--set", "port=0x"], 2, "a number from 1"),
        (&["x", "--found", "postgres:crm", "--set", "password=planted"], 2, "--secret ask"),
        (&["x", "--found", "postgres:crm", "--set", "planted"], 2, "PART=VALUE"),
        (&["x", ".", "--set", "a=b"], 2, "--found or --from-env"),
        (&["x", ".", "--kind", "postgres"], 2, "--from-env"),
    ] {
        let ran = add(args);
        assert!(ran.code == code && ran.err.contains(mention), "{args:?}: {} {}", ran.code, ran.err);
        assert!(!ran.err.contains("planted"), "{}", ran.err);
    }
    let added = place.json(&["source", "add", "--found", "postgres:crm", "--json"]);
    assert_eq!((added["name"].as_str(), added["tables"].as_u64()), (Some("crm"), Some(1)));
    let query = ["query", "select id from orders", "--source", "crm", "--csv", "-t"];
    assert_eq!(place.ok(&query), "42\n");
    // The daemon kept the password: the file of it is no longer needed.
    std::fs::remove_file(place.path("home/.pgpass")).unwrap();
    place.ok(&["daemon", "restart"]);
    assert_eq!(place.ok(&query), "42\n");
    place.ok(&["daemon", "stop"]);
    is_nowhere(&place, PASSWORD);
}

#[test]
fn a_connection_of_snowflake_takes_what_it_lacks_from_the_line() {
    let token = "a-token-of-tests-planted";
    let face = Face::start(
        "snowflake",
        &json!({"tokens": [token], "database": "D", "schema": "PUBLIC", "user": "ALICE",
            "setup": ["use schema PUBLIC", "create table t (a int)", "insert into t values (42)"]}),
    );
    let place = Place::new();
    let connection = |way: &str| {
        format!(
            "account='acct'\nuser='ALICE'\nhost='127.0.0.1'\nprotocol='http'\nport={}\nwarehouse='WH'\n{way}\n",
            face.port()
        )
    };
    let text = format!(
        "[whole]\n{}[browser]\n{}",
        connection(&format!("database='D'\ntoken='{token}'")),
        connection("authenticator='externalbrowser'"),
    );
    at_home(&place, ".snowflake/connections.toml", &text);
    place.ok(&["source", "add", "--found", "snowflake:whole"]);
    let args =
        ["source", "add", "other", "--found", "snowflake:browser", "--set", "database=D", "--secret", "-"];
    let added = place.pipe(&args, format!("{token}\n"));
    assert_eq!(added.code, 0, "{}", added.err);
    assert!(!added.err.contains("planted"), "{}", added.err);
    for source in ["whole", "other"] {
        assert_eq!(place.ok(&["query", "select a from t", "--source", source, "--csv", "-t"]), "42\n");
    }
    place.ok(&["daemon", "stop"]);
    is_nowhere(&place, token);
}

#[test]
fn a_password_file_that_others_may_read_is_left_out() {
    let place = Place::new();
    everything(&place, 5432);
    std::fs::set_permissions(place.path("home/.pgpass"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let listed = place.json(&["source", "found", "--json"]);
    let crm = listed.as_array().unwrap().iter().find(|r| r["id"] == "postgres:crm").unwrap();
    assert!(crm["note"].as_str().unwrap().contains("chmod 600"), "{crm}");
}

#[test]
fn files_that_cannot_be_read_do_not_stand_in_the_way_of_others() {
    let place = Place::new();
    everything(&place, 5432);
    at_home(&place, ".snowflake/connections.toml", "[dev]\npassword = planted words\n");
    std::fs::write(place.path("home/.databrickscfg"), vec![b'x'; 300_000]).unwrap();
    std::fs::write(place.path("home/.aws/credentials"), b"[a]\n\xff\xfe\n").unwrap();
    let listed = place.run(&["source", "found", "--json"]);
    assert_eq!(listed.code, 0);
    assert!(listed.out.contains("postgres:crm") && listed.out.contains("aws:3VDEV"), "{}", listed.out);
    for told in ["connections.toml:2: ", ".databrickscfg: it is larger", "credentials: line 2 is no text"] {
        assert!(listed.err.contains(told), "{told}: {}", listed.err);
    }
    assert!(!listed.err.contains("planted"), "{}", listed.err);
}

#[test]
fn without_a_terminal_the_scripted_forms_are_told() {
    let place = Place::new();
    for (args, mention) in [
        (&["source", "add"][..], "a name and where"),
        (&["source", "add", "shop"], "where the source is"),
        (&["source", "add", "--no-input"], "--from-env FILE"),
    ] {
        let err = place.fails(args, 2);
        assert!(err.contains(mention) && err.contains("--found ID"), "{err}");
    }
    assert!(place.daemon_pid().is_none());
}

/// The number in front of a line of the screen that holds this text.
#[track_caller]
fn number_of(tmux: &Tmux<'_>, text: &str) -> String {
    tmux.wait_for("Which one?");
    let screen = tmux.screen();
    let line =
        screen.lines().rfind(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text}: {screen}"));
    line.split_whitespace().next().unwrap().to_owned()
}

/// Opens the form in a shell that tells the exit code and stays.
fn open(tmux: &Tmux<'_>, place: &Place) {
    let wharf = env!("CARGO_BIN_EXE_wharf");
    place.file(
        "run.sh",
        format!(
            "trap : INT; stty -a > before; {wharf} source add; echo code=$?; stty -a > after; echo done; cat"
        ),
    );
    tmux.tmux(&["new-session", "-d", "-x", "120", "-y", "60", "sh run.sh"]);
}

#[test]
fn the_form_adds_what_was_found_after_its_name_alone() {
    let place = Place::new();
    let Some(tmux) = Tmux::new(&place) else { return };
    let Some(server) = database() else { return };
    everything(&place, server.port);
    open(&tmux, &place);
    let crm = number_of(&tmux, "postgres:crm");
    assert!(tmux.screen().contains("several hosts"), "{}", tmux.screen());
    tmux.type_line("99");
    tmux.wait_for("say a number from 1 to");
    tmux.type_line(&crm);
    tmux.wait_for("Name of the source [crm]:");
    tmux.type_line("Not A Name");
    tmux.wait_for("lower-case letters");
    tmux.type_line("sales");
    tmux.wait_for("wharf source add sales --found postgres:crm");
    tmux.type_line("");
    tmux.wait_for("user  reader");
    tmux.wait_for("code=0");
    assert!(!tmux.screen().contains(PASSWORD));
    assert_eq!(place.ok(&["query", "select id from orders", "--source", "sales", "--csv", "-t"]), "42\n");
}

#[test]
fn the_form_asks_for_another_server_and_again_after_a_failure() {
    let place = Place::new();
    let Some(tmux) = Tmux::new(&place) else { return };
    let Some(server) = database() else { return };
    open(&tmux, &place);
    tmux.type_line(&number_of(&tmux, "another PostgreSQL server"));
    let port = server.port.to_string();
    for (question, answer) in [
        ("Host [localhost]:", "127.0.0.1"),
        ("Port [5432]:", &port),
        ("User:", "reader"),
        ("Database:", "crm"),
        ("Name of the source [crm]:", ""),
        ("not shown", "wrong-planted"),
        ("Add it?", "y"),
        ("Nothing was added. Edit it", "e"),
        ("Host [127.0.0.1]:", ""),
        (&format!("Port [{port}]:"), ""),
        ("User [reader]:", ""),
        ("Database [crm]:", ""),
        ("Encryption", ""),
    ] {
        tmux.wait_for(question);
        tmux.type_line(answer);
    }
    tmux.wait_for("empty as before");
    tmux.type_line(PASSWORD);
    wait_until("the line is shown again", || tmux.screen().matches("Add it?").count() == 2);
    let line = format!("wharf source add crm postgres://reader@127.0.0.1:{}/crm --secret ask", server.port);
    assert!(tmux.screen().contains(&line), "{}", tmux.screen());
    tmux.type_line("");
    tmux.wait_for("code=0");
    assert!(!tmux.screen().contains(PASSWORD) && !tmux.screen().contains("planted"));
    assert_eq!(place.ok(&["query", "select id from orders", "--source", "crm", "--csv", "-t"]), "42\n");
    place.ok(&["daemon", "stop"]);
    is_nowhere(&place, PASSWORD);
    is_nowhere(&place, "wrong-planted");
}

#[test]
fn files_are_added_by_their_path() {
    let place = Place::new();
    let Some(tmux) = Tmux::new(&place) else { return };
    place.file("My Data/a.csv", "id\n1\n");
    open(&tmux, &place);
    tmux.type_line(&number_of(&tmux, "a folder, a file"));
    tmux.wait_for("Folder or file:");
    tmux.type_line("nowhere");
    tmux.wait_for("nowhere does not exist");
    tmux.type_line("My Data");
    tmux.wait_for("Name of the source [my_data]:");
    tmux.type_line("");
    tmux.wait_for("wharf source add my_data 'My Data'");
    tmux.type_line("");
    tmux.wait_for("code=0");
    assert_eq!(place.ok(&["query", "select id from my_data.a", "--csv", "-t"]), "1\n");
}

/// The terminal is left as it was found, and no source is there.
#[track_caller]
fn left_nothing(tmux: &Tmux<'_>, place: &Place, code: &str) {
    tmux.wait_for("done");
    assert!(tmux.screen().contains(code), "{}", tmux.screen());
    let text = |name: &str| std::fs::read_to_string(place.work().join(name)).unwrap();
    assert_eq!(text("before"), text("after"));
    assert_eq!(place.ok(&["source", "list", "--json"]), "[]\n");
    assert!(!Path::new(&place.path("s/secrets/kept.enc")).exists());
}

/// Answers everything but the token.
fn up_to_the_secret(tmux: &Tmux<'_>, place: &Place) {
    open(tmux, place);
    tmux.type_line(&number_of(tmux, "another Databricks workspace"));
    for (question, answer) in [
        ("Workspace", "https://dbc-1.cloud.databricks.com"),
        ("Catalog [main]:", ""),
        ("Schema [default]:", ""),
        ("SQL warehouse", ""),
        ("Name of the source [databricks]:", ""),
    ] {
        tmux.wait_for(question);
        tmux.type_line(answer);
    }
    tmux.wait_for("Personal access token (not shown):");
}

#[test]
fn who_goes_away_in_the_middle_of_a_secret_leaves_nothing_behind() {
    let place = Place::new();
    let Some(tmux) = Tmux::new(&place) else { return };
    up_to_the_secret(&tmux, &place);
    tmux.tmux(&["send-keys", "-l", "dapi-planted"]);
    tmux.tmux(&["send-keys", "C-c"]);
    left_nothing(&tmux, &place, "code=130");
    assert!(!tmux.screen().contains("planted"), "{}", tmux.screen());
}

#[test]
fn who_says_no_leaves_nothing_behind() {
    let place = Place::new();
    let Some(tmux) = Tmux::new(&place) else { return };
    up_to_the_secret(&tmux, &place);
    tmux.type_line("dapi-planted");
    tmux.wait_for(
        "wharf source add databricks databricks://dbc-1.cloud.databricks.com/main/default --secret ask",
    );
    tmux.type_line("n");
    left_nothing(&tmux, &place, "code=130");
    assert!(!tmux.screen().contains("planted"), "{}", tmux.screen());
}

#[test]
fn who_ends_the_input_or_interrupts_a_question_leaves_nothing_behind() {
    for (key, told) in [("C-d", "nothing was added"), ("C-c", "interrupted")] {
        let place = Place::new();
        let Some(tmux) = Tmux::new(&place) else { return };
        open(&tmux, &place);
        tmux.wait_for("Which one?");
        tmux.tmux(&["send-keys", key]);
        left_nothing(&tmux, &place, "code=130");
        assert!(tmux.screen().contains(told), "{}", tmux.screen());
    }
}
