//! Local copies of what a PostgreSQL server holds.

use crate::support::postgres::{PASSWORD, Server};
use crate::support::{Place, wait_until};
use serde_json::Value;

struct Shop {
    server: Server,
    place: Place,
}

impl Shop {
    fn open() -> Option<Self> {
        let server = Server::start(&[])?;
        server.run(
            "postgres",
            "create table orders(id int primary key, status text, amount numeric(10,2), rate numeric, changed timestamptz,
               gone boolean default false, note jsonb);
             insert into orders select g, case g % 3 when 0 then 'open' else 'paid' end, g * 1.25, g / 8.0,
               timestamptz '2026-01-01 00:00+00' + g * interval '1 minute', false, jsonb_build_object('n', g)
             from generate_series(1, 1000) g",
        );
        let place = Place::new();
        let address = server.address("admin", "postgres");
        let added = place.pipe(&["source", "add", "crm", &address, "--secret", "-"], PASSWORD);
        assert_eq!(added.code, 0, "{}", added.err);
        Some(Self { server, place })
    }

    fn replica(&self, name: &str) -> Value {
        self.place.json(&["replica", "show", name, "--json"])
    }

    /// Reads the file itself, as nobody else would.
    fn held(&self, name: &str, sql: &str) -> Value {
        let folder = self.place.path("d").join("replicas").join(name);
        let mut files = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path());
        let (file, more) = (files.next().unwrap(), files.next());
        assert!(more.is_none() && file.extension().unwrap() == "duckdb", "{file:?} {more:?}");
        let opened = duckdb::Config::default().access_mode(duckdb::AccessMode::ReadOnly).unwrap();
        let connection = duckdb::Connection::open_with_flags(&file, opened).unwrap();
        let json: String = connection
            .query_row(&format!("select to_json(list(t)) from ({sql}) t"), [], |row| row.get(0))
            .unwrap();
        serde_json::from_str(&json).unwrap()
    }
}

#[test]
fn a_copy_holds_what_the_source_holds_and_only_changes_are_fetched() {
    let Some(shop) = Shop::open() else { return };
    let added = shop.place.json(&[
        "replica",
        "add",
        "orders",
        "--source",
        "crm",
        "--table",
        "orders",
        "--cursor",
        "changed",
        "--keys",
        "id",
        "--deleted",
        "gone",
        "--json",
    ]);
    assert_eq!((added["rows"].as_u64(), added["status"].as_str()), (Some(1000), Some("ready")), "{added}");
    let sums = "select count(*) as n, sum(amount)::varchar as a, sum(rate)::varchar as r, max(note->>'n') as x from public.orders";
    let held = shop.held("orders", sums);
    assert_eq!(held[0]["n"], 1000);
    assert_eq!(held[0]["a"], shop.server.run("postgres", "select sum(amount) from orders"));
    let rate: f64 = held[0]["r"].as_str().unwrap().parse().unwrap();
    assert_eq!(rate, 1000.0 * 1001.0 / 2.0 / 8.0);
    // A row changed, a new one, one that is gone; nothing else is fetched but what stands at the cursor.
    shop.server.run(
        "postgres",
        "update orders set amount = 0, changed = '2026-02-01' where id = 1;
         insert into orders values (2000, 'new', 7, 1, '2026-02-02', false, null);
         update orders set gone = true, changed = '2026-02-03' where id = 2",
    );
    let before = std::fs::read_dir(shop.place.path("d").join("replicas/orders"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let refreshed = shop.place.json(&["replica", "refresh", "orders", "--json"]);
    assert_eq!(
        (refreshed["rows"].as_u64(), refreshed["history"][0]["rows"].as_u64()),
        (Some(1000), Some(4)),
        "{refreshed}"
    );
    assert_eq!(refreshed["history"][0]["mode"], "incremental");
    assert!(!before.exists(), "the file before is removed");
    let changed = shop.held(
        "orders",
        "select id, amount::varchar as a from public.orders where id in (1, 2, 2000) order by id",
    );
    assert_eq!(changed, serde_json::json!([{"id": 1, "a": "0.00"}, {"id": 2000, "a": "7.00"}]));
    // New columns at the source make the next refresh a whole one.
    shop.server.run("postgres", "alter table orders add column extra int default 5");
    let refreshed = shop.place.json(&["replica", "refresh", "orders", "--json"]);
    assert_eq!(
        (refreshed["rows"].as_u64(), refreshed["history"][0]["mode"].as_str()),
        (Some(1000), Some("full")),
        "{refreshed}"
    );
    assert_eq!(shop.held("orders", "select sum(extra)::int as e from public.orders")[0]["e"], 5000);
    assert_eq!(shop.replica("orders")["history"].as_array().unwrap().len(), 4);
    shop.place.ok(&["replica", "delete", "orders", "--confirm", "orders"]);
    assert!(!shop.place.path("d").join("replicas/orders").exists());
    assert_eq!(shop.place.json(&["replica", "list", "--format", "json"]), serde_json::json!([]));
}

#[test]
fn parts_and_queries_are_copied_too() {
    let Some(shop) = Shop::open() else { return };
    let add = |args: &[&str]| {
        let all: Vec<&str> = ["replica", "add"].iter().chain(args).copied().collect();
        shop.place.json(&all)
    };
    let open = add(&[
        "open",
        "--table",
        "public.orders",
        "--columns",
        "id,status",
        "--where",
        "status = 'open' -- only",
        "--json",
    ]);
    assert_eq!(open["rows"], 333);
    assert_eq!(
        shop.held("open", "select * from public.orders order by id limit 1"),
        serde_json::json!([{"id": 3, "status": "open"}])
    );
    let sums = add(&[
        "sums",
        "--table",
        "sums",
        "--sql",
        "select status, sum(amount) as s from orders group by status",
        "--json",
    ]);
    assert_eq!(sums["rows"], 2);
    // They have names of their own, beside which copies of whole tables can be read; the engine that holds them reads the SQL.
    shop.place.ok(&["replica", "add", "all_orders", "--table", "crm.public.orders", "--max-age", "1h"]);
    shop.server.run("postgres", "delete from orders where id > 300");
    let (out, stats) = routed(
        &shop.place,
        &["query", "select count(*) as n, arg_max(status, id) as s from crm.replica.open"],
    );
    assert_eq!((out.as_str(), stats["route"].as_str()), ("n,s\n333,open\n", Some("replica:open")), "{stats}");
    let sql =
        "select s.status, s.s from replica.sums s where s.status in (select status from orders) order by 1";
    let (out, stats) = routed(&shop.place, &["query", sql, "--source", "crm"]);
    assert_eq!(out, "status,s\nopen,208541.25\npaid,417083.75\n");
    assert_eq!(stats["route"], "replica:sums,all_orders");
    for (args, word) in [
        (&["select note from crm.replica.open"][..], "note"),
        (&["select 1 from crm.replica.open", "--max-age", "0"], "wharf replica refresh open"),
        (&["select 1 from crm.replica.open, crm.public.nothing"], "copy that table too"),
        (&["delete from crm.replica.open", "--write"], "--write"),
    ] {
        let all: Vec<&str> = ["query"].iter().chain(args).copied().collect();
        let ran = shop.place.run(&all);
        assert!(ran.code != 0 && ran.err.contains(word), "{args:?}: {}", ran.err);
    }
    shop.place.ok(&["replica", "delete", "all_orders", "--confirm", "all_orders"]);
    for (args, code, word) in [
        (&["Bad", "--table", "orders"][..], 2, "cannot be a replica's name"),
        (&["open", "--table", "orders"], 1, "already"),
        (&["x", "--table", "order"], 6, "did you mean orders"),
        (&["x", "--table", "orders", "--columns", "nix"], 6, "no column `nix`"),
        (&["x", "--table", "orders", "--cursor", "changed", "--keys", "nix"], 6, "no column `nix`"),
        (&["x", "--table", "orders", "--schedule", "daily"], 2, "no schedule"),
        (&["x", "--table", "sums", "--sql", "select broken("], 1, "syntax"),
        (&["x", "--table", "sums", "--sql", "delete from orders"], 1, "syntax"),
        (&["x", "--table", "orders", "--where", "nosuch = 1"], 6, "nosuch"),
    ] {
        let all: Vec<&str> = ["replica", "add"].iter().chain(args).copied().collect();
        let err = shop.place.fails(&all, code);
        assert!(err.contains(word), "{args:?}: {err}");
    }
    // What failed left nothing behind.
    let names: Vec<Value> = shop
        .place
        .json(&["replica", "list", "--format", "json"])
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["name"].clone())
        .collect();
    assert_eq!(names, ["open", "sums"]);
    assert!(!shop.place.path("d").join("replicas/x").exists());
}

#[test]
fn a_refresh_that_is_cut_leaves_the_copy_as_it_was() {
    let Some(shop) = Shop::open() else { return };
    shop.place.ok(&["replica", "add", "orders", "--table", "orders"]);
    let before = shop.held("orders", "select count(*) as n, sum(amount)::varchar as a from public.orders");
    // The next refresh waits in the middle of its rows.
    shop.server.run(
        "postgres",
        "alter table orders rename to stored; create view orders as select *, case when id = 900 then (select 1 from pg_sleep(1000)) end as w from stored",
    );
    let running = || {
        shop.server.run("postgres", "select count(*) from pg_stat_activity where state = 'active' and query like '%from \"postgres\"%' and pid <> pg_backend_pid()")
    };
    let mut child = shop.place.start(&["replica", "refresh", "orders"]);
    wait_until("the rows to be fetched", || running() == "1");
    let busy = shop.place.fails(&["replica", "refresh", "orders"], 1);
    assert!(busy.contains("being refreshed"), "{busy}");
    shop.place.kill_daemon();
    child.wait().unwrap();
    wait_until("the server to see that nobody is there", || running() == "0");
    let shown = shop.replica("orders");
    assert_eq!(
        (shown["status"].as_str(), shown["history"][0]["outcome"].as_str()),
        (Some("ready"), Some("interrupted")),
        "{shown}"
    );
    assert_eq!(
        shop.held("orders", "select count(*) as n, sum(amount)::varchar as a from public.orders"),
        before
    );
    // The client goes away: the statement ends there, and the copy stays.
    let mut child = shop.place.start(&["replica", "refresh", "orders"]);
    wait_until("the rows to be fetched", || running() == "1");
    crate::streams::process::signal(child.id(), "INT");
    child.wait().unwrap();
    wait_until("the statement to end", || running() == "0");
    wait_until("the refresh to be told failed", || {
        shop.replica("orders")["history"][0]["outcome"] == "failed"
    });
    assert_eq!(
        shop.held("orders", "select count(*) as n, sum(amount)::varchar as a from public.orders"),
        before
    );
}

/// How a statement went, and what it printed.
fn routed(place: &Place, args: &[&str]) -> (String, Value) {
    let all: Vec<&str> = args.iter().chain(&["--stats", "--format", "csv"]).copied().collect();
    let ran = place.run(&all);
    assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
    let stats = ran.err.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok());
    (ran.out, stats.unwrap_or_else(|| panic!("{}", ran.err)))
}

#[test]
fn answers_come_from_a_copy_that_is_young_enough_and_say_so() {
    let Some(shop) = Shop::open() else { return };
    let place = &shop.place;
    place.ok(&["replica", "add", "orders", "--table", "orders"]);
    let sum = "select count(*), sum(amount) as total from orders where status = 'open'";
    let (of_source, stats) = routed(place, &["query", sum]);
    assert_eq!((stats["route"].as_str(), &stats["data_at"]), (Some("postgres"), &Value::Null), "{stats}");
    let (of_copy, stats) = routed(place, &["query", sum, "--max-age", "1h"]);
    assert_eq!(stats["route"], "replica:orders");
    assert_eq!(stats["data_at"], shop.replica("orders")["data_at"]);
    assert_eq!(of_copy, of_source, "heads and figures");
    assert!(shop.replica("orders")["used_at"].is_string());
    let (_, stats) = routed(place, &["sample", "orders", "--first", "3", "--max-age", "1h"]);
    assert_eq!(stats["route"], "replica:orders");
    // What could mean something else here goes to the source.
    for sql in [
        "select avg(amount) from orders",
        "select id / 2 as h from orders",
        "select status from orders order by status",
    ] {
        let (_, stats) = routed(place, &["query", sql, "--max-age", "1h"]);
        assert_eq!(stats["route"], "postgres", "{sql}");
    }
    // What the source has meanwhile shows only where the copy may not answer.
    shop.server.run("postgres", "delete from orders");
    assert_eq!(routed(place, &["query", sum, "--max-age", "1h"]).0, of_source);
    assert_ne!(routed(place, &["query", sum, "--max-age", "0"]).0, of_source);
    place.ok(&["replica", "delete", "orders", "--confirm", "orders"]);
    assert_eq!(routed(place, &["query", sum, "--max-age", "1h"]).1["route"], "postgres");
    // A copy that says itself how old it may get needs no word.
    place.ok(&["replica", "add", "orders", "--table", "orders", "--max-age", "1h"]);
    assert_eq!(routed(place, &["query", sum]).1["route"], "replica:orders");
    // With the source gone, the copy still answers.
    drop(shop.server);
    assert_eq!(routed(place, &["query", sum]).1["route"], "replica:orders");
    assert_eq!(place.run(&["query", sum, "--max-age", "0"]).code, 3);
}

#[test]
fn a_copy_that_is_gone_or_damaged_sends_the_statement_to_its_source() {
    let Some(shop) = Shop::open() else { return };
    let place = &shop.place;
    let sum = "select count(*) from orders";
    for harm in ["gone", "cut", "garbage", "locked"] {
        place.ok(&["replica", "add", "orders", "--table", "orders", "--max-age", "1h"]);
        let folder = place.path("d").join("replicas/orders");
        let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
        place.ok(&["daemon", "stop"]);
        // Somebody else has opened it for writing.
        let locked = (harm == "locked").then(|| duckdb::Connection::open(&file).unwrap());
        match harm {
            "locked" => {}
            "gone" => std::fs::remove_file(&file).unwrap(),
            "cut" => std::fs::File::options().write(true).open(&file).unwrap().set_len(5000).unwrap(),
            _ => std::fs::write(&file, "no database").unwrap(),
        }
        let (out, stats) = routed(place, &["query", sum]);
        assert_eq!((out.as_str(), stats["route"].as_str()), ("count\n1000\n", Some("postgres")), "{harm}");
        drop(locked);
        place.ok(&["replica", "refresh", "orders"]);
        assert_eq!(routed(place, &["query", sum]).1["route"], "replica:orders", "{harm}");
        place.ok(&["replica", "delete", "orders", "--confirm", "orders"]);
    }
}

#[test]
fn rules_hold_on_copies_too() {
    let Some(shop) = Shop::open() else { return };
    let Shop { server, place } = shop;
    server.run("postgres", "create table people(id int, tenant text, phone text); insert into people values (1, 'acme', '4917'), (2, 'umbra', '4918')");
    place.ok(&["replica", "add", "people", "--table", "people", "--max-age", "1h"]);
    let door = crate::access::server::Server::with(place, &["--listen", "127.0.0.1:0"], &[]);
    let agent = door.agent("red", "acme");
    door.place.ok(&["table", "allow", "crm.public.people", "--to", "everyone"]);
    door.place.ok(&[
        "policy",
        "set",
        "crm.public.people",
        "--filter",
        "tenant = :tenant",
        "--column",
        "phone=deny",
    ]);
    let ask = |sql: &str| door.post(&agent, "/api/queries/execute", &serde_json::json!({"query": sql}));
    wait_until("the copy to answer", || {
        let (status, reply) = ask("select count(*) from people");
        assert_eq!(status, 200, "{reply}");
        let audited = door.place.ok(&["audit", "search", "--format", "ndjson"]);
        audited.lines().any(|line| line.contains("replica:people") && line.contains("agent"))
    });
    let (status, reply) = ask("select * from people");
    let text = reply.to_string();
    assert!(
        status == 200 && text.contains("acme") && !text.contains("umbra") && !text.contains("4917"),
        "{text}"
    );
    assert_ne!(ask("select phone from people").0, 200);
    // A part is read under the rules of its table; what a query gave is the owner's.
    let add = |args: &[&str]| {
        let all: Vec<&str> = ["replica", "add", "--source", "crm"].iter().chain(args).copied().collect();
        door.place.run(&all)
    };
    let lacking = add(&["ids", "--table", "people", "--columns", "id"]);
    assert!(lacking.code == 2 && lacking.err.contains("tenant"), "{} {}", lacking.code, lacking.err);
    let part = add(&["some", "--table", "people", "--columns", "id,tenant,phone"]);
    assert_eq!(part.code, 0, "{}", part.err);
    let query = add(&["names", "--table", "names", "--sql", "select tenant, phone from people"]);
    assert_eq!(query.code, 0, "{}", query.err);
    let (status, reply) = ask("select * from crm.replica.some");
    let text = reply.to_string();
    assert!(
        status == 200 && text.contains("acme") && !text.contains("umbra") && !text.contains("4917"),
        "{text}"
    );
    for refused in [
        "select phone from crm.replica.some",
        "select * from crm.replica.names",
        "select * from replica.names n",
    ] {
        let (status, reply) = ask(refused);
        assert!(status != 200 && !reply.to_string().contains("4917"), "{refused}: {reply}");
    }
    assert!(door.place.ok(&["query", "select * from crm.replica.names", "--format", "csv"]).contains("4918"));
    // Without a grant for the table there is none for its part.
    door.place.ok(&["table", "deny", "crm.public.people", "--to", "everyone"]);
    assert_ne!(ask("select * from crm.replica.some").0, 200);
}

#[test]
fn replicas_refresh_by_themselves_and_make_room_for_each_other() {
    let Some(shop) = Shop::open() else { return };
    let Shop { server, place } = shop;
    place.ok(&["replica", "add", "orders", "--table", "orders", "--schedule", "* * * * *", "--jitter", "5s"]);
    let shown = place.json(&["replica", "show", "orders", "--json"]);
    let time = |key: &str| shown[key].as_str().unwrap().to_owned();
    assert!(time("next_refresh") > time("data_at"), "{shown}");
    place.ok(&["replica", "delete", "orders", "--confirm", "orders"]);
    place.ok(&["daemon", "stop"]);
    // Two files of about half a megabyte fit under this roof, three do not.
    let with_roof = |args: &[&str]| {
        let out = place.command(args).env("WHARF_REPLICAS_QUOTA", "1200KB").output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    };
    for table in ["a", "b", "c"] {
        server.run("postgres", &format!("create table {table} as select * from orders"));
        with_roof(&["replica", "add", table, "--source", "crm", "--table", table]);
    }
    let states: Vec<String> = ["a", "b", "c"]
        .iter()
        .map(|name| place.json(&["replica", "show", name, "--json"])["status"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(states, ["empty", "ready", "ready"]);
    assert_eq!(std::fs::read_dir(place.path("d").join("replicas/a")).unwrap().count(), 0);
}

#[test]
fn admins_copy_over_the_network_what_policy_can_judge() {
    let Some(Shop { server, place }) = Shop::open() else { return };
    let door = crate::access::server::Server::with(place, &["--listen", "127.0.0.1:0"], &[]);
    let agent = door.agent("red", "acme");
    let swarm = door.secret(&["token", "create", "swarm", "--label", "admins"]);
    let own = ["token", "create", "agent", "--swarm", "admins", "--label", "boss", "--role", "admin"];
    let admin = format!("Bearer {swarm};{}", door.secret(&own));
    let manage = |who: &str, body: Value| door.post(who, "/manage/duckdb", &body);
    let copy = serde_json::json!({"action": "replicate", "table_name": "orders", "schema_name": "public",
        "duckdb_file": "/var/lib/duck/Open-Orders.duckdb", "sql_query": "select id, status from orders where status = 'open'"});
    assert_eq!(manage(&agent, copy.clone()).0, 403);
    let (status, reply) = manage(&admin, copy);
    assert_eq!((status, reply["status"].as_str()), (200, Some("success")), "{reply}");
    assert!(reply["message"].as_str().unwrap().contains("crm.replica.open_orders"), "{reply}");
    let count =
        || door.place.ok(&["query", "select count(*) as n from crm.replica.open_orders", "--format", "csv"]);
    assert_eq!(count(), "n\n333\n");
    server.run("postgres", "delete from orders where id <= 300");
    let named = |action: &str| serde_json::json!({"action": action, "table_name": "orders", "duckdb_file": "open_orders.duckdb"});
    assert_eq!(manage(&admin, named("refresh")).0, 200);
    assert_eq!(count(), "n\n233\n");
    // What the policy does not know the owner may ask, and nobody else.
    for sql in [
        "select pg_read_file('/etc/passwd') as a",
        "select usename from pg_user",
        "delete from orders returning id",
    ] {
        let wish = serde_json::json!({"action": "replicate", "table_name": "x", "duckdb_file": "x", "sql_query": sql});
        let (status, reply) = manage(&admin, wish);
        assert!(
            (400..500).contains(&status) && !reply.to_string().contains("root:"),
            "{sql}: {status} {reply}"
        );
    }
    let (status, all) = door.get(&admin, "/api/replicas");
    assert_eq!((status, all.as_array().unwrap().len()), (200, 1), "{all}");
    assert_eq!(door.get(&agent, "/api/replicas").0, 403);
    assert_eq!(manage(&admin, named("delete")).0, 200);
    assert_eq!(manage(&admin, named("refresh")).0, 404);
    let audited = door.place.ok(&["audit", "search", "--format", "ndjson"]);
    assert!(audited.contains("replica add") && audited.contains("replica delete"), "{audited}");
}
