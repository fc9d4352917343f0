//! The shared cases: models, queries and answers that are kept beside the repository.

mod answers;
mod layouts;
mod support;
