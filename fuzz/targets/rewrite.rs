//! Any statement that passes, with the rules put in: the text is still one that passes, and names the table once, in the head
//! that keeps the rules.

#![no_main]

// Shared with the other target and the tests, of which each uses what it needs.
#[allow(dead_code)]
#[path = "../../daemon/policy/tests/policy/judge.rs"]
mod judge;

use judge::NoEngine;
use libfuzzer_sys::fuzz_target;
use wharf_policy::{
    Attributes, Dialect, MaskKey, RowFilter, TableName, Treatment, View, ViewColumn, check, rewrite,
};

/// Both allowed tables with a column that is not shown and rows that are not.
fn views(dialect: Dialect) -> Vec<View> {
    let policy = judge::policy(dialect);
    let cased =
        |name: &str| if dialect == Dialect::Snowflake { name.to_uppercase() } else { name.to_owned() };
    let columns =
        [("id", "show"), ("secret", "deny"), ("tenant", "show")].map(|(name, treatment)| ViewColumn {
            name: cased(name),
            data_type: "varchar".to_owned(),
            treatment: treatment.parse::<Treatment>().expect("a treatment"),
        });
    let known: Vec<(&str, &str)> = columns.iter().map(|c| (c.name.as_str(), c.data_type.as_str())).collect();
    let filter = RowFilter::new("tenant = :tenant", &known, dialect, &NoEngine).expect("a filter");
    let filter = filter.bind(&Attributes::default().with("tenant", "a"));
    let view = |table: &TableName| View {
        table: table.clone(),
        columns: columns.to_vec(),
        filter: Some(filter.clone()),
    };
    policy.allowed().iter().map(view).collect()
}

// The first byte chooses the dialect, the rest is the statement.
fuzz_target!(|given: &[u8]| {
    let Some((kind, text)) = given.split_first() else { return };
    let Ok(sql) = std::str::from_utf8(text) else { return };
    let dialects = [Dialect::Postgres, Dialect::Redshift, Dialect::Snowflake, Dialect::Databricks];
    let dialect = dialects[usize::from(kind % 4)];
    let policy = judge::policy(dialect);
    let Ok(checked) = check(sql, &policy, &NoEngine) else { return };
    let key = MaskKey::new(&[7; 32]);
    let Ok(ruled) = rewrite(sql, &checked, &views(dialect), dialect, &key) else { return };
    let again = check(&ruled, &policy, &NoEngine);
    let again = again.unwrap_or_else(|denial| panic!("{dialect}: {sql}\n{ruled}\n{denial}"));
    for table in &checked.tables {
        let named = again.places.iter().filter(|place| place.table == *table).count();
        assert_eq!(named, 1, "{dialect}: {sql}\n{ruled}");
    }
});
