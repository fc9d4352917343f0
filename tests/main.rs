//! End-to-end tests: the real executables, each test with folders and a daemon of its own. One binary, a module a noun.

// Helpers of tests stand outside test functions; a panic in them is a failed test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod access;
mod architecture;
mod ask;
mod audit;
mod cases;
mod catalog;
mod chat;
mod daemon;
mod demo;
mod far;
mod faults;
mod generated;
mod hostile;
mod profile;
mod query;
mod recovery;
mod source;
mod streams;
mod support;
