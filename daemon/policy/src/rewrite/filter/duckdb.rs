//! Filters of DuckDB, read by the engine's own parser.

use super::BadFilter;
use crate::DuckdbParser;
use crate::duckdb::tree::Tree;
use crate::duckdb::{functions, judge, on_big_stack, parse};
use crate::names::{Dialect, Policy};
use crate::rewrite::types::ColumnType;

/// Classes of expressions that compute a value from the row alone.
const CLASSES: &[&str] = &[
    "COMPARISON",
    "CONJUNCTION",
    "CONSTANT",
    "OPERATOR",
    "BETWEEN",
    "COLLATE",
    "COLUMN_REF",
    "FUNCTION",
    "CASE",
    "CAST",
    "TYPE",
];

/// Functions whose value is not given by their arguments. The day and the hour are: filters ask for recent rows.
const UNSTEADY: &[&str] =
    &["random", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "unnest", "unlist", "error"];

/// Words that the engine reads as functions of the moment when no column has that name.
const MOMENTS: &[&str] =
    &["current_date", "current_timestamp", "current_time", "localtime", "localtimestamp"];

/// Looks at a filter whose placeholders are texts; returns whether it may fail on a row.
pub(super) fn look(
    filter: &str,
    columns: &[(&str, &str)],
    parser: &dyn DuckdbParser,
) -> Result<bool, BadFilter> {
    let sql = format!("SELECT 1 FROM t WHERE ({filter})");
    on_big_stack(|| {
        parse::tree(&sql, parser, |tree, reading| {
            // No relation is named but `t`, so there is no subquery; with `t` only, the policy judges functions and types.
            let policy = Policy::new(Dialect::Duckdb, Vec::new(), "", "");
            judge::functions(reading, &policy, "")?;
            judge::types(reading, "")?;
            let condition = tree.at(&["node", "where_clause"]);
            Ok(condition
                .filter(|_| reading.relations.len() == 1)
                .map(|condition| expression(condition, columns).map(|()| !is_sure(condition, columns))))
        })
    })
    .map_err(|denial| BadFilter::of(&denial))?
    .unwrap_or_else(|| Err(BadFilter::new("is no condition on one row", "write column = value")))
}

/// Refuses what is not computed from the row alone.
fn expression(value: &Tree<'_>, columns: &[(&str, &str)]) -> Result<(), BadFilter> {
    match value {
        Tree::List(values) => values.iter().try_for_each(|value| expression(value, columns)),
        Tree::Map(entries) => {
            match value.get("class").and_then(Tree::as_str) {
                Some("CONSTANT") => return Ok(()),
                Some("COLUMN_REF") => return column(value, columns),
                Some("FUNCTION") => function(value)?,
                Some(class) if !CLASSES.contains(&class) => {
                    let what = format!("holds {}", class.to_ascii_lowercase());
                    return Err(BadFilter::new(
                        what,
                        "use the table's own columns, constants and plain functions",
                    ));
                }
                _ => {}
            }
            entries.iter().try_for_each(|(_, value)| expression(value, columns))
        }
        _ => Ok(()),
    }
}

fn column(value: &Tree<'_>, columns: &[(&str, &str)]) -> Result<(), BadFilter> {
    let names = value.get("column_names").and_then(Tree::as_list).unwrap_or_default();
    let first = names.first().and_then(Tree::as_str).unwrap_or_default();
    let is_moment = names.len() == 1 && MOMENTS.iter().any(|word| first.eq_ignore_ascii_case(word));
    if is_moment {
        return Ok(());
    }
    super::known(first, columns, |known| known.eq_ignore_ascii_case(first))
}

fn function(value: &Tree<'_>) -> Result<(), BadFilter> {
    let name = value.get("function_name").and_then(Tree::as_str).unwrap_or_default().to_ascii_lowercase();
    let owner = value.get("schema").and_then(Tree::as_str).unwrap_or_default();
    // The engine itself writes its schema before the functions of its own syntax, such as lists.
    if !["", "main", "pg_catalog"].contains(&owner) {
        return Err(BadFilter::new(format!("calls {owner}.{name}"), format!("write {name}(..)")));
    }
    if functions::is_aggregate(&name) {
        return Err(BadFilter::new(
            format!("calls {name}, which looks at many rows"),
            "use values of one row",
        ));
    }
    if UNSTEADY.contains(&name.as_str()) || functions::is_table_function(&name) {
        return Err(BadFilter::new(
            format!("calls {name}, whose value is not given by the row"),
            "use the table's own columns, constants and plain functions",
        ));
    }
    Ok(())
}

/// Whether a condition is surely computed for every row: comparisons of columns with constants that the engine casts once.
/// Such a condition prunes blocks, which it would not inside TRY.
fn is_sure(value: &Tree<'_>, columns: &[(&str, &str)]) -> bool {
    let text = |key: &str| value.get(key).and_then(Tree::as_str).unwrap_or_default();
    let all = |keys: &[&str]| keys.iter().filter_map(|key| value.get(key)).collect::<Vec<_>>();
    let children = value.get("children").and_then(Tree::as_list).unwrap_or_default();
    match (text("class"), text("type")) {
        ("CONJUNCTION", _) | ("OPERATOR", "OPERATOR_NOT") => {
            children.iter().all(|child| is_sure(child, columns))
        }
        ("OPERATOR", "OPERATOR_IS_NULL" | "OPERATOR_IS_NOT_NULL") => {
            children.iter().all(|child| kind(child, columns).is_some())
        }
        ("OPERATOR", "COMPARE_IN" | "COMPARE_NOT_IN") => agree(&children.iter().collect::<Vec<_>>(), columns),
        ("COMPARISON", _) => agree(&all(&["left", "right"]), columns),
        ("BETWEEN", _) => agree(&all(&["input", "lower", "upper"]), columns),
        ("COLUMN_REF", _) => kind(value, columns) == Some(Operand::Flag),
        _ => false,
    }
}

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operand {
    /// A column of a kind.
    Column(ColumnType),
    /// A boolean column.
    Flag,
    /// A constant text, which the engine casts to the type of the column.
    Text,
    /// A constant whole number.
    Whole,
}

fn kind(value: &Tree<'_>, columns: &[(&str, &str)]) -> Option<Operand> {
    match value.get("class").and_then(Tree::as_str)? {
        "COLUMN_REF" => {
            let names = value.get("column_names").and_then(Tree::as_list)?;
            let [name] = names else { return None };
            let name = name.as_str()?;
            let (_, data_type) = columns.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
            if matches!(data_type.to_ascii_uppercase().as_str(), "BOOLEAN" | "BOOL" | "LOGICAL") {
                return Some(Operand::Flag);
            }
            Some(Operand::Column(ColumnType::of(data_type, Dialect::Duckdb)))
        }
        "CONSTANT" => match value.at(&["value", "type", "id"]).and_then(Tree::as_str)? {
            "VARCHAR" | "STRING_LITERAL" => Some(Operand::Text),
            "INTEGER" | "BIGINT" | "INTEGER_LITERAL" => Some(Operand::Whole),
            _ => None,
        },
        _ => None,
    }
}

/// One column, and constants that are cast to its type and not it to theirs.
fn agree(values: &[&Tree<'_>], columns: &[(&str, &str)]) -> bool {
    let kinds: Option<Vec<Operand>> = values.iter().map(|value| kind(value, columns)).collect();
    let Some(kinds) = kinds else { return false };
    let mut named = kinds.iter().filter_map(|kind| match kind {
        Operand::Column(class) => Some(*class),
        _ => None,
    });
    let (Some(class), None) = (named.next(), named.next()) else { return false };
    let constant = match class {
        ColumnType::Whole { .. } => Operand::Whole,
        ColumnType::Text => Operand::Text,
        _ => return false,
    };
    kinds.iter().all(|kind| matches!(kind, Operand::Column(_)) || *kind == constant)
}
