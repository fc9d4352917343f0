//! SQL text: a small tree of selects, one renderer, and what differs between warehouses.

mod dialect;
mod expr;
mod tree;

pub use dialect::Dialect;
pub(crate) use dialect::is_column;
pub(crate) use expr::{Rendered, render};
pub(crate) use tree::{Join, JoinKind, Output, Query, Relation, Select, Statement};
