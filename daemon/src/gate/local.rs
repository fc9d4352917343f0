//! Answers from local copies of what is elsewhere, where they are young enough and mean the same.
//!
//! Whatever stands in the way (a table without a copy, SQL that means something else here, a rule that the embedded engine cannot
//! read) sends the statement to its source: a copy is a shortcut and never a reason to fail.

use super::Gate;
use super::plan::{Instance, Plan, Rights, Route, denied, named_tables, trimmed};
use super::work::Statement;
use crate::catalog::{Holds, Listing, LocalCopy, PARTS, Reached};
use crate::clock;
use crate::policies::Effective;
use crate::sources::duckdb::{Attachment, Fence};
use std::sync::Arc;
use std::time::Duration;
use wharf_policy::{Checked, ColumnClass, Dialect, DuckdbParser, Policy, TableName, View};
use wharf_protocol::{ApiError, ErrorKind, Table};
use wharf_warehouses::Source;

/// The longest text that is looked at, in bytes.
const TEXT: usize = 16 * 1024;

impl Gate {
    /// How the statement runs on local copies; none where it must go to its source.
    pub(super) fn plan_local(
        &self,
        statement: &Statement,
        effective: Option<&Effective>,
        name: &str,
        source: &Arc<dyn Source>,
    ) -> Option<Plan> {
        let writes = statement.rights == (Rights::Owner { write: true });
        if writes || statement.action == "replica" || statement.max_age == Some(Duration::ZERO) {
            return None;
        }
        let copies = self.0.catalog.copies().of(name, statement.max_age, clock::now());
        if copies.is_empty() {
            return None;
        }
        let listing = self.0.catalog.listing_of(name, &Reached::Far(source.clone()), &self.0.pool).ok()?;
        let text = match &statement.local {
            Some(text) => text.clone(),
            None if statement.sql.len() > TEXT => return None,
            None => {
                let class = |column: &str| class_of(&copies, &listing.tables, column);
                wharf_policy::portable(&trimmed(&statement.sql), source.dialect(), &class)?
            }
        };
        let (checked, used) =
            self.judge_local(statement, effective, &text, name, source.default_schema(), &copies).ok()??;
        let plan = self.on_copies(effective, &text, name, &checked, used, &listing).ok()?;
        // The engine says whether it knows every name and type of it; and a file that is gone or damaged shows here.
        match plan.prepare(&self.0.pool) {
            Ok(()) => Some(plan),
            Err(error) => {
                tracing::info!(source = name, %error, "a local copy cannot answer; the source is asked");
                None
            }
        }
    }

    /// How a statement runs that names a copy of a part of a table, or of a query's rows; none where it names no such copy. It is
    /// written in the language of the engine that has them, and may read copies of whole tables beside them.
    pub(super) fn plan_parts(
        &self,
        statement: &Statement,
        effective: Option<&Effective>,
        name: &str,
        source: &Arc<dyn Source>,
    ) -> Result<Option<Plan>, ApiError> {
        let parts = self.0.catalog.copies().parts(name);
        if parts.is_empty() {
            return Ok(None);
        }
        let text = statement.sql.to_lowercase();
        let named = |copy: &LocalCopy| text.contains(&format!("{PARTS}.{}", copy.table.table));
        if statement.action == "replica" || !parts.iter().any(named) {
            return Ok(None);
        }
        if statement.rights == (Rights::Owner { write: true }) {
            let message = "a copy is made by its refreshes and by nothing else";
            return Err(ApiError::new(ErrorKind::Refused, "replica_read_only", message)
                .hint("leave --write away, or change the data at their source"));
        }
        let mut copies = parts;
        copies.extend(self.0.catalog.copies().of(name, statement.max_age, clock::now()));
        let schema = source.default_schema();
        let judged = self.judge_local(statement, effective, &statement.sql, name, schema, &copies);
        // The owner may read every table, so what is missing is the copy.
        let Some((checked, used)) = judged.map_err(|error| match (effective, error.code.as_str()) {
            (None, "table_not_allowed") => uncopied(&error),
            _ => error,
        })?
        else {
            return Ok(None);
        };
        if let Some(old) = used.iter().find(|copy| {
            copy.holds != Holds::Table
                && statement.max_age.is_some()
                && !copy.serves(statement.max_age, clock::now())
        }) {
            let message = format!(
                "the data of the replica `{}` are of {}, older than is asked for",
                old.replica, old.data_at
            );
            return Err(ApiError::new(ErrorKind::Conflict, "replica_old", message)
                .hint(format!("bring it up to date: wharf replica refresh {}", old.replica)));
        }
        let listing = self.0.catalog.listing_of(name, &Reached::Far(source.clone()), &self.0.pool)?;
        self.on_copies(effective, &statement.sql, name, &checked, used, &listing).map(Some)
    }

    /// The plan of a statement that reads copies and nothing else.
    fn on_copies(
        &self,
        effective: Option<&Effective>,
        text: &str,
        name: &str,
        checked: &Checked,
        used: Vec<LocalCopy>,
        listing: &Listing,
    ) -> Result<Plan, ApiError> {
        let (sql, ruled) = self.as_seen_local(effective, text, checked, &used, listing)?;
        let mut attachments: Vec<Attachment> = used.iter().map(LocalCopy::attachment).collect();
        attachments.sort_by(|a, b| a.alias.cmp(&b.alias));
        let names: Vec<TableName> = checked.tables.clone();
        Ok(Plan {
            route: Route::Embedded(Instance {
                fence: Fence::Locked,
                attachments,
                policy: effective.map(Effective::mark).unwrap_or_default(),
                wraps: !checked.explain && !checked.several_steps,
                cwd: None,
                catalog: None,
                copies: used,
            }),
            catalog: Some(name.to_owned()),
            tables: names.iter().map(ToString::to_string).collect(),
            names,
            ruled,
            sql,
        })
    }

    /// What it reads, all of it from copies; none where it reads none.
    ///
    /// # Errors
    /// When the policy refuses it, or a table has no copy.
    fn judge_local(
        &self,
        statement: &Statement,
        effective: Option<&Effective>,
        text: &str,
        name: &str,
        schema: &str,
        copies: &[LocalCopy],
    ) -> Result<Option<(Checked, Vec<LocalCopy>)>, ApiError> {
        let known: Vec<TableName> = copies.iter().map(|copy| copy.table.clone()).collect();
        let allowed = match &statement.rights {
            Rights::Tables(names) => named_tables(name, &known, names, schema)?,
            Rights::Owner { .. } | Rights::Source => known,
        };
        let copy_of = |table: &TableName| copies.iter().find(|copy| copy.table == *table);
        let sees = |table: &TableName| {
            let Some(effective) = effective else { return true };
            copy_of(table).and_then(LocalCopy::ruled_as).is_some_and(|ruled| effective.allows(ruled))
        };
        let allowed = allowed.into_iter().filter(sees).collect();
        let policy = Policy::new(Dialect::Duckdb, allowed, name, schema);
        let checked = self.0.verdicts.check(text, &policy, &self.0.parser).map_err(|d| denied(&d))?;
        let used: Option<Vec<LocalCopy>> =
            checked.tables.iter().map(|table| copy_of(table).cloned()).collect();
        Ok(used.filter(|used| !used.is_empty()).map(|used| (checked, used)))
    }

    /// The statement with its copies in the place of the tables, cut down to what the reader may see; and whether it was cut.
    fn as_seen_local(
        &self,
        effective: Option<&Effective>,
        text: &str,
        checked: &Checked,
        used: &[LocalCopy],
        listing: &Listing,
    ) -> Result<(String, bool), ApiError> {
        let copy_of = |table: &TableName| used.iter().find(|copy| copy.table == *table);
        let own = |table: &TableName| copy_of(table).map(LocalCopy::place);
        let rooted = wharf_policy::rooted(text, checked, &own, Dialect::Duckdb);
        let sql = trimmed(&rooted.map_err(|d| denied(&d))?);
        let physical: Vec<TableName> = checked.tables.iter().filter_map(own).collect();
        let policy = Policy::new(Dialect::Duckdb, physical, "memory", "main");
        let again = self.0.verdicts.check(&sql, &policy, &self.0.parser).map_err(|d| denied(&d))?;
        let Some(effective) = effective else { return Ok((sql, false)) };
        let Listing { tables, definitions } = listing;
        let ruled: Vec<TableName> = used.iter().filter_map(LocalCopy::ruled_as).cloned().collect();
        super::views::look_beneath(effective, tables, &ruled, definitions)?;
        let looked = (&self.0.parser as &dyn DuckdbParser, Dialect::Duckdb);
        let mut views = Vec::new();
        for copy in used {
            // The rules are those of the table that it was copied from; the columns are its own.
            let Some(of) = copy.ruled_as() else { continue };
            let columns = Table {
                catalog: of.catalog.clone(),
                schema: of.schema.clone(),
                name: of.table.clone(),
                ..Table::clone(&copy.columns)
            };
            let ruled =
                super::views::of(effective, &[columns], std::slice::from_ref(of), looked, &self.0.filters)?;
            views.extend(ruled.into_iter().map(|view| View { table: copy.place(), ..view }));
        }
        if views.is_empty() {
            return Ok((sql, false));
        }
        let key = self.0.policies.mask_key()?;
        let seen = wharf_policy::rewrite(&sql, &again, &views, Dialect::Duckdb, key);
        Ok((seen.map_err(|d| denied(&d))?, true))
    }
}

/// A table without a copy stands beside one with a copy.
fn uncopied(error: &ApiError) -> ApiError {
    let message =
        format!("{}: beside a replica, only replicas that are young enough can be read", error.message);
    ApiError::new(ErrorKind::NotFound, "no_copy", message)
        .hint("copy that table too: wharf replica add NAME --table TABLE --max-age 1d")
}

/// What a column of the copied tables is at its source; where several have its name, the one that agrees least.
fn class_of(copies: &[LocalCopy], tables: &[Table], column: &str) -> Option<ColumnClass> {
    let copied = |table: &&Table| {
        copies.iter().any(|copy| copy.table.schema == table.schema && copy.table.table == table.name)
    };
    let named = tables
        .iter()
        .filter(copied)
        .flat_map(|table| &table.columns)
        .filter(|known| known.name.eq_ignore_ascii_case(column));
    let rank = |class: &ColumnClass| match class {
        ColumnClass::Plain => 0,
        ColumnClass::Text => 1,
        ColumnClass::Special => 2,
    };
    named.map(|known| class(&known.r#type)).max_by_key(rank)
}

/// What a type of a source is.
fn class(type_name: &str) -> ColumnClass {
    let name = type_name.to_ascii_lowercase();
    if name.ends_with(']') {
        return ColumnClass::Special;
    }
    let word: &str = name.split(['(', ' ', '_']).next().unwrap_or_default();
    match word {
        "smallint" | "integer" | "int" | "bigint" | "tinyint" | "byteint" | "byte" | "short" | "long"
        | "number" | "numeric" | "decimal" | "real" | "float" | "float4" | "float8" | "double" | "date"
        | "datetime" | "timestamp" | "timestamptz" | "boolean" | "bool" => ColumnClass::Plain,
        "text" | "varchar" | "string" => ColumnClass::Text,
        "character" if name.starts_with("character varying") => ColumnClass::Text,
        _ => ColumnClass::Special,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_sorted_by_whether_engines_agree_on_them() {
        for (name, expected) in [
            ("numeric(10,2)", ColumnClass::Plain),
            ("timestamp with time zone", ColumnClass::Plain),
            ("TIMESTAMP_NTZ", ColumnClass::Plain),
            ("double precision", ColumnClass::Plain),
            ("character varying(20)", ColumnClass::Text),
            ("STRING", ColumnClass::Text),
            ("character(3)", ColumnClass::Special),
            ("jsonb", ColumnClass::Special),
            ("uuid", ColumnClass::Special),
            ("interval", ColumnClass::Special),
            ("text[]", ColumnClass::Special),
        ] {
            assert_eq!(class(name), expected, "{name}");
        }
    }
}
