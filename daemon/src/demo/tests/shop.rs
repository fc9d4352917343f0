//! What is in the database.

use super::{House, number, open, row};
use crate::demo::files::Folder;
use crate::demo::{Facts, generate};
use crate::sources::{Cancel, Reason};
use std::path::Path;

const LAST_DAY: &str = "2026-05-14";

fn make(file: &Path) -> Facts {
    generate::database(file, LAST_DAY.parse().unwrap(), &Cancel::default(), &|_, _, _| {}).unwrap()
}

#[test]
fn the_same_day_gives_the_same_shop() {
    let dir = tempfile::tempdir().unwrap();
    let files = [dir.path().join("one.duckdb"), dir.path().join("two.duckdb")];
    let facts = files.each_ref().map(|file| make(file));
    assert_eq!(facts[0], facts[1]);
    let shops = files.each_ref().map(|file| open(file));
    for table in ["calendar", "customers", "products", "stores", "orders", "order_lines", "returns"] {
        let sql = format!("select count(*), bit_xor(hash(t)), sum(hash(t)::hugeint) from {table} t");
        assert_eq!(row::<3>(&shops[0], &sql), row::<3>(&shops[1], &sql), "{table}");
    }
    let bytes = std::fs::metadata(&files[0]).unwrap().len();
    assert!(bytes < 80_000_000, "{bytes}");
    assert!(!dir.path().join("one.duckdb.wal").exists());
    let shop = &shops[0];
    sizes(&facts[0]);
    whole(shop);
    money(shop);
    seasons(shop);
    anomalies(shop, &facts[0]);
}

fn sizes(facts: &Facts) {
    assert_eq!((facts.first_day.as_str(), facts.last_day.as_str()), ("2022-05-15", LAST_DAY));
    assert_eq!((facts.customers, facts.products, facts.stores), (60_000, 396, 41));
    assert!((340_000..370_000).contains(&facts.orders), "{}", facts.orders);
    assert!((950_000..1_100_000).contains(&facts.order_lines), "{}", facts.order_lines);
    let returned = facts.returns as f64 / facts.order_lines as f64;
    assert!((0.03..0.05).contains(&returned), "{returned}");
}

/// Keys are unique, and what is referred to is there and in its time.
fn whole(shop: &duckdb::Connection) {
    for (table, key) in [
        ("customers", "customer_id"),
        ("products", "product_id"),
        ("products", "name"),
        ("stores", "store_id"),
        ("stores", "name"),
        ("orders", "order_id"),
        ("order_lines", "line_id"),
        ("returns", "return_id"),
        ("returns", "line_id"),
    ] {
        let sql = format!("select count(*) - count(distinct {key}) from {table}");
        assert_eq!(number(shop, &sql), 0.0, "{table}.{key}");
    }
    for wrong in [
        "orders o anti join customers c on c.customer_id = o.customer_id and c.signed_up_on <= o.ordered_at::date",
        "(from orders where channel = 'store') o anti join stores s
             on s.store_id = o.store_id and s.opened_on <= o.ordered_at::date and s.country = o.country",
        "(from orders semi join (from stores where kind = 'online') using (store_id) where channel = 'store')",
        "(from orders anti join (from stores where kind = 'online') using (store_id) where channel <> 'store')",
        "orders o anti join customers c on c.customer_id = o.customer_id and c.country = o.country",
        "order_lines l anti join orders o on o.order_id = l.order_id and o.ordered_at::date = l.ordered_on",
        "order_lines anti join products using (product_id)",
        "orders anti join order_lines using (order_id)",
        "returns r anti join order_lines l on l.line_id = r.line_id and l.order_id = r.order_id
             and l.product_id = r.product_id and r.returned_on > l.ordered_on and r.quantity <= l.quantity",
        "(from returns semi join (from orders where status = 'cancelled') using (order_id))",
        "order_lines l anti join calendar on day = ordered_on",
        "returns l anti join calendar on day = returned_on",
        "customers l anti join calendar on day = signed_up_on",
    ] {
        assert_eq!(number(shop, &format!("select count(*) from {wrong}")), 0.0, "{wrong}");
    }
    let [first, last] = row(shop, "select min(ordered_on), max(ordered_on) from order_lines");
    assert_eq!((first.as_str(), last.as_str()), ("2022-05-15", LAST_DAY));
    let days = number(shop, "select count(distinct ordered_on) from order_lines");
    assert_eq!(days, 1461.0, "a day without orders");
}

/// Money is exact: decimals with two places that add up.
fn money(shop: &duckdb::Connection) {
    let inexact =
        "select count(*) from duckdb_columns() where not internal and data_type in ('DOUBLE', 'FLOAT')";
    assert_eq!(number(shop, inexact), 0.0);
    let columns = "select count(*) from duckdb_columns() where data_type = 'DECIMAL(10,2)'";
    assert_eq!(number(shop, columns), 8.0);
    let wrong = "select count(*) from order_lines
        where amount <> quantity * unit_price - discount or amount <= 0 or cost <= 0 or discount < 0 or quantity < 1";
    assert_eq!(number(shop, wrong), 0.0);
    assert_eq!(
        number(shop, "select count(*) from returns join order_lines using (line_id) where refund > amount"),
        0.0
    );
    assert_eq!(number(shop, "select count(*) from products where cost >= list_price"), 0.0);
    let margin = number(shop, "select 1 - sum(cost) / sum(amount) from order_lines");
    assert!((0.30..0.55).contains(&margin), "{margin}");
}

/// Growth over years, December above the rest, summer below, Saturdays above Tuesdays, few large sellers.
fn seasons(shop: &duckdb::Connection) {
    let month = |m: &str| {
        number(
            shop,
            &format!("select sum(amount) from order_lines where strftime(ordered_on, '%Y-%m') = '{m}'"),
        )
    };
    for (low, high) in
        [("2023-03", "2024-03"), ("2024-03", "2025-03"), ("2025-07", "2025-12"), ("2025-08", "2025-10")]
    {
        assert!(month(low) * 1.08 < month(high), "{low} {} {high} {}", month(low), month(high));
    }
    let december =
        number(shop, "select count(*) from order_lines where strftime(ordered_on, '%Y-%m') = '2025-12'");
    let july =
        number(shop, "select count(*) from order_lines where strftime(ordered_on, '%Y-%m') = '2025-07'");
    assert!(december > july * 1.4, "{december} {july}");
    let [saturday, tuesday] = row(
        shop,
        "select count(*) filter (isodow(ordered_on) = 6), count(*) filter (isodow(ordered_on) = 2) from order_lines",
    );
    assert!(saturday.parse::<f64>().unwrap() > tuesday.parse::<f64>().unwrap() * 1.2);
    let best = number(shop, "select sum(n) filter (r <= 40) / sum(n) from
        (select count(*) as n, row_number() over (order by count(*) desc) as r from order_lines group by product_id)");
    assert!((0.3..0.8).contains(&best), "the best tenth of the products sells {best}");
    let toys = "select count(*) filter (month(ordered_on) = 12) / count(*) from order_lines join products using (product_id) where category = ";
    assert!(number(shop, &format!("{toys} 'Toys'")) > 3.0 * number(shop, &format!("{toys} 'Barbecue'")));
}

fn anomalies(shop: &duckdb::Connection, facts: &Facts) {
    let [outage, batch] = &facts.anomalies[..] else { panic!("{:?}", facts.anomalies) };
    let orders = |country: &str, from: &str, shift: i32| {
        number(
            shop,
            &format!(
                "select count(*) from orders where country = '{country}' and channel = 'web'
            and date_trunc('week', ordered_at) = date '{from}' + {shift}"
            ),
        )
    };
    let weeks =
        [-14, -7, 7, 14].map(|shift| orders(&outage.of, &outage.from, shift)).iter().sum::<f64>() / 4.0;
    assert!(orders(&outage.of, &outage.from, 0) < weeks * 0.3);
    assert!(orders("Germany", &outage.from, 0) > orders("Germany", &outage.from, -7) * 0.6);
    let sold = |when: &str| {
        let of = batch.of.replace('\'', "''");
        number(
            shop,
            &format!(
                "select count(r.return_id) / count(*) from order_lines l left join returns r using (line_id)
            where l.product_id = (select product_id from products where name = '{of}') and {when}"
            ),
        )
    };
    let month = format!("ordered_on between '{}' and '{}'", batch.from, batch.to);
    assert!(sold(&month) > 0.3, "{}", sold(&month));
    assert!(sold(&format!("not ({month})")) < 0.15);
}

#[tokio::test]
async fn a_sound_demo_is_kept_and_any_other_is_made_anew() {
    let house = House::new().await;
    let first = house.set_up("2026-05-14", false).await.unwrap();
    let stamp = || std::fs::metadata(&first.path).unwrap().modified().unwrap();
    let made = stamp();
    assert_eq!(house.set_up("2026-05-14", false).await.unwrap(), first);
    assert_eq!(house.set_up("2026-05-01", false).await.unwrap(), first);
    assert_eq!(stamp(), made, "kept");
    let model = house.data().join("demo/models/metrics.yml");
    std::fs::remove_file(&model).unwrap();
    house.set_up("2026-05-14", false).await.unwrap();
    assert!(model.exists());

    house.gate.catalog().remove("demo", house.gate.pool()).await.unwrap();
    house.set_up("2026-05-14", false).await.unwrap();
    assert_eq!(stamp(), made);
    assert_eq!(house.gate.catalog().get("demo").unwrap().path, first.path);

    std::fs::write(&first.path, "no database").unwrap();
    let anew = house.set_up("2026-05-15", false).await.unwrap();
    assert_eq!(anew.facts.last_day, "2026-05-15");
    assert_eq!(number(&open(Path::new(&anew.path)), "select count(*) from orders"), anew.facts.orders as f64);
    let left = std::fs::read_dir(house.data().join("demo")).unwrap().flatten().map(|e| e.file_name());
    let mut left: Vec<String> = left.map(|n| n.to_string_lossy().into_owned()).collect();
    left.sort();
    assert_eq!(left, ["demo.duckdb", "facts.json", "models"]);
}

#[tokio::test]
async fn a_source_of_the_users_own_is_left_alone() {
    let house = House::new().await;
    let own = house.dir.path().join("own.csv");
    std::fs::write(&own, "a\n1\n").unwrap();
    let add = wharf_protocol::SourceAdd {
        name: "demo".to_owned(),
        path: own.to_string_lossy().into_owned(),
        models: None,
        types: Default::default(),
        aliases: Default::default(),
        key: None,
        replace: false,
    };
    house.gate.catalog().add(add, house.gate.pool(), Cancel::default(), |_, _, _| {}).await.unwrap();
    let error = house.set_up("2026-05-14", true).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.kind.status()), ("source_exists", 409));
    assert!(error.message.contains("own.csv"), "{error:?}");
    assert!(!house.data().join("demo").exists());
}

#[test]
fn a_cancelled_making_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new(dir.path());
    folder.ensure().unwrap();
    let cancel = Cancel::default();
    let made = folder.replace_database(|file| {
        let raise = cancel.clone();
        generate::database(file, LAST_DAY.parse().unwrap(), &cancel, &move |step, _, _| {
            if step == "orders" {
                raise.raise(Reason::Gone);
            }
        })
    });
    assert_eq!(made.unwrap_err().code, "cancelled");
    let left: Vec<_> = std::fs::read_dir(dir.path().join("demo")).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
