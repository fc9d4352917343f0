//! Tables written under the name of their source, as the source itself knows them.

use super::places::{cannot_place, edited};
use super::quote;
use crate::Checked;
use crate::denial::Denial;
use crate::names::{Dialect, TableName};

/// Writes the tables of catalog `from` with the catalog `to` instead: `sales.public.orders` becomes
/// `"ANALYTICS"."public"."orders"` where the source `sales` is rooted in the database `ANALYTICS`. A statement that has none
/// comes back as it is.
///
/// # Errors
/// When a name cannot be found in the text.
pub fn rooted(
    sql: &str,
    checked: &Checked,
    from: &str,
    to: &str,
    dialect: Dialect,
) -> Result<String, Denial> {
    let mut edits = Vec::new();
    for placed in checked.places.iter().filter(|placed| placed.table.catalog == from) {
        if placed.span.is_empty() {
            return Err(cannot_place(&placed.table));
        }
        let table = TableName { catalog: to.to_owned(), ..placed.table.clone() };
        edits.push((placed.span.clone(), quote::table(&table, dialect)));
    }
    let cut = checked.qualifiers.iter().filter(|qualifier| qualifier.table.catalog == from);
    edits.extend(cut.map(|qualifier| (qualifier.span.clone(), String::new())));
    let first = checked.places.iter().find(|placed| placed.table.catalog == from);
    match (edited(sql, edits), first) {
        (Some(text), _) => Ok(text),
        (None, Some(placed)) => Err(cannot_place(&placed.table)),
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
            rooted(sql, &checked, from, to, dialect).unwrap()
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
