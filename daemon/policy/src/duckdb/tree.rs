//! Strict access to the engine's JSON: every key must be known.

use super::unknown;
use crate::denial::Denial;
use serde_json::{Map, Value};

/// One object of the tree whose keys have been compared with what is known.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a>(&'a Map<String, Value>);

impl<'a> Node<'a> {
    /// An object, before its keys are compared.
    pub(crate) fn of(value: &'a Value, what: &str) -> Result<Self, Denial> {
        value.as_object().map(Self).ok_or_else(|| unknown(what))
    }

    /// Refuses the object when it has a key outside `lists`.
    pub(crate) fn only(self, what: &str, lists: &[&[&str]]) -> Result<Self, Denial> {
        for key in self.0.keys() {
            if !lists.iter().any(|list| list.contains(&key.as_str())) {
                return Err(unknown(format!("{key} in {what}")));
            }
        }
        Ok(self)
    }

    /// A text; empty when absent, as the engine leaves out what is empty.
    pub(crate) fn text(&self, key: &str) -> Result<&'a str, Denial> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(unknown(key)),
        }
    }

    /// A value, unless absent or null.
    pub(crate) fn value(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// The values of a list; none when absent.
    pub(crate) fn list(&self, key: &str) -> Result<&'a [Value], Denial> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(&[]),
            Some(Value::Array(values)) => Ok(values),
            Some(_) => Err(unknown(key)),
        }
    }

    /// The texts of a list.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<&'a str>, Denial> {
        self.list(key)?.iter().map(|value| value.as_str().ok_or_else(|| unknown(key))).collect()
    }

    /// Whether a flag is set.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.0.get(key) == Some(&Value::Bool(true))
    }

    /// Where the node stands in the text that was parsed, in bytes.
    pub(crate) fn location(&self) -> Option<usize> {
        self.0.get("query_location").and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok())
    }
}
