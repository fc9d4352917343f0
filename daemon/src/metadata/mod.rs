//! What there is to be read, as who asks may see it: catalogs, schemas, tables, columns, and completion of SQL.
//!
//! Everything comes through the gate, so what policy hides is not there: not in a list, not in a suggestion, not in an error.

mod browse;
mod completion;
pub mod suggest;

pub use browse::{Scope, Wanted};

pub use completion::Typing;

use completion::Shelves;
use std::sync::Arc;

/// The room. Cheap to clone.
#[derive(Clone, Default)]
pub struct Metadata(Arc<Inner>);

#[derive(Default)]
struct Inner {
    shelves: Shelves,
}
