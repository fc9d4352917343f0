//! The lines of `wharf policy check --from FILE --format ndjson`.

use crate::names::{Dialect, Policy};
use crate::{Denial, DenialCode, DuckdbParser, check};
use serde::{Deserialize, Serialize};

/// One statement with its policy. Further fields are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PolicyCase {
    /// Given back in the answer.
    pub id: String,
    /// The text, unchanged.
    pub sql: String,
    /// Its language.
    pub dialect: Dialect,
    /// The only relations that may be read: two or three parts.
    pub allowed_tables: Vec<String>,
    /// What a name without a catalog resolves against.
    pub default_catalog: String,
    /// What a bare name resolves against.
    pub default_schema: String,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The statement may run.
    Allow,
    /// It may not.
    Deny,
}

/// The answer to one [`PolicyCase`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The id of the case.
    pub id: String,
    /// Yes or no.
    pub decision: Decision,
    /// What it reads, or `code: message` of the refusal.
    pub reason: String,
}

impl PolicyCase {
    /// Judges the statement.
    pub fn judge(&self, parser: &dyn DuckdbParser) -> Verdict {
        let policy =
            Policy::parse(self.dialect, &self.allowed_tables, &self.default_catalog, &self.default_schema)
                .map_err(|error| Denial::new(DenialCode::BadPolicy, error.to_string()));
        let (decision, reason) = match policy.and_then(|policy| check(&self.sql, &policy, parser)) {
            Ok(checked) if checked.tables.is_empty() => (Decision::Allow, "reads no table".to_owned()),
            Ok(checked) => {
                let tables: Vec<String> = checked.tables.iter().map(ToString::to_string).collect();
                (Decision::Allow, format!("reads {}", tables.join(", ")))
            }
            Err(denial) => (Decision::Deny, format!("{}: {denial}", denial.code)),
        };
        Verdict { id: self.id.clone(), decision, reason }
    }
}

/// Judges one line of JSON and gives the answer as one line of JSON, without the line break.
///
/// # Errors
/// The text is not a [`PolicyCase`] in JSON.
pub fn judge_line(line: &str, parser: &dyn DuckdbParser) -> Result<String, serde_json::Error> {
    let case: PolicyCase = serde_json::from_str(line)?;
    serde_json::to_string(&case.judge(parser))
}
