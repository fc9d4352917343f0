use super::*;
use crate::identity::{Kind, Who};
use wharf_policy::TableName;
use wharf_protocol::{Role, TableRule};

fn agent(id: &str, swarm: &str) -> Principal {
    Principal::from(Who {
        kind: Kind::Agent,
        id: id.to_owned(),
        email: String::new(),
        label: id.to_owned(),
        swarm: Some(swarm.to_owned()),
        tenant: Some("acme".to_owned()),
        roles: vec![Role::Agent],
        login: None,
    })
}

fn grant(subject: &str, schema: &str, table: &str) -> Grant {
    Grant { subject: subject.into(), source: "shop".into(), schema: schema.into(), table: table.into() }
}

#[tokio::test]
async fn grants_add_up_and_limits_narrow() {
    let dir = tempfile::tempdir().unwrap();
    let policies = Policies::new(State::open(dir.path()).await.unwrap(), Secrets::new(dir.path()));
    let (red, blue) = (agent("a", "red"), agent("b", "blue"));
    let orders = TableName::new("shop", "main", "orders");
    assert!(!policies.of(&red).await.unwrap().allows(&orders));
    policies.allow(&grant("swarm:red", "main", "Orders")).await.unwrap();
    assert!(policies.of(&red).await.unwrap().allows(&orders));
    assert!(!policies.of(&blue).await.unwrap().allows(&orders));
    assert!(!policies.of(&red).await.unwrap().allows(&TableName::new("other", "main", "orders")));
    for subject in ["everyone", "role:agent", "tenant:acme", "agent:b", "swarm:blue"] {
        policies.allow(&grant(subject, "main", "*")).await.unwrap();
        assert!(policies.of(&blue).await.unwrap().allows(&orders), "{subject}");
        policies.deny(&grant(subject, "main", "*")).await.unwrap();
        assert!(!policies.of(&blue).await.unwrap().allows(&orders), "{subject}");
    }
    assert_eq!(policies.deny(&grant("agent:b", "main", "*")).await.unwrap_err().code, "grant_not_found");

    let limits = |rows, per_day| SubjectLimits { rows, per_day, ..SubjectLimits::default() };
    policies.set_limits("everyone", &limits(Some(100), None)).await.unwrap();
    policies.set_limits("swarm:red", &limits(Some(500), Some(2))).await.unwrap();
    assert_eq!(policies.of(&red).await.unwrap().limits(), limits(Some(100), Some(2)));
    assert_eq!(policies.of(&blue).await.unwrap().limits(), limits(Some(100), None));
    policies.set_limits("everyone", &SubjectLimits::default()).await.unwrap();
    assert_eq!(policies.of(&red).await.unwrap().limits(), limits(Some(500), Some(2)));
    for (n, counted) in [(1, true), (2, true), (3, false), (4, false)] {
        assert_eq!(policies.count(&red, 2).await.unwrap(), counted, "{n}");
    }
    assert!(policies.count(&blue, 2).await.unwrap());
}

#[tokio::test]
async fn all_rules_that_fit_apply() {
    let dir = tempfile::tempdir().unwrap();
    let state = State::open(dir.path()).await.unwrap();
    let policies = Policies::new(state.clone(), Secrets::new(dir.path()));
    let rule =
        |column: &str| TableRule { columns: [(column.to_owned(), "deny".to_owned())].into(), filter: None };
    let entry = |subject: &str, rule| RuleEntry {
        subject: subject.into(),
        source: "shop".into(),
        schema: "main".into(),
        table: "orders".into(),
        rule,
    };
    for (subject, column) in [("everyone", "email"), ("swarm:red", "phone"), ("user:x", "name")] {
        policies.set_rule(&entry(subject, rule(column))).await.unwrap();
    }
    let orders = TableName::new("shop", "MAIN", "Orders");
    let subjects = |who: Principal| {
        let policies = policies.clone();
        async move {
            policies
                .of(&who)
                .await
                .unwrap()
                .rules(&TableName::new("shop", "MAIN", "Orders"))
                .map(|r| r.subject.clone())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(subjects(agent("a", "red")).await, ["everyone", "swarm:red"]);
    assert_eq!(subjects(agent("a", "blue")).await, ["everyone"]);
    policies.set_rule(&entry("everyone", TableRule::default())).await.unwrap();
    assert_eq!(policies.of(&agent("a", "blue")).await.unwrap().rules(&orders).count(), 0);
    // A rule that cannot be read is an error, never the absence of one.
    let mut write = state.write().await.unwrap();
    sqlx::query("update table_rules set rule = '{\"columns\": 1}'").execute(write.on()).await.unwrap();
    write.changes(KEY).await.unwrap();
    write.commit().await.unwrap();
    assert!(policies.of(&agent("a", "red")).await.is_err());
}

#[test]
fn subjects_are_named_in_one_way() {
    for good in ["everyone", "role:analyst", "tenant:a b", "swarm:0f", "user:al@x", "agent:1"] {
        assert_eq!(Subject::parse(good).unwrap().to_string(), good);
    }
    for bad in ["", "owner", "role:owner", "role:", "role:x", "tenant:", "everyone:x", "people"] {
        assert!(Subject::parse(bad).is_err(), "{bad}");
    }
}
