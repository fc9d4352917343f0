//! How policy cuts a table down for one reader: of all rules that fit, the strictest for each column, and every filter at once.

use crate::catalog::Definitions;
use crate::identity::{Kind, Principal};
use crate::policies::Effective;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use wharf_policy::{
    Attributes, BoundFilter, Dialect, DuckdbParser, Mask, RowFilter, TableName, Treatment, View, ViewColumn,
};
use wharf_protocol::{ApiError, ErrorKind, Table, TableColumn, TableRule};

/// In what rules of a table are written, and who reads DuckDB's.
pub(super) type Language<'a> = (&'a dyn DuckdbParser, Dialect);

/// What a reader sees of these tables, for each that has rules.
///
/// # Errors
/// When a rule cannot be read any more: then the table is not seen at all.
pub(super) fn of(
    effective: &Effective,
    tables: &[Table],
    wanted: &[TableName],
    language: Language<'_>,
    filters: &Filters,
) -> Result<Vec<View>, ApiError> {
    let named = |t: &&Table| wanted.contains(&TableName::new(&t.catalog, &t.schema, &t.name));
    let ruled = tables.iter().filter(named).filter(|t| effective.rules(&name_of(t)).next().is_some());
    ruled.map(|table| view(effective, table, language, filters)).collect()
}

/// Refuses a view of the source's own that may read a table with rules: the engine would read it without them. A rule on the
/// view itself is an admin's word on how it is seen.
///
/// # Errors
/// The refusal. It does not tell of which tables the view is made.
pub(super) fn look_beneath(
    effective: &Effective,
    tables: &[Table],
    wanted: &[TableName],
    definitions: &Definitions,
) -> Result<(), ApiError> {
    let has_rules = |table: &TableName| effective.rules(table).next().is_some();
    let ruled: Vec<TableName> = tables.iter().map(name_of).filter(has_rules).collect();
    let names: Vec<&str> = ruled.iter().map(|table| table.table.as_str()).collect();
    let open = wanted.iter().find(|table| !has_rules(table) && definitions.may_read(&table.table, &names));
    let Some(view) = open else { return Ok(()) };
    let message = format!("the view {view} is made of data that has rules for you, and has none itself");
    Err(ApiError::new(ErrorKind::Refused, "ruled_view", message)
        .hint("ask an admin for a rule on the view: `wharf policy set VIEW --filter true` shows it as it is"))
}

fn view(
    effective: &Effective,
    table: &Table,
    language: Language<'_>,
    filters: &Filters,
) -> Result<View, ApiError> {
    let treatments = treatments(effective, table)?;
    let columns = table.columns.iter().map(|column| ViewColumn {
        name: column.name.clone(),
        data_type: column.r#type.clone(),
        treatment: treatments.get(&column.name.to_ascii_lowercase()).copied().unwrap_or(Treatment::Show),
    });
    let mut filter: Option<BoundFilter> = None;
    for entry in effective.rules(&name_of(table)) {
        let Some(text) = &entry.rule.filter else { continue };
        let bound = filters.get(table, text, language)?.bind(&attributes(effective.principal()));
        filter = Some(filter.map_or(bound.clone(), |before| before.and(&bound)));
    }
    Ok(View { table: name_of(table), columns: columns.collect(), filter })
}

fn name_of(table: &Table) -> TableName {
    TableName::new(&table.catalog, &table.schema, &table.name)
}

/// By column in lower case: the strictest treatment.
fn treatments(effective: &Effective, table: &Table) -> Result<HashMap<String, Treatment>, ApiError> {
    let mut all: HashMap<String, Treatment> = HashMap::new();
    for entry in effective.rules(&name_of(table)) {
        for (column, text) in &entry.rule.columns {
            let treatment = treatment(text)?;
            let place = all.entry(column.to_ascii_lowercase()).or_insert(Treatment::Show);
            *place = stricter(*place, treatment);
        }
    }
    Ok(all)
}

fn treatment(text: &str) -> Result<Treatment, ApiError> {
    Treatment::from_str(text)
        .map_err(|bad| ApiError::new(ErrorKind::Invalid, "bad_treatment", bad.what).hint(bad.hint))
}

/// Filters that were looked at, by table, columns and text: looking at one asks the engine's parser.
#[derive(Default)]
pub(super) struct Filters(Mutex<HashMap<u64, RowFilter>>);

/// Filters kept at once.
const KEPT: usize = 1000;

impl Filters {
    fn get(&self, table: &Table, text: &str, language: Language<'_>) -> Result<RowFilter, ApiError> {
        let mut key = DefaultHasher::new();
        (&table.catalog, &table.schema, &table.name, text, language.1).hash(&mut key);
        table.columns.iter().for_each(|c| (&c.name, &c.r#type).hash(&mut key));
        let key = key.finish();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known.filter(|f| f.text() == text.trim()) {
            return Ok(known);
        }
        let filter = row_filter(table, text, language)?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(key, filter.clone());
        Ok(filter)
    }
}

fn row_filter(table: &Table, text: &str, (parser, dialect): Language<'_>) -> Result<RowFilter, ApiError> {
    let columns: Vec<(&str, &str)> =
        table.columns.iter().map(|c| (c.name.as_str(), c.r#type.as_str())).collect();
    RowFilter::new(text, &columns, dialect, parser).map_err(|bad| {
        let message = format!("the row filter of {} {}", table.qualified, bad.what);
        ApiError::new(ErrorKind::Invalid, "bad_filter", message).hint(bad.hint)
    })
}

/// The one of two treatments that shows less; where neither does, nothing of the values.
fn stricter(a: Treatment, b: Treatment) -> Treatment {
    let rank = |t: Treatment| match t {
        Treatment::Deny => 6,
        Treatment::Mask(Mask::Null) => 5,
        Treatment::Mask(Mask::Redact) => 4,
        Treatment::Mask(Mask::Hash) => 3,
        Treatment::Mask(Mask::Partial { .. }) => 2,
        Treatment::Mask(Mask::Bucket { .. } | Mask::Date { .. }) => 1,
        Treatment::Show => 0,
    };
    match (a, b) {
        (a, b) if a == b => a,
        (
            Treatment::Mask(Mask::Partial { first: f, last: l }),
            Treatment::Mask(Mask::Partial { first, last }),
        ) => Treatment::Mask(Mask::Partial { first: f.min(first), last: l.min(last) }),
        (a, b) if rank(a) == rank(b) => Treatment::Mask(Mask::Null),
        (a, b) if rank(a) > rank(b) => a,
        (_, b) => b,
    }
}

/// What filters may know of a reader.
fn attributes(principal: &Principal) -> Attributes {
    let mut all = Attributes::default()
        .with_all("tenant", principal.tenant.clone())
        .with_all("swarm", principal.swarm.clone())
        .with_all("role", principal.roles.iter().map(|r| r.name().to_owned()))
        .with_all("permission", principal.permissions().iter().map(|p| p.name().to_owned()));
    match principal.kind {
        Kind::User => all = all.with("user", principal.id.clone()),
        Kind::Agent => all = all.with("agent", principal.id.clone()),
        Kind::Owner => {}
    }
    all
}

/// A table with the columns that the reader may see.
pub(super) fn shown(effective: &Effective, table: &Table) -> Table {
    // A rule that cannot be read hides every column.
    let treatments = treatments(effective, table);
    let denied = |column: &TableColumn| match &treatments {
        Ok(all) => all.get(&column.name.to_ascii_lowercase()) == Some(&Treatment::Deny),
        Err(_) => true,
    };
    let hashed = |column: &TableColumn| {
        let all = treatments.as_ref().ok();
        all.and_then(|all| all.get(&column.name.to_ascii_lowercase())) == Some(&Treatment::Mask(Mask::Hash))
    };
    let seen = table.columns.iter().filter(|c| !denied(c)).map(|column| match hashed(column) {
        true => TableColumn { r#type: "VARCHAR".to_owned(), ..column.clone() },
        false => column.clone(),
    });
    let columns = seen.collect();
    // How many rows there are in all is not theirs to know when they see only some.
    let filtered = effective.rules(&name_of(table)).any(|r| r.rule.filter.is_some());
    Table { columns, rows: table.rows.filter(|_| !filtered), ..table.clone() }
}

/// An error of the engine as somebody else than the owner may see it. Where a table is seen in part only (`ruled`), what the
/// engine says about values could be about those that are hidden; and nobody needs to know where files lie.
pub(super) fn shielded(effective: Option<&Effective>, ruled: bool, error: ApiError) -> ApiError {
    let about_values = matches!(error.code.as_str(), "conversion" | "sql" | "io" | "engine");
    let names_files =
        error.message.split(['"', '\'', ' ']).any(|word| word.starts_with('/') && word.len() > 1);
    if effective.is_none() {
        return error;
    }
    if !(ruled && about_values || names_files) {
        // A place would be one in the text that really ran.
        let message = error.message.split(" (line ").next().filter(|_| ruled).map(str::to_owned);
        return ApiError { message: message.unwrap_or(error.message), ..error };
    }
    let message = "the statement failed on some value; what the engine says is withheld, because it may be about what you may not see";
    ApiError::new(error.kind, &error.code, message)
        .hint("TRY_CAST and TRY give NULL in the place of an error")
}

/// Whether a rule fits its table.
pub(super) fn check(language: Language<'_>, table: &Table, rule: &TableRule) -> Result<(), ApiError> {
    for (column, text) in &rule.columns {
        let Some(known) = table.columns.iter().find(|c| c.name.eq_ignore_ascii_case(column)) else {
            let near = wharf_policy::nearest(column, table.columns.iter().map(|c| c.name.as_str()));
            let message = format!("the table {} has no column `{column}`", table.qualified);
            return Err(ApiError::new(ErrorKind::NotFound, "column_not_found", message)
                .maybe_hint((!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))));
        };
        treatment(text)?
            .fits(&known.r#type, language.1)
            .map_err(|bad| ApiError::new(ErrorKind::Invalid, "bad_treatment", bad.what).hint(bad.hint))?;
    }
    match &rule.filter {
        Some(text) => row_filter(table, text, language).map(drop),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_treatments_the_one_that_shows_less_holds() {
        let both = |a: &str, b: &str| {
            let (a, b) = (treatment(a).unwrap(), treatment(b).unwrap());
            assert_eq!(stricter(a, b), stricter(b, a));
            stricter(a, b).to_string()
        };
        for (a, b, strictest) in [
            ("show", "deny", "deny"),
            ("show", "mask:hash", "mask:hash"),
            ("mask:redact", "mask:hash", "mask:redact"),
            ("mask:null", "mask:redact", "mask:null"),
            ("mask:partial(2,4)", "mask:partial(3,1)", "mask:partial(2,1)"),
            ("mask:bucket(10)", "mask:bucket(10)", "mask:bucket(10)"),
            ("mask:bucket(10)", "mask:bucket(15)", "mask:null"),
            ("mask:date(month)", "mask:date(week)", "mask:null"),
        ] {
            assert_eq!(both(a, b), strictest, "{a} and {b}");
        }
    }
}
