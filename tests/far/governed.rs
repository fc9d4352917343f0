//! What others than the owner see of a source elsewhere.

use crate::access::server::Server as Door;
use crate::support::postgres::{PASSWORD, Server};
use serde_json::{Value, json};

/// A server with orders of two tenants, behind a daemon with an agent of each.
struct Shop {
    server: Server,
    door: Door,
    acme: String,
    umbra: String,
}

impl Shop {
    fn open() -> Option<Self> {
        let server = Server::start(&[])?;
        server.run(
            "postgres",
            "create table orders(id int, tenant text, email text, phone text, amount numeric(10,2), day date);
             insert into orders values (1, 'acme', 'ann@acme.example', '+4917011111', 10.50, '2024-01-15'),
               (2, 'acme', 'bob@acme.example', '+4917022222', 20.00, '2024-02-20'),
               (3, 'umbra', 'cid@umbra.example', '+4917033333', 30.25, '2024-02-21');
             create table payroll(id int, salary int); insert into payroll values (1, 77777);
             create view everything as select * from orders",
        );
        let door = Door::start(&[]);
        let address = server.address("admin", "postgres");
        let added = door.place.pipe(&["source", "add", "crm", &address, "--secret", "-"], PASSWORD);
        assert_eq!(added.code, 0, "{}", added.err);
        let (acme, umbra) = (door.agent("red", "acme"), door.agent("blue", "umbra"));
        Some(Self { server, door, acme, umbra })
    }

    /// Rows of a statement, or the code of its refusal.
    fn ask(&self, who: &str, sql: &str) -> Result<Value, String> {
        let (status, reply) = self.door.post(who, "/api/queries/execute", &json!({"query": sql}));
        match status {
            200 => Ok(reply),
            _ => Err(format!("{status} {}: {}", reply["code"].as_str().unwrap_or("?"), reply["message"])),
        }
    }
}

#[test]
fn agents_see_their_rows_and_columns_and_nothing_else() {
    let Some(shop) = Shop::open() else { return };
    let (_, nothing) = shop.door.get(&shop.acme, "/list_data");
    assert!(!nothing.to_string().contains("orders"), "{nothing}");
    assert!(shop.ask(&shop.acme, "select * from orders").is_err());
    shop.door.place.ok(&["table", "allow", "crm.public.orders", "--to", "everyone"]);
    shop.door.place.ok(&["table", "allow", "crm.public.everything", "--to", "everyone"]);
    shop.door.place.ok(&[
        "policy",
        "set",
        "crm.public.orders",
        "--filter",
        "tenant = :tenant",
        "--column",
        "phone=deny",
        "--column",
        "email=mask:hash",
        "--column",
        "amount=mask:bucket(10)",
        "--column",
        "day=mask:date(month)",
    ]);
    let rows = |who: &str, sql: &str| {
        let reply = shop.ask(who, sql).unwrap();
        reply["data"].as_array().or(reply["rows"].as_array()).unwrap_or_else(|| panic!("{reply}")).clone()
    };
    let mine = rows(&shop.acme, "select id, tenant, email, amount, day from orders order by id");
    let text = serde_json::to_string(&mine).unwrap();
    assert_eq!(mine.len(), 2, "{text}");
    for hidden in ["umbra", "ann@", "4917", "2024-02-20", "10.5"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
    assert!(text.contains("2024-02-01"), "{text}");
    assert_eq!(rows(&shop.umbra, "select * from crm.public.orders").len(), 1);
    assert_eq!(rows(&shop.umbra, "select count(*) from orders o join orders p on p.id <> o.id").len(), 1);
    for (sql, code) in [
        ("select phone from orders", "column_not_found"),
        ("select orders.phone from orders", "column_not_found"),
        ("select * from payroll", "table_not_allowed"),
        ("select * from everything", "ruled_view"),
        ("select pg_read_file('/etc/passwd')", "file_access"),
        ("select * from pg_stat_activity", "system_catalog"),
        ("select * from information_schema.tables", "system_catalog"),
        ("select 1; select 2", "several_statements"),
        ("set role postgres", ""),
        ("delete from orders", ""),
        ("with x as (delete from orders returning *) select * from x", ""),
        ("select * from other.public.orders", ""),
    ] {
        let refused = shop.ask(&shop.acme, sql).unwrap_err();
        assert!(refused.contains(code) && !refused.contains("77777"), "{sql}: {refused}");
        assert!(!refused.contains("phone") || sql.contains("phone"), "{sql}: {refused}");
    }
    // An error of the server must not name a value of somebody else.
    let leak = shop.ask(&shop.acme, "select cast(tenant as int) from orders").unwrap_err();
    assert!(!leak.contains("umbra") && !leak.contains("acme"), "{leak}");
    assert_eq!(shop.server.run("postgres", "select count(*) from orders"), "3");
    // Who pays, and with whose rights, is the owner's choice; and PostgreSQL has no such thing.
    let chosen = json!({"sql": "select id from orders", "format": "csv", "role": "postgres"});
    let (status, reply) = shop.door.post(&shop.acme, "/api/queries/stream", &chosen);
    assert!((400..500).contains(&status), "{reply}");
    for args in [["--role", "postgres"], ["--warehouse", "BIG"]] {
        let all = ["query", "select id from crm.public.orders", args[0], args[1]];
        assert!(shop.door.place.fails(&all, 2).contains("to choose"), "{args:?}");
    }
    let test =
        ["policy", "test", "--for", "tenant:acme", "select id from orders", "--source", "crm", "--json"];
    let verdict = shop.door.place.json(&test);
    assert!(verdict["route"] == "postgres" && verdict["estimated_rows"].as_u64().unwrap() > 0, "{verdict}");
    let (_, profile) =
        shop.door.post(&shop.acme, "/profile_data", &json!({"table_name": "crm.public.orders"}));
    assert_eq!(profile["rows"], 2, "{profile}");
    assert!(!profile.to_string().contains("umbra") && !profile.to_string().contains("4917"), "{profile}");
    let audited = shop.door.place.ok(&["audit", "search", "--format", "ndjson"]);
    assert!(audited.contains("crm.public.orders") && audited.contains("\"postgres\""), "{audited}");
}

#[test]
fn a_new_table_is_found_without_waiting() {
    let Some(shop) = Shop::open() else { return };
    shop.door.place.ok(&["table", "allow", "crm.*", "--to", "everyone"]);
    assert!(shop.ask(&shop.acme, "select * from orders").is_ok());
    shop.server.run("postgres", "create table fresh as select 1 as a");
    // It is looked for again once what is known is a few seconds old.
    crate::support::wait_until("the table to be seen", || {
        shop.ask(&shop.acme, "select * from fresh").is_ok()
    });
}
