//! Words that cannot be names, or cannot be names without AS.

/// Words that start or join clauses in every dialect, so that they are never a bare name here, even where an engine would
/// take them for one.
const RESERVED: &[&str] = &[
    "all",
    "and",
    "anti",
    "any",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "connect",
    "create",
    "cross",
    "delete",
    "desc",
    "distinct",
    "drop",
    "else",
    "end",
    "except",
    "exists",
    "fetch",
    "for",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "inner",
    "insert",
    "intersect",
    "into",
    "is",
    "join",
    "lateral",
    "left",
    "like",
    "limit",
    "minus",
    "natural",
    "not",
    "on",
    "or",
    "order",
    "qualify",
    "returning",
    "revoke",
    "right",
    "rlike",
    "select",
    "semi",
    "set",
    "similar",
    "some",
    "table",
    "then",
    "union",
    "update",
    "using",
    "values",
    "when",
    "where",
    "window",
    "with",
];

/// Words that go on with the query behind an expression or a relation, so that they are an alias only behind AS.
const CONTINUES: &[&str] = &[
    "asof",
    "cluster",
    "collate",
    "cube",
    "distribute",
    "div",
    "escape",
    "exclude",
    "following",
    "isnull",
    "match_condition",
    "notnull",
    "offset",
    "over",
    "overlaps",
    "preceding",
    "regexp",
    "rename",
    "replace",
    "rollup",
    "sort",
];

/// Reserved words that Snowflake and Databricks take for columns where a value must stand, and that start nothing there.
const COLUMNS: &[&str] = &[
    "anti",
    "asc",
    "connect",
    "create",
    "delete",
    "desc",
    "drop",
    "fetch",
    "grant",
    "insert",
    "minus",
    "returning",
    "revoke",
    "semi",
    "set",
    "similar",
    "update",
    "window",
];

/// Whether a reserved word can be a column where a value must stand.
pub(super) fn is_column(word: &str) -> bool {
    among(word, COLUMNS)
}

/// Whether a word is never a bare name.
pub(super) fn is_reserved(word: &str) -> bool {
    among(word, RESERVED)
}

/// Whether a word is no alias without AS.
pub(super) fn continues(word: &str) -> bool {
    among(word, CONTINUES)
}

/// Looks a word up in a sorted list, without regard to case.
fn among(word: &str, sorted: &[&str]) -> bool {
    const LONGEST: usize = 16;
    let mut lower = [0_u8; LONGEST];
    let Some(room) = lower.get_mut(..word.len()) else { return false };
    room.copy_from_slice(word.as_bytes());
    room.make_ascii_lowercase();
    let room: &[u8] = room;
    sorted.binary_search_by(|entry| entry.as_bytes().cmp(room)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        assert!(RESERVED.is_sorted() && COLUMNS.is_sorted() && CONTINUES.is_sorted());
        assert!(
            is_reserved("Select") && is_reserved("WITH") && !is_reserved("selected") && !is_reserved("name")
        );
        assert!(continues("OFFSET") && !continues("a_word_that_is_longer_than_any"));
    }
}
