//! The function lists against the engine's own catalogue.

use crate::support::{Engine, policy};
use wharf_policy::{DenialCode, check};

fn judged(engine: &Engine, sql: &str) -> (bool, String) {
    match check(sql, &policy(), engine) {
        Ok(_) => (true, String::new()),
        Err(denial) => (false, format!("{}: {}", denial.code, denial.message)),
    }
}

/// Every function of the engine is either allowed or refused for a reason of its own; none is merely unknown.
#[test]
fn every_function_of_the_engine_has_been_judged() {
    let engine = Engine::new();
    let sql = "SELECT DISTINCT function_name, function_type FROM duckdb_functions()
        WHERE function_type IN ('scalar', 'aggregate', 'macro', 'table', 'table_macro') AND database_name = 'system'";
    let mut statement = engine.connection.prepare(sql).unwrap();
    let rows =
        statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    let (mut count, mut unknown) = (0, Vec::new());
    for row in rows {
        let (name, kind) = row.unwrap();
        let quoted = name.replace('"', "\"\"");
        let sql = match kind.as_str() {
            "table" | "table_macro" => format!("SELECT * FROM \"{quoted}\"(1)"),
            _ => format!("SELECT \"{quoted}\"(1)"),
        };
        let (allowed, why) = judged(&engine, &sql);
        if !allowed && (why.contains("is not an allowed") || !why.contains(&name.to_lowercase())) {
            unknown.push(format!("{kind} {name}: {why}"));
        }
        count += 1;
    }
    assert!(count > 800, "the catalogue gave {count} functions");
    assert!(unknown.is_empty(), "{} of {count}: {}", unknown.len(), unknown.join("\n"));
}

#[test]
fn types_of_the_engine_pass() {
    let engine = Engine::new();
    let sql = "SELECT DISTINCT type_name FROM duckdb_types() WHERE database_name = 'system'";
    let mut statement = engine.connection.prepare(sql).unwrap();
    let names: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(names.len() > 60, "{}", names.len());
    for name in names {
        let name = name.trim_matches('"').to_owned();
        let (allowed, why) = judged(&engine, &format!("SELECT NULL::{name}"));
        // Some names need parts that this plain cast does not give.
        assert!(allowed || why.starts_with("syntax"), "{name}: {why}");
    }
}

#[test]
fn a_parser_that_gives_no_answer_is_a_refusal() {
    struct Broken(&'static str);
    impl wharf_policy::DuckdbParser for Broken {
        fn serialize(&self, _: &str) -> Result<String, wharf_policy::ParserUnavailable> {
            if self.0.is_empty() {
                Err(wharf_policy::ParserUnavailable("gone".into()))
            } else {
                Ok(self.0.into())
            }
        }
    }
    let node = |node: &str| format!(r#"{{"error":false,"statements":[{{"node":{node}}}]}}"#);
    let unknown: &'static str = node(r#"{"type":"NEW_NODE"}"#).leak();
    let new_key: &'static str = node(r#"{"type":"SELECT_NODE","new_clause":{}}"#).leak();
    let new_class: &'static str = node(r#"{"type":"SELECT_NODE","select_list":[{"class":"NEW"}]}"#).leak();
    let cases = [
        ("", DenialCode::ParserUnavailable),
        ("nonsense", DenialCode::ParserUnavailable),
        (r#"{"error":false,"statements":[]}"#, DenialCode::Empty),
        (unknown, DenialCode::UnknownSyntax),
        (new_key, DenialCode::UnknownSyntax),
        (new_class, DenialCode::UnknownSyntax),
    ];
    for (answer, code) in cases {
        assert_eq!(
            check("SELECT 1", &policy(), &Broken(answer)).map_err(|denial| denial.code),
            Err(code),
            "{answer}"
        );
    }
}
