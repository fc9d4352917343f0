//! The policy against DuckDB itself.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod cases;
mod catalogue;
mod classify;
mod depth;
mod fuzz;
mod judge;
mod rewrite;
mod rewrite_leaks;
mod rewrite_random;
mod rewrite_rules;
mod rewrite_speed;
mod rewrite_support;
mod rewrite_warehouse;
mod speed;
mod statements;
mod support;
mod warehouse;
mod warehouse_fuzz;
mod warehouse_limits;
mod warehouse_places;
mod warehouse_reader;
