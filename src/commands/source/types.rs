//! The file of column types that `--types` names.

use crate::link::Failure;
use serde_json::Value;
use std::collections::BTreeMap;

/// Types by table and column.
pub type Types = BTreeMap<String, BTreeMap<String, String>>;

/// The types file: `{"tables": {TABLE: {COLUMN: TYPE}}}`, or the inner object alone; other names for tables under any
/// key that begins with `aliases`.
///
/// # Errors
/// Names the file and what of it is wrong.
pub fn types(text: &str, file: &str) -> Result<(Types, BTreeMap<String, String>), Failure> {
    let bad = |why: String| {
        Failure::usage(format!("{file}: {why}"))
            .hint("it must be {\"tables\": {TABLE: [{\"name\": COLUMN, \"type\": TYPE}, ...]}}")
    };
    let value: Value = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
    let object = value.as_object().ok_or_else(|| bad("it is not an object".to_owned()))?;
    let tables = object.get("tables").unwrap_or(&value);
    let mut found = Types::new();
    for (table, columns) in tables.as_object().into_iter().flatten() {
        if table.starts_with("aliases") {
            continue;
        }
        let types = column_types(columns).map_err(|why| bad(format!("table `{table}`: {why}")))?;
        found.insert(table.clone(), types);
    }
    let mut aliases = BTreeMap::new();
    for (_, names) in object.iter().filter(|(key, _)| key.starts_with("aliases")) {
        for (alias, table) in names.as_object().into_iter().flatten() {
            let table = table.as_str().ok_or_else(|| bad(format!("the alias `{alias}` names no table")))?;
            aliases.insert(alias.clone(), table.to_owned());
        }
    }
    Ok((found, aliases))
}

/// Columns as a list of `{"name": ..., "type": ...}`, or as an object from name to type.
fn column_types(columns: &Value) -> Result<BTreeMap<String, String>, String> {
    let pair = |name: Option<&str>, of: Option<&str>| match (name, of) {
        (Some(name), Some(of)) => Ok((name.to_owned(), of.to_owned())),
        _ => Err("a column needs a name and a type, both texts".to_owned()),
    };
    match columns {
        Value::Array(list) => list
            .iter()
            .map(|c| pair(c.get("name").and_then(Value::as_str), c.get("type").and_then(Value::as_str)))
            .collect(),
        Value::Object(map) => map.iter().map(|(name, of)| pair(Some(name), of.as_str())).collect(),
        _ => Err("its columns are neither a list nor an object".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::types;

    #[test]
    fn types_are_read_in_both_forms_and_mistakes_name_the_table() {
        let text = r#"{"tables": {"a": [{"name": "x", "type": "DATE"}], "b": {"y": "INTEGER"}}, "aliases_for_v2": {"c": "a"}}"#;
        let (types_by_table, aliases) = types(text, "t.json").unwrap();
        assert_eq!(types_by_table["a"]["x"], "DATE");
        assert_eq!(types_by_table["b"]["y"], "INTEGER");
        assert_eq!(aliases["c"], "a");
        let wrong = types(r#"{"tables": {"a": [{"name": "x"}]}}"#, "t.json").unwrap_err();
        assert!(wrong.error.message.contains("t.json: table `a`"), "{}", wrong.error.message);
    }
}
