//! Any text, in every dialect of a warehouse: it gets an answer in time, and what passes names allowed tables only, also to a
//! second reader. Any tree that DuckDB's parser could hand over for it gets an answer, too.

#![no_main]

#[path = "../../daemon/policy/tests/policy/judge.rs"]
mod judge;
#[path = "../../daemon/policy/tests/policy/warehouse_reader.rs"]
mod warehouse_reader;

use libfuzzer_sys::fuzz_target;
use wharf_policy::{Dialect, DuckdbParser, ParserUnavailable, check, classify};

/// A parser that answers with this tree, whatever it is asked.
struct Tree<'a>(&'a str);

impl DuckdbParser for Tree<'_> {
    fn serialize(&self, _: &str) -> Result<String, ParserUnavailable> {
        Ok(self.0.to_owned())
    }
}

// The first byte chooses the dialect, the rest is the statement; for DuckDB the tree stands behind a line of its own.
fuzz_target!(|given: &[u8]| {
    let Some((kind, text)) = given.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let dialects = [Dialect::Postgres, Dialect::Redshift, Dialect::Snowflake, Dialect::Databricks];
    match dialects.get(usize::from(kind % 5)) {
        Some(dialect) => {
            let _ = warehouse_reader::probe(text, *dialect);
        }
        None => {
            let (sql, tree) = text.split_once("\n--\n").unwrap_or((text, ""));
            let _ = check(sql, &judge::policy(Dialect::Duckdb), &Tree(tree));
            let _ = classify(sql, &Tree(tree));
        }
    }
});
