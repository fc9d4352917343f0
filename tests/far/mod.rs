//! Sources elsewhere: the same commands, the same rules, the same figures.

mod contract;
mod databricks;
mod governed;
mod postgres;
mod redshift;
mod replicas;
mod snowflake;
