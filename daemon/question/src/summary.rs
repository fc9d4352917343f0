//! Summary: one line that states a reading in plain words.

use crate::mark::Rank;
use crate::period::{Period, floor};
use crate::plan::{Against, Filter, Group, Plan, Test};
use crate::reading::listed;
use crate::vocabulary::{DimensionTerm, MetricTerm, Vocabulary};
use chrono::NaiveDate;

/// States `plan`, as it is on the day `today`; `corrections` are pairs of a word as typed and as read.
pub(crate) fn summary(
    plan: &Plan,
    vocabulary: &Vocabulary,
    corrections: &[(String, String)],
    today: NaiveDate,
) -> String {
    let titles: Vec<String> = plan.metrics.iter().map(|name| metric_title(vocabulary, name)).collect();
    let mut head = listed(&titles);
    if !plan.groups.is_empty() {
        let groups: Vec<String> = plan.groups.iter().map(|group| group_words(group, vocabulary)).collect();
        head = format!("{head} by {}", listed(&groups));
    }
    let mut parts = vec![head];
    if plan.among.is_empty() {
        parts.extend(plan.period.map(|period| so_far(&period, today)));
        parts.extend(whole_units(plan));
    } else {
        parts.push(listed(&plan.among.iter().map(Period::words).collect::<Vec<_>>()));
    }
    parts.extend(plan.without.iter().map(|period| format!("without {}", period.words())));
    parts.extend(plan.filters.iter().map(|filter| filter_words(filter, vocabulary)));
    parts.extend(plan.having.iter().map(|having| {
        format!("{} {} {}", metric_title(vocabulary, &having.metric), having.op.sign(), having.number)
    }));
    parts.extend(against_words(plan, today));
    let mut line = parts.join(", ");
    if let Some(order) = order_words(plan, vocabulary) {
        line = format!("{line}; {order}");
    }
    for (typed, read) in corrections {
        line = format!("{line} (“{typed}” read as “{read}”)");
    }
    line
}

fn metric_title(vocabulary: &Vocabulary, name: &str) -> String {
    vocabulary
        .metrics
        .iter()
        .find(|metric| metric.name == name)
        .map_or_else(|| name.to_owned(), MetricTerm::title)
}

/// A dimension in words that tell it from its namesakes: "customer region name".
pub(crate) fn dimension_words(term: &DimensionTerm) -> String {
    let title = term.title();
    match term.entities().first() {
        Some(first)
            if term.name.contains("__") && !title.to_lowercase().contains(&first.replace('_', " ")) =>
        {
            format!("{} {title}", first.replace('_', " "))
        }
        _ => title,
    }
}

fn named(vocabulary: &Vocabulary, name: &str) -> String {
    let term = vocabulary.dimensions.iter().find(|term| term.name == name);
    term.map_or_else(|| name.to_owned(), dimension_words)
}

fn group_words(group: &Group, vocabulary: &Vocabulary) -> String {
    match group {
        Group::Time(grain) => grain.name().to_owned(),
        Group::Calendar(name) => name.replace('_', " "),
        Group::Dimension { name, grain: None } => named(vocabulary, name),
        Group::Dimension { name, grain: Some(grain) } => {
            format!("{} of {}", grain.name(), named(vocabulary, name))
        }
    }
}

fn filter_words(filter: &Filter, vocabulary: &Vocabulary) -> String {
    let name = named(vocabulary, &filter.dimension);
    match &filter.test {
        Test::True(true) => format!("{name} is true"),
        Test::True(false) => format!("{name} is false"),
        Test::In(values) => format!("{name} = {}", values.join(" or ")),
        Test::NotIn(values) => {
            format!("{name} not {} (rows without one are left out too)", values.join(" or "))
        }
    }
}

/// A period; of one that has begun and not ended, that it has not.
fn so_far(period: &Period, today: NaiveDate) -> String {
    let running =
        period.start.is_none_or(|start| start <= today) && period.end.is_some_and(|end| end > today);
    format!("{}{}", period.words(), if running { " so far" } else { "" })
}

/// The days that are really counted, where a period is widened to whole units of the grain that is grouped by.
fn whole_units(plan: &Plan) -> Option<String> {
    let grain = plan.groups.iter().find_map(|group| match group {
        Group::Time(grain) => Some(*grain),
        _ => None,
    })?;
    let period = plan.period?;
    let whole = Period {
        start: period.start.and_then(|day| floor(grain, day)),
        end: period.end.and_then(|day| Period::unit(grain, day)?.end),
    };
    (whole != period).then(|| format!("in whole {}s: {}", grain.name(), whole.words()))
}

fn against_words(plan: &Plan, today: NaiveDate) -> Option<String> {
    Some(match plan.against.as_ref()? {
        Against::Share => "as a share of the total".to_owned(),
        Against::Step(grain) => format!("compared {0} by {0}", grain.name()),
        Against::Period(period) => format!("compared with {}", so_far(period, today)),
        Against::Moved { grain, count } => {
            format!("compared with {}", so_far(&plan.period?.moved(*grain, *count)?, today))
        }
    })
}

fn order_words(plan: &Plan, vocabulary: &Vocabulary) -> Option<String> {
    let limit = plan.limit.map(|count| format!("the first {count}, "));
    let limit = limit.unwrap_or_default();
    if !plan.sort.is_empty() {
        let keys: Vec<String> = plan
            .sort
            .iter()
            .map(|column| match column.strip_prefix('-') {
                Some(column) => format!("{} descending", column_words(plan, vocabulary, column)),
                None => column_words(plan, vocabulary, column),
            })
            .collect();
        return Some(format!("{limit}sorted by {}", listed(&keys)));
    }
    if let Some(ranking) = &plan.rank {
        let end = if ranking.rank == Rank::Best { "highest" } else { "lowest" };
        return Some(format!("{limit}{end} {} first", metric_title(vocabulary, &ranking.metric)));
    }
    let time = plan.groups.iter().find(|group| group.is_time())?;
    Some(format!("sorted by {}", group_words(time, vocabulary)))
}

fn column_words(plan: &Plan, vocabulary: &Vocabulary, column: &str) -> String {
    let group = plan.groups.iter().find(|group| group.column() == column);
    group.map_or_else(|| metric_title(vocabulary, column), |group| group_words(group, vocabulary))
}
