//! Tables written under the name of their source, as the source itself knows them.

use super::places::{cannot_place, edited};
use super::quote;
use crate::Checked;
use crate::denial::Denial;
use crate::names::{Dialect, TableName};

/// Writes each table that `to` has another name for by that name: `sales.public.orders` becomes `"ANALYTICS"."public"."orders"`
/// where the source `sales` is rooted in the database `ANALYTICS`. A statement that has none comes back as it is.
///
/// # Errors
/// When a name cannot be found in the text.
pub fn rooted(
    sql: &str,
    checked: &Checked,
    to: &dyn Fn(&TableName) -> Option<TableName>,
    dialect: Dialect,
) -> Result<String, Denial> {
    let mut edits = Vec::new();
    let mut first = None;
    for placed in &checked.places {
        let Some(table) = to(&placed.table) else { continue };
        if placed.span.is_empty() {
            return Err(cannot_place(&placed.table));
        }
        edits.push((placed.span.clone(), quote::table(&table, dialect)));
        first = first.or(Some(&placed.table));
    }
    let cut = checked.qualifiers.iter().filter(|qualifier| to(&qualifier.table).is_some());
    edits.extend(cut.map(|qualifier| (qualifier.span.clone(), String::new())));
    match (edited(sql, edits), first) {
        (Some(text), _) => Ok(text),
        (None, Some(table)) => Err(cannot_place(table)),
        (None, None) => Ok(sql.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DuckdbParser, ParserUnavailable, Policy, check};

    struct NoParser;

    impl DuckdbParser for NoParser {
        fn serialize(&self, _: &str) -> Result<String, ParserUnavailable> {
            Err(ParserUnavailable("there is none".to_owned()))
        }
    }

    #[test]
    fn the_sources_name_becomes_that_of_its_database() {
        let of = |dialect, from: &str, to: &str, sql: &str| {
            let allowed = [from, to].map(|catalog| TableName::new(catalog, "public", "orders")).to_vec();
            let checked = check(sql, &Policy::new(dialect, allowed, to, "public"), &NoParser).unwrap();
            let other = |t: &TableName| {
                (t.catalog == from).then(|| TableName { catalog: to.to_owned(), ..t.clone() })
            };
            rooted(sql, &checked, &other, dialect).unwrap()
        };
        let pg = |sql: &str| of(Dialect::Postgres, "shop", "Sales", sql);
        assert_eq!(
            pg("select o.id from shop.public.orders o, orders p"),
            "select o.id from \"Sales\".\"public\".\"orders\" o, orders p"
        );
        assert_eq!(
            pg("select shop.public.orders.id from shop.public.orders"),
            "select orders.id from \"Sales\".\"public\".\"orders\""
        );
        assert_eq!(pg("select 'shop.public.orders' from orders"), "select 'shop.public.orders' from orders");
        assert_eq!(
            of(Dialect::Databricks, "shop", "main", "select * from shop.public.orders"),
            "select * from `main`.`public`.`orders`"
        );
    }
}
