//! Where the allowed tables stand in the text, from the tree's byte offsets.
//!
//! Each offset is proved by the words that stand there. A place that cannot be proved is kept as a fixed one, so that
//! whoever must put a query in its stead refuses the statement.

use super::judge;
use super::reading::{ColumnUse, Reading, Relation};
use crate::lexer::{self, Kind, Token};
use crate::names::{Policy, TableName};
use crate::placed::{ALONE, Placed, Qualifier, TABLE_COMMAND};
use std::collections::HashSet;

/// Why a place cannot be used: its name was not found where the engine says.
const UNPROVED: &str = "a place that cannot be told";

/// The places and qualifiers of a statement, in the order of the text.
pub(crate) fn of(
    reading: &Reading,
    policy: &Policy,
    text: &str,
    tokens: &[Token],
) -> (Vec<Placed>, Vec<Qualifier>) {
    let spaces = wide_spaces(text, tokens);
    let places = Places { text, tokens, spaces };
    let ctes: HashSet<usize> = reading.ctes.iter().flatten().copied().collect();
    let mut placed: Vec<Placed> = Vec::with_capacity(reading.relations.len());
    let mut seen = HashSet::new();
    for relation in &reading.relations {
        let Some(table) = judge::resolve(relation, policy) else { continue };
        // The engine copies windows and CASE operands, so one place can be read several times.
        if relation.at.is_none_or(|at| seen.insert((at, table.clone()))) {
            let is_cte_too = relation.at.is_some_and(|at| ctes.contains(&at));
            placed.push(places.placed(relation, table, is_cte_too));
        }
    }
    placed.sort_by_key(|placed| placed.span.start);
    let mut unnamed: Vec<&TableName> = Vec::new();
    for relation in reading.relations.iter().filter(|relation| !relation.aliased) {
        if let Some(table) = judge::resolve(relation, policy)
            && !unnamed.contains(&table)
        {
            unnamed.push(table);
        }
    }
    let mut qualifiers: Vec<Qualifier> =
        reading.columns.iter().filter_map(|column| places.qualifier(column, &unnamed)).collect();
    qualifiers.sort_by_key(|qualifier| qualifier.span.start);
    qualifiers.dedup();
    (placed, qualifiers)
}

/// A text with what is needed to find the words at an offset.
struct Places<'a> {
    text: &'a str,
    tokens: &'a [Token],
    spaces: Vec<(usize, usize)>,
}

impl Places<'_> {
    fn placed(&self, relation: &Relation, table: &TableName, is_cte_too: bool) -> Placed {
        let parts = [&relation.catalog, &relation.schema, &relation.table];
        let parts: Vec<&str> =
            parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        let named = relation.at.and_then(|at| self.named(at, &parts)).filter(|_| !is_cte_too);
        let (span, fixed) = match named {
            None => (0..0, Some(UNPROVED)),
            Some((first, last)) => {
                let before = first.checked_sub(1).and_then(|before| self.tokens.get(before));
                let fixed = match () {
                    () if relation.travels => Some("AT"),
                    () if relation.alone => Some(ALONE),
                    () if before.is_some_and(|token| token.is_word(self.text, "table")) => {
                        Some(TABLE_COMMAND)
                    }
                    () => None,
                };
                (self.tokens[first].start..self.tokens[last].end, fixed)
            }
        };
        Placed { table: table.clone(), span, aliased: relation.aliased, fixed }
    }

    /// `schema.table.column` and `catalog.schema.table.column` of a table that stands without a name of its own.
    fn qualifier(&self, column: &ColumnUse, unnamed: &[&TableName]) -> Option<Qualifier> {
        let names: Vec<&str> = column.names.iter().map(String::as_str).collect();
        let parts_before = |table: &TableName| match names.as_slice() {
            [catalog, schema, name, _, ..] if table.same_ignoring_case(catalog, schema, name) => Some(2),
            [schema, name, _, ..] if table.same_ignoring_case(&table.catalog, schema, name) => Some(1),
            _ => None,
        };
        let (table, cut) = unnamed.iter().find_map(|table| Some((table, parts_before(table)?)))?;
        let (first, _) = self.named(column.at?, names.get(..=cut)?)?;
        let behind = self.tokens.get(first + 2 * cut)?;
        Some(Qualifier { table: (*table).clone(), span: self.tokens[first].start..behind.start })
    }

    /// The tokens from the first to the last of `parts`, when these words, with dots between, stand at the engine's offset.
    fn named(&self, at: usize, parts: &[&str]) -> Option<(usize, usize)> {
        let at = self.submitted(at);
        let first = self.tokens.binary_search_by_key(&at, |token| token.start).ok()?;
        for (index, part) in parts.iter().enumerate() {
            let token = self.tokens.get(first + 2 * index)?;
            let dot = index == 0 || self.tokens.get(first + 2 * index - 1)?.is(b'.');
            if !dot || !spells(token, self.text, part) {
                return None;
            }
        }
        Some((first, first + 2 * (parts.len().checked_sub(1)?)))
    }

    /// The engine puts one space in the stead of each wider one before it counts.
    fn submitted(&self, at: usize) -> usize {
        let mut submitted = at;
        for (space, length) in &self.spaces {
            if *space >= submitted {
                break;
            }
            submitted += length - 1;
        }
        submitted
    }
}

/// Whether a token is the name `part`, quotes taken off.
fn spells(token: &Token, text: &str, part: &str) -> bool {
    let spelled = token.text(text);
    let inner = |quote: char, doubled: &str| {
        let inner = spelled.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        inner.is_some_and(|inner| inner.replace(doubled, &quote.to_string()) == part)
    };
    match token.kind {
        Kind::Word => spelled == part,
        Kind::Quoted => inner('"', "\"\""),
        Kind::Text => inner('\'', "''"),
        _ => false,
    }
}

/// White space of several bytes between the tokens: offsets and lengths.
fn wide_spaces(text: &str, tokens: &[Token]) -> Vec<(usize, usize)> {
    if text.is_ascii() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut from = 0;
    for end in tokens.iter().map(|token| (token.start, token.end)).chain([(text.len(), text.len())]) {
        let gap = text.get(from..end.0).unwrap_or_default();
        let wide = gap.char_indices().filter(|(_, letter)| lexer::is_space(*letter));
        found.extend(wide.map(|(at, letter)| (from + at, letter.len_utf8())));
        from = end.1;
    }
    found
}
