//! The Databricks source against a workspace in the test's own process, and against real Spark.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod face;
mod faults;
mod metadata;
mod results;
mod signing;
mod spark;
mod support;
mod trouble;
mod values;
