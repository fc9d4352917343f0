//! The one way to data. Every row that leaves a source passes here, whatever door it was asked at.
//!
//! ```text
//! principal + statement -> policy -> route -> audit (begun) -> run -> audit (ended)
//! ```
//! There is no second path, so this is the place to read when asking "can this leak?". A statement whose first audit
//! line is not on the disk hands out no row.

mod allowance;
mod asker;
mod far;
mod far_run;
mod judge;
mod local;
mod place;
mod plan;
mod registry;
mod relative;
mod results;
mod verdicts;
mod views;
mod work;

pub use judge::{Judged, check_rule};
pub use plan::Rights;
pub use registry::{Guard, Registry};
pub use work::{Deliver, Delivered, Statement};

use crate::audit::Audit;
use crate::catalog::Catalog;
use crate::identity::Principal;
use crate::policies::Policies;
use crate::sources::duckdb::{EngineParser, Pool};
use std::sync::Arc;
use std::time::Duration;

/// The gate, open for one asker. Cheap to clone.
#[derive(Clone)]
pub struct Gate(Arc<Inner>, Principal);

struct Inner {
    catalog: Catalog,
    pool: Pool,
    parser: EngineParser,
    audit: Audit,
    policies: Policies,
    registry: Registry,
    running: allowance::Running,
    filters: views::Filters,
    verdicts: verdicts::Verdicts,
    results: results::Results,
    places: place::Places,
    limits: Limits,
}

/// What all statements together may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Statements at once.
    pub statements: usize,
    /// Statements that may wait.
    pub queue: usize,
    /// How long a statement may take unless it says otherwise.
    pub timeout: Option<Duration>,
}

impl Gate {
    /// A gate before these sources, open for the owner.
    pub fn new(
        catalog: Catalog,
        pool: Pool,
        parser: EngineParser,
        audit: Audit,
        policies: Policies,
        limits: Limits,
    ) -> Self {
        let places = place::Places::new(limits.statements, limits.queue);
        let registry = Registry::default();
        let (running, filters) = (allowance::Running::default(), views::Filters::default());
        let (verdicts, results) = (verdicts::Verdicts::default(), results::Results::default());
        let inner = Inner {
            catalog,
            pool,
            parser,
            audit,
            policies,
            registry,
            running,
            filters,
            verdicts,
            results,
            places,
            limits,
        };
        Self(Arc::new(inner), Principal::owner())
    }

    /// Statements that run or lately ran.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The sources behind the gate.
    pub fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    /// What others than the owner may read.
    pub fn policies(&self) -> &Policies {
        &self.0.policies
    }

    /// The audit log.
    pub fn audit(&self) -> &Audit {
        &self.0.audit
    }

    /// The engine's parser.
    pub fn parser(&self) -> &EngineParser {
        &self.0.parser
    }

    /// The engine's instances.
    pub fn pool(&self) -> &Pool {
        &self.0.pool
    }

    /// Statements that wait for a place.
    pub fn waiting(&self) -> u64 {
        self.0.registry.waiting()
    }

    /// Opens the instance that the first statement would otherwise wait for.
    pub fn warm(&self) {
        let source = self.0.catalog.choose(None).ok().flatten();
        let attachment = source.and_then(|name| self.0.catalog.attachment_if_current(&name));
        let attachments: Vec<_> = attachment.into_iter().collect();
        if let Ok(lease) = self.0.pool.lease(crate::sources::duckdb::Fence::Locked, attachments, "") {
            let _ = lease.connect();
        }
    }
}
