//! Which sources there are and which tables they hold.

mod copies;
mod definitions;
mod far;
mod keys;
mod listing;
mod store;

pub use copies::{Copies, Holds, LocalCopy, PARTS};
pub use definitions::Definitions;
pub use listing::{Listing, unknown_table};

use crate::lifecycle::blocking;
use crate::sources::duckdb::{
    Attachment, DatabaseKey, Discovered, Fence, Pool, Snapshots, Spec, discover, is_damage,
};
use crate::sources::{Cancel, connect};
use crate::state::State;
use far::Far;
use keys::Keys;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use store::Stored;
use wharf_protocol::{ApiError, ErrorKind, Source, SourceAdd, SourceKind, Table};
use wharf_secrets::Vault;
use wharf_warehouses::Source as FarSource;

/// The catalogue. Cheap to clone.
#[derive(Clone)]
pub struct Catalog(Arc<Inner>);

struct Inner {
    state: State,
    snapshots: Snapshots,
    keys: Keys,
    far: Arc<Far>,
    copies: Copies,
    default: Option<String>,
    sources: RwLock<BTreeMap<String, Stored>>,
    // Valid for one stamp of a source's files.
    listings: Mutex<Listings>,
}

/// By source.
type Listings = HashMap<String, Listed>;

/// A listing, for one stamp of the source's files.
struct Listed {
    stamp: String,
    listing: Listing,
    /// When the files last had this stamp.
    looked: Instant,
}

/// Lists for others than the owner may be this old: a swarm that looks thousands of times a second need not have every file
/// looked at each time.
const RECENT: Duration = Duration::from_millis(100);

/// A source as statements reach it.
pub enum Reached {
    /// By the embedded engine, which attaches it.
    Attached(Attachment),
    /// Elsewhere.
    Far(Arc<dyn FarSource>),
}

/// A listing of a source elsewhere that is younger than this is not doubted because a name is not in it, and not made anew
/// because somebody asks for that: each costs the source something.
const DOUBTED: Duration = Duration::from_secs(5);

/// Told while a source's files are read: file, files done, files in all.
pub type Progress<'a> = &'a (dyn Fn(&str, usize, usize) + Sync);

impl Catalog {
    /// The sources in `state`, the keys of their databases in `vault`. `default` is the source meant when a request names none.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn load(
        state: State,
        snapshots: Snapshots,
        vault: Vault,
        default: Option<String>,
    ) -> Result<Self, ApiError> {
        let sources = store::load(&state).await?;
        Ok(Self(Arc::new(Inner {
            state,
            snapshots,
            keys: Keys::new(vault),
            far: Arc::default(),
            copies: Copies::default(),
            default,
            sources: RwLock::new(sources),
            listings: Mutex::default(),
        })))
    }

    /// A source elsewhere as it would be added, so that it can be looked at beforehand; none for files.
    ///
    /// # Errors
    /// When its address makes no sense, or what opens it is not where it should be.
    pub fn probe(&self, add: &SourceAdd) -> Result<Option<Arc<dyn FarSource>>, ApiError> {
        if SourceKind::of_address(&add.path).is_none() {
            return Ok(None);
        }
        let key = add.key.as_ref().map(Keys::given).transpose()?.map(|(_, key)| key);
        connect(&add.name, &add.path, key).map(Some)
    }

    /// Adds a source: looks at its files, reads text files into a snapshot, and only then remembers it.
    ///
    /// # Errors
    /// When the name is taken or not a name, or a file cannot be read. Nothing is changed then.
    pub async fn add(
        &self,
        add: SourceAdd,
        pool: &Pool,
        cancel: Cancel,
        progress: impl Fn(&str, usize, usize) + Send + Sync + 'static,
    ) -> Result<Source, ApiError> {
        check_name(&add.name)?;
        if self.exists(&add.name) && !add.replace {
            return Err(ApiError::new(
                ErrorKind::Conflict,
                "source_exists",
                format!("there is a source `{}` already", add.name),
            )
            .hint("choose another name, or add --replace"));
        }
        let key = add.key.as_ref().map(Keys::given).transpose()?;
        let (from, key) = key.unzip();
        let had = self.stored(&add.name).ok().and_then(|before| before.key);
        let kind = SourceKind::of_address(&add.path).unwrap_or(SourceKind::Duckdb);
        let stored = Stored {
            source: Source {
                name: add.name.clone(),
                kind,
                path: add.path.clone(),
                models: add.models.clone(),
                key: from.as_ref().map(ToString::to_string),
                created_at: crate::clock::now_text(),
                tables: None,
                waiting_for: None,
            },
            types: add.types,
            aliases: add.aliases,
            key: from,
        };
        check_types(&stored)?;
        if kind != SourceKind::Duckdb {
            progress(&format!("connecting to {}", add.name), 0, 2);
            let probe = connect(&add.name, &add.path, key.clone())?;
            // Whoever adds a source gives up with their connection.
            tokio::select! {
                () = cancel.wait() => return Err(cancel.error_while("connecting")),
                tested = probe.test() => tested?,
            };
            progress(&format!("looking at {}", add.name), 1, 2);
        }
        let (this, pool, probe) = (self.clone(), pool.clone(), stored.clone());
        let tables = blocking(move || {
            let name = &probe.source.name;
            let tables = match probe.source.kind {
                SourceKind::Duckdb => {
                    let attachment = this.0.snapshots.attachment(&probe.spec(), &cancel, &progress)?;
                    let attachment = Attachment { key: key.map(DatabaseKey::new), ..attachment };
                    pool.drop_source(name);
                    listing::list(name, &attachment, &pool)?.tables
                }
                _ => {
                    let far = Arc::new(Far::default());
                    far.get(name, &probe.source.path, || Ok(key))?;
                    far.listing(name)?.tables
                }
            };
            this.0.keys.keep(name, add.key.as_ref(), had.as_ref())?;
            Ok::<_, ApiError>(tables)
        })
        .await?;
        store::save(&self.0.state, &stored).await?;
        let mut source = stored.source.clone();
        source.tables = Some(tables.len() as u64);
        self.0.sources.write().unwrap_or_else(PoisonError::into_inner).insert(add.name.clone(), stored);
        self.forget(&add.name);
        Ok(source)
    }

    /// Forgets a source and removes its snapshots; its files stay.
    ///
    /// # Errors
    /// When there is none of this name.
    pub async fn remove(&self, name: &str, pool: &Pool) -> Result<(), ApiError> {
        let had = self.stored(name)?.key;
        store::delete(&self.0.state, name).await?;
        let (this, source) = (self.clone(), name.to_owned());
        let forgotten =
            tokio::task::spawn_blocking(move || this.0.keys.keep(&source, None, had.as_ref())).await;
        if let Ok(Err(error)) = forgotten {
            tracing::warn!(%error, source = name, "the key of a source that is gone could not be forgotten");
        }
        self.0.sources.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.forget(name);
        pool.drop_source(name);
        self.0.snapshots.remove(name);
        Ok(())
    }

    /// All sources, by name, each with what it waits for.
    pub fn sources(&self) -> Vec<Source> {
        let with =
            |s: &Stored| Source { waiting_for: self.0.far.waiting(&s.source.name), ..s.source.clone() };
        self.read().values().map(with).collect()
    }

    /// Whether there is a source of this name.
    pub fn exists(&self, name: &str) -> bool {
        self.read().contains_key(name)
    }

    /// A source by name.
    ///
    /// # Errors
    /// When there is none; the nearest names are offered.
    pub fn get(&self, name: &str) -> Result<Source, ApiError> {
        self.stored(name).map(|s| s.source)
    }

    /// The source that a request means: the one it names, else the configured one, else the only one.
    ///
    /// # Errors
    /// When it names one that does not exist.
    pub fn choose(&self, name: Option<&str>) -> Result<Option<String>, ApiError> {
        if let Some(name) = name.or(self.0.default.as_deref()) {
            return self.get(name).map(|s| Some(s.name));
        }
        let sources = self.read();
        let mut names = sources.keys();
        Ok(match (names.next(), names.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        })
    }

    /// The source that a request means, where there must be one.
    ///
    /// # Errors
    /// When it names none and there is not exactly one.
    pub fn require(&self, name: Option<&str>) -> Result<String, ApiError> {
        self.choose(name)?.ok_or_else(|| {
            let names: Vec<String> = self.read().keys().cloned().collect();
            if names.is_empty() {
                ApiError::new(ErrorKind::NotFound, "no_source", "there is no source yet")
                    .hint("`wharf demo` sets one up, `wharf source add NAME PATH` adds your own files")
            } else {
                ApiError::new(
                    ErrorKind::Invalid,
                    "source_needed",
                    "there are several sources; say which one is meant",
                )
                .hint(format!("add --source with one of: {}", names.join(", ")))
            }
        })
    }

    /// A source as statements reach it. Blocking.
    ///
    /// # Errors
    /// When its files are gone or cannot be read, or what opens it is not where it should be.
    pub fn reach(&self, name: &str, cancel: &Cancel) -> Result<Reached, ApiError> {
        match self.far(name)? {
            Some(source) => Ok(Reached::Far(source)),
            None => self.attachment(name, cancel, &|_, _, _| {}).map(Reached::Attached),
        }
    }

    /// A source that is elsewhere; none for one that the embedded engine reads. Blocking.
    ///
    /// # Errors
    /// When there is none of this name, or what opens it is not where it should be.
    pub fn far(&self, name: &str) -> Result<Option<Arc<dyn FarSource>>, ApiError> {
        let stored = self.stored(name)?;
        if stored.source.kind == SourceKind::Duckdb {
            return Ok(None);
        }
        let secret = || stored.key.as_ref().map(|from| self.0.keys.get(name, from)).transpose();
        self.0.far.get(name, &stored.source.path, secret).map(Some)
    }

    /// A source as an instance attaches it, its snapshot made up to date. Blocking.
    ///
    /// # Errors
    /// When its files are gone or cannot be read, or it is elsewhere.
    pub fn attachment(
        &self,
        name: &str,
        cancel: &Cancel,
        progress: Progress,
    ) -> Result<Attachment, ApiError> {
        let stored = self.stored(name)?;
        if stored.source.kind != SourceKind::Duckdb {
            let message =
                format!("the source `{name}` is elsewhere and cannot be read together with another one");
            return Err(ApiError::new(ErrorKind::Invalid, "source_elsewhere", message)
                .hint("ask each source for its part"));
        }
        let attachment = self.0.snapshots.attachment(&stored.spec(), cancel, progress)?;
        self.with_key(&stored, attachment)
    }

    /// A source as an instance attaches it, if that needs no file to be read in.
    pub fn attachment_if_current(&self, name: &str) -> Option<Attachment> {
        let stored = self.stored(name).ok().filter(|stored| stored.source.kind == SourceKind::Duckdb)?;
        self.with_key(&stored, self.0.snapshots.current(&stored.spec())?).ok()
    }

    fn with_key(&self, stored: &Stored, attachment: Attachment) -> Result<Attachment, ApiError> {
        let key = stored.key.as_ref().map(|from| self.0.keys.get(&stored.source.name, from)).transpose()?;
        Ok(Attachment { key: key.map(DatabaseKey::new), ..attachment })
    }

    /// A source's tables with their columns. Blocking.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn tables(&self, name: &str, pool: &Pool) -> Result<Arc<Vec<Table>>, ApiError> {
        let reached = self.reach(name, &Cancel::default())?;
        Ok(self.listing_of(name, &reached, pool)?.tables)
    }

    /// Local copies that answers may come from.
    pub fn copies(&self) -> &Copies {
        &self.0.copies
    }

    /// The tables of a database file. Blocking.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn listed(attachment: &Attachment, pool: &Pool) -> Result<Vec<Table>, ApiError> {
        let listing = listing::list(&attachment.alias, attachment, pool)?;
        Ok(Arc::unwrap_or_clone(listing.tables))
    }

    /// What a source holds, however it is reached. Blocking.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn listing_of(&self, name: &str, reached: &Reached, pool: &Pool) -> Result<Listing, ApiError> {
        match reached {
            Reached::Attached(attachment) => self.listing(name, attachment, pool),
            Reached::Far(_) => self.0.far.listing(name),
        }
    }

    /// Has a source elsewhere listed anew by its next reader, because a table was asked for that is not known. Tells whether what
    /// was known was older than a few seconds, so that looking again may help.
    pub fn doubt(&self, name: &str) -> bool {
        self.0.far.doubt(name, DOUBTED)
    }

    /// The same, however young it is: the owner has just made a table and knows it.
    pub fn look_again(&self, name: &str) {
        self.0.far.doubt(name, Duration::ZERO);
    }

    /// The tables of all sources, if each was looked at a moment ago. Does not block.
    pub fn recent_tables(&self) -> Option<Vec<Arc<Vec<Table>>>> {
        let (sources, cache) = (self.read(), self.cache());
        let recent = |(name, stored): (&String, &Stored)| match stored.source.kind {
            SourceKind::Duckdb => {
                cache.get(name).filter(|l| l.looked.elapsed() < RECENT).map(|l| l.listing.tables.clone())
            }
            _ => self.0.far.known(name).map(|(listing, _)| listing.tables),
        };
        sources.iter().map(recent).collect()
    }

    /// The tables of a source as they were known last, and how long ago that was. Nobody is asked, no file is looked at.
    pub fn known(&self, name: &str) -> Option<(Arc<Vec<Table>>, Duration)> {
        match self.get(name).ok()?.kind {
            SourceKind::Duckdb => {
                self.cache().get(name).map(|listed| (listed.listing.tables.clone(), listed.looked.elapsed()))
            }
            _ => self.0.far.known(name).map(|(listing, age)| (listing.tables, age)),
        }
    }

    /// Lists a source elsewhere anew, unless that was a moment ago. Files are looked at every time as it is. Blocking.
    ///
    /// # Errors
    /// When it cannot be listed; what was known of it stays.
    pub fn refresh(&self, name: &str) -> Result<(), ApiError> {
        self.0.far.refresh(name, DOUBTED)
    }

    /// What a source holds as it is attached. Blocking.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn listing(&self, name: &str, attachment: &Attachment, pool: &Pool) -> Result<Listing, ApiError> {
        if let Some(listed) = self.cache().get_mut(name).filter(|l| l.stamp == attachment.stamp) {
            listed.looked = Instant::now();
            return Ok(listed.listing.clone());
        }
        let listing = match listing::list(name, attachment, pool) {
            Err(error) if !attachment.foreign && is_damage(&error) => {
                tracing::warn!(source = name, %error, "a snapshot is damaged and made again");
                pool.drop_source(name);
                self.discard_snapshot(name);
                let again = self.attachment(name, &Cancel::default(), &|_, _, _| {})?;
                listing::list(name, &again, pool)
            }
            listing => listing,
        }?;
        let (stamp, looked) = (attachment.stamp.clone(), Instant::now());
        self.cache().insert(name.to_owned(), Listed { stamp, listing: listing.clone(), looked });
        Ok(listing)
    }

    /// A text that changes when the source's data does. Blocking.
    ///
    /// # Errors
    /// When its files are gone.
    pub fn stamp(&self, name: &str) -> Result<String, ApiError> {
        if self.get(name)?.kind != SourceKind::Duckdb {
            // Nobody tells when data elsewhere change, so what was made of them is made anew every hour.
            return Ok(crate::clock::now_text().chars().take("2026-01-31T12".len()).collect());
        }
        Ok(self.attachment(name, &Cancel::default(), &|_, _, _| {})?.stamp)
    }

    /// Names of catalogs and schemas that a statement could meet, so that `name.upper()` is not taken for a column.
    pub fn known_schemas(&self) -> Vec<String> {
        let own = ["memory", "system", "temp", "main", "information_schema", "pg_catalog"].map(str::to_owned);
        let cache = self.cache();
        let schemas: BTreeSet<String> = cache
            .values()
            .flat_map(|listed| listed.listing.tables.iter().map(|t| t.schema.clone()))
            .collect();
        drop(cache);
        own.into_iter().chain(schemas).chain(self.read().keys().cloned()).collect()
    }

    /// Forgets a source's snapshot that turned out to be damaged; the next use makes another.
    pub fn discard_snapshot(&self, name: &str) {
        self.0.snapshots.discard(name);
    }

    /// Removes what the end of an earlier daemon left among the snapshots.
    pub fn sweep_snapshots(&self) {
        self.0.snapshots.sweep_strays(|source| self.exists(source));
    }

    /// Bytes of snapshots.
    pub fn cache_bytes(&self) -> u64 {
        self.0.snapshots.bytes()
    }

    /// Where a source's semantic models are.
    ///
    /// # Errors
    /// When there is no such source.
    pub fn models_path(&self, name: &str) -> Result<Option<PathBuf>, ApiError> {
        Ok(self.get(name)?.models.map(PathBuf::from))
    }

    fn stored(&self, name: &str) -> Result<Stored, ApiError> {
        let sources = self.read();
        sources.get(name).cloned().ok_or_else(|| {
            let names: Vec<&str> = sources.keys().map(String::as_str).collect();
            let nearest = wharf_policy::nearest(name, names);
            let hint = match &nearest[..] {
                [] => "`wharf source list` shows the sources there are".to_owned(),
                nearest => format!("did you mean {}?", nearest.join(" or ")),
            };
            ApiError::new(ErrorKind::NotFound, "source_not_found", format!("there is no source `{name}`"))
                .hint(hint)
        })
    }

    fn forget(&self, name: &str) {
        self.0.far.forget(name);
        self.cache().remove(name);
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Listings> {
        self.0.listings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Stored>> {
        self.0.sources.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stored {
    fn spec(&self) -> Spec {
        Spec {
            name: self.source.name.clone(),
            path: PathBuf::from(&self.source.path),
            types: self.types.clone(),
            aliases: self.aliases.clone(),
        }
    }
}

/// Names that the engine uses for catalogs of its own.
const TAKEN: &[&str] = &["memory", "system", "temp", "main"];

fn check_name(name: &str) -> Result<(), ApiError> {
    let good = name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !good || TAKEN.contains(&name) {
        return Err(ApiError::new(
            ErrorKind::Invalid,
            "bad_source_name",
            format!("`{name}` cannot be a source's name"),
        )
        .hint(
            "use lower-case letters, digits and _, beginning with a letter; not memory, system, temp or main",
        ));
    }
    Ok(())
}

/// Types for tables that are not there would be ignored without a word.
fn check_types(stored: &Stored) -> Result<(), ApiError> {
    if stored.source.kind != SourceKind::Duckdb {
        if stored.types.is_empty() && stored.aliases.is_empty() {
            return Ok(());
        }
        let message = "types can be given for files only; a source elsewhere knows its own";
        return Err(ApiError::new(ErrorKind::Invalid, "types_elsewhere", message).hint("leave --types away"));
    }
    let Discovered::Files(files) = discover(Path::new(&stored.source.path))? else { return Ok(()) };
    let known: Vec<&str> = files.iter().map(|f| f.table.as_str()).collect();
    for table in stored.aliases.values() {
        if !known.iter().any(|k| k.eq_ignore_ascii_case(table)) {
            return Err(unknown_table(&stored.source.name, table, &known));
        }
    }
    Ok(())
}

/// Where listings run: an instance that sees this source and nothing else.
pub(crate) const LISTING_FENCE: Fence = Fence::Locked;
