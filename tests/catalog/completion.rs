//! Completion over HTTP: who sees what, and where.

use super::{HIDDEN, Town, each, encoded};
use serde_json::{Value, json};

fn complete(town: &Town, who: &str, sql: &str) -> Value {
    town.get(who, &format!("/api/metadata/sql-autocomplete?limit=500&sql={}", encoded(sql)))
}

fn inserts(town: &Town, who: &str, sql: &str) -> Vec<String> {
    each(&complete(town, who, sql)["suggestions"], "insert_text")
}

#[test]
fn suggestions_are_what_the_asker_may_read() {
    let town = Town::open();
    assert_eq!(inserts(&town, &town.red, "select * from orders where em"), ["email"]);
    let tables = inserts(&town, &town.red, "select * from ");
    assert_eq!(tables[0], "orders");
    let probes = [
        "select ",
        "select p",
        "select ph",
        "select phone",
        "select s",
        "select g",
        "select * from ",
        "select * from p",
        "select * from v",
        "select * from vault.",
        "select * from vault.main.",
        "select * from shop.",
        "select o.",
        "select * from shop.main.",
        "select * from payroll where ",
        "select payroll.",
        "select * from payroll p where p.",
        "select * from orders o where o.",
        "select * from orders where p",
        "with a as (select * from orders) select a.",
        "select * from (select * from payroll) x where x.",
        "select * from orders a join payroll b on ",
        "select * from orders join payroll using (",
        "select * from vault.main.treasure t where t.",
        "select treasure.",
    ];
    for sql in probes {
        let found = inserts(&town, &town.red, sql);
        let plain: Vec<&String> = found.iter().filter(|s| !s.contains('(')).collect();
        let said = |hidden: &&&str| plain.iter().any(|s| s.to_lowercase().contains(**hidden));
        // What the statement itself calls a table is no secret of ours.
        let told: Vec<&&str> = HIDDEN.iter().filter(said).filter(|h| !sql.contains(**h)).collect();
        assert!(told.is_empty(), "{sql}: {told:?} in {found:?}");
        let of_hidden = ["salary", "gold", "phone"].iter().any(|c| plain.iter().any(|s| s.ends_with(c)));
        assert!(!of_hidden, "{sql}: {found:?}");
    }
    // The other agent has two sources, and says which is meant.
    assert!(inserts(&town, &town.blue, "select * from ").contains(&"vault.main.treasure".to_owned()));
    let at_home = town.get(&town.blue, "/api/metadata/sql-autocomplete?catalog=vault&sql=select+*+from+t");
    assert_eq!(at_home["suggestions"][0]["insert_text"], "treasure", "{at_home}");
    assert_eq!(inserts(&town, &town.blue, "select * from shop.main.payroll where sal"), ["salary"]);
    // A right that is taken back is gone at once.
    town.server.place.ok(&["table", "deny", "shop.payroll", "--to", "swarm:blue"]);
    assert!(
        !inserts(&town, &town.blue, "select * from shop.main.payroll where s").contains(&"salary".to_owned())
    );
    assert!(!inserts(&town, &town.blue, "select * from shop.main.").contains(&"payroll".to_owned()));
}

#[test]
fn places_are_counted_in_characters() {
    let town = Town::open();
    let ask = |sql: &str, cursor: &str| {
        let path = format!("/api/metadata/sql-autocomplete?sql={}&cursor={cursor}", encoded(sql));
        town.server.get(&town.red, &path)
    };
    let (status, reply) = ask("select 'ä🦀', am from orders", "15");
    assert_eq!(status, 200, "{reply}");
    let first = &reply["suggestions"][0];
    assert_eq!((&first["insert_text"], &first["kind"]), (&json!("amount"), &json!("column")), "{reply}");
    assert_eq!((&reply["replace_from"], &reply["replace_to"]), (&json!(13), &json!(15)), "{reply}");
    assert!(first["detail"].as_str().unwrap().contains("orders"), "{first}");
    assert_eq!((&reply["truncated"], &reply["cached"]), (&json!(false), &json!(true)));
    assert_eq!(ask("select 'or", "10").1["suggestions"], json!([]));
    for cursor in ["99", "-1", "x", "18446744073709551615", "1.5", "99999999999999999999"] {
        let (status, reply) = ask("select 'ä🦀'", cursor);
        assert_eq!(status, 400, "{cursor}: {reply}");
        assert!(!reply["message"].as_str().unwrap().is_empty());
    }
    assert_eq!(ask("select 'ä🦀'", "99").1["code"], "bad_cursor");
    assert_eq!(ask("", "0").1["suggestions"][0]["kind"], "keyword");
    let (status, reply) = town.server.get(&town.red, "/api/metadata/sql-autocomplete?sql=select+&limit=3");
    assert_eq!(
        (status, reply["suggestions"].as_array().unwrap().len(), &reply["truncated"]),
        (200, 3, &json!(true))
    );
}
