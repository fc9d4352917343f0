//! What a text says about the world outside the statement. Facts only; `judge` decides.

use std::ops::Range;

/// Everything a statement names.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Relations that are not CTEs, in the order of the text.
    pub(super) relations: Vec<Relation>,
    /// Functions, in the order of the text.
    pub(super) functions: Vec<FunctionUse>,
    /// Types, in the order of the text.
    pub(super) types: Vec<TypeUse>,
    /// Bind parameters, in the order of the text.
    pub(super) parameters: Vec<String>,
    /// Columns with a path of two parts and more.
    pub(super) columns: Vec<Vec<Part>>,
    /// Names that the statement gives to what stands in FROM, per query block.
    pub(super) frames: Vec<Frame>,
    /// The statement stands inside an EXPLAIN.
    pub(super) explain: bool,
}

/// One part of a name, folded as the dialect folds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The name as the engine looks it up.
    pub(super) name: String,
    /// Where it stands.
    pub(super) span: Range<usize>,
}

/// The names of FROM in one query block.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// The block around it whose names it may use.
    pub(super) parent: Option<usize>,
    /// Aliases, and names of tables without one, in the order of the text.
    pub(super) names: Vec<String>,
}

/// A relation as written.
#[derive(Debug)]
pub(super) struct Relation {
    /// Its parts.
    pub(super) parts: Vec<Part>,
    /// It has a name of its own in the statement.
    pub(super) aliased: bool,
    /// Why no query can stand in its place.
    pub(super) fixed: Option<&'static str>,
    /// The query block it stands in.
    pub(super) frame: Option<usize>,
    /// How many names of that block stand before it.
    pub(super) before: usize,
    /// Brackets follow, so that it can only be a path into a value.
    pub(super) path: bool,
}

/// Where a function stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seat {
    /// In an expression.
    Expression,
    /// In FROM.
    From,
    /// A word without brackets that calls a function.
    Word,
}

/// A function as written.
#[derive(Debug)]
pub(super) struct FunctionUse {
    /// Parts before the name, folded to lower case.
    pub(super) owner: Vec<String>,
    /// Lower case.
    pub(super) name: String,
    /// Where it stands.
    pub(super) seat: Seat,
    /// Byte offset.
    pub(super) at: usize,
}

/// A type as written.
#[derive(Debug)]
pub(super) struct TypeUse {
    /// Lower case.
    pub(super) name: String,
    /// Byte offset.
    pub(super) at: usize,
}
