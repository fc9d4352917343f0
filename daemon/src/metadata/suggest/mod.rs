//! Completion of SQL that is being typed: a text and a cursor in, suggestions out, the likeliest first.
//!
//! It is pure: it sees the tables that it is given and nothing else, so it cannot name what its reader may not see. The text
//! may be broken in any way.
//!
//! ```text
//! text -> words around the cursor -> scope (which tables and columns) + place (what can stand there) -> gather -> rank
//! ```

mod gather;
mod index;
mod place;
mod query;
mod rank;
mod scope;
#[cfg(test)]
mod tests;
mod text;
mod vocabulary;
mod words;

pub use index::Index;

use std::sync::Arc;
use text::Typing;
use wharf_policy::Dialect;
use wharf_protocol::{SqlSuggestion, Table};

/// What a completion may name.
pub struct Sight<'a> {
    /// The sources, each with what its reader sees of it.
    pub sources: &'a [Arc<Index>],
    /// Which of them names without a source belong to.
    pub home: Option<usize>,
    /// The language that is typed.
    pub dialect: Dialect,
}

impl Sight<'_> {
    /// The source that names without one belong to.
    fn home(&self) -> Option<&Index> {
        self.home.and_then(|home| self.sources.get(home)).map(AsRef::as_ref)
    }

    /// The source of this name.
    fn source(&self, name: &str) -> Option<&Index> {
        self.sources.iter().map(AsRef::as_ref).find(|s| s.source.eq_ignore_ascii_case(name))
    }

    /// The table that the parts of a name mean.
    fn table(&self, parts: &[String]) -> Option<&Table> {
        match parts {
            [table] => match self.home() {
                Some(home) => home.table(None, table),
                None => self.sources.iter().find_map(|s| s.table(None, table)),
            },
            [first, table] => {
                let here = self.home().filter(|home| home.has_schema(first));
                let here = here.and_then(|home| home.table(Some(first), table));
                here.or_else(|| self.source(first)?.table(None, table))
            }
            [source, schema, table] => self.source(source)?.table(Some(schema), table),
            _ => None,
        }
    }
}

/// What was found.
pub struct Completed {
    /// The likeliest first.
    pub suggestions: Vec<SqlSuggestion>,
    /// What each of them replaces: bytes of the text.
    pub replaces: (usize, usize),
    /// There were more.
    pub more: bool,
}

/// Completes `sql` at the byte `cursor`, which stands between two characters; at the end if it does not. At most `limit`
/// suggestions.
pub fn complete(sql: &str, cursor: usize, sight: &Sight, limit: usize) -> Completed {
    let cursor = if sql.is_char_boundary(cursor) { cursor } else { sql.len() };
    let nothing = Completed { suggestions: Vec::new(), replaces: (cursor, cursor), more: false };
    let Some(typing) = Typing::read(sql, cursor, sight.dialect) else { return nothing };
    let scope = scope::scope(&typing, sight);
    let place = place::place(&typing, scope.arm);
    let (suggestions, more) = gather::gather(&typing, &scope, &place, sight, limit);
    Completed { suggestions, replaces: typing.replaces, more }
}
