//! A small model of our own with traps in its data, checked against SQL written by hand.

mod faults;
mod garbage;
mod library;
mod refusals;
mod text;
