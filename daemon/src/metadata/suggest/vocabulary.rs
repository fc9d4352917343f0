//! Words of SQL: what can stand where, in which dialect.

use wharf_policy::Dialect;

/// How a statement begins.
pub(super) const STATEMENTS: &[&str] =
    &["SELECT", "WITH", "FROM", "VALUES", "EXPLAIN", "DESCRIBE", "SUMMARIZE", "PIVOT"];
/// How a query in brackets begins.
pub(super) const QUERIES: &[&str] = &["SELECT", "WITH", "FROM", "VALUES"];
/// What can begin an expression.
pub(super) const VALUES: &[&str] = &["CASE", "NOT", "NULL", "TRUE", "FALSE", "EXISTS", "INTERVAL", "CAST"];
/// What can follow a value in any clause.
pub(super) const OPERATORS: &[&str] = &[
    "AND",
    "OR",
    "IN",
    "IS NULL",
    "IS NOT NULL",
    "LIKE",
    "ILIKE",
    "BETWEEN",
    "NOT IN",
    "NOT LIKE",
    "IS DISTINCT FROM",
    "COLLATE",
];
/// What can follow a value where a CASE is open.
pub(super) const CASES: &[&str] = &["WHEN", "THEN", "ELSE", "END"];
/// What can follow IS.
pub(super) const TRUTHS: &[&str] =
    &["NULL", "NOT NULL", "TRUE", "FALSE", "DISTINCT FROM", "NOT DISTINCT FROM"];
/// What can follow a table in FROM.
pub(super) const JOINS: &[&str] = &[
    "JOIN",
    "LEFT JOIN",
    "INNER JOIN",
    "RIGHT JOIN",
    "FULL JOIN",
    "CROSS JOIN",
    "NATURAL JOIN",
    "ON",
    "USING",
    "AS",
];
/// What can join queries.
pub(super) const SETS: &[&str] = &["UNION", "UNION ALL", "INTERSECT", "EXCEPT"];
/// What stands in the brackets of OVER.
pub(super) const WINDOW: &[&str] =
    &["PARTITION BY", "ORDER BY", "ROWS BETWEEN", "RANGE BETWEEN", "UNBOUNDED PRECEDING", "CURRENT ROW"];
/// Clauses in the order in which they follow one another.
pub(super) const CLAUSES: &[&str] =
    &["FROM", "WHERE", "GROUP BY", "HAVING", "QUALIFY", "ORDER BY", "LIMIT", "OFFSET"];

/// The same where nothing is read yet.
pub(super) const UNREAD: &[&str] = &["FROM", "ORDER BY", "LIMIT"];

/// Functions that people call most, the commonest first.
pub(super) const COMMON: &[&str] = &[
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "coalesce",
    "date_trunc",
    "round",
    "lower",
    "upper",
    "cast",
    "extract",
    "row_number",
    "concat",
    "substring",
    "nullif",
    "abs",
    "length",
    "trim",
    "rank",
];

/// Functions that every dialect reads as syntax of its own, so that they may be in no list.
pub(super) const SYNTAX: &[&str] = &["coalesce", "nullif", "cast", "extract"];

/// Functions that stand without brackets.
pub(super) const BARE: &[&str] =
    &["current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"];

/// Whether a keyword is one of this dialect.
pub(super) fn has(keyword: &str, dialect: Dialect) -> bool {
    match keyword {
        "FROM" => true,
        "SUMMARIZE" | "PIVOT" => dialect == Dialect::Duckdb,
        "DESCRIBE" => !matches!(dialect, Dialect::Postgres | Dialect::Redshift),
        "QUALIFY" => dialect != Dialect::Postgres,
        "IS DISTINCT FROM" | "DISTINCT FROM" | "NOT DISTINCT FROM" => dialect != Dialect::Redshift,
        _ => true,
    }
}

/// Types that people cast to.
pub(super) fn types(dialect: Dialect) -> impl Iterator<Item = &'static str> {
    let all = match dialect {
        Dialect::Duckdb => {
            "INTEGER, BIGINT, DOUBLE, DECIMAL, VARCHAR, BOOLEAN, DATE, TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL, UUID, JSON, \
             BLOB, HUGEINT, SMALLINT, TINYINT, FLOAT"
        }
        Dialect::Postgres | Dialect::Redshift => {
            "integer, bigint, numeric, double precision, text, varchar, boolean, date, time, timestamp, timestamptz, \
             interval, uuid, jsonb, json, bytea, smallint, real"
        }
        Dialect::Snowflake => {
            "NUMBER, INTEGER, FLOAT, VARCHAR, BOOLEAN, DATE, TIME, TIMESTAMP, TIMESTAMP_NTZ, TIMESTAMP_TZ, VARIANT, \
             OBJECT, ARRAY, BINARY"
        }
        Dialect::Databricks => {
            "INT, BIGINT, DOUBLE, DECIMAL, STRING, BOOLEAN, DATE, TIMESTAMP, TIMESTAMP_NTZ, INTERVAL, BINARY, SMALLINT, \
             TINYINT, FLOAT"
        }
    };
    all.split(", ")
}

/// Words that some dialect never takes for a name: quotes never hurt.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "anti",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "binary",
    "both",
    "by",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "connect",
    "constraint",
    "create",
    "cross",
    "current",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "delete",
    "desc",
    "describe",
    "distinct",
    "do",
    "drop",
    "else",
    "end",
    "except",
    "exists",
    "false",
    "fetch",
    "filter",
    "following",
    "for",
    "foreign",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "insert",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "lambda",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "minus",
    "natural",
    "not",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "pivot",
    "placing",
    "positional",
    "primary",
    "qualify",
    "references",
    "regexp",
    "returning",
    "revoke",
    "right",
    "rlike",
    "row",
    "rows",
    "sample",
    "select",
    "semi",
    "session_user",
    "set",
    "show",
    "similar",
    "some",
    "start",
    "summarize",
    "symmetric",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "trigger",
    "true",
    "union",
    "unique",
    "unpivot",
    "update",
    "user",
    "using",
    "values",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
];

/// Whether a name needs quotes because it is a word of SQL.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.binary_search(&name.to_ascii_lowercase().as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_searched_in_order() {
        assert!(RESERVED.is_sorted());
        assert!(is_reserved("Order") && is_reserved("with") && is_reserved("all") && !is_reserved("orders"));
    }
}
