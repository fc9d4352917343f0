//! What is generated and committed must be what the argument tree says today.

use crate::support::Place;
use std::collections::BTreeMap;
use std::path::Path;

fn texts(dir: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())).flatten();
    entries
        .map(|e| (e.file_name().into_string().unwrap(), std::fs::read_to_string(e.path()).unwrap()))
        .collect()
}

#[test]
fn man_pages_are_not_stale() {
    let place = Place::new();
    place.ok(&["man", "out"]);
    let committed = texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("man"));
    assert!(committed.contains_key("wharf-query.1"));
    assert_eq!(committed, texts(&place.work().join("out")), "run `make generated`");
}

#[test]
fn completion_snippets_call_back_and_the_answers_come_from_the_cache() {
    let place = Place::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for (file, shell) in [("wharf.bash", "bash"), ("_wharf", "zsh"), ("wharf.fish", "fish")] {
        let line = place.ok(&["completions", shell]);
        assert!(
            std::fs::read_to_string(folder.join(file)).unwrap().ends_with(&line),
            "{file}: run `make generated`"
        );
    }
    std::fs::create_dir_all(place.path("k")).unwrap();
    std::fs::write(
        place.path("k/completion.json"),
        r#"{"tables": ["orders", "items"], "sources": ["shop"]}"#,
    )
    .unwrap();
    let complete = |index: &str, words: &[&str]| {
        let output = place
            .command(&[&["--", "wharf"], words].concat())
            .env("COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", index)
            .env("_CLAP_IFS", "\n")
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(complete("2", &["sample", ""]).contains("orders"), "{}", complete("2", &["sample", ""]));
    assert!(complete("1", &["que"]).contains("query"));
    assert!(place.daemon_pid().is_none(), "completing must not start the daemon");
}

#[test]
fn spec_names_every_command_exit_code_and_event() {
    let spec = Place::new().json(&["spec", "--json"]);
    let commands: Vec<&str> =
        spec["command"]["commands"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    for name in ["ask", "chat", "query", "sample", "profile", "metric", "demo", "source", "doctor"] {
        assert!(commands.contains(&name), "{name}");
    }
    let codes: Vec<u64> =
        spec["exit_codes"].as_array().unwrap().iter().map(|c| c["code"].as_u64().unwrap()).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 70, 130, 143]);
    assert!(spec["events"]["types"].as_array().unwrap().len() >= 11);
}

#[test]
fn help_has_examples_and_unknown_words_get_a_suggestion() {
    let place = Place::new();
    assert!(place.ok(&["query", "--help"]).contains("Examples:"));
    assert!(place.ok(&["help", "exit-codes"]).contains("130"));
    assert!(place.ok(&["help", "metric", "query"]).contains("--show-sql"));
    let err = place.fails(&["qury", "x"], 2);
    assert!(err.contains("query"), "{err}");
    assert!(place.fails(&["help", "nonsense"], 2).contains("exit-codes"));
    assert_eq!(place.run(&[]).code, 2);
}

#[test]
fn settings_show_their_origin_and_mistakes_their_place() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("c")).unwrap();
    std::fs::write(place.path("c/config.toml"), "[output]\nrows = 5\n").unwrap();
    let shown = place.json(&["config", "show", "--json"]);
    let rows = shown["settings"].as_array().unwrap().iter().find(|s| s["key"] == "output.rows").unwrap();
    assert_eq!(rows["value"], "5");
    assert!(rows["origin"].as_str().unwrap().ends_with("config.toml"));
    std::fs::write(place.path("c/config.toml"), "[output]\nrwos = 5\n").unwrap();
    let err = place.fails(&["query", "select 1"], 2);
    assert!(err.contains("config.toml:2:1") && err.contains("output.rows"), "{err}");
    std::fs::remove_file(place.path("c/config.toml")).unwrap();
    place.ok(&["config", "init"]);
    place.ok(&["config", "validate"]);
    assert_eq!(place.json(&["config", "schema"])["type"], "object");
}
