//! End-to-end tests: the real executables, each test with folders and a daemon of its own. One binary, a module a noun.

mod architecture;
mod ask;
mod cases;
mod daemon;
mod generated;
mod query;
mod recovery;
mod source;
mod support;
