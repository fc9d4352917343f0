//! The shared cases: models, queries and answers that are kept beside the repository.

// Helpers outside test functions may end a test too.
#![allow(clippy::expect_used, clippy::print_stdout)]

mod answers;
mod breadth;
mod layouts;
mod support;
