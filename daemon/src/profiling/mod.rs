//! Profiles of tables.
