//! Refusals: a code for programs, a sentence for people, and a way on.

use serde::Serialize;
use std::fmt;

/// Why a statement was refused. The names on the wire are snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DenialCode {
    /// There is no statement in the text.
    Empty,
    /// The text is longer than [`crate::MAX_TEXT_BYTES`].
    TooLong,
    /// The text holds a control character other than tab and line breaks.
    ControlCharacter,
    /// Expressions or brackets nest deeper than [`crate::MAX_DEPTH`].
    TooDeep,
    /// The statement unfolds to too much inside the engine.
    TooComplex,
    /// The engine's parser refuses the text, or the reader of the dialect does.
    Syntax,
    /// There is more than one statement.
    SeveralStatements,
    /// The statement is not a query.
    NotAQuery,
    /// The statement changes data or definitions, or locks rows.
    Writes,
    /// A relation is named that the policy does not list.
    TableNotAllowed,
    /// A relation belongs to a system catalog or an information schema.
    SystemCatalog,
    /// A function is not on the list of allowed ones.
    FunctionNotAllowed,
    /// A file, URL or stage is named as a relation or read by a function.
    FileAccess,
    /// A type is named that is not built into the engine.
    TypeNotAllowed,
    /// The engine's tree holds something that this version does not know.
    UnknownSyntax,
    /// The engine's parser could not be asked.
    ParserUnavailable,
    /// A table with column rules or a row filter stands where they cannot be kept.
    RuledTable,
    /// The policy itself is not usable.
    BadPolicy,
}

impl fmt::Display for DenialCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A place in the submitted text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// The place of a byte offset; `None` when the offset lies outside the text or inside a character.
    pub fn of(text: &str, offset: usize) -> Option<Self> {
        let before = text.get(..offset)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Some(Self {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..)?.chars().count() + 1,
        })
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}{}", place.map(|p| format!(" (line {}, column {})", p.line, p.column)).unwrap_or_default())]
pub struct Denial {
    /// The kind of refusal.
    pub code: DenialCode,
    /// What was refused, and why: lower case, no full stop.
    pub message: String,
    /// What to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where in the text, when known.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// Permitted names that look like the refused one, best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<String>,
}

impl Denial {
    /// A refusal without hint, place and suggestions.
    pub fn new(code: DenialCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, place: None, nearest: Vec::new() }
    }

    /// Adds what to do instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the place of a byte offset in `text`.
    #[must_use]
    pub fn at(mut self, text: &str, offset: Option<usize>) -> Self {
        self.place = offset.and_then(|offset| Place::of(text, offset));
        self
    }

    /// Adds suggestions, and a hint that names them when there is no hint yet.
    #[must_use]
    pub fn suggest(mut self, names: Vec<String>) -> Self {
        if self.hint.is_none() && !names.is_empty() {
            self.hint = Some(format!("did you mean {}?", names.join(" or ")));
        }
        self.nearest = names;
        self
    }
}
