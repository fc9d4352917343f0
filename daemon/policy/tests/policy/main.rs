//! The policy against DuckDB itself.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod cases;
mod catalogue;
mod classify;
mod depth;
mod fuzz;
mod speed;
mod statements;
mod support;
