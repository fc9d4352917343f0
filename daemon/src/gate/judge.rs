//! What would happen to a statement, without running it.

use super::work::Statement;
use super::{Gate, views};
use crate::lifecycle::blocking;
use crate::policies::Effective;
use crate::sources::Cancel;
use wharf_policy::TableName;
use wharf_protocol::{ApiError, Table, TableRule};
use wharf_warehouses::Estimate;

/// A statement that would run.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The text that would run.
    pub sql: String,
    /// The tables it reads.
    pub tables: Vec<TableName>,
    /// Where it would run, as audit and statistics tell it.
    pub route: String,
    /// What the engine guesses that it would take, where it was asked and guesses.
    pub estimate: Option<Estimate>,
}

impl Gate {
    /// Judges a statement under what holds for somebody, and has the engine look at its names and types.
    ///
    /// # Errors
    /// The refusal, or what the engine says.
    pub async fn judge(&self, statement: Statement, effective: Effective) -> Result<Judged, ApiError> {
        self.look(statement, Some(effective), true).await
    }

    /// The same for who asks.
    ///
    /// # Errors
    /// As [`Gate::judge`].
    pub async fn validate(&self, statement: Statement) -> Result<Judged, ApiError> {
        let effective = self.effective().await?;
        self.look(statement, effective, false).await
    }

    async fn look(
        &self,
        statement: Statement,
        effective: Option<Effective>,
        guess: bool,
    ) -> Result<Judged, ApiError> {
        let gate = self.clone();
        blocking(move || {
            let cancel = Cancel::default();
            let plan = gate.plan(&statement, effective.as_ref(), &cancel)?;
            plan.prepare(gate.pool()).map_err(|e| views::shielded(effective.as_ref(), plan.ruled, e))?;
            let estimate = guess.then(|| plan.estimate()).flatten();
            Ok(Judged { route: plan.route(), estimate, tables: plan.names, sql: plan.sql })
        })
        .await
    }
}

/// Whether a rule fits its table.
///
/// # Errors
/// What does not: a column that isn't there, a treatment that isn't one, a filter that cannot be read.
pub fn check_rule(gate: &Gate, table: &Table, rule: &TableRule) -> Result<(), ApiError> {
    let far = gate.catalog().far(&table.catalog)?;
    let dialect = far.map_or(wharf_policy::Dialect::Duckdb, |source| source.dialect());
    views::check((gate.parser(), dialect), table, rule)
}
