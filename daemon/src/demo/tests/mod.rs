//! The shop is what it says it is, and answers a newcomer's questions.

mod answers;
mod shop;

use super::{Demo, Wish};
use crate::agents::Agents;
use crate::audit::{Audit, Rules};
use crate::catalog::Catalog;
use crate::gate::{Gate, Limits};
use crate::lifecycle::Activity;
use crate::models::Models;
use crate::sessions::Sessions;
use crate::sources::Cancel;
use crate::sources::duckdb::{Pool, Snapshots};
use crate::state::State;
use std::path::{Path, PathBuf};
use wharf_protocol::ApiError;

/// A daemon's rooms without its doors.
struct House {
    dir: tempfile::TempDir,
    gate: Gate,
    models: Models,
    sessions: Sessions,
    agents: Agents,
}

impl House {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            path
        };
        let state = State::open(&folder("state")).await.unwrap();
        let catalog = Catalog::load(
            state.clone(),
            Snapshots::new(&folder("snapshots"), 2 << 30),
            crate::secrets::vault(dir.path()),
            None,
        )
        .await
        .unwrap();
        let pool = Pool::new(2 << 30, &folder("scratch"));
        let limits = Limits { statements: 4, queue: 64, timeout: None };
        let gate = Gate::new(
            catalog,
            pool.clone(),
            crate::sources::duckdb::EngineParser::new(pool),
            Audit::open(state.clone(), &dir.path().join("audit"), Rules::default()).await.unwrap(),
            crate::policies::Policies::new(state.clone(), crate::secrets::Secrets::new(dir.path())),
            limits,
        );
        let models = Models::new(gate.clone());
        let sessions = Sessions::new(state);
        let agents = Agents::new(models.clone(), sessions.clone(), Activity::new());
        Self { dir, gate, models, sessions, agents }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    async fn set_up(&self, last_day: &str, replace: bool) -> Result<Demo, ApiError> {
        let wish = Wish { last_day: last_day.parse().unwrap(), replace };
        super::set_up(&self.gate, &self.models, &self.data(), wish, Cancel::default(), |_, _, _| {}).await
    }
}

/// The shop's database, open for looking.
fn open(database: &Path) -> duckdb::Connection {
    let config = duckdb::Config::default().access_mode(duckdb::AccessMode::ReadOnly).unwrap();
    duckdb::Connection::open_with_flags(database, config).unwrap()
}

/// The first row of a query, each value as text.
fn row<const N: usize>(connection: &duckdb::Connection, sql: &str) -> [String; N] {
    let all: Vec<String> = (1..=N).map(|i| format!("coalesce(c{i}::varchar, 'null')")).collect();
    let names: Vec<String> = (1..=N).map(|i| format!("c{i}")).collect();
    let sql = format!("select {} from ({sql}) as t({})", all.join(", "), names.join(", "));
    connection.query_row(&sql, [], |row| Ok(std::array::from_fn(|i| row.get(i).unwrap()))).unwrap()
}

fn number(connection: &duckdb::Connection, sql: &str) -> f64 {
    row::<1>(connection, sql)[0].parse().unwrap()
}
