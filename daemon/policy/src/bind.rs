//! `$name` in a statement for a warehouse, as that warehouse writes a value that is sent beside the text.

use crate::lexer::Kind;
use crate::names::Dialect;
use crate::warehouse::lex;

/// A statement with the engine's own placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Its text.
    pub sql: String,
    /// The names of the values, in the order in which they are sent. Where the engine knows places only (`?`), a name stands
    /// here once for each place.
    pub names: Vec<String>,
}

/// Puts the engine's placeholders in the place of `$name`, for the names that there are values for. Other words with a dollar
/// stay: Snowflake has variables that look so. A text that cannot be split into words stays as it is; nobody will admit it.
///
/// DuckDB knows `$name` itself, so its statements are left alone.
pub fn bind(sql: &str, known: &[&str], dialect: Dialect) -> Bound {
    if dialect == Dialect::Duckdb {
        return Bound { sql: sql.to_owned(), names: Vec::new() };
    }
    let mut names: Vec<String> = Vec::new();
    let sql = replaced(sql, dialect, |name| {
        let name = known.iter().find(|known| **known == name)?;
        let at = names.iter().position(|before| before == name);
        Some(match dialect {
            Dialect::Snowflake | Dialect::Duckdb => {
                names.push((*name).to_owned());
                "?".to_owned()
            }
            Dialect::Postgres | Dialect::Redshift | Dialect::Databricks => {
                let at = at.unwrap_or_else(|| {
                    names.push((*name).to_owned());
                    names.len() - 1
                });
                if dialect == Dialect::Databricks { format!(":{name}") } else { format!("${}", at + 1) }
            }
        })
    });
    Bound { sql, names }
}

/// Puts what `of` tells in the place of each `$name` and `$1`, but where it tells nothing. What stands in constants, quoted
/// names and comments is no parameter. A text that cannot be split into words stays as it is.
pub fn replaced(sql: &str, dialect: Dialect, mut of: impl FnMut(&str) -> Option<String>) -> String {
    let mut text = String::with_capacity(sql.len());
    let tokens = lex(sql, dialect).unwrap_or_default();
    let mut copied = 0;
    for token in tokens.iter().filter(|token| token.kind == Kind::Parameter) {
        let Some(placeholder) = of(token.text(sql).trim_start_matches('$')) else { continue };
        text.push_str(sql.get(copied..token.start).unwrap_or_default());
        copied = token.end;
        text.push_str(&placeholder);
    }
    text.push_str(sql.get(copied..).unwrap_or_default());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_the_engines_own_placeholders() {
        let sql = "select '$day', $day, $n from t -- $n\nwhere a = $day and b = $other";
        let of = |dialect| bind(sql, &["day", "n"], dialect);
        let pg = of(Dialect::Postgres);
        assert_eq!(pg.sql, "select '$day', $1, $2 from t -- $n\nwhere a = $1 and b = $other");
        assert_eq!(pg.names, ["day", "n"]);
        let snowflake = of(Dialect::Snowflake);
        assert_eq!(snowflake.sql, "select '$day', ?, ? from t -- $n\nwhere a = ? and b = $other");
        assert_eq!(snowflake.names, ["day", "n", "day"]);
        let databricks = of(Dialect::Databricks);
        assert_eq!(databricks.sql, "select '$day', :day, :n from t -- $n\nwhere a = :day and b = $other");
        assert_eq!(of(Dialect::Duckdb).sql, sql);
        assert_eq!(bind("select $$a$$, 'open", &["a"], Dialect::Postgres).sql, "select $$a$$, 'open");
    }
}
