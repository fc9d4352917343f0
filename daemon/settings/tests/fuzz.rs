//! Settings files and values from anywhere: read or refused with a place, never a panic.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use proptest::prelude::*;
use wharf_settings::{Env, Kind, Layer, Settings, TABLE, init_text};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// The sample file with its comments opened, then pieces cut out, doubled or replaced.
fn mangled() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(String::new()),
        Just("[".to_owned()),
        Just("]]".to_owned()),
        Just("\"\"\"".to_owned()),
        Just("= = ".to_owned()),
        Just("\n[limits]\n".to_owned()),
        Just("{a = 1}".to_owned()),
        Just("1979-05-27T07:32:00Z".to_owned()),
        "[ -~\n]{0,12}",
        "\\PC{0,8}",
    ];
    (any::<prop::sample::Index>(), 0..60_usize, piece).prop_map(|(at, length, piece)| {
        let text = init_text().lines().map(|l| opened(l) + "\n").collect::<String>();
        let bounds: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
        let start = at.index(bounds.len());
        let end = bounds.get(start + length).copied().unwrap_or(text.len());
        format!("{}{piece}{}", &text[..bounds[start]], &text[end..])
    })
}

/// A line of the sample file as a setting, if it is one.
fn opened(line: &str) -> String {
    let setting =
        line.strip_prefix("# ").filter(|l| l.split_once(" = ").is_some_and(|(k, _)| !k.contains(' ')));
    setting.unwrap_or(line).to_owned()
}

/// `file:line:column`, both counted from 1 and within the text.
fn is_place(place: &str, text: &str) -> bool {
    let Some((line, column)) = place.strip_prefix("c.toml:").and_then(|p| p.split_once(':')) else {
        return false;
    };
    let (line, column): (usize, usize) = (line.parse().unwrap(), column.parse().unwrap());
    (1..=text.matches('\n').count() + 1).contains(&line) && column >= 1
}

proptest! {
    #![proptest_config(config(4000))]

    #[test]
    fn any_file_is_read_or_refused_with_its_place(text in prop_oneof![3 => mangled(), 1 => "[ -~\n]{0,200}", 1 => "\\PC{0,80}"]) {
        match Layer::parse("c.toml", &text) {
            Err(error) => {
                prop_assert!(is_place(&error.place, &text), "{error}: {text:?}");
                prop_assert!(!error.message.is_empty());
            }
            // What was read fits: nothing that uses a setting has to look again.
            Ok(layer) => {
                let settings = Settings::resolve(vec![layer], &Env::of([])).unwrap();
                for setting in settings.all() {
                    prop_assert!(setting.setting.kind.check(&setting.value).is_ok(), "{setting:?}");
                    let _ = (settings.duration(setting.setting.key), settings.size(setting.setting.key));
                }
            }
        }
    }

    #[test]
    fn any_value_of_a_variable_is_taken_or_refused_by_its_name(
        which in any::<prop::sample::Index>(), value in prop_oneof!["[0-9]{1,25}[a-zA-Z]{0,4}", "\\PC{0,30}", "[ -~]{0,20}"],
    ) {
        let setting = which.get(TABLE);
        match Settings::resolve(Vec::new(), &Env::of([(setting.env, &value)])) {
            Err(error) => prop_assert_eq!(error.place, setting.env),
            Ok(settings) => {
                let expected = if value.is_empty() { setting.default } else { &value };
                prop_assert_eq!(settings.text(setting.key), expected);
                if setting.kind == Kind::Duration {
                    let _ = settings.duration(setting.key);
                }
            }
        }
        let flag = Layer::flag("--flag", &value, "x");
        prop_assert!(flag.is_err() || TABLE.iter().any(|s| s.key == value));
    }
}
