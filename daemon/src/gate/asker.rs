//! For whom the gate is open: the owner sees every source, everybody else what policy grants, and nothing of the rest, not
//! even its name.

use super::Gate;
use crate::catalog::unknown_table;
use crate::identity::Principal;
use crate::lifecycle::blocking;
use crate::policies::Effective;
use crate::sources::Cancel;
use wharf_policy::TableName;
use wharf_protocol::{ApiError, ErrorKind, Table};

impl Gate {
    /// The same gate for somebody else.
    #[must_use]
    pub fn acting_for(&self, principal: Principal) -> Self {
        Self(self.0.clone(), principal)
    }

    /// For whom it is open.
    pub fn principal(&self) -> &Principal {
        &self.1
    }

    /// What holds for who asks; nothing for the owner.
    ///
    /// # Errors
    /// When the policies cannot be read: then nobody is let through.
    pub async fn effective(&self) -> Result<Option<Effective>, ApiError> {
        match self.1.is_owner() {
            true => Ok(None),
            false => Ok(Some(self.0.policies.of(&self.1).await?)),
        }
    }

    /// Under which what was made for this asker is kept: the owner's is nobody else's, and a change of policy makes it void.
    ///
    /// # Errors
    /// When the policies cannot be read.
    pub async fn mark(&self) -> Result<String, ApiError> {
        Ok(self.effective().await?.map(|e| e.mark()).unwrap_or_default())
    }

    /// The tables that the asker may read, of one source or of all, with the columns they may see.
    ///
    /// # Errors
    /// When the source is none of theirs or cannot be read.
    pub async fn tables(&self, source: Option<&str>) -> Result<Vec<Table>, ApiError> {
        let effective = self.effective().await?;
        if effective.is_some()
            && source.is_none()
            && let Some(recent) = self.catalog().recent_tables()
        {
            return Ok(recent.iter().flat_map(|all| self.seen(effective.as_ref(), all)).collect());
        }
        let (gate, source) = (self.clone(), source.map(str::to_owned));
        blocking(move || {
            let names: Vec<String> = match (source, &effective) {
                (Some(name), None) => vec![gate.catalog().get(&name).map(|s| s.name)?],
                (Some(name), theirs) => {
                    gate.source_for(theirs.as_ref(), Some(&name), &Cancel::default())?.into_iter().collect()
                }
                (None, _) => gate.catalog().sources().into_iter().map(|s| s.name).collect(),
            };
            let mut tables = Vec::new();
            for name in names {
                // One source that cannot be read must not hide the others.
                match gate.catalog().tables(&name, gate.pool()) {
                    Ok(all) => tables.extend(gate.seen(effective.as_ref(), &all)),
                    Err(error) if effective.is_none() => return Err(error),
                    Err(error) => tracing::warn!(source = %name, %error, "a source cannot be listed"),
                }
            }
            Ok(tables)
        })
        .await
    }

    /// What of a source's tables may be read.
    pub(super) fn seen(&self, effective: Option<&Effective>, all: &[Table]) -> Vec<Table> {
        let Some(effective) = effective else { return all.to_vec() };
        let named = |t: &Table| TableName::new(&t.catalog, &t.schema, &t.name);
        all.iter()
            .filter(|t| effective.allows(&named(t)))
            .map(|t| super::views::shown(effective, t))
            .collect()
    }

    /// The source that is meant. One of which the asker may read nothing does not exist for them.
    pub(super) fn source_for(
        &self,
        effective: Option<&Effective>,
        named: Option<&str>,
        cancel: &Cancel,
    ) -> Result<Option<String>, ApiError> {
        let Some(effective) = effective else { return self.0.catalog.choose(named) };
        let mut theirs: Vec<String> = Vec::new();
        for source in self.0.catalog.sources() {
            if cancel.raised() {
                return Err(cancel.error());
            }
            let granted = || {
                let tables = self.0.catalog.tables(&source.name, &self.0.pool).ok()?;
                let named = |t: &Table| TableName::new(&t.catalog, &t.schema, &t.name);
                tables.iter().any(|t| effective.allows(&named(t))).then_some(())
            };
            if named.is_none_or(|n| n == source.name) && granted().is_some() {
                theirs.push(source.name);
            }
        }
        match (named, &theirs[..]) {
            (_, [one]) => Ok(Some(one.clone())),
            (Some(name), _) => {
                let message = format!("there is no source `{name}`");
                Err(ApiError::new(ErrorKind::NotFound, "source_not_found", message)
                    .hint("leave the source away, or name one that `GET /list_data` shows"))
            }
            (None, []) => {
                Err(ApiError::new(ErrorKind::Refused, "nothing_granted", "you may not read any table yet")
                    .hint("ask an admin to allow the tables you need: `wharf table allow TABLE --to ...`"))
            }
            (None, _) => Err(ApiError::new(
                ErrorKind::Invalid,
                "source_needed",
                "there are several sources; say which one is meant",
            )
            .hint(format!("name one of: {}", theirs.join(", ")))),
        }
    }

    /// A table that the asker may read, by `table`, `schema.table`, `source.table` or `source.schema.table`.
    ///
    /// # Errors
    /// When there is none: one that may not be read is like one that is not there.
    pub async fn table(&self, name: &str, source: Option<&str>) -> Result<Table, ApiError> {
        let first = name.split('.').next().unwrap_or_default();
        let source = match source {
            Some(source) => Some(source.to_owned()),
            None if name.contains('.') && self.catalog().exists(first) => Some(first.to_owned()),
            None if self.1.is_owner() => Some(self.catalog().require(None)?),
            None => None,
        };
        // For others than the owner a source is there only if something of it may be read.
        let known = source.as_deref().filter(|s| self.1.is_owner() || self.catalog().exists(s));
        let tables = match (known, &source) {
            (None, Some(_)) if !self.1.is_owner() => Vec::new(),
            _ => self.tables(known).await?,
        };
        let parts: Vec<&str> = name.split('.').collect();
        let fits = |t: &&Table| {
            let full = [t.catalog.as_str(), t.schema.as_str(), t.name.as_str()];
            let tail = &full[full.len().saturating_sub(parts.len())..];
            let short = parts.len() == 2
                && parts[0].eq_ignore_ascii_case(&t.catalog)
                && parts[1].eq_ignore_ascii_case(&t.name);
            short
                || t.name.eq_ignore_ascii_case(name)
                || parts.len() <= 3 && tail.iter().zip(&parts).all(|(a, b)| a.eq_ignore_ascii_case(b))
        };
        let mut fitting = tables.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(one), None) => Ok(one.clone()),
            (Some(one), Some(other)) if one.catalog == other.catalog => Ok(one.clone()),
            (Some(one), Some(other)) => {
                let message = format!("`{name}` is a table of several sources");
                Err(ApiError::new(ErrorKind::Invalid, "table_ambiguous", message)
                    .hint(format!("say {}.{name} or {}.{name}", one.catalog, other.catalog)))
            }
            (None, _) => {
                let names: Vec<&str> = tables.iter().map(|t| t.qualified.as_str()).collect();
                Err(match &source {
                    Some(source) if self.1.is_owner() => unknown_table(source, name, &names),
                    _ => not_seen(name, &names),
                })
            }
        }
    }
}

fn not_seen(name: &str, known: &[&str]) -> ApiError {
    let nearest = wharf_policy::nearest(name, known.iter().copied());
    let hint = match &nearest[..] {
        [] => "`GET /list_data` lists the tables that you may read".to_owned(),
        nearest => format!("did you mean {}?", nearest.join(" or ")),
    };
    let message = format!("there is no table `{name}` that you may read");
    ApiError::new(ErrorKind::NotFound, "table_not_found", message).hint(hint)
}
