//! Questions over three models: the shop of the shared cases, a hospital and a software firm.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may stop short and say what differs")]

mod hospital;
mod property;
mod script;
mod shop;
mod software;
mod speed;
mod storage;
