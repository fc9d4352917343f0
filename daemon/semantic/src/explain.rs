//! How an answer is made, in words.

use std::fmt;

/// The plan of a query, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explain {
    /// One entry per pass over a table.
    pub steps: Vec<Step>,
    /// How the metrics come from the measures: name and formula.
    pub metrics: Vec<(String, String)>,
}

/// One pass over a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// The table, as the model names it.
    pub table: String,
    /// What is aggregated: `orders = count(order_id)`.
    pub measures: Vec<String>,
    /// The column that is `metric_time`.
    pub time: Option<String>,
    /// Joined tables and the entity they are joined by: `customers by customer`.
    pub joins: Vec<String>,
    /// Row filters as written.
    pub filters: Vec<String>,
    /// What else is special: windows, offsets, gaps filled.
    pub notes: Vec<String>,
}

impl fmt::Display for Explain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, formula) in &self.metrics {
            writeln!(f, "{name} = {formula}")?;
        }
        for step in &self.steps {
            writeln!(f, "from {}", step.table)?;
            let lines = [
                ("measure", &step.measures),
                ("join", &step.joins),
                ("filter", &step.filters),
                ("note", &step.notes),
            ];
            for (word, list) in lines {
                for entry in list {
                    writeln!(f, "  {word}: {entry}")?;
                }
            }
            if let Some(time) = &step.time {
                writeln!(f, "  time: {time}")?;
            }
        }
        Ok(())
    }
}
