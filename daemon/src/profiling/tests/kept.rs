//! Stored profiles: reused while true, made anew when not, or when asked.

use super::*;

#[tokio::test]
async fn a_profile_of_a_file_is_reused_until_the_file_changes() {
    let world = World::new().await;
    world.write("a.csv", b"x,y\n1,a\n2,b\n");
    let first = world.profile("a.csv").await;
    assert_eq!((first.rows, first.reused), (2, false));
    assert!(first.table.ends_with("/a.csv"));
    let again = world.profile("./a.csv").await;
    assert!(again.reused);
    assert_eq!(again, Profile { reused: true, ..first.clone() });
    assert!(!world.try_profile("a.csv", true).await.unwrap().reused);
    world.write("a.csv", b"x,y\n1,a\n2,b\n3,c\n");
    let changed = world.profile("a.csv").await;
    assert_eq!((changed.rows, changed.reused), (3, false));
    assert_eq!(column(&changed, "x").number.as_ref().unwrap().sum.as_deref(), Some("6"));
}

#[tokio::test]
async fn a_profile_of_a_table_is_reused_until_its_source_changes() {
    let world = World::new().await;
    std::fs::create_dir(world.path("s")).unwrap();
    world.write("s/sales.csv", b"x\n1\n1\n");
    world.add("s", &world.path("s")).await;
    assert!(!world.profile("sales").await.reused);
    // Another name of the same table.
    assert!(world.profile("s.main.SALES").await.reused);
    world.write("s/sales.csv", b"x\n1\n1\n5\n");
    let changed = world.profile("sales").await;
    assert_eq!((changed.rows, changed.reused), (3, false));
    let stored: i64 =
        sqlx::query_scalar("select count(*) from profiles").fetch_one(world.state.read()).await.unwrap();
    assert_eq!(stored, 1);
}

#[tokio::test]
async fn what_was_read_is_in_the_audit() {
    let world = World::database("create table t as select 1 as i").await;
    world.profile("t").await;
    // Closing lines are written behind the caller's back; opening ones are there.
    let mut found = world.gate.audit().lines(Default::default(), crate::audit::Order::Oldest).unwrap();
    let lines: Vec<String> =
        std::iter::from_fn(|| found.read().unwrap()).map(|line| String::from_utf8(line).unwrap()).collect();
    let opened =
        lines.iter().filter(|l| l.contains("\"profile\"") && l.contains("started") && l.contains("d.main.t"));
    // The rows, and the column.
    assert_eq!(opened.count(), 2, "{lines:?}");
}

#[tokio::test]
async fn a_raised_cancel_ends_it_and_nothing_is_stored() {
    let world = World::database("create table t as select 1 as i").await;
    let cancel = Cancel::default();
    cancel.raise(crate::sources::Reason::Gone);
    let request = ProfileRequest { table: "t".into(), source: None, refresh: false, cwd: None };
    let error = profile(&world.state, &world.gate, &request, cancel, &|_| {}).await.unwrap_err();
    assert_eq!(error.code, "cancelled");
    let stored: i64 =
        sqlx::query_scalar("select count(*) from profiles").fetch_one(world.state.read()).await.unwrap();
    assert_eq!(stored, 0);
}
