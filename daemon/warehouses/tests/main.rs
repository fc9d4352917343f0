//! Sources against what stands in for the far side.

mod databricks;
mod redshift;
mod snowflake;
