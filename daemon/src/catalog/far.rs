//! Sources elsewhere: connected when they are first needed, their listings kept for a while.

use super::{Definitions, Listing};
use crate::sources::connect;
use secrecy::SecretString;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use wharf_protocol::{ApiError, ErrorKind, Table, TableColumn};
use wharf_warehouses::{Source, TableFacts, TableKind};

/// A listing of this age is made anew in the background, while the old one is used.
const FRESH: Duration = Duration::from_secs(300);
/// A listing of this age is not used any more.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// A source that could not be listed is not asked again before this long.
const SPARED: Duration = Duration::from_secs(5);
/// Tables of one source that are listed.
const MOST_TABLES: usize = 100_000;

/// The sources elsewhere.
#[derive(Default)]
pub(super) struct Far(Mutex<HashMap<String, Arc<One>>>);

/// One of them.
struct One {
    source: Arc<dyn Source>,
    /// Held while it is listed, so that many who ask at once wait for one listing.
    listing: Mutex<Option<Kept>>,
}

enum Kept {
    Listed { listing: Listing, at: Instant, renewing: bool },
    Failed { error: ApiError, at: Instant },
}

impl Far {
    /// A source, connected to as its address says where nobody has yet.
    pub(super) fn get(
        &self,
        name: &str,
        address: &str,
        secret: impl FnOnce() -> Result<Option<SecretString>, ApiError>,
    ) -> Result<Arc<dyn Source>, ApiError> {
        if let Some(one) = self.all().get(name) {
            return Ok(one.source.clone());
        }
        let source = connect(name, address, secret()?)?;
        let one = Arc::new(One { source, listing: Mutex::default() });
        // Somebody else may have been quicker.
        Ok(self.all().entry(name.to_owned()).or_insert(one).source.clone())
    }

    /// What statements for a source that is connected wait for.
    pub(super) fn waiting(&self, name: &str) -> Option<String> {
        self.all().get(name)?.source.waiting()
    }

    /// Forgets a source and what is known of it.
    pub(super) fn forget(&self, name: &str) {
        self.all().remove(name);
    }

    /// What a source that is connected holds. Blocking, on a thread of the runtime that may block.
    pub(super) fn listing(self: &Arc<Self>, name: &str) -> Result<Listing, ApiError> {
        let one = self.all().get(name).cloned().ok_or_else(|| {
            ApiError::new(ErrorKind::Conflict, "source_gone", format!("the source `{name}` was just removed"))
        })?;
        let mut kept = one.listing.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *kept {
            Some(Kept::Listed { listing, at, renewing }) if at.elapsed() < STALE => {
                if at.elapsed() > FRESH && !*renewing {
                    *renewing = true;
                    renew(name.to_owned(), one.clone());
                }
                return Ok(listing.clone());
            }
            Some(Kept::Failed { error, at }) if at.elapsed() < SPARED => return Err(error.clone()),
            _ => {}
        }
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|e| ApiError::new(ErrorKind::Internal, "runtime", e.to_string()))?;
        let at = Instant::now();
        match runtime.block_on(list(name, &*one.source)) {
            Ok(listing) => {
                *kept = Some(Kept::Listed { listing: listing.clone(), at, renewing: false });
                Ok(listing)
            }
            Err(error) => {
                *kept = Some(Kept::Failed { error: error.clone(), at: Instant::now() });
                Err(error)
            }
        }
    }

    /// Has the next reader list a source anew, if what is known of it is older than `age`. Tells whether it was.
    pub(super) fn doubt(&self, name: &str, age: Duration) -> bool {
        let Some(one) = self.all().get(name).cloned() else { return false };
        let mut kept = one.listing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = matches!(&*kept, Some(Kept::Listed { at, .. }) if at.elapsed() > age);
        if old {
            *kept = None;
        }
        old
    }

    /// Lists a source anew at once, unless that was done within `spared` or somebody is about it. Where it fails, what was known
    /// stays. Blocking, on a thread of the runtime that may block.
    pub(super) fn refresh(&self, name: &str, spared: Duration) -> Result<(), ApiError> {
        let Some(one) = self.all().get(name).cloned() else { return Ok(()) };
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|e| ApiError::new(ErrorKind::Internal, "runtime", e.to_string()))?;
        match &mut *one.listing.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Kept::Listed { at, renewing, .. }) if at.elapsed() > spared && !*renewing => {
                *renewing = true;
            }
            // What is not known is listed by its next reader as it is.
            _ => return Ok(()),
        }
        let at = Instant::now();
        let listed = runtime.block_on(list(name, &*one.source));
        let mut kept = one.listing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Kept::Listed { renewing, .. }) = &mut *kept {
            *renewing = false;
        }
        *kept = Some(Kept::Listed { listing: listed?, at, renewing: false });
        Ok(())
    }

    /// What is known of a source, without asking it, and how old that is.
    pub(super) fn known(&self, name: &str) -> Option<(Listing, Duration)> {
        let one = self.all().get(name).cloned()?;
        let kept = one.listing.try_lock().ok()?;
        match &*kept {
            Some(Kept::Listed { listing, at, .. }) => Some((listing.clone(), at.elapsed())),
            _ => None,
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<One>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lists a source anew while others use what was known.
fn renew(name: String, one: Arc<One>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        let at = Instant::now();
        let listed = list(&name, &*one.source).await;
        let mut kept = one.listing.lock().unwrap_or_else(PoisonError::into_inner);
        match listed {
            Ok(listing) => *kept = Some(Kept::Listed { listing, at, renewing: false }),
            Err(error) => {
                tracing::warn!(source = %name, %error, "a source could not be listed anew");
                if let Some(Kept::Listed { renewing, .. }) = &mut *kept {
                    *renewing = false;
                }
            }
        }
    });
}

async fn list(name: &str, source: &dyn Source) -> Result<Listing, ApiError> {
    let (mut tables, mut views) = (Vec::new(), Vec::new());
    for schema in source.schemas().await? {
        let mut after: Option<String> = None;
        loop {
            let page = source.tables(&schema, after.as_deref()).await?;
            for facts in page.items {
                if facts.kind == TableKind::View {
                    views.push(facts.name.clone());
                }
                tables.push(table(name, source, facts));
            }
            if tables.len() > MOST_TABLES {
                let message = format!("the source `{name}` holds more than {MOST_TABLES} tables");
                return Err(ApiError::new(ErrorKind::Limit, "too_many_tables", message)
                    .hint("give its user rights on those that are needed only"));
            }
            match page.next {
                Some(next) if Some(&next) != after.as_ref() => after = Some(next),
                _ => break,
            }
        }
    }
    Ok(Listing { tables: Arc::new(tables), definitions: Arc::new(Definitions::hidden(views)) })
}

fn table(name: &str, source: &dyn Source, facts: TableFacts) -> Table {
    let word = |part: &str| crate::sources::word(part, source.dialect());
    let qualified = match facts.schema == source.default_schema() {
        true => word(&facts.name),
        false => format!("{}.{}", word(&facts.schema), word(&facts.name)),
    };
    let column = |c: wharf_warehouses::Column| TableColumn {
        name: c.name,
        r#type: c.type_name,
        comment: c.comment,
        nullable: c.nullable,
    };
    Table {
        catalog: name.to_owned(),
        qualified,
        schema: facts.schema,
        name: facts.name,
        rows: facts.rows,
        comment: facts.comment,
        view: facts.kind == TableKind::View,
        columns: facts.columns.into_iter().map(column).collect(),
    }
}
