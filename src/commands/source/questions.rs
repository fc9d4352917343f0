//! What the guided form asks about a source elsewhere.

use super::found::{Parts, Secret};
use wharf_protocol::SourceKind;

/// A question about one part of an address.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    /// The part, as [`Parts::set`] knows it.
    pub part: &'static str,
    /// What is asked.
    pub text: &'static str,
    /// What is taken where nothing is answered and nothing is known.
    pub default: &'static str,
    /// Nothing is no answer.
    pub needed: bool,
    /// Asked only when something went wrong before.
    pub rare: bool,
}

const fn needed(part: &'static str, text: &'static str, default: &'static str) -> Question {
    Question { part, text, default, needed: true, rare: false }
}

const fn free(part: &'static str, text: &'static str, default: &'static str) -> Question {
    Question { part, text, default, needed: false, rare: false }
}

const ENCRYPTION: Question = Question {
    part: "sslmode",
    text: "Encryption: verify-full, require or disable",
    default: "",
    needed: false,
    rare: true,
};

/// The questions about what these parts are of, in the order in which people think of it.
pub fn questions(parts: &Parts) -> Vec<Question> {
    match parts.kind {
        SourceKind::Duckdb => Vec::new(),
        SourceKind::Postgres => vec![
            needed("host", "Host", "localhost"),
            free("port", "Port", "5432"),
            needed("user", "User", ""),
            needed("database", "Database", ""),
            ENCRYPTION,
        ],
        SourceKind::Redshift if parts.is_data_api() => vec![
            needed("profile", "Profile of AWS", "default"),
            free("region", "Region, empty for the profile's own", ""),
            needed("workgroup", "Workgroup, or cluster=NAME", ""),
            needed("database", "Database", "dev"),
        ],
        SourceKind::Redshift => vec![
            needed("host", "Host", ""),
            free("port", "Port", "5439"),
            needed("user", "User", ""),
            needed("database", "Database", "dev"),
            ENCRYPTION,
        ],
        SourceKind::Snowflake => vec![
            needed("account", "Account, what stands before .snowflakecomputing.com", ""),
            free("user", "User", ""),
            needed("database", "Database", ""),
            free("schema", "Schema", "PUBLIC"),
            free("warehouse", "Warehouse, empty for the user's own", ""),
            free("role", "Role, empty for the user's own", ""),
            free("private_key", "File of a key to sign in with, empty for a token", ""),
        ],
        SourceKind::Databricks => vec![
            needed("host", "Workspace, as its URL has it", ""),
            needed("catalog", "Catalog", "main"),
            free("schema", "Schema", "default"),
            free("warehouse", "Id of the SQL warehouse, empty for the first that runs", ""),
        ],
    }
}

/// What opens it, once the questions are answered.
pub fn secret_of(parts: &Parts) -> Secret {
    match parts.kind {
        SourceKind::Duckdb => Secret::None,
        SourceKind::Postgres => Secret::Ask("password", false),
        SourceKind::Redshift if parts.is_data_api() => Secret::None,
        SourceKind::Redshift => Secret::Ask("password", true),
        SourceKind::Snowflake if parts.options.contains_key("private_key") => {
            Secret::Ask("pass phrase of the key", false)
        }
        SourceKind::Snowflake => Secret::Ask("programmatic access token", true),
        SourceKind::Databricks => Secret::Ask("personal access token", true),
    }
}

/// Takes an answer into the parts; tells what is wrong with it.
pub fn answer(parts: &mut Parts, question: &Question, text: &str) -> Result<(), String> {
    // What a form has in brackets can be taken away again.
    let text = if text == "-" && !question.needed { "" } else { text };
    if text.is_empty() && question.needed {
        return Err("this is needed".to_owned());
    }
    match (question.part, text.split_once('=')) {
        ("workgroup", Some(("cluster", name))) => parts.set("cluster", name.trim()),
        ("private_key", _) if !text.is_empty() && !std::path::Path::new(text).is_absolute() => {
            return Err("say the whole path: it begins with /".to_owned());
        }
        (part, _) => parts.set(part, text),
    }
    .map_err(str::to_owned)
}

/// Whether a source may be called so.
pub fn check_name(name: &str, taken: &[String], replace: bool) -> Result<String, String> {
    let good = name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    match (good, taken.iter().any(|t| t == name)) {
        (false, _) => Err("lower-case letters, digits and _, beginning with a letter".to_owned()),
        (true, true) if !replace => Err(format!("there is a source `{name}` already")),
        (true, _) => Ok(name.to_owned()),
    }
}

/// The name, or one with a number behind it that is still free.
pub fn free_name(name: &str, taken: &[String]) -> String {
    let is_free = |name: &String| !taken.contains(name);
    let numbered = (2..1000).map(|n| format!("{name}_{n}"));
    std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

/// An argument as it stands in a shell's line.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_or_told_what_is_wrong_with_them() {
        let mut parts = Parts::of(SourceKind::Redshift);
        parts.set("transport", "data-api").unwrap();
        let asked = questions(&parts);
        let workgroup = &asked[2];
        assert!(answer(&mut parts, workgroup, "").is_err());
        answer(&mut parts, workgroup, "cluster=c1").unwrap();
        assert_eq!(parts.get("cluster").as_deref(), Some("c1"));
        let mut parts = Parts::of(SourceKind::Snowflake);
        let asked = questions(&parts);
        assert!(answer(&mut parts, &asked[6], "key.p8").unwrap_err().contains("whole path"));
        answer(&mut parts, &asked[6], "/k.p8").unwrap();
        assert!(matches!(secret_of(&parts), Secret::Ask("pass phrase of the key", false)));
        answer(&mut parts, &asked[6], "-").unwrap();
        assert!(matches!(secret_of(&parts), Secret::Ask("programmatic access token", true)));
        let mut parts = Parts::of(SourceKind::Postgres);
        let port = &questions(&parts)[1];
        assert!(answer(&mut parts, port, "70000").is_err());
        answer(&mut parts, port, "6000").unwrap();
    }

    #[test]
    fn every_part_that_can_be_missing_has_a_question() {
        for kind in SourceKind::ALL {
            let mut parts = Parts::of(kind);
            for way in ["wire", "data-api"] {
                parts.options.insert("transport".to_owned(), way.to_owned());
                for part in parts.missing() {
                    assert!(questions(&parts).iter().any(|q| q.part == part), "{kind:?} {part}");
                }
            }
        }
    }

    #[test]
    fn names_are_free_and_lines_are_for_shells() {
        let taken = ["crm".to_owned(), "crm_2".to_owned()];
        assert_eq!((free_name("crm", &taken), free_name("x", &taken)), ("crm_3".into(), "x".into()));
        assert!(check_name("crm", &taken, false).is_err() && check_name("crm", &taken, true).is_ok());
        for bad in ["", "A", "9x", "a-b", "größe", "a b"] {
            assert!(check_name(bad, &[], false).is_err(), "{bad}");
        }
        assert_eq!(quoted("postgres://a@h:5/d"), "postgres://a@h:5/d");
        assert_eq!(quoted("x?a=b&c='d'"), r"'x?a=b&c='\''d'\'''");
    }
}
