//! Profiles of planted tables, over a real engine and through the gate.

mod bad_input;
mod figures;
mod kept;
mod naive;

use super::{Step, profile};
use crate::audit::{Audit, Rules};
use crate::catalog::Catalog;
use crate::gate::{Gate, Limits};
use crate::sources::Cancel;
use crate::sources::duckdb::{Pool, Snapshots};
use crate::state::State;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use wharf_protocol::{ApiError, ColumnProfile, Profile, ProfileRequest, SourceAdd};

/// A daemon's rooms, as far as a profile needs them.
pub(super) struct World {
    pub(super) state: State,
    pub(super) gate: Gate,
    pub(super) steps: Arc<Mutex<Vec<Step>>>,
    folder: tempfile::TempDir,
}

impl World {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).await.unwrap();
        let snapshots = Snapshots::new(&folder.path().join("snapshots"), 2 << 30);
        let catalog = Catalog::load(state.clone(), snapshots, crate::secrets::vault(folder.path()), None)
            .await
            .unwrap();
        let pool = Pool::new(2 << 30, &folder.path().join("scratch"));
        let limits = Limits { statements: 4, queue: 16, timeout: None };
        let gate = Gate::new(
            catalog,
            pool.clone(),
            crate::sources::duckdb::EngineParser::new(pool),
            Audit::open(state.clone(), &folder.path().join("audit"), Rules::default()).await.unwrap(),
            crate::policies::Policies::new(state.clone(), crate::secrets::Secrets::new(folder.path())),
            limits,
        );
        Self { state, gate, steps: Arc::default(), folder }
    }

    /// A world with one source `d`: a database in which `sql` has run.
    pub(super) async fn database(sql: &str) -> Self {
        let world = Self::new().await;
        world.run(sql);
        world.add("d", &world.path("d.duckdb")).await;
        world
    }

    /// Runs SQL in the database file `d.duckdb`.
    pub(super) fn run(&self, sql: &str) {
        let connection = duckdb::Connection::open(self.path("d.duckdb")).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    pub(super) async fn add(&self, name: &str, path: &Path) {
        let add = SourceAdd {
            name: name.to_owned(),
            path: path.to_string_lossy().into_owned(),
            models: None,
            types: Default::default(),
            aliases: Default::default(),
            key: None,
            replace: true,
        };
        self.gate.catalog().add(add, self.gate.pool(), Cancel::default(), |_, _, _| {}).await.unwrap();
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &[u8]) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).to_string_lossy().into_owned()
    }

    pub(super) async fn try_profile(&self, table: &str, refresh: bool) -> Result<Profile, ApiError> {
        let cwd = Some(self.folder.path().to_string_lossy().into_owned());
        let request = ProfileRequest { table: table.to_owned(), source: None, refresh, cwd };
        let steps = self.steps.clone();
        let progress = move |step: Step| steps.lock().unwrap().push(step);
        profile(&self.state, &self.gate, &request, Cancel::default(), &progress).await
    }

    pub(super) async fn profile(&self, table: &str) -> Profile {
        self.try_profile(table, false).await.unwrap()
    }
}

pub(super) fn column<'a>(profile: &'a Profile, name: &str) -> &'a ColumnProfile {
    profile.columns.iter().find(|c| c.name == name).unwrap()
}

pub(super) fn alerts<'a>(profile: &'a Profile, column: Option<&str>) -> Vec<&'a str> {
    let about = profile.alerts.iter().filter(|a| a.column.as_deref() == column);
    about.map(|a| a.kind.as_str()).collect()
}

pub(super) fn top(column: &ColumnProfile) -> Vec<(&str, u64)> {
    column.top.iter().map(|t| (t.value.as_str(), t.count)).collect()
}

pub(super) fn counts(column: &ColumnProfile) -> Vec<u64> {
    column.histogram.iter().map(|b| b.count).collect()
}
