//! Where the allowed tables stand in a statement's text, for whoever puts something else in their place.

use crate::names::TableName;
use std::ops::Range;

/// What stands in [`Placed::fixed`] for `TABLE t`: whoever replaces the name replaces the word before it too.
pub const TABLE_COMMAND: &str = "TABLE";

/// What stands in [`Placed::fixed`] for a table in a subquery that the engine runs on its own, where no CTE of the statement
/// is visible: the one that gives a PIVOT its columns.
pub const ALONE: &str = "a subquery that gives a PIVOT its columns";

/// One naming of an allowed table as a relation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Placed {
    /// The table that the name means, as the policy spells it.
    pub table: TableName,
    /// The name in the text, from its first part to its last, as a range of bytes.
    pub span: Range<usize>,
    /// The statement gives it a name of its own. Without one, its columns are reached by the table's name.
    pub aliased: bool,
    /// What stands with the name and takes a table only, so that no query can be put in its place: `TABLE t`, time travel, a
    /// partition.
    pub fixed: Option<&'static str>,
}

/// A column written with the schema of its table before it (`sales.orders.amount`), which means nothing any more once a query
/// stands in the table's place.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Qualifier {
    /// The table that is meant.
    pub table: TableName,
    /// The parts before the table's own name, with the dot after them, as a range of bytes; cut out, the rest still reads.
    pub span: Range<usize>,
}
