//! Snowflake's SQL API, with real SQL behind it, as a source.

use super::contract;
use crate::support::faces::{self, Face};
use crate::support::{Place, shared};
use serde_json::json;

#[test]
fn everything_works_as_with_files() {
    let Some(mut setup) = faces::shop(str::to_owned) else { return };
    setup.insert(0, "use schema PUBLIC".to_owned());
    let face = Face::start(
        "snowflake",
        &json!({"tokens": ["a-token-of-tests"], "database": "SHOP_DB", "schema": "PUBLIC", "user": "ALICE", "setup": setup,
            "warehouses": {"WH": "STARTED", "BIG": "STARTED"}, "roles": ["READER"]}),
    );
    let place = Place::new();
    let models = shared("cases/semantic/model").unwrap();
    let endpoint = format!("http%3A%2F%2F127.0.0.1%3A{}", face.port());
    let address = format!("snowflake://ALICE@myorg-acct/SHOP_DB/PUBLIC?warehouse=WH&endpoint={endpoint}");
    let args = ["source", "add", "shop", &address, "--secret", "-", "--models", models.to_str().unwrap()];
    let added = place.pipe(&args, "a-token-of-tests\n");
    assert_eq!(added.code, 0, "{}", added.err);
    contract::holds(&place, str::to_owned, 40);
    contract::holds_by_full_name(&place);
    let who =
        ["query", "select current_role() as r, current_warehouse() as w", "--tuples-only", "--format", "csv"];
    let chosen: Vec<&str> = who.iter().chain(&["--role", "READER", "--warehouse", "BIG"]).copied().collect();
    assert_eq!((place.ok(&who), place.ok(&chosen)), ("PUBLIC,WH\n".to_owned(), "READER,BIG\n".to_owned()));
    let nobody: Vec<&str> = who.iter().chain(&["--role", "NOBODY"]).copied().collect();
    assert!(place.run(&nobody).err.contains("NOBODY"));
}
