//! What a tree says about the world outside the statement. Facts only; `judge` decides.

/// Endings that make the engine read a file when no table has the name.
const FILE_ENDINGS: &[&str] = &[
    "csv", "tsv", "txt", "parquet", "json", "jsonl", "ndjson", "xlsx", "db", "duckdb", "sqlite", "arrow",
    "avro", "gz", "zst", "shp", "geojson", "gpkg",
];

/// Everything a statement names.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Relations that are not CTEs, in the order of the walk.
    pub(crate) relations: Vec<Relation>,
    /// Byte offsets of names that are CTEs.
    pub(crate) ctes: Vec<Option<usize>>,
    /// Columns of three names and more.
    pub(crate) columns: Vec<ColumnUse>,
    /// Functions, in the order of the walk.
    pub(crate) functions: Vec<FunctionUse>,
    /// Types that are not built into the parser, and the enums that give a PIVOT its columns.
    pub(crate) types: Vec<TypeUse>,
    /// Bind parameters, in the order of the walk.
    pub(crate) parameters: Vec<String>,
    /// Places of SHOW, DESCRIBE or SUMMARIZE.
    pub(crate) shows: Vec<Option<usize>>,
    /// Something stands in FROM somewhere, so that there can be columns.
    pub(crate) has_columns: bool,
    /// The root itself is a SHOW, DESCRIBE or SUMMARIZE.
    pub(crate) root_is_show: bool,
    /// How many WITH clauses there are.
    pub(crate) with_clauses: usize,
    /// A planted PIVOT stands where a recursive CTE sees itself.
    pub(crate) pivot_in_recursion: bool,
    /// How many PIVOT columns had the planted list of `pivot::rewrite`.
    pub(crate) planted: usize,
}

/// A relation as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relation {
    /// Catalog, or empty.
    pub(crate) catalog: String,
    /// Schema, or empty.
    pub(crate) schema: String,
    /// The last part.
    pub(crate) table: String,
    /// Byte offset.
    pub(crate) at: Option<usize>,
    /// The statement gives it a name of its own.
    pub(crate) aliased: bool,
    /// It stands in a subquery that the engine runs on its own.
    pub(crate) alone: bool,
    /// A version or a time of it is asked for.
    pub(crate) travels: bool,
}

/// A column with at least two names before its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnUse {
    /// Its names: of catalog, schema, table and column as far as they are written, then of fields.
    pub(crate) names: Vec<String>,
    /// Byte offset.
    pub(crate) at: Option<usize>,
}

/// Where a function stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seat {
    /// In an expression.
    Expression,
    /// In FROM.
    From,
    /// A bare word that the engine reads as a function when no column has that name.
    Word,
}

/// A function as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FunctionUse {
    /// Catalog, or empty.
    pub(crate) catalog: String,
    /// Schema, or the column of a dot call, or empty.
    pub(crate) schema: String,
    /// Lower case.
    pub(crate) name: String,
    /// Where it stands.
    pub(crate) seat: Seat,
    /// An operator: `+`, `||`, `LIKE`.
    pub(crate) operator: bool,
    /// String constants among its arguments: files, for the audit of what the owner runs.
    pub(crate) texts: Vec<String>,
    /// The second argument, when it is a string constant.
    pub(crate) second: Option<String>,
    /// Byte offset.
    pub(crate) at: Option<usize>,
}

/// A named type as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypeUse {
    /// Catalog and schema, empty when the name is bare.
    pub(crate) qualified: bool,
    /// The last part.
    pub(crate) name: String,
    /// Byte offset of the expression that names it.
    pub(crate) at: Option<usize>,
}

impl Reading {
    /// Adds what another part of the same statement names.
    pub(crate) fn join(&mut self, other: Self) {
        self.relations.extend(other.relations);
        self.ctes.extend(other.ctes);
        self.columns.extend(other.columns);
        self.functions.extend(other.functions);
        self.types.extend(other.types);
        self.parameters.extend(other.parameters);
        self.shows.extend(other.shows);
        self.with_clauses += other.with_clauses;
        self.has_columns |= other.has_columns;
    }

    /// Puts `place` in the stead of every place: the text that was read differs from the one submitted.
    pub(crate) fn map_places(&mut self, place: impl Fn(usize) -> Option<usize>) {
        let moved = |at: &mut Option<usize>| *at = at.and_then(&place);
        self.relations.iter_mut().for_each(|relation| moved(&mut relation.at));
        self.columns.iter_mut().for_each(|column| moved(&mut column.at));
        self.functions.iter_mut().for_each(|function| moved(&mut function.at));
        self.types.iter_mut().for_each(|named| moved(&mut named.at));
        self.ctes.iter_mut().for_each(moved);
        self.shows.iter_mut().for_each(moved);
    }
}

impl Relation {
    /// Whether the engine would take the name for a file when no table has it.
    pub(crate) fn is_file(&self) -> bool {
        let table = self.table.to_ascii_lowercase();
        let ending = table.rsplit_once('.').map(|(_, ending)| ending);
        table.contains(['/', '\\', '*', ':', '?'])
            || ending.is_some_and(|ending| FILE_ENDINGS.contains(&ending))
            || (!self.schema.is_empty() && FILE_ENDINGS.contains(&table.as_str()))
    }
}
