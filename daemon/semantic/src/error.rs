//! What can be wrong with a model and with a query.

use std::fmt;
use std::sync::Arc;

/// Where in a model file something stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file's name as the caller gave it.
    pub file: Arc<str>,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One fault of a model file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelError {
    /// The file's name as the caller gave it.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ModelError {
    pub(crate) fn new(place: &Place, message: impl Into<String>) -> Self {
        Self {
            file: place.file.to_string(),
            line: place.line,
            column: place.column,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ModelError {}

/// What kind of fault a query has; scripts may rely on the names of [`QueryErrorKind::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryErrorKind {
    /// A metric that the model does not have.
    UnknownMetric,
    /// A group-by item that the model does not have.
    UnknownGroupBy,
    /// An item that exists, but not for this metric: no path, fan-out, too many hops, or a grain finer than the data.
    UnreachableGroupBy,
    /// A short name that stands for several paths of equal length.
    AmbiguousGroupBy,
    /// An item that some of the metrics can be grouped by, but not all.
    NoCommonGroupBy,
    /// A metric that only has a meaning along time, asked without `metric_time`.
    MissingMetricTime,
    /// An order item that is no output column.
    BadOrderBy,
    /// A limit that is no whole number from 0.
    BadLimit,
    /// A start or end that is no ISO date, or a start after the end.
    BadTimeRange,
    /// The same metric or item twice.
    Duplicate,
    /// Neither metrics nor group-by items.
    EmptyQuery,
    /// A filter item that the metrics cannot reach.
    UnreachableFilter,
    /// A filter that is not one boolean expression over templates and values.
    BadFilter,
    /// A saved query that the model does not have.
    UnknownSavedQuery,
    /// A query document with an unknown or wrongly typed field.
    BadQuery,
}

impl QueryErrorKind {
    /// The kind as scripts see it, for example `unknown_metric`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownMetric => "unknown_metric",
            Self::UnknownGroupBy => "unknown_group_by",
            Self::UnreachableGroupBy => "unreachable_group_by",
            Self::AmbiguousGroupBy => "ambiguous_group_by",
            Self::NoCommonGroupBy => "no_common_group_by",
            Self::MissingMetricTime => "missing_metric_time",
            Self::BadOrderBy => "bad_order_by",
            Self::BadLimit => "bad_limit",
            Self::BadTimeRange => "bad_time_range",
            Self::Duplicate => "duplicate",
            Self::EmptyQuery => "empty_query",
            Self::UnreachableFilter => "unreachable_filter",
            Self::BadFilter => "bad_filter",
            Self::UnknownSavedQuery => "unknown_saved_query",
            Self::BadQuery => "bad_query",
        }
    }
}

/// A query that is refused; nothing was sent anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// The kind of fault.
    pub kind: QueryErrorKind,
    /// What is wrong, naming the item as it was written.
    pub message: String,
    /// What to do about it, if that can be said.
    pub hint: Option<String>,
    /// Names to offer in place of the refused one, best first.
    pub suggestions: Vec<String>,
}

impl QueryError {
    pub(crate) fn new(kind: QueryErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, suggestions: Vec::new() }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Offers names; the hint is written from them unless there is one.
    pub(crate) fn suggest(mut self, names: Vec<String>) -> Self {
        if self.hint.is_none() && !names.is_empty() {
            self.hint = Some(format!("did you mean {}?", crate::names::listed(&names)));
        }
        self.suggestions = names;
        self
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for QueryError {}
