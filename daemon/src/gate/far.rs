//! Statements for sources elsewhere: the same policy, in their own language and by their own names.

use super::Gate;
use super::plan::{Journey, Plan, Rights, Route, denied, named_tables, trimmed};
use super::results::Asked;
use super::work::Statement;
use crate::catalog::{Listing, Reached};
use crate::policies::Effective;
use crate::sources::Cancel;
use std::sync::Arc;
use std::time::Duration;
use wharf_policy::{Bound, Checked, Denial, DenialCode, Dialect, Policy, TableName};
use wharf_protocol::{ApiError, ErrorKind, Param, SourceKind};
use wharf_warehouses::{Session, Source};

/// How long the owner's statement that is no known query may be looked at by its source.
const LOOK: Duration = Duration::from_secs(60);

/// Words that a statement which only reads begins with.
const READING: &[&str] =
    &["select", "with", "values", "table", "show", "describe", "desc", "explain", "list"];

/// A statement on its way to a source elsewhere.
struct Asking<'a> {
    statement: &'a Statement,
    effective: Option<&'a Effective>,
    name: &'a str,
    source: &'a Arc<dyn Source>,
    listing: &'a Listing,
    /// The statement with the source's own placeholders.
    bound: Bound,
}

impl Gate {
    /// How a statement for a source elsewhere runs: on local copies, from a result that is kept, or there.
    pub(super) fn plan_far(
        &self,
        statement: &Statement,
        effective: Option<&Effective>,
        name: &str,
        source: &Arc<dyn Source>,
        cancel: &Cancel,
    ) -> Result<Plan, ApiError> {
        choosable(statement, effective, Some(source.kind()))?;
        // Another role may see other rows than the copies hold.
        let copied = statement.session.role.is_none();
        if copied && let Some(plan) = self.plan_parts(statement, effective, name, source)? {
            return Ok(plan);
        }
        if copied && let Some(plan) = self.plan_local(statement, effective, name, source) {
            return Ok(plan);
        }
        let mut plan = self.plan_there(statement, effective, name, source, cancel)?;
        let most = statement.max_age.filter(|age| !age.is_zero());
        if let (Route::Far(journey), Some(most)) = (&mut plan.route, most)
            && !journey.writes
        {
            let mark = effective.map(Effective::mark).unwrap_or_default();
            let asked = Asked {
                principal: &self.principal().name(),
                mark: &mark,
                source: name,
                sql: &plan.sql,
                params: &journey.params,
                session: &journey.session,
                limit: statement.limit,
            };
            let key = asked.key();
            (journey.key, journey.kept) = (Some(key), self.0.results.get(&key, most));
        }
        Ok(plan)
    }

    /// Judges a statement for a source elsewhere. A table that is not known may be new: then the source is listed once more.
    fn plan_there(
        &self,
        statement: &Statement,
        effective: Option<&Effective>,
        name: &str,
        source: &Arc<dyn Source>,
        cancel: &Cancel,
    ) -> Result<Plan, ApiError> {
        let dialect = source.dialect();
        let known: Vec<&str> = statement.params.keys().map(String::as_str).collect();
        let sql = trimmed(&statement.sql);
        let bound = match dialect {
            Dialect::Duckdb => Bound { sql, names: Vec::new() },
            _ => wharf_policy::bind(&sql, &known, dialect),
        };
        let reached = Reached::Far(source.clone());
        let mut doubted = false;
        loop {
            let listing = self.0.catalog.listing_of(name, &reached, &self.0.pool)?;
            let journey =
                Asking { statement, effective, name, source, listing: &listing, bound: bound.clone() };
            match self.judge_far(&journey)? {
                Err(denial)
                    if denial.code == DenialCode::TableNotAllowed
                        && !doubted
                        && !cancel.raised()
                        && self.0.catalog.doubt(name) =>
                {
                    doubted = true;
                }
                Err(denial) => return self.unjudged(&journey, &denial),
                Ok(checked) if statement.rights == (Rights::Owner { write: true }) => {
                    return journey.plan(journey.bound.sql.clone(), &checked.0.tables, false, true);
                }
                Ok((checked, sql)) => {
                    let seen = self.as_seen_far(&journey, &checked, &sql)?;
                    let ruled = seen.is_some();
                    return journey.plan(seen.unwrap_or(sql), &checked.tables, ruled, false);
                }
            }
        }
    }

    /// The statement by the source's own names, and what it reads; or why it is refused.
    fn judge_far(&self, journey: &Asking<'_>) -> Result<Result<(Checked, String), Denial>, ApiError> {
        let Asking { statement, effective, name, source, listing, bound } = journey;
        let (dialect, catalog, schema) = (source.dialect(), source.catalog(), source.default_schema());
        let known = listing.names();
        let allowed = match &statement.rights {
            Rights::Tables(names) => named_tables(name, &known, names, schema)?,
            Rights::Owner { .. } | Rights::Source => known,
        };
        let allowed: Vec<TableName> =
            allowed.into_iter().filter(|t| effective.is_none_or(|e| e.allows(t))).collect();
        let own: Vec<TableName> =
            allowed.iter().map(|t| TableName { catalog: catalog.to_owned(), ..t.clone() }).collect();
        // A table may be written under the source's name too, as the source's language reads that name.
        let alias = match dialect {
            Dialect::Snowflake => name.to_uppercase(),
            _ => (*name).to_owned(),
        };
        let mut both = own.clone();
        if alias != catalog {
            both.extend(allowed.iter().map(|t| TableName { catalog: alias.clone(), ..t.clone() }));
        }
        let check = |sql: &str, tables: Vec<TableName>| {
            self.0.verdicts.check(sql, &Policy::new(dialect, tables, catalog, schema), &self.0.parser)
        };
        let checked = match check(&bound.sql, both) {
            Ok(checked) => checked,
            Err(denial) => return Ok(Err(denial)),
        };
        if checked.tables.iter().all(|table| table.catalog == catalog) {
            return Ok(Ok((checked, bound.sql.clone())));
        }
        let own_name = |t: &TableName| {
            (t.catalog == alias).then(|| TableName { catalog: catalog.to_owned(), ..t.clone() })
        };
        let rooted = wharf_policy::rooted(&bound.sql, &checked, &own_name, dialect);
        Ok(rooted.and_then(|sql| check(&sql, own).map(|checked| (checked, sql))))
    }

    /// The statement with what the reader may see in the place of its tables; none where they see all of them.
    fn as_seen_far(
        &self,
        journey: &Asking<'_>,
        checked: &Checked,
        sql: &str,
    ) -> Result<Option<String>, ApiError> {
        let Some(effective) = journey.effective else { return Ok(None) };
        let (tables, dialect) = (&journey.listing.tables, journey.source.dialect());
        let wanted: Vec<TableName> = checked.tables.iter().map(|t| journey.known_as(t)).collect();
        super::views::look_beneath(effective, tables, &wanted, &journey.listing.definitions)?;
        let looked = (&self.0.parser as &dyn wharf_policy::DuckdbParser, dialect);
        let mut views = super::views::of(effective, tables, &wanted, looked, &self.0.filters)?;
        if views.is_empty() {
            return Ok(None);
        }
        for view in &mut views {
            journey.source.catalog().clone_into(&mut view.table.catalog);
        }
        let key = self.0.policies.mask_key()?;
        wharf_policy::rewrite(sql, checked, &views, dialect, key).map(Some).map_err(|d| denied(&d))
    }

    /// The owner's freedom: what the policy does not know runs too, as long as it only reads or they say that it may write.
    fn unjudged(&self, journey: &Asking<'_>, denial: &Denial) -> Result<Plan, ApiError> {
        let Rights::Owner { write } = journey.statement.rights else { return Err(denied(denial)) };
        if journey.effective.is_some() {
            return Err(denied(denial));
        }
        if write {
            return journey.plan(journey.bound.sql.clone(), &[], false, true);
        }
        let word = first_word(&journey.bound.sql);
        if !READING.contains(&word.as_str()) {
            let message = format!(
                "{} may change something, and statements only read unless you say otherwise",
                word.to_uppercase()
            );
            return Err(ApiError::new(ErrorKind::Refused, "write_not_allowed", message)
                .hint("if you mean it, run it again with --write"));
        }
        // Where no session is held to reading, the engine must say itself that this is a query: WITH may introduce a write.
        if word == "with" && !journey.source.capabilities().read_only_sessions {
            let session = journey.session();
            let looked = journey.source.describe(&journey.bound.sql, &session);
            let runtime = tokio::runtime::Handle::try_current()
                .map_err(|e| ApiError::new(ErrorKind::Internal, "runtime", e.to_string()))?;
            let late =
                || ApiError::new(ErrorKind::Deadline, "deadline", "the source did not look at it in time");
            runtime.block_on(async { tokio::time::timeout(LOOK, looked).await }).map_err(|_| late())??;
        }
        journey.plan(journey.bound.sql.clone(), &[], false, false)
    }
}

/// Whether who asks may choose the warehouse or the role that they choose, and a source of this kind has such; none: files.
///
/// # Errors
/// The refusal.
pub(super) fn choosable(
    statement: &Statement,
    effective: Option<&Effective>,
    kind: Option<SourceKind>,
) -> Result<(), ApiError> {
    let Session { role, warehouse, .. } = &statement.session;
    let (has_role, has_warehouse) = match kind {
        Some(SourceKind::Snowflake) => (true, true),
        Some(SourceKind::Databricks) => (false, true),
        _ => (false, false),
    };
    let lacking = match (role, warehouse) {
        (None, None) => return Ok(()),
        (Some(_), _) if !has_role => "role",
        (_, Some(_)) if !has_warehouse => "warehouse",
        _ if effective.is_some() || !matches!(statement.rights, Rights::Owner { .. }) => {
            let message = "only the owner chooses what computes and with whose rights";
            return Err(ApiError::new(ErrorKind::Refused, "session_not_yours", message)
                .hint("leave the warehouse and the role out: the source has its own"));
        }
        _ => return Ok(()),
    };
    let message = format!("there is no {lacking} to choose: the data are not in an engine that has such");
    Err(ApiError::new(ErrorKind::Invalid, "no_such_choice", message).hint(format!("leave the {lacking} out")))
}

impl Asking<'_> {
    /// A table of the source, as wharf knows it: under the source's name.
    fn known_as(&self, table: &TableName) -> TableName {
        TableName { catalog: self.name.to_owned(), ..table.clone() }
    }

    fn session(&self) -> Session {
        let tenant = self.effective.and_then(|e| e.principal().tenant.clone());
        Session { tenant, ..self.statement.session.clone() }
    }

    fn plan(&self, sql: String, tables: &[TableName], ruled: bool, writes: bool) -> Result<Plan, ApiError> {
        let names: Vec<TableName> = tables.iter().map(|t| self.known_as(t)).collect();
        let (source, session) = (self.source.clone(), self.session());
        Ok(Plan {
            route: Route::Far(Journey {
                source,
                params: self.params()?,
                session,
                writes,
                key: None,
                kept: None,
            }),
            catalog: Some(self.name.to_owned()),
            tables: names.iter().map(ToString::to_string).collect(),
            names,
            ruled,
            sql,
        })
    }

    /// The values in the order of their placeholders.
    fn params(&self) -> Result<Vec<(String, Param)>, ApiError> {
        let given = &self.statement.params;
        if let Some(unused) = given.keys().find(|name| !self.bound.names.contains(name)) {
            let message = format!("the statement has no parameter ${unused}");
            return Err(ApiError::new(ErrorKind::Invalid, "parameter_unknown", message)
                .hint("write $name where the value belongs"));
        }
        let value = |name: &String| given.get(name).map(|value| (name.clone(), value.clone()));
        Ok(self.bound.names.iter().filter_map(value).collect())
    }
}

/// The first word of a statement, in lower case.
fn first_word(sql: &str) -> String {
    let mut rest = sql.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    loop {
        let after = match rest {
            comment if comment.starts_with("--") => comment.split_once('\n').map(|(_, after)| after),
            comment if comment.starts_with("/*") => comment.split_once("*/").map(|(_, after)| after),
            _ => break,
        };
        rest = after.unwrap_or_default().trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    }
    rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::first_word;

    #[test]
    fn the_first_word_stands_behind_comments_and_brackets() {
        assert_eq!(first_word("  ( -- x\n /* y */ (SELECT 1"), "select");
        assert_eq!(first_word("/* select"), "");
        assert_eq!(first_word("insert into t values (1)"), "insert");
    }
}
