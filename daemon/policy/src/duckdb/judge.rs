//! Facts against the policy.

use super::functions::{self, Standing};
use super::reading::{FunctionUse, Reading, Relation, Seat};
use crate::Checked;
use crate::denial::{Denial, DenialCode};
use crate::lexer::{self, Kind};
use crate::names::{Policy, TableName};
use crate::nearest::nearest;
use serde_json::Value;

/// Judges the reading of one statement; `text` is what places refer to.
pub(crate) fn judge(reading: &Reading, policy: &Policy, text: &str) -> Result<Checked, Denial> {
    if let Some(at) = reading.shows.first() {
        return Err(Denial::new(DenialCode::NotAQuery, "SHOW, DESCRIBE and SUMMARIZE are not queries")
            .hint("tables and columns are shown by `wharf table show`, statistics by `wharf profile`")
            .at(text, *at));
    }
    let tables = relations(reading, policy, text)?;
    functions(reading, policy, text)?;
    types(reading, text)?;
    let mut names: Vec<String> =
        reading.functions.iter().filter(|used| !used.operator).map(|used| used.name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    Ok(Checked {
        tables,
        parameters: reading.parameters.clone(),
        functions: names,
        explain: false,
        several_steps: false,
        places: Vec::new(),
        qualifiers: Vec::new(),
    })
}

/// The allowed tables that are read, or the first relation that is not allowed.
pub(crate) fn relations(reading: &Reading, policy: &Policy, text: &str) -> Result<Vec<TableName>, Denial> {
    let mut tables: Vec<TableName> = Vec::new();
    for relation in &reading.relations {
        let found = resolve(relation, policy).ok_or_else(|| refused_relation(relation, policy, text))?;
        if !tables.contains(found) {
            tables.push(found.clone());
        }
    }
    Ok(tables)
}

/// The entry of the policy that a name means: a bare name in the default schema, two parts in the default catalog.
pub(crate) fn resolve<'a>(relation: &Relation, policy: &'a Policy) -> Option<&'a TableName> {
    let or = |part: &str, default: &str| if part.is_empty() { default.to_owned() } else { part.to_owned() };
    if relation.schema.is_empty() && !relation.catalog.is_empty() {
        return None;
    }
    let catalog = or(&relation.catalog, policy.default_catalog());
    let schema = or(&relation.schema, policy.default_schema());
    policy.allowed().iter().find(|entry| entry.same_ignoring_case(&catalog, &schema, &relation.table))
}

fn refused_relation(relation: &Relation, policy: &Policy, text: &str) -> Denial {
    let written = [&relation.catalog, &relation.schema, &relation.table];
    let name = written.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(".");
    if is_system(relation) {
        return Denial::new(DenialCode::SystemCatalog, format!("{name} belongs to the system catalog"))
            .hint("tables and columns are shown by `wharf table show`")
            .at(text, relation.at);
    }
    if relation.is_file() {
        return Denial::new(
            DenialCode::FileAccess,
            format!("`{name}` would be read as a file; only tables may be read"),
        )
        .hint("ask the owner to add the file as a source")
        .at(text, relation.at);
    }
    let mut near =
        nearest(&name, policy.allowed().iter().map(|entry| format!("{}.{}", entry.schema, entry.table)));
    if near.is_empty() {
        let same = |entry: &&TableName| !nearest(&relation.table, [&entry.table]).is_empty();
        near = policy.allowed().iter().filter(same).take(3).map(ToString::to_string).collect();
    }
    let denial =
        Denial::new(DenialCode::TableNotAllowed, format!("the table {name} is not among the allowed tables"))
            .at(text, relation.at)
            .suggest(near);
    if denial.hint.is_some() {
        denial
    } else {
        denial.hint("`wharf table list` lists the tables that you may read")
    }
}

fn is_system(relation: &Relation) -> bool {
    let is = |part: &str, names: &[&str]| names.iter().any(|name| part.eq_ignore_ascii_case(name));
    let table = relation.table.to_ascii_lowercase();
    is(&relation.schema, &["information_schema", "pg_catalog"])
        || is(&relation.catalog, &["system"])
        || ["duckdb_", "pg_", "sqlite_", "pragma_"].iter().any(|prefix| table.starts_with(prefix))
}

/// Refuses the first function that is not allowed where it stands.
pub(crate) fn functions(reading: &Reading, policy: &Policy, text: &str) -> Result<(), Denial> {
    reading.functions.iter().try_for_each(|used| function(used, policy, text, reading.has_columns))
}

fn function(used: &FunctionUse, policy: &Policy, text: &str, has_columns: bool) -> Result<(), Denial> {
    let name = &used.name;
    match functions::standing(name, used.seat) {
        Standing::Allowed => {}
        Standing::Denied(reason) => {
            return Err(Denial::new(reason.code(), format!("{name} {}", reason.sentence()))
                .hint(reason.hint())
                .at(text, used.at));
        }
        Standing::Unknown => {
            let what = if used.seat == Seat::From { "table function" } else { "function" };
            let message = format!("{name} is not an allowed {what}");
            let near = functions::nearest_allowed(name, used.seat);
            let denial = Denial::new(DenialCode::FunctionNotAllowed, message).at(text, used.at).suggest(near);
            return Err(if denial.hint.is_some() {
                denial
            } else {
                denial.hint("use a function of the engine")
            });
        }
    }
    if TYPED_BY_TEXT.contains(&name.as_str()) && !used.second.as_deref().is_some_and(names_builtin_types) {
        let message = format!("{name} names its types in a text that cannot be checked");
        return Err(Denial::new(DenialCode::TypeNotAllowed, message)
            .hint("give the structure as one constant with types of the engine: '{\"a\": \"INTEGER\"}'")
            .at(text, used.at));
    }
    if owner_is_plain(used, policy, has_columns) {
        return Ok(());
    }
    let message =
        format!("{}.{name} names a function of a schema; only those of the engine are allowed", used.schema);
    Err(Denial::new(DenialCode::FunctionNotAllowed, message)
        .hint(format!("call {name}(..)"))
        .at(text, used.at))
}

/// Functions whose second argument names types in JSON. The engine would look any type up, and an enum shows its values.
const TYPED_BY_TEXT: &[&str] = &["from_json", "from_json_strict", "json_transform", "json_transform_strict"];

/// Whether every type that a structure in JSON names belongs to the engine.
fn names_builtin_types(structure: &str) -> bool {
    fn holds(value: &Value) -> bool {
        match value {
            Value::String(named) => lexer::tokens(named).iter().all(|token| match token.kind {
                Kind::Word => functions::is_builtin_type(token.text(named)),
                Kind::Number => true,
                Kind::Symbol(symbol) => b"()[],".contains(&symbol),
                _ => false,
            }),
            Value::Array(values) => values.iter().all(holds),
            Value::Object(fields) => fields.values().all(holds),
            _ => true,
        }
    }
    serde_json::from_str(structure).is_ok_and(|value| holds(&value))
}

/// Whether what stands before the dot of a function is nothing, the engine's own schema, or a column (`name.upper()`).
///
/// A column cannot be told from a schema by the tree, so a name that the policy knows as a schema or catalog is none, FROM
/// takes no columns, and a statement that reads nothing has none.
fn owner_is_plain(used: &FunctionUse, policy: &Policy, has_columns: bool) -> bool {
    let is = |part: &str, names: &[&str]| names.iter().any(|name| part.eq_ignore_ascii_case(name));
    if is(&used.schema, &["", "main", "pg_catalog"]) && is(&used.catalog, &["", "system"]) {
        return true;
    }
    let engine = ["main", "pg_catalog", "information_schema", "system", "temp", "memory"];
    let column = |part: &str| !is(part, &engine) && !policy.knows_schema(part);
    has_columns
        && used.seat != Seat::From
        && column(&used.schema)
        && (used.catalog.is_empty() || column(&used.catalog))
}

/// Refuses the first type that does not belong to the engine.
pub(crate) fn types(reading: &Reading, text: &str) -> Result<(), Denial> {
    for used in &reading.types {
        if used.qualified || !functions::is_builtin_type(&used.name) {
            let message = format!("{} is not a type of the engine", used.name);
            let near = nearest(&used.name, functions::builtin_types());
            let denial = Denial::new(DenialCode::TypeNotAllowed, message).at(text, used.at).suggest(near);
            return Err(if denial.hint.is_some() {
                denial
            } else {
                denial.hint("cast to VARCHAR, or list the values")
            });
        }
    }
    Ok(())
}
