//! The text with the queries of the views at its head and their names in the places of the tables.

use super::{MaskKey, View, quote, ruled};
use crate::Checked;
use crate::denial::Denial;
use crate::lexer::{self, Token};
use crate::names::{Dialect, TableName};
use crate::placed::{ALONE, Placed, TABLE_COMMAND};
use std::ops::Range;

/// Puts what `views` show in the place of their tables.
///
/// `sql` is the text that `checked` was made from. A table without a view, and one whose view has no rules, stays as it is:
/// the caller gives a view for every table that has rules. The new text has one line more than `sql`, at its head.
///
/// # Errors
/// A [`Denial`] when a table with rules stands where no query can stand, when the statement is an EXPLAIN (a plan shows the
/// filter, and columns that are hidden), and those of [`View::query`].
pub fn rewrite(
    sql: &str,
    checked: &Checked,
    views: &[View],
    dialect: Dialect,
    key: &MaskKey,
) -> Result<String, Denial> {
    let mut found: Vec<(&TableName, &View)> = Vec::new();
    for table in &checked.tables {
        if let Some(view) = view_of(table, views)? {
            found.push((table, view));
        }
    }
    let Some((first, _)) = found.first().copied() else { return Ok(sql.to_owned()) };
    if checked.explain {
        let message = format!("the plan of a statement over {first} shows more than you may see");
        return Err(ruled(message).hint("run the statement without EXPLAIN"));
    }
    let mut seen: Vec<Seen<'_>> = Vec::with_capacity(found.len());
    for (table, view) in found {
        if !checked.places.iter().any(|placed| placed.table == *table) {
            return Err(cannot_place(table));
        }
        let name = free_name(&view.table.table, sql, &seen, dialect);
        seen.push(Seen { table, name, query: view.query(dialect, key)? });
    }
    let tokens = lexer::tokens(sql);
    let mut edits = vec![head(sql, &tokens, checked, &seen, dialect)?];
    for placed in &checked.places {
        if let Some(seen) = seen.iter().find(|seen| *seen.table == placed.table) {
            edits.push(replacement(sql, &tokens, placed, seen, dialect)?);
        }
    }
    let is_seen = |table: &TableName| seen.iter().any(|seen| seen.table == table);
    let cut = checked.qualifiers.iter().filter(|qualifier| is_seen(&qualifier.table));
    edits.extend(cut.map(|qualifier| (qualifier.span.clone(), String::new())));
    edited(sql, edits).ok_or_else(|| cannot_place(first))
}

/// A table with rules, and what stands for it.
struct Seen<'a> {
    table: &'a TableName,
    /// The name of the CTE, in quotes.
    name: String,
    /// Its query, in brackets.
    query: String,
}

/// The view of a table: the one by its very name, or else by its name in another case, as a rule must not be lost by spelling.
///
/// # Errors
/// When there are several: the caller has to join the rules of a table.
fn view_of<'a>(table: &TableName, views: &'a [View]) -> Result<Option<&'a View>, Denial> {
    let exact = || views.iter().filter(|view| view.table == *table);
    let similar = |view: &&View| view.table.same_ignoring_case(&table.catalog, &table.schema, &table.table);
    let mut found: Vec<&View> = exact().collect();
    if found.is_empty() {
        found = views.iter().filter(similar).collect();
    }
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(one.has_rules().then_some(*one)),
        _ => {
            Err(ruled(format!("the table {table} has several views"))
                .hint("ask an admin to look at its rules"))
        }
    }
}

/// A name that does not occur in the statement, so that it can be neither a CTE nor a column of it.
fn free_name(table: &str, sql: &str, seen: &[Seen<'_>], dialect: Dialect) -> String {
    let plain = format!("{table}_seen");
    let quoted = quote::name(&plain, dialect);
    let is_taken = sql.to_lowercase().contains(&plain.to_lowercase())
        || seen.iter().any(|seen| seen.name.to_lowercase() == quoted.to_lowercase());
    if !is_taken {
        return quoted;
    }
    let longest = sql.split(|letter| letter != '_').map(str::len).max().unwrap_or(0);
    quote::name(&format!("{plain}{}", "_".repeat(longest + 1 + seen.len())), dialect)
}

/// The queries as CTEs at the head: before the statement, or first in its own WITH.
fn head(
    sql: &str,
    tokens: &[Token],
    checked: &Checked,
    seen: &[Seen<'_>],
    dialect: Dialect,
) -> Result<(Range<usize>, String), Denial> {
    let hint = match dialect {
        Dialect::Duckdb | Dialect::Postgres => "NOT MATERIALIZED ",
        Dialect::Redshift | Dialect::Snowflake | Dialect::Databricks => "",
    };
    let queries: Vec<String> =
        seen.iter().map(|seen| format!("{} AS {hint}{}", seen.name, seen.query)).collect();
    let queries = queries.join(", ");
    let refusal = || ruled("the statement begins in a way that leaves no room for rules".into());
    let start = blank_end(sql, 0, dialect);
    if let Some(with) = word_at(sql, start, "with") {
        let recursive = word_at(sql, blank_end(sql, with, dialect), "recursive");
        let at = recursive.unwrap_or(with);
        return Ok((at..at, format!(" {queries},\n")));
    }
    if !sql.get(start..).is_some_and(|rest| rest.starts_with(|c: char| c == '(' || c.is_ascii_alphabetic())) {
        return Err(refusal());
    }
    // The engine finds the columns of such a PIVOT by a statement of its own, with the inner CTEs before the outer ones.
    if checked.several_steps && has_inner_with(sql, tokens) {
        let message = "a PIVOT that takes its columns from the data does not go with the rules of its tables and a WITH inside it";
        return Err(
            ruled(message.into()).hint("put WITH first, or list the columns: ON column IN ('a', 'b')")
        );
    }
    Ok((start..start, format!("WITH {queries}\n")))
}

/// Where white space, comments and semicolons that start at `at` end. A comment that has no end takes the rest.
fn blank_end(sql: &str, mut at: usize, dialect: Dialect) -> usize {
    loop {
        let rest = sql.get(at..).unwrap_or_default();
        let is_blank =
            |letter: char| letter.is_ascii_whitespace() || letter == ';' || lexer::is_space(letter);
        let length = match rest.chars().next() {
            Some(letter) if is_blank(letter) => letter.len_utf8(),
            _ if rest.starts_with("--") => rest.find('\n').map_or(rest.len(), |end| end + 1),
            _ if rest.starts_with("//") && dialect == Dialect::Snowflake => {
                rest.find('\n').map_or(rest.len(), |end| end + 1)
            }
            _ if rest.starts_with("/*") => lexer::comment_end(rest.as_bytes(), 0),
            _ => return at,
        };
        at += length;
    }
}

/// The end of `word` when it stands at `at`, in any case.
fn word_at(sql: &str, at: usize, word: &str) -> Option<usize> {
    let end = at + word.len();
    let stands = sql.get(at..end).is_some_and(|found| found.eq_ignore_ascii_case(word));
    let goes_on =
        sql.get(end..)?.starts_with(|letter: char| letter.is_alphanumeric() || "_$".contains(letter));
    (stands && !goes_on).then_some(end)
}

fn has_inner_with(sql: &str, tokens: &[Token]) -> bool {
    tokens.windows(2).any(|pair| pair[0].is_word(sql, "with") && !pair[1].is_word(sql, "ordinality"))
}

/// What takes the place of one name, and the bytes that give way.
fn replacement(
    sql: &str,
    tokens: &[Token],
    placed: &Placed,
    seen: &Seen<'_>,
    dialect: Dialect,
) -> Result<(Range<usize>, String), Denial> {
    let named = |what: &str| match placed.aliased {
        true => what.to_owned(),
        false => format!("{what} AS {}", quote::name(&placed.table.table, dialect)),
    };
    let before = tokens.partition_point(|token| token.start < placed.span.start).checked_sub(1);
    let word = before.and_then(|before| tokens.get(before)).filter(|word| word.is_word(sql, TABLE_COMMAND));
    match (placed.fixed, word) {
        (None, None) => Ok((placed.span.clone(), named(&seen.name))),
        (Some(ALONE), None) => Ok((placed.span.clone(), named(&seen.query))),
        (Some(TABLE_COMMAND), Some(word)) => {
            Ok((word.start..placed.span.end, format!("SELECT * FROM {}", named(&seen.name))))
        }
        (fixed, _) => {
            let what = fixed.unwrap_or(TABLE_COMMAND);
            let message = format!("the table {} has rules, which do not go with {what}", placed.table);
            let at = (!placed.span.is_empty()).then_some(placed.span.start);
            Err(ruled(message).hint("name the table in FROM in the plain way").at(sql, at))
        }
    }
}

pub(super) fn cannot_place(table: &TableName) -> Denial {
    ruled(format!("the rules of the table {table} cannot be put into this statement"))
        .hint("write the query in a plainer form")
}

/// The text with the edits made; `None` when two overlap or one lies outside the text.
pub(super) fn edited(sql: &str, mut edits: Vec<(Range<usize>, String)>) -> Option<String> {
    edits.sort_by_key(|(span, _)| span.start);
    let mut text = String::with_capacity(sql.len() + edits.iter().map(|(_, new)| new.len()).sum::<usize>());
    let mut copied = 0;
    for (span, new) in edits {
        text.push_str(sql.get(copied..span.start)?);
        text.push_str(&new);
        copied = span.end;
    }
    text.push_str(sql.get(copied..)?);
    Some(text)
}
