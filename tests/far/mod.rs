//! Sources of every kind: the same commands, the same rules, the same figures.

mod contract;
mod databricks;
mod files;
mod governed;
mod postgres;
mod redshift;
mod replicas;
mod snowflake;
