//! What the models answer.

use super::House;
use crate::demo::files::MODELS;
use wharf_protocol::{Answer, AskRequest, TurnStatus};
use wharf_semantic::{MetricQuery, Model, Options, compile};

const LAST_DAY: &str = "2026-05-14";
const TODAY: &str = "2026-05-15T09:00:00Z";

const NEWCOMER: &str = include_str!("newcomer.txt");

async fn ask(house: &House, question: &str) -> Answer {
    let request = serde_json::json!({"question": question, "source": "demo", "now": TODAY});
    let request: AskRequest = serde_json::from_value(request).unwrap();
    let started = house.agents.ask(&house.gate, request).await.unwrap();
    loop {
        let turn = house.sessions.turn("owner", &started.turn_id).await.unwrap();
        if turn.answer.status != TurnStatus::Incomplete {
            return turn.answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

fn state(answer: &Answer) -> String {
    let query: MetricQuery =
        serde_json::from_value(answer.query.clone().unwrap_or_default()).unwrap_or_default();
    let mut text = query.metrics.join(", ");
    for (word, list) in [("by", &query.group_by), ("where", &query.r#where), ("sort", &query.order_by)] {
        if !list.is_empty() {
            let list = list.join(", ").replace("{{ Dimension('", "").replace("') }}", "");
            text.push_str(&format!(" {word} {list}"));
        }
    }
    for (word, at) in [("from", &query.start_time), ("to", &query.end_time)] {
        if let Some(at) = at {
            text.push_str(&format!(" {word} {}", at.get(..10).unwrap_or(at)));
        }
    }
    if let Some(limit) = query.limit {
        text.push_str(&format!(" limit {limit}"));
    }
    text
}

#[tokio::test]
async fn a_newcomers_questions_are_answered() {
    let house = House::new().await;
    let demo = house.set_up(LAST_DAY, false).await.unwrap();
    for question in demo.questions.iter().chain(demo.facts.anomalies.iter().map(|a| &a.question)) {
        let answer = ask(&house, question).await;
        println!("{question}\n  {}\n  {}", state(&answer), answer.answer);
        assert_eq!(answer.status, TurnStatus::Completed, "{question}: {answer:?}");
        assert!(answer.result.is_some_and(|r| r.rows.len() > 3), "{question}");
        assert!(answer.chart.is_some(), "{question}");
    }
    let (mut asked, mut wrong) = (0, 0);
    let mut lines = NEWCOMER.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#'));
    while let (Some(question), Some(wanted)) = (lines.next(), lines.next()) {
        asked += 1;
        let answer = ask(&house, question).await;
        let rows = answer.result.as_ref().map_or(0, |r| r.rows.len());
        if answer.status != TurnStatus::Completed || rows == 0 || state(&answer) != wanted.trim() {
            wrong += 1;
            println!(
                "{question}\n    {}   # {rows} rows; {:?} {}",
                state(&answer),
                answer.status,
                answer.answer
            );
        }
    }
    assert!(asked >= 30);
    assert_eq!(wrong, 0, "of {asked}");
}

/// Every metric alone, by month and by every dimension it has, and by two dimensions together.
#[tokio::test]
async fn every_metric_compiles_and_runs() {
    let tables = ["calendar", "customers", "products", "stores", "orders", "order_lines", "returns"];
    assert_eq!(wharf_semantic::lint(&MODELS, Some(&tables)), []);
    let model = Model::parse(&MODELS).unwrap();
    let house = House::new().await;
    let demo = house.set_up(LAST_DAY, false).await.unwrap();
    let shop = super::open(std::path::Path::new(&demo.path));
    let mut ran = 0;
    for metric in model.offered() {
        assert!(metric.about.description.is_some() && metric.about.label.is_some(), "{}", metric.name);
        let items = wharf_semantic::group_by_items(&model, &[metric.name.as_str()]).unwrap().dimensions;
        let usable: Vec<&String> = items.iter().filter(|i| !i.contains("customer_name")).collect();
        let month = "metric_time__month".to_owned();
        let mut groups = vec![vec![month.clone()]];
        groups.extend(usable.iter().take(1).map(|i| vec![month.clone(), (*i).clone()]));
        groups.extend(usable.windows(2).step_by(3).map(|two| two.iter().map(|i| (*i).clone()).collect()));
        let alongside = metric.name.starts_with("revenue_");
        for group_by in groups.into_iter().filter(|g| !alongside || g.contains(&month)) {
            let query =
                MetricQuery { metrics: vec![metric.name.clone()], group_by, ..MetricQuery::default() };
            let sql = compile(&model, &query, &Options::default())
                .unwrap_or_else(|e| panic!("{query:?}: {e:?}"))
                .sql;
            let count = format!("select count(*) from ({})", sql.trim_end_matches(';'));
            assert!(super::number(&shop, &count) > 0.0, "{query:?}\n{sql}");
            ran += 1;
        }
    }
    println!("{ran} queries");
    for model in model.semantic_models() {
        assert!(
            model.dimensions.iter().all(|d| d.about.description.is_some() && d.about.label.is_some()),
            "{}",
            model.name
        );
    }
}
