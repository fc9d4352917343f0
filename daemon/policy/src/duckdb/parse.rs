//! Text in, reading out: one question to the engine's parser, two when a PIVOT takes its columns from the data.

use super::reading::Reading;
use super::tree::Tree;
use super::{DuckdbParser, MAX_DEPTH, json, pivot, unknown, walk};
use crate::classify::{Class, class_of_keyword};
use crate::denial::{Denial, DenialCode};
use crate::lexer::{Token, tokens as tokens_of, too_deep};

/// The largest tree that is read, in bytes of JSON. The longest list of numbers takes a quarter of it.
const MOST_TREE_BYTES: usize = 16 * 1024 * 1024;

/// One query, read.
pub(crate) struct Query {
    /// What it names.
    pub(crate) reading: Reading,
    /// The engine runs it in several steps.
    pub(crate) several_steps: bool,
}

/// What the engine's parser says about a text.
enum Answer<'a> {
    /// The statements, all of them queries.
    Queries(Vec<Tree<'a>>),
    /// The text parses, but holds a statement that is no query, or a PIVOT that takes its columns from the data.
    NotQueries,
}

/// Reads the one query in `text`; `tokens` are its tokens.
///
/// # Errors
/// Refusals of syntax, of several statements, of statements that are no query, and of unknown parts of the tree.
pub(crate) fn query(text: &str, tokens: &[Token], parser: &dyn DuckdbParser) -> Result<Query, Denial> {
    let json = serialize(text, parser)?;
    match answer(text, &json)? {
        Answer::Queries(statements) => {
            let reading = walk::statement(only_one(&statements, text, tokens)?, None)?;
            Ok(Query { reading, several_steps: false })
        }
        Answer::NotQueries => from_data(text, tokens, parser),
    }
}

/// Reads the one query in `text` and hands its tree on with its reading.
///
/// # Errors
/// As [`query`], and those of `work`.
pub(crate) fn tree<T>(
    text: &str,
    parser: &dyn DuckdbParser,
    work: impl FnOnce(&Tree<'_>, &Reading) -> Result<T, Denial>,
) -> Result<T, Denial> {
    let (json, tokens) = (serialize(text, parser)?, tokens_of(text));
    let Answer::Queries(statements) = answer(text, &json)? else { return Err(not_a_query(text, &tokens)) };
    let statement = only_one(&statements, text, &tokens)?;
    work(statement, &walk::statement(statement, None)?)
}

/// The PIVOT that takes its columns from the data, read through an equivalent text.
fn from_data(text: &str, tokens: &[Token], parser: &dyn DuckdbParser) -> Result<Query, Denial> {
    let refusal = || not_a_query(text, tokens);
    let rewritten = pivot::rewrite(text, tokens).ok_or_else(refusal)?;
    let json = serialize(&rewritten.text, parser)?;
    let statements = match answer(&rewritten.text, &json) {
        Ok(Answer::Queries(statements)) => statements,
        Ok(Answer::NotQueries) => return Err(refusal()),
        Err(mut denial) => {
            denial.place = None;
            return Err(denial);
        }
    };
    let mut reading = walk::statement(only_one(&statements, text, tokens)?, Some(rewritten.planted))?;
    // Every list that was put into the text must come back as the list of a PIVOT; then nothing else was changed.
    if reading.planted != rewritten.columns {
        return Err(unknown("a PIVOT whose columns come from the data, in an unusual form"));
    }
    reading.map_places(|at| rewritten.submitted(at));
    for (start, subquery) in &rewritten.subqueries {
        let mut alone = query(subquery, &tokens_of(subquery), parser)?.reading;
        alone.map_places(|at| Some(start + at));
        alone.relations.iter_mut().for_each(|relation| relation.alone = true);
        reading.join(alone);
    }
    // The engine reads the columns by a statement of its own, into which it copies the CTEs: those of inner WITH clauses
    // before those of outer ones, and a recursive CTE not at all. A name could then mean a table there and a CTE here.
    if reading.with_clauses > 1 || reading.pivot_in_recursion {
        let message = "a PIVOT that takes its columns from the data may stand with one WITH clause only, and not in a recursive CTE";
        return Err(
            Denial::new(DenialCode::UnknownSyntax, message).hint("list the columns: ON column IN ('a', 'b')")
        );
    }
    Ok(Query { reading, several_steps: true })
}

fn only_one<'a>(statements: &'a [Tree<'a>], text: &str, tokens: &[Token]) -> Result<&'a Tree<'a>, Denial> {
    match statements {
        [one] => Ok(one),
        [] => {
            Err(Denial::new(DenialCode::Empty, "there is no statement in the text").hint("write one query"))
        }
        more => Err(several(more.len()).at(text, second_statement(tokens))),
    }
}

fn several(count: usize) -> Denial {
    Denial::new(
        DenialCode::SeveralStatements,
        format!("the text holds {count} statements; exactly one is accepted"),
    )
    .hint("send the statements one by one")
}

/// Where the second statement starts, by the semicolons.
fn second_statement(tokens: &[Token]) -> Option<usize> {
    let first = tokens.iter().position(|token| !token.is(b';'))?;
    let end = tokens.iter().skip(first).position(|token| token.is(b';'))? + first;
    tokens.iter().skip(end).find(|token| !token.is(b';')).map(|token| token.start)
}

/// The refusal of a text that parses but is no query.
fn not_a_query(text: &str, tokens: &[Token]) -> Denial {
    if let Some(second) = second_statement(tokens) {
        return several(2).at(text, Some(second));
    }
    let first = tokens.iter().find(|token| !token.is(b';') && !token.is(b'('));
    let keyword = first.map(|token| token.text(text).to_ascii_uppercase()).unwrap_or_default();
    let at = first.map(|token| token.start);
    let denial = match class_of_keyword(&keyword.to_ascii_lowercase()) {
        Class::Write | Class::Ddl => {
            Denial::new(DenialCode::Writes, format!("{keyword} changes data or definitions; only queries are accepted"))
                .hint("read with SELECT; only the owner of the machine may write")
        }
        _ => Denial::new(DenialCode::NotAQuery, format!("{keyword} is not a query"))
            .hint("write one SELECT; tables and columns are shown by `wharf table show`, statistics by `wharf profile`"),
    };
    denial.at(text, at)
}

/// Asks the engine's parser.
fn serialize(text: &str, parser: &dyn DuckdbParser) -> Result<String, Denial> {
    let json = parser.serialize(text).map_err(|error| unavailable(&error))?;
    if json.len() > MOST_TREE_BYTES {
        let message = format!("the statement unfolds to {} MiB inside the engine", json.len() >> 20);
        return Err(
            Denial::new(DenialCode::TooComplex, message).hint("write it shorter, with a CTE or a join")
        );
    }
    Ok(json)
}

fn unavailable(why: &dyn std::fmt::Display) -> Denial {
    Denial::new(
        DenialCode::ParserUnavailable,
        format!("the statement could not be parsed, so it is refused: {why}"),
    )
    .hint("try again; see `wharf doctor` when it stays so")
}

/// Reads what the parser said about `text`.
fn answer<'a>(text: &str, json: &'a str) -> Result<Answer<'a>, Denial> {
    let answer = json::read(json).map_err(|error| unavailable(&error))?;
    let Some(Tree::Flag(failed)) = answer.get("error") else {
        return Err(unavailable(&"its answer does not say whether there is an error"));
    };
    if !failed {
        return Ok(Answer::Queries(statements(answer)));
    }
    let message = answer.get("error_message").and_then(Tree::as_str).unwrap_or_default();
    if message.starts_with("Only SELECT statements can be serialized") {
        return Ok(Answer::NotQueries);
    }
    Err(refused(text, message, &answer))
}

/// The list of statements in an answer.
fn statements(answer: Tree<'_>) -> Vec<Tree<'_>> {
    let Tree::Map(entries) = answer else { return Vec::new() };
    let found = entries.into_iter().find(|(key, _)| *key == "statements");
    if let Some((_, Tree::List(statements))) = found { statements } else { Vec::new() }
}

/// The engine's refusal in our words; places are byte offsets.
fn refused(text: &str, message: &str, answer: &Tree<'_>) -> Denial {
    let writes =
        |what: &str| Denial::new(DenialCode::Writes, format!("{what}; only plain queries are accepted"));
    if message.starts_with("Max expression depth") || message.starts_with("memory exhausted") {
        return too_deep(MAX_DEPTH);
    }
    if message.starts_with("A CTE needs a SELECT") {
        return writes("a CTE changes data").hint("only SELECT may stand in WITH");
    }
    if message.starts_with("SELECT locking clause") {
        return writes("the query locks rows").hint("leave FOR UPDATE or FOR SHARE out");
    }
    if message.starts_with("SELECT INTO") {
        return writes("SELECT INTO creates a table").hint("leave INTO out");
    }
    let first_line = message.lines().next().unwrap_or_default();
    let at = answer.get("position").and_then(Tree::as_str).and_then(|position| position.parse().ok());
    let denial =
        Denial::new(DenialCode::Syntax, format!("the statement does not parse as duckdb: {first_line}"));
    let denial = denial.at(text, at);
    if answer.get("error_type").and_then(Tree::as_str) == Some("parser") {
        denial
    } else {
        denial.hint("write the query in a plainer form")
    }
}
