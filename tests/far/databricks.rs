//! Databricks' statements and catalogue, with real Spark behind them, as a source.

use super::contract;
use crate::support::faces::{self, Face};
use crate::support::{Place, shared};
use serde_json::json;

#[test]
fn everything_works_as_with_files() {
    let spell = |of: &str| of.replace("VARCHAR", "STRING").replace("TIMESTAMP", "TIMESTAMP_NTZ");
    let Some(setup) = faces::shop(spell) else { return };
    let face = Face::start("databricks", &json!({}));
    let place = Place::new();
    let models = shared("cases/semantic/model").unwrap();
    let text = |key: &str| face.ready[key].as_str().unwrap().to_owned();
    let endpoint = format!("http%3A%2F%2F127.0.0.1%3A{}", face.port());
    let address = format!(
        "databricks://workspace/{}/default?warehouse={}&endpoint={endpoint}",
        text("catalog"),
        text("warehouse")
    );
    let token = text("token");
    let add = |more: &[&str]| {
        let mut args = vec!["source", "add", "shop", &address, "--secret", "-"];
        args.extend(more);
        let added = place.pipe(&args, format!("{token}\n"));
        assert_eq!(added.code, 0, "{}", added.err);
    };
    add(&[]);
    for statement in setup {
        let ran = place.pipe(&["query", "--write", "--format", "none"], &statement);
        assert_eq!(ran.code, 0, "{}: {}", &statement[..60], ran.err);
    }
    add(&["--models", models.to_str().unwrap(), "--replace"]);
    contract::holds(&place, str::to_owned, 20);
}
