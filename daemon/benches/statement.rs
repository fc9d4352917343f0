//! What a statement of an agent costs beside running: who asks, what they may, the rewritten text, the line in the audit.
//! Each part is measured alone over the real rooms, the median told. `cargo bench -p wharf-daemon`

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::time::{Duration, Instant};
use wharf_daemon::identity::{Identity, Shown, Times};
use wharf_daemon::policies::Policies;
use wharf_daemon::secrets::Secrets;
use wharf_daemon::sources::duckdb::{EngineParser, Pool};
use wharf_daemon::state::State;
use wharf_policy::{Dialect, MaskKey, Policy, TableName, Treatment, View, ViewColumn, check, rewrite};
use wharf_protocol::{TokenCreate, TokenKind};

const ROUNDS: usize = 500;

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}

fn told(what: &str, took: Duration) -> Duration {
    println!("{what:<44} {:>8.1} us", took.as_secs_f64() * 1e6);
    took
}

fn token(kind: TokenKind) -> TokenCreate {
    TokenCreate {
        kind,
        label: None,
        swarm_id: None,
        tenant: Some("acme".to_owned()),
        roles: None,
        expires_in: None,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    let state = State::open(dir.path()).await.unwrap();
    let secrets = Secrets::new(dir.path());
    let times = Times { jwt: Duration::from_secs(1800), login: Duration::from_secs(43_200) };
    let identity = Identity::new(state.clone(), secrets.clone(), times);
    let swarm = identity.create_token(token(TokenKind::Swarm)).await.unwrap();
    let agent = identity.create_token(token(TokenKind::Agent)).await.unwrap();
    let header = format!("Bearer {};{}", swarm.secret, agent.secret);
    tokio::time::sleep(Duration::from_millis(100)).await;

    let mut all = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        identity.authenticate(Shown::read(header.as_bytes()).unwrap()).await.unwrap();
        all.push(begun.elapsed());
    }
    let who = told("who asks (two tokens)", median(all));

    let principal = identity.authenticate(Shown::read(header.as_bytes()).unwrap()).await.unwrap();
    let policies = Policies::new(state.clone(), secrets);
    let mut all = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        policies.of(&principal).await.unwrap();
        all.push(begun.elapsed());
    }
    let what = told("what they may", median(all));

    let parser = EngineParser::new(Pool::new(1 << 30, dir.path()));
    let orders = TableName::new("shop", "main", "orders");
    let policy = Policy::new(Dialect::Duckdb, vec![orders.clone()], "shop", "main");
    let columns = ["id", "tenant", "email", "amount"];
    let column = |name: &str| ViewColumn {
        name: name.to_owned(),
        data_type: "VARCHAR".to_owned(),
        treatment: if name == "email" { "mask:hash".parse().unwrap() } else { Treatment::Show },
    };
    let views = [View { table: orders, columns: columns.into_iter().map(column).collect(), filter: None }];
    let key = MaskKey::new(&[7; 32]);
    let sql = "select tenant, count(*) n, sum(amount::decimal(12,2)) total from orders where id > 100 group by all order by n desc";
    let mut all = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let checked = check(sql, &policy, &parser).unwrap();
        rewrite(sql, &checked, &views, Dialect::Duckdb, &key).unwrap();
        all.push(begun.elapsed());
    }
    let judged = told("judged and rewritten", median(all));

    let audit = wharf_daemon::audit::Audit::open(
        state.clone(),
        &dir.path().join("audit"),
        wharf_daemon::audit::Rules::default(),
    )
    .await
    .unwrap();
    let mut all = Vec::new();
    for _ in 0..ROUNDS {
        let entry =
            wharf_daemon::audit::Entry { statement: sql.to_owned(), ..principal.entry("query", "started") };
        let begun = Instant::now();
        audit.append(entry).await.unwrap();
        all.push(begun.elapsed());
    }
    let line = told("its line on the disk", median(all));
    told("together", who + what + judged + line);
}
