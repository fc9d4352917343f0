//! The dialects of warehouses against lists of statements.

pub use crate::judge::judged;
use wharf_policy::Dialect;

/// The lists of statements that pass, one a line; two spaces at the start go on with the line before.
pub const ALLOW: &[(Dialect, &str)] = &[
    (Dialect::Postgres, include_str!("warehouse/allow-postgres.txt")),
    (Dialect::Redshift, include_str!("warehouse/allow-redshift.txt")),
    (Dialect::Snowflake, include_str!("warehouse/allow-snowflake.txt")),
    (Dialect::Databricks, include_str!("warehouse/allow-databricks.txt")),
];

/// The statements of a list.
pub fn statements(list: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with("##")) {
        match found.last_mut().filter(|_| line.starts_with("  ")) {
            Some(last) => {
                last.push('\n');
                last.push_str(line);
            }
            None => found.push(line.to_owned()),
        }
    }
    found
}

#[test]
fn honest_statements_pass() {
    let mut refused = Vec::new();
    for (dialect, list) in ALLOW {
        for sql in statements(list) {
            if let Err(denial) = judged(&sql, *dialect) {
                refused.push(format!("{dialect}: {}: {denial}\n    {sql}", denial.code));
            }
        }
    }
    assert!(refused.is_empty(), "{} refused\n{}", refused.len(), refused.join("\n"));
}

/// The lists of statements that are refused: `code | statement`. The first is tried in every dialect.
pub const DENY: &[(Option<Dialect>, &str)] = &[
    (None, include_str!("warehouse/deny-all.txt")),
    (Some(Dialect::Postgres), include_str!("warehouse/deny-postgres.txt")),
    (Some(Dialect::Redshift), include_str!("warehouse/deny-redshift.txt")),
    (Some(Dialect::Snowflake), include_str!("warehouse/deny-snowflake.txt")),
    (Some(Dialect::Databricks), include_str!("warehouse/deny-databricks.txt")),
];

/// The dialects of warehouses.
pub const DIALECTS: [Dialect; 4] =
    [Dialect::Postgres, Dialect::Redshift, Dialect::Snowflake, Dialect::Databricks];

/// Every refused statement with its dialect and code.
pub fn refused() -> Vec<(Dialect, String, String)> {
    let mut found = Vec::new();
    for (dialect, list) in DENY {
        for line in statements(list) {
            let (code, sql) = line.split_once('|').unwrap();
            let dialects = dialect.map_or(DIALECTS.to_vec(), |dialect| vec![dialect]);
            found.extend(
                dialects.into_iter().map(|dialect| (dialect, code.trim().to_owned(), sql.trim().to_owned())),
            );
        }
    }
    found
}

#[test]
fn hostile_statements_are_refused_for_the_right_reason() {
    let mut wrong = Vec::new();
    for (dialect, code, sql) in refused() {
        match judged(&sql, dialect) {
            Ok(_) => wrong.push(format!("PASSED {dialect}: {sql}")),
            Err(denial) if denial.code.to_string() != code => {
                wrong.push(format!("{dialect}: {code} expected, {}: {denial}\n    {sql}", denial.code));
            }
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}
