//! The ways in. Doors translate; they hold no rules.

pub mod handoff;
pub mod http;
