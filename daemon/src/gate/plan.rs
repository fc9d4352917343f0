//! Who asks, what they may, and therefore where and how a statement runs. Pure but for the catalogue it looks into.

use super::Gate;
use super::results::{Kept, Key};
use super::work::Statement;
use crate::catalog::{Listing, LocalCopy, Reached};
use crate::policies::Effective;
use crate::sources::Cancel;
use crate::sources::duckdb::{Attachment, Fence, Pool, engine_error, quote};
use chrono::{DateTime, Utc};
use std::path::PathBuf;
use std::sync::Arc;
use wharf_policy::{Checked, Class, Denial, Dialect, Policy, TableName};
use wharf_protocol::{ApiError, ErrorKind, Param, SourceKind};
use wharf_warehouses::{Estimate, Session, Source};

/// How long an engine may take to guess.
const GUESS: std::time::Duration = std::time::Duration::from_secs(5);

/// What the asker may do with this statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rights {
    /// Read the source's tables; and, as the owner, other files, when the statement needs them.
    Owner {
        /// The owner has said that the statement may write.
        write: bool,
    },
    /// Read these tables and nothing else. Names as the source knows them.
    Tables(Vec<String>),
    /// Read the source's tables and nothing else: chat, metrics, samples, profiles.
    Source,
}

/// How a statement will run.
pub(super) struct Plan {
    pub(super) route: Route,
    pub(super) catalog: Option<String>,
    pub(super) tables: Vec<String>,
    /// The same, where they are tables of the source.
    pub(super) names: Vec<TableName>,
    /// Whether the asker sees some of its tables in part only.
    pub(super) ruled: bool,
    pub(super) sql: String,
}

/// Where it runs.
pub(super) enum Route {
    /// On an instance of the embedded engine.
    Embedded(Instance),
    /// Elsewhere.
    Far(Journey),
}

/// A statement for a source elsewhere.
pub(super) struct Journey {
    pub(super) source: Arc<dyn Source>,
    pub(super) params: Vec<(String, Param)>,
    pub(super) session: Session,
    pub(super) writes: bool,
    /// Under which its result is kept, where who asks takes one that is a while old.
    pub(super) key: Option<Key>,
    /// The result, where it is known.
    pub(super) kept: Option<Arc<Kept>>,
}

/// An instance of the embedded engine, and how it is used.
pub(super) struct Instance {
    pub(super) fence: Fence,
    pub(super) attachments: Vec<Attachment>,
    pub(super) policy: String,
    pub(super) wraps: bool,
    pub(super) cwd: Option<PathBuf>,
    /// The catalog that unqualified names belong to.
    pub(super) catalog: Option<String>,
    /// Local copies of what is elsewhere, which it reads.
    pub(super) copies: Vec<LocalCopy>,
}

impl Plan {
    /// Its name, as audit and statistics tell it.
    pub(super) fn route(&self) -> String {
        let instance = match &self.route {
            Route::Far(journey) if journey.kept.is_some() => {
                return format!("cache:{}", journey.source.kind().name());
            }
            Route::Far(journey) => return journey.source.kind().name().to_owned(),
            Route::Embedded(instance) => instance,
        };
        if !instance.copies.is_empty() {
            let names: Vec<&str> = instance.copies.iter().map(|copy| copy.replica.as_str()).collect();
            return format!("replica:{}", names.join(","));
        }
        let fence = match instance.fence {
            Fence::Locked => "duckdb:fenced",
            Fence::OwnerReads => "duckdb:owner",
            Fence::OwnerWrites => "duckdb:owner-write",
        };
        fence.to_owned()
    }

    /// When the data were read at their source, where that was before now; and whether the result was kept, where that was asked
    /// for.
    pub(super) fn age(&self) -> (Option<DateTime<Utc>>, Option<&'static str>) {
        match &self.route {
            Route::Embedded(instance) => (instance.copies.iter().map(|copy| copy.data_at).min(), None),
            Route::Far(Journey { key: None, .. }) => (None, None),
            Route::Far(Journey { kept: None, .. }) => (None, Some("miss")),
            Route::Far(Journey { kept: Some(kept), .. }) => (Some(kept.asked_at), Some("hit")),
        }
    }

    /// Whether it may change something.
    pub(super) fn writes(&self) -> bool {
        match &self.route {
            Route::Embedded(instance) => instance.fence == Fence::OwnerWrites,
            Route::Far(journey) => journey.writes,
        }
    }

    /// What the embedded engine attaches for it.
    pub(super) fn attachments(&self) -> &[Attachment] {
        match &self.route {
            Route::Embedded(instance) => &instance.attachments,
            Route::Far(_) => &[],
        }
    }

    /// What the engine guesses that it would take; none where it does not say so quickly. Blocking.
    pub(super) fn estimate(&self) -> Option<Estimate> {
        let Route::Far(Journey { source, session, .. }) = &self.route else { return None };
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        let guessed = source.estimate(&self.sql, session);
        runtime.block_on(async { tokio::time::timeout(GUESS, guessed).await }).ok()?.ok().flatten()
    }

    /// Has the engine look at names and types, without running anything. Blocking.
    pub(super) fn prepare(&self, pool: &Pool) -> Result<(), ApiError> {
        let instance = match &self.route {
            Route::Embedded(instance) => instance,
            Route::Far(Journey { source, session, .. }) => {
                let runtime = tokio::runtime::Handle::try_current()
                    .map_err(|e| ApiError::new(ErrorKind::Internal, "runtime", e.to_string()))?;
                return runtime.block_on(source.describe(&self.sql, session)).map(drop);
            }
        };
        let lease = pool.lease(instance.fence, instance.attachments.clone(), &instance.policy)?;
        let connection = lease.connect()?;
        if let Some(catalog) = &instance.catalog {
            connection.execute_batch(&format!("use {}", quote(catalog))).map_err(|e| engine_error(&e))?;
        }
        connection.prepare(&self.sql).map(drop).map_err(|e| engine_error(&e))
    }
}

impl Gate {
    /// Judges the statement and decides where it runs. Blocking: a source's files may have to be read first.
    /// `effective` is what holds for who asks; none for the owner.
    pub(super) fn plan(
        &self,
        statement: &Statement,
        effective: Option<&Effective>,
        cancel: &Cancel,
    ) -> Result<Plan, ApiError> {
        let inner = &self.0;
        let mut source = self.source_for(effective, statement.source.as_deref(), cancel)?;
        if statement.source.is_none() && self.is_about_files(statement, effective, source.as_deref())? {
            source = None;
        }
        let mut attachments = Vec::new();
        if let Some(source) = &source {
            match inner.catalog.reach(source, cancel)? {
                Reached::Attached(attachment) => attachments.push(attachment),
                Reached::Far(far) => return self.plan_far(statement, effective, source, &far, cancel),
            }
        }
        super::far::choosable(statement, effective, None)?;
        let listing = match (&source, attachments.first()) {
            (Some(source), Some(attachment)) => {
                Some(inner.catalog.listing(source, attachment, &inner.pool)?)
            }
            _ => None,
        };
        let allowed = match (&statement.rights, &source) {
            (Rights::Tables(names), Some(source)) => {
                let known = listing.as_ref().map(Listing::names).unwrap_or_default();
                named_tables(source, &known, names, "main")?
            }
            (_, Some(_)) => listing.as_ref().map(Listing::names).unwrap_or_default(),
            (Rights::Tables(_), None) => {
                return Err(ApiError::new(
                    ErrorKind::Invalid,
                    "no_source",
                    "there is no source whose tables could be allowed",
                )
                .hint("add one with `wharf source add NAME PATH`"));
            }
            (_, None) => Vec::new(),
        };
        let allowed = match effective {
            Some(effective) => allowed.into_iter().filter(|t| effective.allows(t)).collect(),
            None => allowed,
        };
        let catalog = source.clone();
        let default = catalog.clone().unwrap_or_else(|| "memory".to_owned());
        let policy = Policy::new(Dialect::Duckdb, allowed, default, "main")
            .with_schemas(inner.catalog.known_schemas());
        let checked = inner.verdicts.check(&statement.sql, &policy, &inner.parser);
        let mark = match (effective, &statement.rights) {
            (Some(effective), _) => effective.mark(),
            (None, Rights::Tables(names)) => names.join(","),
            (None, Rights::Owner { .. } | Rights::Source) => String::new(),
        };
        // What the owner may do on their own machine, nobody else may by asking for it.
        let rights = if effective.is_some() { &Rights::Source } else { &statement.rights };
        match checked {
            Ok(checked) if !matches!(rights, Rights::Owner { write: true }) => {
                let seen = self.as_seen(statement, &checked, effective, listing.as_ref())?;
                let ruled = seen.is_some();
                let wraps = !checked.explain && !checked.several_steps;
                let (fence, policy, copies) = (Fence::Locked, mark, Vec::new());
                let default = catalog.clone();
                Ok(Plan {
                    sql: trimmed(seen.as_deref().unwrap_or(&statement.sql)),
                    ruled,
                    route: Route::Embedded(Instance {
                        fence,
                        attachments,
                        policy,
                        wraps,
                        cwd: None,
                        catalog: default,
                        copies,
                    }),
                    catalog,
                    tables: checked.tables.iter().map(ToString::to_string).collect(),
                    names: checked.tables,
                })
            }
            checked => match rights {
                Rights::Owner { write } => {
                    self.plan_for_owner(statement, *write, catalog, attachments, checked.err(), cancel)
                }
                Rights::Source | Rights::Tables(_) => Err(checked.err().map_or_else(
                    || {
                        ApiError::new(
                            ErrorKind::Internal,
                            "plan",
                            "the statement was neither allowed nor denied",
                        )
                    },
                    |denial| denied(&denial),
                )),
            },
        }
    }

    /// Whether the owner asks for files of this machine, so that a source elsewhere which nobody named isn't meant.
    fn is_about_files(
        &self,
        statement: &Statement,
        effective: Option<&Effective>,
        source: Option<&str>,
    ) -> Result<bool, ApiError> {
        let (Some(source), None, Rights::Owner { .. }) = (source, effective, &statement.rights) else {
            return Ok(false);
        };
        // The name of a file stands in quotes; without any, the engine's parser need not be asked.
        let quotes = statement.sql.contains(['\'', '"']);
        if !quotes || self.0.catalog.get(source)?.kind == SourceKind::Duckdb {
            return Ok(false);
        }
        let statements = wharf_policy::classify(&statement.sql, &self.0.parser).unwrap_or_default();
        Ok(matches!(&statements[..], [one] if !one.files.is_empty()))
    }

    /// The statement with what the reader may see in the place of its tables; none where they see all of them.
    fn as_seen(
        &self,
        statement: &Statement,
        checked: &Checked,
        effective: Option<&Effective>,
        listing: Option<&Listing>,
    ) -> Result<Option<String>, ApiError> {
        let (Some(effective), Some(Listing { tables, definitions })) = (effective, listing) else {
            return Ok(None);
        };
        super::views::look_beneath(effective, tables, &checked.tables, definitions)?;
        let looked = (&self.0.parser as &dyn wharf_policy::DuckdbParser, Dialect::Duckdb);
        let views = super::views::of(effective, tables, &checked.tables, looked, &self.0.filters)?;
        if views.is_empty() {
            return Ok(None);
        }
        let key = self.0.policies.mask_key()?;
        let rewritten = wharf_policy::rewrite(&statement.sql, checked, &views, Dialect::Duckdb, key);
        rewritten.map(Some).map_err(|d| denied(&d))
    }

    /// The owner's freedom: used only for statements that need it.
    fn plan_for_owner(
        &self,
        statement: &Statement,
        write: bool,
        catalog: Option<String>,
        mut attachments: Vec<Attachment>,
        denial: Option<Denial>,
        cancel: &Cancel,
    ) -> Result<Plan, ApiError> {
        let inner = &self.0;
        let statements = wharf_policy::classify(&statement.sql, &inner.parser).map_err(|d| denied(&d))?;
        let [one] = &statements[..] else {
            return Err(denial.map_or_else(
                || ApiError::new(ErrorKind::Invalid, "several_statements", "give one statement at a time"),
                |d| denied(&d),
            ));
        };
        if one.class > Class::Metadata && !write {
            return Err(ApiError::new(
                ErrorKind::Refused,
                "write_not_allowed",
                format!(
                    "{} changes something, and statements only read unless you say otherwise",
                    one.keyword
                ),
            )
            .hint("if you mean it, run it again with --write"));
        }
        // Other sources that the statement names stand beside the chosen one.
        for relation in &one.relations {
            let Some((first, _)) = relation.split_once('.') else { continue };
            let first = first.trim_matches('"');
            if inner.catalog.exists(first) && !attachments.iter().any(|a| a.alias.eq_ignore_ascii_case(first))
            {
                attachments.push(inner.catalog.attachment(first, cancel, &|_, _, _| {})?);
            }
        }
        attachments.sort_by(|a, b| a.alias.cmp(&b.alias));
        let fence = if write { Fence::OwnerWrites } else { Fence::OwnerReads };
        let sql = trimmed(&statement.sql);
        let sql = match &statement.cwd {
            Some(cwd) if one.class > Class::Metadata => super::relative::anchored(&sql, cwd),
            _ => sql,
        };
        let wraps = one.class == Class::Read && one.keyword != "PIVOT";
        let (policy, cwd, copies) = (String::new(), statement.cwd.clone(), Vec::new());
        let default = catalog.clone();
        Ok(Plan {
            route: Route::Embedded(Instance {
                fence,
                attachments,
                policy,
                wraps,
                cwd,
                catalog: default,
                copies,
            }),
            catalog,
            tables: one.relations.iter().chain(&one.files).cloned().collect(),
            names: Vec::new(),
            ruled: false,
            sql,
        })
    }
}

/// The names that `--only-tables` gives, as the catalogue spells them.
pub(super) fn named_tables(
    source: &str,
    known: &[TableName],
    names: &[String],
    default_schema: &str,
) -> Result<Vec<TableName>, ApiError> {
    let one = |name: &String| {
        let parts: Vec<&str> = name.split('.').collect();
        let table = parts.last().copied().unwrap_or_default();
        let schema = if parts.len() > 1 { parts[parts.len() - 2] } else { default_schema };
        let found = known
            .iter()
            .find(|t| t.table.eq_ignore_ascii_case(table) && t.schema.eq_ignore_ascii_case(schema));
        found.cloned().ok_or_else(|| {
            let candidates: Vec<&str> = known.iter().map(|t| t.table.as_str()).collect();
            crate::catalog::unknown_table(source, name, &candidates)
        })
    };
    names.iter().map(one).collect()
}

/// A query without what follows it, so that it can stand inside another one.
pub(super) fn trimmed(sql: &str) -> String {
    sql.trim_end().trim_end_matches(';').trim_end().to_owned()
}

/// A refusal as the doors tell it.
pub fn denied(denial: &Denial) -> ApiError {
    use wharf_policy::DenialCode;
    let kind = match denial.code {
        DenialCode::Syntax | DenialCode::Empty => ErrorKind::Failed,
        _ => ErrorKind::Refused,
    };
    let place = denial.place.map(|p| format!(" (line {}, column {})", p.line, p.column)).unwrap_or_default();
    let nearest = match &denial.nearest[..] {
        [] => None,
        names => Some(format!("did you mean {}?", names.join(" or "))),
    };
    let hint = match (nearest, denial.hint.clone()) {
        (Some(nearest), Some(hint)) => Some(format!("{nearest} {hint}")),
        (nearest, hint) => nearest.or(hint),
    };
    ApiError::new(kind, &denial.code.to_string(), format!("{}{place}", denial.message)).maybe_hint(hint)
}
