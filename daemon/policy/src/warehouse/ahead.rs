//! What is known of something in brackets once it was read.

/// What stood in round brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A query, perhaps in more brackets.
    Query,
    /// One value or more.
    Values,
    /// Nothing.
    Nothing,
}
