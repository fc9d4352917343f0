//! Statements of the owner, who may do more: what each one does, in the stronger class when in doubt.

use crate::denial::{Denial, DenialCode};
use crate::duckdb::functions::{self, Reason};
use crate::duckdb::{DuckdbParser, FunctionUse, Reading, guard, on_big_stack, parse, statement_inside};
use crate::lexer::{self, Kind, Token};
use serde::Serialize;
use std::ops::Range;

/// What a statement does, from weak to strong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Reads rows: SELECT, VALUES, TABLE, FROM, PIVOT, UNPIVOT; files too.
    Read,
    /// Reads about tables and plans: SHOW, DESCRIBE, SUMMARIZE, EXPLAIN, some pragmas.
    Metadata,
    /// Changes rows or writes files: INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY, EXPORT.
    Write,
    /// Changes definitions: CREATE, ALTER, DROP, COMMENT.
    Ddl,
    /// Changes the session or the engine, or is unknown: ATTACH, SET, INSTALL, LOAD, CALL, transactions.
    Admin,
}

/// One statement of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// What it does.
    pub class: Class,
    /// Its first word, upper case.
    pub keyword: String,
    /// Where it stands in the text, in bytes, without the semicolon.
    pub range: Range<usize>,
    /// Relations it names, as written, as far as known.
    pub relations: Vec<String>,
    /// Files and URLs it names, as far as known.
    pub files: Vec<String>,
}

/// Pragmas that only read.
const READING_PRAGMAS: &[&str] = &[
    "collations",
    "database_list",
    "database_size",
    "extension_versions",
    "functions",
    "metadata_info",
    "platform",
    "show",
    "show_databases",
    "show_tables",
    "show_tables_expanded",
    "storage_info",
    "table_info",
    "user_agent",
    "version",
];

/// The class that a first word alone gives, lower case. Queries give [`Class::Read`].
pub(crate) fn class_of_keyword(word: &str) -> Class {
    match word {
        "select" | "from" | "values" | "table" | "pivot" | "pivot_wider" | "unpivot" | "pivot_longer"
        | "with" => Class::Read,
        "show" | "describe" | "desc" | "summarize" | "explain" => Class::Metadata,
        "insert" | "update" | "delete" | "merge" | "truncate" | "copy" | "export" => Class::Write,
        "create" | "alter" | "drop" | "comment" => Class::Ddl,
        _ => Class::Admin,
    }
}

/// Sorts every statement of a text, for the owner of the machine.
///
/// # Errors
/// The text is empty, too long, too deep, holds control characters, or a statement does not parse.
pub fn classify(sql: &str, parser: &dyn DuckdbParser) -> Result<Vec<Statement>, Denial> {
    let tokens = lexer::tokens(sql);
    guard(sql, &tokens)?;
    let parts = tokens.split(|token| token.is(b';')).filter(|part| !part.is_empty());
    on_big_stack(|| parts.map(|part| one(sql, part, parser)).collect())
}

fn one(sql: &str, part: &[Token], parser: &dyn DuckdbParser) -> Result<Statement, Denial> {
    let start = part.first().map_or(0, |token| token.start);
    let range = start..part.last().map_or(start, |token| token.end);
    let text = sql.get(range.clone()).unwrap_or_default();
    let tokens = lexer::tokens(text);
    let inner = statement_inside(text, &tokens);
    let keyword = first_word(text, &tokens);
    let (mut class, relations, files) = match parse::query(&inner.text, inner.tokens, parser) {
        Ok(query) => {
            (class_of_reading(&query.reading), relations_of(&query.reading), files_of(&query.reading))
        }
        Err(denial) if is_no_query(denial.code) => {
            let class = class_of_words(text, inner.tokens);
            (class, named_relations(text, inner.tokens), named_files(text, inner.tokens))
        }
        Err(mut denial) => {
            denial.place =
                denial.place.and_then(|place| crate::Place::of(sql, offset_of(text, place)? + start));
            return Err(denial);
        }
    };
    if inner.explains {
        class = if inner.runs { class.max(Class::Metadata) } else { Class::Metadata };
    }
    Ok(Statement { class, keyword, range, relations, files })
}

/// The engine parsed the text, but it is no query that can be read here.
fn is_no_query(code: DenialCode) -> bool {
    matches!(
        code,
        DenialCode::NotAQuery
            | DenialCode::Writes
            | DenialCode::SeveralStatements
            | DenialCode::UnknownSyntax
    )
}

fn offset_of(text: &str, place: crate::Place) -> Option<usize> {
    let line: usize = text.split_inclusive('\n').take(place.line - 1).map(str::len).sum();
    let column =
        text.get(line..)?.char_indices().nth(place.column - 1).map_or(text.len() - line, |(at, _)| at);
    Some(line + column)
}

fn first_word(text: &str, tokens: &[Token]) -> String {
    tokens
        .iter()
        .find(|token| !token.is(b'('))
        .map(|token| token.text(text).to_ascii_uppercase())
        .unwrap_or_default()
}

fn class_of_reading(reading: &Reading) -> Class {
    let base = if reading.root_is_show { Class::Metadata } else { Class::Read };
    reading.functions.iter().map(class_of_function).fold(base, Class::max)
}

/// What a function makes of the query that calls it.
fn class_of_function(used: &FunctionUse) -> Class {
    let name = used.name.as_str();
    match functions::reason(name) {
        Some(Reason::Sequence) if name == "nextval" => Class::Write,
        Some(Reason::Admin | Reason::HostCode | Reason::Connects) => Class::Admin,
        Some(Reason::Logs) if !name.starts_with("duckdb_") && !name.starts_with("parse_") => Class::Admin,
        Some(Reason::Session) if name == "setseed" => Class::Admin,
        Some(Reason::Files)
            if name.starts_with("write_") || name.starts_with("copy_to") || name.ends_with("_write") =>
        {
            Class::Write
        }
        Some(_) => Class::Read,
        // A function in FROM that nobody looked at may do anything.
        None if used.seat == crate::duckdb::Seat::From && !functions::is_table_function(name) => Class::Admin,
        None => Class::Read,
    }
}

/// The class by words, for what the engine's tree does not show.
fn class_of_words(text: &str, tokens: &[Token]) -> Class {
    let word = first_word(text, tokens).to_ascii_lowercase();
    let has = |words: &[&str]| tokens.iter().any(|token| token.is_one_of(text, words));
    match word.as_str() {
        "pragma" => pragma(text, tokens),
        "create" | "drop" | "alter" if has(&["secret"]) => Class::Admin,
        // A query form that the tree could not be read for: it may be a statement behind WITH.
        "with" if has(&["insert", "update", "delete", "merge"]) => Class::Write,
        _ => match class_of_keyword(&word) {
            Class::Read => Class::Write,
            Class::Metadata if word != "explain" => Class::Metadata,
            Class::Metadata => Class::Admin,
            stronger => stronger,
        },
    }
}

fn pragma(text: &str, tokens: &[Token]) -> Class {
    let reads = tokens.get(1).is_some_and(|name| name.is_one_of(text, READING_PRAGMAS));
    let sets = tokens.iter().any(|token| token.is(b'='));
    if reads && !sets { Class::Metadata } else { Class::Admin }
}

fn relations_of(reading: &Reading) -> Vec<String> {
    let named = reading.relations.iter().map(|relation| {
        let parts = [relation.catalog.as_str(), &relation.schema, &relation.table];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
    });
    unique(named)
}

fn files_of(reading: &Reading) -> Vec<String> {
    let readers =
        reading.functions.iter().filter(|used| functions::reason(&used.name) == Some(Reason::Files));
    let scanned =
        reading.relations.iter().filter(|relation| relation.is_file()).map(|relation| relation.table.clone());
    unique(readers.flat_map(|used| used.texts.clone()).chain(scanned))
}

/// Names behind INTO, UPDATE, FROM, JOIN, TABLE, VIEW and COPY.
fn named_relations(text: &str, tokens: &[Token]) -> Vec<String> {
    const BEFORE: &[&str] = &["into", "update", "from", "join", "table", "view", "copy", "exists"];
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.is_one_of(text, BEFORE)) {
        let mut end = at + 1;
        let is_name = |at: usize| tokens.get(at).is_some_and(|t| matches!(t.kind, Kind::Word | Kind::Quoted));
        if token.is_word(text, "table") && tokens.get(end).is_some_and(|t| t.is_word(text, "if"))
            || !is_name(end)
        {
            continue;
        }
        while tokens.get(end + 1).is_some_and(|t| t.is(b'.')) && is_name(end + 2) {
            end += 2;
        }
        let name = text.get(tokens[at + 1].start..tokens[end].end).unwrap_or_default();
        if !["select", "set", "values"].iter().any(|word| name.eq_ignore_ascii_case(word)) {
            found.push(name.to_owned());
        }
    }
    unique(found.into_iter())
}

/// String constants directly behind the words that take a file.
fn named_files(text: &str, tokens: &[Token]) -> Vec<String> {
    const BEFORE: &[&str] = &["from", "to", "attach", "database", "load", "install", "exists", "join"];
    let behind =
        tokens.windows(2).filter(|pair| pair[1].kind == Kind::Text && pair[0].is_one_of(text, BEFORE));
    unique(behind.map(|pair| pair[1].text(text).trim_matches('\'').replace("''", "'")))
}

fn unique(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
