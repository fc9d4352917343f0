//! What people and programs see: stdout is data, stderr is narration.

mod cells;
#[cfg(test)]
mod fuzz;
mod narration;
mod pager;
pub mod profile;
mod progress;
mod table;
mod terminal;

pub use cells::{grouped, visible};
pub use narration::{fail, note, warn};
pub use pager::Paged;
pub use progress::Progress;
pub use table::{Grid, Look};
pub use terminal::Terminal;
