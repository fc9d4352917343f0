//! From a person's question to a metric query with a stated reading, or an honest refusal with offers.
//!
//! Pure and deterministic: no clock, no network, no chance. The caller gives the vocabulary of a model, the time and the
//! reading of the previous question; it gets an [`Outcome`]. No number is ever made up here, and no word of content is
//! passed over: each one is a name of the model, a time phrase, a word of the grammar, or the reason for a [`Cannot`].
//!
//! The passes, one file each: `token` splits and folds, `segment` cuts into phrases (with `timephrase`, `index` for names
//! and typos, `words` for grammar), `walk` and `terms` give each phrase its role, `resolve` picks the nearest items,
//! `build` and `times` make the plan and lay it over that of the session, `plan` writes the query, `summary` states it,
//! `offers` finds what would work.

pub use grain::Grain;
pub use mark::{ChartHint, Op};
pub use reader::Reader;
pub use reading::{Cannot, CannotKind, Comparison, Having, Offer, Outcome, Reading};
pub use vocabulary::{DimensionKind, DimensionTerm, MetricTerm, Vocabulary};

mod build;
mod draft;
mod grain;
mod index;
mod mark;
mod offers;
mod period;
mod plan;
mod reader;
mod reading;
mod resolve;
mod segment;
mod summary;
mod terms;
mod timephrase;
mod times;
mod token;
mod vocabulary;
mod walk;
mod words;
