//! Samples and profiles of a table, under their own paths and under those of the services that came before.

use super::server::Server;
use serde_json::json;

#[test]
fn a_table_is_sampled_and_profiled_the_same_under_both_paths() {
    let server = Server::shop(&[]);
    let who = server.agent("red", "acme");
    server.place.ok(&["table", "allow", "shop.orders", "--to", "swarm:red"]);
    server.place.ok(&[
        "policy",
        "set",
        "shop.orders",
        "--filter",
        "tenant = :tenant",
        "--column",
        "phone=deny",
    ]);

    let ask = json!({"sample_type": "first", "sample_size": 10});
    let (status, new) = server.post(&who, "/api/tables/orders/sample", &ask);
    assert_eq!(status, 200, "{new}");
    let (_, old) = server.post(
        &who,
        "/sample_data",
        &json!({"table_name": "orders", "sample_type": "first", "sample_size": 10}),
    );
    assert_eq!(new, old);
    assert_eq!(new["data"].as_array().unwrap().len(), 2, "{new}");
    assert!(!new.to_string().contains("umbra") && !new.to_string().contains("4917"), "{new}");
    let csv = json!({"sample_type": "random", "sample_size": 1, "seed": 7, "output_format": "CSV"});
    let reply = server.send(&who, "POST", "/api/tables/shop.main.orders/sample", &csv.to_string());
    let status = reply.status;
    let text = String::from_utf8(reply.whole().unwrap()).unwrap();
    assert!(status == 200 && text.starts_with("id,tenant,email,amount,day"), "{text}");

    let (status, new) = server.post(&who, "/api/tables/orders/profile", &json!({}));
    assert_eq!((status, new["rows"].as_u64()), (200, Some(2)), "{new}");
    let (_, old) = server.post(&who, "/profile_data", &json!({"table_name": "orders"}));
    assert_eq!(new["columns"], old["columns"]);

    for (path, body, status, code) in [
        ("/api/tables/payroll/sample", ask.clone(), 404, "table_not_found"),
        ("/api/tables/nix/profile", json!({}), 404, "table_not_found"),
        ("/api/tables/orders/sample", json!({"sample_type": "first", "sample_size": 0.5}), 400, "bad_sample"),
        (
            "/api/tables/orders/sample",
            json!({"sample_type": "first", "sample_size": 1, "output_format": "xml"}),
            400,
            "format",
        ),
        ("/api/tables/orders/profile", json!({"again": true}), 400, "body"),
    ] {
        let (found, reply) = server.post(&who, path, &body);
        assert_eq!((found, reply["code"].as_str().unwrap()), (status, code), "{path}: {reply}");
    }
}
