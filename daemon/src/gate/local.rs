//! Answers from local copies of what is elsewhere, where they are young enough and mean the same.
//!
//! Whatever stands in the way (a table without a copy, SQL that means something else here, a rule that the embedded engine cannot
//! read) sends the statement to its source: a copy is a shortcut and never a reason to fail.

use super::Gate;
use super::plan::{Instance, Plan, Rights, Route, named_tables, trimmed};
use super::work::Statement;
use crate::catalog::{Listing, LocalCopy, Reached};
use crate::clock;
use crate::policies::Effective;
use crate::sources::duckdb::{Attachment, Fence};
use std::sync::Arc;
use std::time::Duration;
use wharf_policy::{Checked, ColumnClass, Dialect, DuckdbParser, Policy, TableName};
use wharf_protocol::Table;
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
            self.judge_local(statement, effective, &text, name, source.default_schema(), &copies)?;
        let (sql, ruled) = self.as_seen_local(effective, &text, &checked, &used, &listing)?;
        let mut attachments: Vec<Attachment> = used.iter().map(LocalCopy::attachment).collect();
        attachments.sort_by(|a, b| a.alias.cmp(&b.alias));
        let names: Vec<TableName> = checked.tables.clone();
        let plan = Plan {
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
        };
        // The engine says whether it knows every name and type of it; and a file that is gone or damaged shows here.
        match plan.prepare(&self.0.pool) {
            Ok(()) => Some(plan),
            Err(error) => {
                tracing::info!(source = name, %error, "a local copy cannot answer; the source is asked");
                None
            }
        }
    }

    /// What it reads, all of it from copies; none where the policy refuses it or a table has no copy.
    fn judge_local(
        &self,
        statement: &Statement,
        effective: Option<&Effective>,
        text: &str,
        name: &str,
        schema: &str,
        copies: &[LocalCopy],
    ) -> Option<(Checked, Vec<LocalCopy>)> {
        let known: Vec<TableName> = copies.iter().map(|copy| copy.table.clone()).collect();
        let allowed = match &statement.rights {
            Rights::Tables(names) => named_tables(name, &known, names, schema).ok()?,
            Rights::Owner { .. } | Rights::Source => known,
        };
        let allowed = allowed.into_iter().filter(|t| effective.is_none_or(|e| e.allows(t))).collect();
        let policy = Policy::new(Dialect::Duckdb, allowed, name, schema);
        let checked = self.0.verdicts.check(text, &policy, &self.0.parser).ok()?;
        let copy_of = |table: &TableName| copies.iter().find(|copy| copy.table == *table).cloned();
        let used: Vec<LocalCopy> = checked.tables.iter().map(copy_of).collect::<Option<_>>()?;
        (!used.is_empty()).then_some((checked, used))
    }

    /// The statement with its copies in the place of the tables, cut down to what the reader may see; and whether it was cut.
    fn as_seen_local(
        &self,
        effective: Option<&Effective>,
        text: &str,
        checked: &Checked,
        used: &[LocalCopy],
        listing: &Listing,
    ) -> Option<(String, bool)> {
        let own = |table: &TableName| {
            let copy = used.iter().find(|copy| copy.table == *table)?;
            Some(TableName { catalog: copy.alias(), ..table.clone() })
        };
        let sql = trimmed(&wharf_policy::rooted(text, checked, &own, Dialect::Duckdb).ok()?);
        let physical: Vec<TableName> = checked.tables.iter().filter_map(own).collect();
        let policy = Policy::new(Dialect::Duckdb, physical, "memory", "main");
        let again = self.0.verdicts.check(&sql, &policy, &self.0.parser).ok()?;
        let Some(effective) = effective else { return Some((sql, false)) };
        let Listing { tables, definitions } = listing;
        super::views::look_beneath(effective, tables, &checked.tables, definitions).ok()?;
        let columns: Vec<Table> = used.iter().map(|copy| Table::clone(&copy.columns)).collect();
        let looked = (&self.0.parser as &dyn DuckdbParser, Dialect::Duckdb);
        let mut views =
            super::views::of(effective, &columns, &checked.tables, looked, &self.0.filters).ok()?;
        if views.is_empty() {
            return Some((sql, false));
        }
        for view in &mut views {
            view.table = own(&view.table)?;
        }
        let key = self.0.policies.mask_key().ok()?;
        let seen = wharf_policy::rewrite(&sql, &again, &views, Dialect::Duckdb, key).ok()?;
        Some((seen, true))
    }
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
