//! A small model of our own with traps in its data, checked against SQL written by hand.

// Helpers outside test functions may end a test too.
#![allow(clippy::expect_used, clippy::print_stdout)]

mod faults;
mod garbage;
mod library;
mod refusals;
mod sight;
mod text;
