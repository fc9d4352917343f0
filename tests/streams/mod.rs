//! Streams: readers that stop, results of any size, statements that are too much, streams taken up again, cancels.

mod bulk;
mod cancel;
mod heavy;
pub mod http;
pub mod process;
mod resume;
mod slow;
