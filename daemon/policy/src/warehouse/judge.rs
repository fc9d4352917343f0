//! Facts against the policy.

use super::facts::{Facts, FunctionUse, Part, Relation, Seat, TypeUse};
use super::functions::{self, Standing};
use crate::denial::{Denial, DenialCode};
use crate::names::{Dialect, Policy, TableName};
use crate::nearest::nearest;
use crate::{Checked, Placed, Qualifier};
use std::collections::HashSet;

/// Judges what was read of one statement; `text` is what places refer to.
pub(super) fn judge(facts: &Facts, policy: &Policy, text: &str) -> Result<Checked, Denial> {
    let mut places = Vec::new();
    for relation in &facts.relations {
        if let Some(table) = resolve(&relation.parts, policy).filter(|_| !relation.path) {
            places.push(placed(relation, table)?);
        } else if !walks_value(relation, facts, policy) {
            return Err(refused_relation(relation, policy, text));
        }
    }
    facts.functions.iter().try_for_each(|used| function(used, policy, text))?;
    facts.types.iter().try_for_each(|used| type_of(used, policy, text))?;
    places.sort_by_key(|place| place.span.start);
    let mut tables: Vec<TableName> = Vec::new();
    for place in &places {
        if !tables.contains(&place.table) {
            tables.push(place.table.clone());
        }
    }
    let mut names: Vec<String> = facts.functions.iter().map(|used| used.name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let mut known = HashSet::new();
    let parameters =
        facts.parameters.iter().filter(|parameter| known.insert(parameter.as_str())).cloned().collect();
    let qualifiers = qualifiers(facts, policy, &places);
    Ok(Checked {
        tables,
        parameters,
        functions: names,
        explain: facts.explain,
        several_steps: false,
        places,
        qualifiers,
    })
}

fn placed(relation: &Relation, table: &TableName) -> Result<Placed, Denial> {
    let (Some(first), Some(last)) = (relation.parts.first(), relation.parts.last()) else {
        return Err(crate::duckdb::unknown("a table without a name"));
    };
    let span = first.span.start..last.span.end;
    Ok(Placed { table: table.clone(), span, aliased: relation.aliased, fixed: relation.fixed })
}

/// The entry of the policy that a name means: a bare name in the default schema, two parts in the default catalog.
///
/// The names of the policy are spelled as the catalogue stores them, so they are compared as they are; Databricks does not
/// tell cases apart.
fn resolve<'a>(parts: &[Part], policy: &'a Policy) -> Option<&'a TableName> {
    let (catalog, schema, table) = match parts {
        [table] => (policy.default_catalog(), policy.default_schema(), &table.name),
        [schema, table] => (policy.default_catalog(), schema.name.as_str(), &table.name),
        [catalog, schema, table] => (catalog.name.as_str(), schema.name.as_str(), &table.name),
        _ => return None,
    };
    let same = |stored: &str, written: &str| match policy.dialect() {
        Dialect::Databricks | Dialect::Duckdb => stored.eq_ignore_ascii_case(written),
        _ => stored == written,
    };
    policy.allowed().iter().find(|entry| {
        same(&entry.table, table) && same(&entry.schema, schema) && same(&entry.catalog, catalog)
    })
}

/// Redshift: a name whose first part is something named before it in FROM walks into a value of that.
///
/// A first part that is also a known schema or catalog could mean either, so it is taken for a relation.
fn walks_value(relation: &Relation, facts: &Facts, policy: &Policy) -> bool {
    let (Dialect::Redshift, Some(first)) = (policy.dialect(), relation.parts.first()) else { return false };
    if relation.parts.len() < 2 && !relation.path
        || is_system_schema(&first.name)
        || policy.knows_schema(&first.name)
    {
        return false;
    }
    let mut at = relation.frame;
    let mut visible = Some(relation.before);
    while let Some(frame) = at.and_then(|frame| facts.frames.get(frame)) {
        let names = visible.and_then(|count| frame.names.get(..count)).unwrap_or(&frame.names);
        if names.contains(&first.name) {
            return true;
        }
        (at, visible) = (frame.parent, None);
    }
    false
}

fn refused_relation(relation: &Relation, policy: &Policy, text: &str) -> Denial {
    let at = relation.parts.first().map(|part| part.span.start);
    let end = relation.parts.last().map_or(0, |part| part.span.end);
    let name = at.and_then(|start| text.get(start..end)).unwrap_or_default();
    let last = relation.parts.last().map_or("", |part| part.name.as_str());
    if is_system(&relation.parts) {
        return Denial::new(DenialCode::SystemCatalog, format!("{name} belongs to the system catalog"))
            .hint("tables and columns are shown by `wharf table show`")
            .at(text, at);
    }
    if is_file(&relation.parts, policy.dialect()) {
        let message = format!("{name} would be read as a file; only tables may be read");
        return Denial::new(DenialCode::FileAccess, message)
            .hint("ask the owner to add the file as a source")
            .at(text, at);
    }
    let mut near =
        nearest(name, policy.allowed().iter().map(|entry| format!("{}.{}", entry.schema, entry.table)));
    if near.is_empty() {
        let same = |entry: &&TableName| !nearest(last, [&entry.table]).is_empty();
        near = policy.allowed().iter().filter(same).take(3).map(ToString::to_string).collect();
    }
    let message = format!("the table {name} is not among the allowed tables");
    let denial = Denial::new(DenialCode::TableNotAllowed, message).at(text, at).suggest(near);
    if denial.hint.is_some() {
        denial
    } else {
        denial.hint("`wharf table list` lists the tables that you may read")
    }
}

fn is_system_schema(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "information_schema" | "account_usage" | "organization_usage" | "system")
        || name.starts_with("pg_")
}

fn is_system(parts: &[Part]) -> bool {
    let prefixes = ["pg_", "stl_", "stv_", "svl_", "svv_", "svcs_", "sys_"];
    let last = parts.last().map(|part| part.name.to_ascii_lowercase()).unwrap_or_default();
    parts.iter().rev().skip(1).any(|part| is_system_schema(&part.name))
        || prefixes.iter().any(|prefix| last.starts_with(prefix))
}

/// Databricks: `format.path`.
fn is_file(parts: &[Part], dialect: Dialect) -> bool {
    const FORMATS: &[&str] =
        &["parquet", "delta", "json", "csv", "text", "orc", "avro", "binaryfile", "xml", "iceberg", "jsonl"];
    let (Dialect::Databricks, Some(last)) = (dialect, parts.last()) else { return false };
    last.name.contains(['/', ':'])
        || parts.len() == 2 && parts.first().is_some_and(|first| FORMATS.contains(&first.name.as_str()))
}

fn function(used: &FunctionUse, policy: &Policy, text: &str) -> Result<(), Denial> {
    let (name, dialect) = (&used.name, policy.dialect());
    let own = matches!(dialect, Dialect::Postgres | Dialect::Redshift) && used.owner == ["pg_catalog"];
    let at = Some(used.at);
    if !used.owner.is_empty() && !own {
        let message = format!(
            "{}.{name} names a function of a schema; only those of the engine are allowed",
            used.owner.join(".")
        );
        return Err(Denial::new(DenialCode::FunctionNotAllowed, message)
            .hint(format!("call {name}(..)"))
            .at(text, at));
    }
    match functions::standing(name, used.seat, dialect) {
        Standing::Allowed => Ok(()),
        Standing::Denied(reason) => Err(Denial::new(reason.code(), format!("{name} {}", reason.sentence()))
            .hint(reason.hint())
            .at(text, at)),
        Standing::Unknown => {
            let what = if used.seat == Seat::From { "table function" } else { "function" };
            let message = format!("{name} is not an allowed {what} in the {dialect} dialect");
            let near = functions::nearest_allowed(name, used.seat, dialect);
            let denial = Denial::new(DenialCode::FunctionNotAllowed, message).at(text, at).suggest(near);
            Err(if denial.hint.is_some() { denial } else { denial.hint("use a function of the engine") })
        }
    }
}

fn type_of(used: &TypeUse, policy: &Policy, text: &str) -> Result<(), Denial> {
    let dialect = policy.dialect();
    if functions::is_type(&used.name, dialect) {
        return Ok(());
    }
    let message = format!("{} is not an allowed type in the {dialect} dialect", used.name);
    let near = nearest(&used.name, functions::types(dialect));
    let denial = Denial::new(DenialCode::TypeNotAllowed, message).at(text, Some(used.at)).suggest(near);
    Err(if denial.hint.is_some() { denial } else { denial.hint("cast to VARCHAR, or list the values") })
}

/// Columns written with the schema of a table that the statement names without an alias.
fn qualifiers(facts: &Facts, policy: &Policy, places: &[Placed]) -> Vec<Qualifier> {
    let named = |name: &str| facts.frames.iter().any(|frame| frame.names.iter().any(|own| own == name));
    let mut found = Vec::new();
    for parts in &facts.columns {
        let Some(first) = parts.first() else { continue };
        for count in [3, 2] {
            let Some((table, last)) =
                parts.get(..count).and_then(|head| Some((resolve(head, policy)?, head.last()?)))
            else {
                continue;
            };
            let placed = places.iter().any(|place| place.table == *table && !place.aliased);
            // A first part that is a name of FROM is that, and the rest are fields.
            if placed && (!named(&first.name) || policy.knows_schema(&first.name)) {
                found.push(Qualifier { table: table.clone(), span: first.span.start..last.span.start });
                break;
            }
        }
    }
    found.sort_by_key(|qualifier| qualifier.span.start);
    found
}
