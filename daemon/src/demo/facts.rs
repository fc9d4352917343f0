//! What is in the demo, counted in the database itself.

use duckdb::Connection;
use serde::{Deserialize, Serialize};

/// Changes when the generator makes other data; a demo of another version is made anew.
pub(super) const VERSION: u32 = 1;

/// What is in a demo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Version of the generator.
    pub version: u32,
    /// The first day with orders, as `2022-11-21`.
    pub first_day: String,
    /// The last day with orders.
    pub last_day: String,
    /// The currency of all money.
    pub currency: String,
    /// Rows of `customers`.
    pub customers: u64,
    /// Rows of `products`.
    pub products: u64,
    /// Rows of `stores`, the online shop among them.
    pub stores: u64,
    /// Rows of `orders`.
    pub orders: u64,
    /// Rows of `order_lines`.
    pub order_lines: u64,
    /// Rows of `returns`.
    pub returns: u64,
    /// What went wrong in the shop, for people to find.
    pub anomalies: Vec<Anomaly>,
}

/// Something that went wrong in the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomaly {
    /// What happened, in a sentence.
    pub what: String,
    /// The country or the product that it happened to.
    pub of: String,
    /// The first day of it.
    pub from: String,
    /// The last day of it.
    pub to: String,
    /// A question that shows it.
    pub question: String,
}

/// Counts the rows of every table, in the order of the struct.
pub(super) const COUNTS: &str = "select (select count(*) from customers), (select count(*) from products), \
    (select count(*) from stores), (select count(*) from orders), (select count(*) from order_lines), \
    (select count(*) from returns)";

const SPAN: &str = "select first_day::varchar, last_day::varchar, outage_from::varchar, outage_to::varchar, \
    faulty_month::varchar, last_day(faulty_month)::varchar, strftime(faulty_month, '%B %Y'), products.name, \
    (outage_from - 35)::varchar, (outage_to + 35)::varchar \
    from span, faulty join products using (product_id)";

/// The facts of the database that was just made on this connection.
pub(super) fn of(connection: &Connection) -> duckdb::Result<Facts> {
    let mut facts = connection.query_row(COUNTS, [], |row| {
        Ok(Facts {
            version: VERSION,
            first_day: String::new(),
            last_day: String::new(),
            currency: "EUR".to_owned(),
            customers: row.get(0)?,
            products: row.get(1)?,
            stores: row.get(2)?,
            orders: row.get(3)?,
            order_lines: row.get(4)?,
            returns: row.get(5)?,
            anomalies: Vec::new(),
        })
    })?;
    connection.query_row(SPAN, [], |row| {
        (facts.first_day, facts.last_day) = (row.get(0)?, row.get(1)?);
        let (from, to): (String, String) = (row.get(2)?, row.get(3)?);
        let (before, after): (String, String) = (row.get(8)?, row.get(9)?);
        let (month, product): (String, String) = (row.get(6)?, row.get(7)?);
        let of = "Netherlands".to_owned();
        facts.anomalies = vec![
            Anomaly {
                what: "payments failed for a week: seven of eight web and app orders were never placed"
                    .to_owned(),
                question: format!("web revenue in the {of} by week from {before} to {after}"),
                of,
                from,
                to,
            },
            Anomaly {
                what: "a faulty batch: almost half of what was sold came back within weeks".to_owned(),
                question: format!("top 5 products by returns in {month}"),
                of: product,
                from: row.get(4)?,
                to: row.get(5)?,
            },
        ];
        Ok(())
    })?;
    Ok(facts)
}
