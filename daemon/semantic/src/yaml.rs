//! YAML as a tree in which every value and key knows its line and column.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::error::{ModelError, Place};

/// A YAML value with its position.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub value: Value,
    pub line: u32,
    pub column: u32,
}

/// The content of a node; scalars other than truth values keep their text.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A mapping key with its position.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub text: String,
    pub line: u32,
    pub column: u32,
}

impl Node {
    /// What the value is, for messages.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The truth value, if it is one. The older spellings are names elsewhere, so they count only where one is due.
    pub(crate) fn truth(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(b) => Some(*b),
            Value::Text(t) => match t.to_ascii_lowercase().as_str() {
                "yes" | "on" => Some(true),
                "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// The same content as JSON, for parts of a file that are kept as they are.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(b) => (*b).into(),
            Value::Number(n) => n.parse::<serde_json::Number>().map_or_else(|_| n.clone().into(), Into::into),
            Value::Text(t) => t.clone().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect::<Vec<_>>().into(),
            Value::Map(entries) => serde_json::Value::Object(
                entries.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect(),
            ),
        }
    }
}

/// Reads one YAML (or JSON) document.
///
/// # Errors
/// The first syntax fault, with its place.
pub(crate) fn parse(file: &Arc<str>, text: &str) -> Result<Node, ModelError> {
    if text.trim().is_empty() {
        return Ok(Node { value: Value::Null, line: 1, column: 1 });
    }
    // Only `true` and `false` are truth values: a column may be called `n`, `y` or `on`.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options::<Node>(text, options).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), position);
        let place = Place { file: Arc::clone(file), line, column };
        // The library's text has a picture of the source below its first line; we point at the place ourselves.
        let full = error.without_snippet().to_string();
        let first = full.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let reason = first.split(" at line ").next().unwrap_or(first);
        ModelError::new(&place, format!("this is no valid YAML: {reason}"))
    })
}

fn position(location: Location) -> (u32, u32) {
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
    (number(location.line()), number(location.column()))
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        let (line, column) = position(spanned.referenced);
        Ok(Self { value: spanned.value, line, column })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Number(v.to_string()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Number(v.to_string()))
    }

    fn visit_i128<E>(self, v: i128) -> Result<Value, E> {
        Ok(Value::Number(v.to_string()))
    }

    fn visit_u128<E>(self, v: u128) -> Result<Value, E> {
        Ok(Value::Number(v.to_string()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Value::Number(v.to_string()))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::Text(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::Text(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Node>()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let (line, column) = position(key.referenced);
            let key = Key { text: key.value, line, column };
            entries.push((key, map.next_value::<Node>()?));
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Arc<str> {
        "m.yml".into()
    }

    #[test]
    fn every_value_knows_its_place() {
        let root = parse(&file(), "metrics:\n  - name: orders\n    expr: 1\n").expect("valid");
        let Value::Map(entries) = &root.value else { panic!("{root:?}") };
        let (key, list) = &entries[0];
        assert_eq!((key.text.as_str(), key.line, key.column), ("metrics", 1, 1));
        let Value::List(items) = &list.value else { panic!("{list:?}") };
        let Value::Map(fields) = &items[0].value else { panic!("{items:?}") };
        assert_eq!((fields[1].0.line, fields[1].0.column), (3, 5));
        assert_eq!((fields[1].1.line, fields[1].1.column), (3, 11));
        assert!(matches!(&fields[1].1.value, Value::Number(n) if n == "1"));
    }

    #[test]
    fn short_words_are_names_and_no_truth_values() {
        for word in ["n", "y", "N", "Y", "no", "yes", "on", "off"] {
            let root = parse(&file(), &format!("expr: {word}\n")).expect("valid");
            let Value::Map(entries) = &root.value else { panic!("{root:?}") };
            assert!(matches!(&entries[0].1.value, Value::Text(t) if t == word), "{root:?}");
        }
    }

    #[test]
    fn a_syntax_fault_has_a_place() {
        let error = parse(&file(), "metrics:\n  - name: [a\n").expect_err("broken");
        assert_eq!(error.file, "m.yml");
        assert!(error.line >= 2, "{error}");
    }

    #[test]
    fn a_key_given_twice_is_a_fault() {
        let error = parse(&file(), "name: a\nname: b\n").expect_err("twice");
        assert_eq!(error.line, 2, "{error}");
    }
}
