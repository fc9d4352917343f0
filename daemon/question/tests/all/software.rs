//! A software firm: recurring revenue, accounts, plans, tickets.

use wharf_question::{DimensionKind, DimensionTerm, Grain, MetricTerm, Reader, Vocabulary};

use crate::script::{self, DAILY};

fn dimension(name: &str, kind: DimensionKind, synonyms: &[&str], values: &[&str]) -> DimensionTerm {
    DimensionTerm {
        name: name.to_owned(),
        kind,
        synonyms: synonyms.iter().map(|word| (*word).to_owned()).collect(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        ..DimensionTerm::default()
    }
}

fn metric(name: &str, label: &str, synonyms: &[&str], entity: &str, dimensions: &[usize]) -> MetricTerm {
    MetricTerm {
        name: name.to_owned(),
        label: Some(label.to_owned()),
        synonyms: synonyms.iter().map(|word| (*word).to_owned()).collect(),
        dimensions: dimensions.to_vec(),
        has_time: true,
        finest_grain: DAILY,
        entity: Some(entity.to_owned()),
        ..MetricTerm::default()
    }
}

/// The vocabulary of the firm.
pub fn vocabulary() -> Vocabulary {
    use DimensionKind::{Boolean, Categorical, EntityKey};
    let dimensions = vec![
        dimension(
            "account__account_name",
            Categorical,
            &["company"],
            &["Acme", "Globex", "Initech", "Soylent Foods"],
        ),
        dimension(
            "account__plan__plan_name",
            Categorical,
            &["tier"],
            &["Free", "Starter", "Pro", "Enterprise"],
        ),
        dimension(
            "account__region",
            Categorical,
            &["territory"],
            &["EMEA", "North America", "APAC", "LATAM"],
        ),
        dimension("account__industry", Categorical, &[], &["Healthcare", "Retail", "Software"]),
        dimension("account__is_trial", Boolean, &[], &["true", "false"]),
        dimension("account__csm", Categorical, &["success manager"], &["Anna Lee", "Bo O'Neil"]),
        dimension("ticket__priority", Categorical, &[], &["low", "medium", "high", "urgent"]),
        dimension("ticket__channel", Categorical, &[], &["email", "chat", "phone"]),
        dimension("ticket__is_escalated", Boolean, &[], &["true", "false"]),
        dimension("account", EntityKey, &[], &[]),
        dimension("subscription__contract_length", Categorical, &[], &["1 year", "2 years"]),
    ];
    let account = [0, 1, 2, 3, 4, 5, 9];
    let subscription = [0, 1, 2, 3, 4, 5, 9, 10];
    let ticket = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    let metrics = vec![
        metric(
            "mrr",
            "MRR",
            &["monthly recurring revenue", "recurring revenue"],
            "subscription",
            &subscription,
        ),
        metric("arr", "ARR", &["annual recurring revenue"], "subscription", &subscription),
        metric(
            "churned_accounts",
            "Churned accounts",
            &["lost customers", "churned customers"],
            "account",
            &account,
        ),
        metric("churn_rate", "Churn rate", &[], "account", &account),
        metric("new_accounts", "New accounts", &["signups"], "account", &account),
        metric("active_users", "Active users", &["users"], "account", &account),
        metric("seats", "Seats", &[], "subscription", &subscription),
        metric("avg_seats", "Average seats", &["seats per subscription"], "subscription", &subscription),
        metric("ticket_count", "Support tickets", &["tickets"], "ticket", &ticket),
        metric("escalated_tickets", "Escalated tickets", &[], "ticket", &ticket),
        metric("avg_resolution_hours", "Average resolution time", &["resolution time"], "ticket", &ticket),
        metric("nps", "Net promoter score", &["NPS"], "account", &account),
        MetricTerm {
            needs_time: true,
            ..metric("mrr_28d", "MRR, 28 days", &["trailing mrr"], "subscription", &subscription)
        },
        MetricTerm { finest_grain: Some(Grain::Month), ..metric("quota", "Sales quota", &[], "quota", &[2]) },
    ];
    Vocabulary { metrics, dimensions, custom_grains: Vec::new() }
}

#[test]
fn questions_about_a_software_firm() {
    let reader = Reader::new(vocabulary());
    let score = script::play(&reader, script::noon("2024-08-20"), include_str!("software.txt"));
    println!("software: {score:?}");
    assert_eq!(score.wrong, 0);
    assert!(score.turns >= 60 && score.right * 100 >= score.turns * 97, "{score:?}");
}
