//! The engine's JSON as a tree of borrowed texts, and strict access to it: every key must be known.
//!
//! A tree of its own, as `serde_json::Value` copies every text and hashes every key: three times the time and memory.

use super::unknown;
use crate::denial::Denial;
use std::borrow::Cow;

/// One value of the JSON.
#[derive(Debug)]
pub(crate) enum Tree<'a> {
    /// Null.
    Null,
    /// A flag.
    Flag(bool),
    /// A whole number of 64 bits.
    Whole(i64),
    /// Another number; its value says nothing about what is read.
    Number,
    /// A text.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Tree<'a>>),
    /// An object, in the order of the text.
    Map(Vec<(&'a str, Tree<'a>)>),
}

impl<'a> Tree<'a> {
    /// The text, if it is one.
    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The whole number, if it is one.
    pub(crate) fn as_whole(&self) -> Option<i64> {
        if let Self::Whole(number) = self { Some(*number) } else { None }
    }

    /// The values, if it is a list.
    pub(crate) fn as_list(&self) -> Option<&[Tree<'a>]> {
        if let Self::List(values) = self { Some(values) } else { None }
    }

    /// The value of a key, if it is an object with that key.
    pub(crate) fn get(&self, key: &str) -> Option<&Tree<'a>> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The value at the end of a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Tree<'a>> {
        path.iter().try_fold(self, |tree, key| tree.get(key))
    }
}

/// One object of the tree whose keys have been compared with what is known.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a>(&'a [(&'a str, Tree<'a>)]);

impl<'a> Node<'a> {
    /// An object, before its keys are compared.
    pub(crate) fn of(value: &'a Tree<'a>, what: &str) -> Result<Self, Denial> {
        if let Tree::Map(entries) = value { Ok(Self(entries)) } else { Err(unknown(what)) }
    }

    /// Refuses the object when it has a key outside `lists`, or the same key twice.
    pub(crate) fn only(self, what: &str, lists: &[&[&str]]) -> Result<Self, Denial> {
        for (at, (key, _)) in self.0.iter().enumerate() {
            let again = self.0.iter().take(at).any(|(before, _)| before == key);
            if again || !lists.iter().any(|list| list.contains(key)) {
                return Err(unknown(format!("{key} in {what}")));
            }
        }
        Ok(self)
    }

    fn get(&self, key: &str) -> Option<&'a Tree<'a>> {
        self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// A text; empty when absent, as the engine leaves out what is empty.
    pub(crate) fn text(&self, key: &str) -> Result<&'a str, Denial> {
        match self.get(key) {
            None | Some(Tree::Null) => Ok(""),
            Some(Tree::Text(text)) => Ok(text),
            Some(_) => Err(unknown(key)),
        }
    }

    /// A value, unless absent or null.
    pub(crate) fn value(&self, key: &str) -> Option<&'a Tree<'a>> {
        self.get(key).filter(|value| !matches!(value, Tree::Null))
    }

    /// The values of a list; none when absent.
    pub(crate) fn list(&self, key: &str) -> Result<&'a [Tree<'a>], Denial> {
        match self.get(key) {
            None | Some(Tree::Null) => Ok(&[]),
            Some(Tree::List(values)) => Ok(values),
            Some(_) => Err(unknown(key)),
        }
    }

    /// The texts of a list.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<&'a str>, Denial> {
        self.list(key)?.iter().map(|value| value.as_str().ok_or_else(|| unknown(key))).collect()
    }

    /// Whether a flag is set.
    pub(crate) fn flag(&self, key: &str) -> bool {
        matches!(self.get(key), Some(Tree::Flag(true)))
    }

    /// Where the node stands in the text that was parsed, in bytes.
    pub(crate) fn location(&self) -> Option<usize> {
        self.get("query_location").and_then(Tree::as_whole).and_then(|at| usize::try_from(at).ok())
    }
}
