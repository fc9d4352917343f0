//! `wharf metric`: metrics by dimensions, without SQL.

use super::Context;
use super::query::{millis, read_file};
use super::result::{RowsRequest, list, out, out_json, print};
use super::token::seconds;
use crate::cli::{MetricAction, MetricQueryArgs, OutputArgs};
use crate::link::{Client, Failure};
use serde_json::{Map, Value, json};
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use wharf_protocol::{ApiError, ColumnKind, ErrorKind, Format, MetricInfo, MetricReply, MetricRequest};

impl RowsRequest for MetricRequest {
    fn path(&self) -> &'static str {
        "/api/metrics/query"
    }

    fn shape(&mut self, format: Format, _limit: Option<u64>, args: &OutputArgs) {
        self.format = format;
        self.no_header = args.no_header || args.tuples_only;
        self.null.clone_from(&args.null);
    }
}

/// Runs the command.
///
/// # Errors
/// When the query is refused or fails.
pub async fn run(context: &Context, action: MetricAction) -> Result<ExitCode, Failure> {
    match action {
        MetricAction::Query(args) => query(context, *args).await,
        MetricAction::List { output } => metrics(context, &output).await,
        MetricAction::Show { name, json } => show(context, &name, json).await,
    }
}

async fn query(context: &Context, args: MetricQueryArgs) -> Result<ExitCode, Failure> {
    let mut request = MetricRequest {
        query: document(&args)?,
        source: context.source(),
        format: Format::None,
        dry_run: args.show_sql || args.explain,
        timeout_ms: args.timeout.as_deref().map(millis).transpose()?,
        max_age: args.max_age.as_deref().map(seconds).transpose()?,
        no_header: false,
        null: None,
    };
    let client = context.client().await?;
    if args.from.is_none() {
        qualify(&client, &mut request).await?;
    }
    if request.dry_run {
        let reply: MetricReply = client.post("/api/metrics/query", &request).await?;
        if args.output.json {
            out_json(&reply);
        } else if args.show_sql {
            out(&format!("{}\n", reply.sql.trim_end()));
        } else {
            out(&reply.explain);
        }
        return Ok(ExitCode::SUCCESS);
    }
    print(context, &client, request, &args.output).await
}

fn document(args: &MetricQueryArgs) -> Result<Value, Failure> {
    if let Some(from) = &args.from {
        let text = if from == Path::new("-") {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        } else {
            read_file(from)?
        };
        return serde_json::from_str(&text).map_err(|e| {
            let error = ApiError::new(
                ErrorKind::Invalid,
                "bad_query",
                format!("{} is not JSON: {e}", from.display()),
            );
            Failure::from(error)
        });
    }
    let mut query = Map::new();
    let lists = [
        ("metrics", &args.metrics),
        ("group_by", &args.by),
        ("where", &args.conditions),
        ("order_by", &args.order),
    ];
    for (key, values) in lists {
        if !values.is_empty() {
            query.insert(key.to_owned(), json!(values));
        }
    }
    let texts = [("start_time", &args.start), ("end_time", &args.end), ("saved_query", &args.saved_query)];
    for (key, value) in texts {
        if let Some(value) = value {
            query.insert(key.to_owned(), json!(value));
        }
    }
    if let Some(limit) = args.output.limit {
        query.insert("limit".to_owned(), json!(limit));
    }
    Ok(Value::Object(query))
}

const GRAINS: &[&str] = &["second", "minute", "hour", "day", "week", "month", "quarter", "year"];

/// Short names on the command line: `month` is `metric_time__month`, `region` the one dimension that ends in it, and a
/// condition may name dimensions without a template.
async fn qualify(client: &Client, request: &mut MetricRequest) -> Result<(), Failure> {
    let metrics: Vec<String> = texts(&request.query, "metrics");
    let by = texts(&request.query, "group_by");
    let conditions = texts(&request.query, "where");
    let order = texts(&request.query, "order_by");
    let path = request
        .source
        .as_ref()
        .map_or_else(|| "/api/metrics".to_owned(), |s| format!("/api/metrics?source={s}"));
    let short = |name: &str| !name.contains("__") && !name.contains('(');
    let known: Vec<MetricInfo> = if by.iter().any(|b| short(b)) || !conditions.is_empty() {
        client.get(&path).await?
    } else {
        Vec::new()
    };
    let reachable: Vec<&String> =
        known.iter().filter(|m| metrics.contains(&m.name)).flat_map(|m| &m.dimensions).collect();
    let full = |name: &str| -> String {
        if GRAINS.contains(&name) {
            return format!("metric_time__{name}");
        }
        let mut ending: Vec<&&String> =
            reachable.iter().filter(|d| d.rsplit("__").next() == Some(name)).collect();
        ending.sort();
        ending.dedup();
        match &ending[..] {
            [one] => (**one).clone(),
            _ => name.to_owned(),
        }
    };
    let renamed: Vec<(String, String)> =
        by.iter().map(|b| (b.clone(), if short(b) { full(b) } else { b.clone() })).collect();
    if !renamed.is_empty() {
        request.query["group_by"] = json!(renamed.iter().map(|(_, f)| f).collect::<Vec<_>>());
    }
    if !order.is_empty() {
        let order: Vec<String> = order
            .iter()
            .map(|o| {
                let (sign, name) = o.strip_prefix('-').map_or(("", o.as_str()), |n| ("-", n));
                let full = renamed.iter().find(|(short, _)| short == name).map_or(name, |(_, f)| f);
                format!("{sign}{full}")
            })
            .collect();
        request.query["order_by"] = json!(order);
    }
    if !conditions.is_empty() {
        let names: Vec<&str> = reachable.iter().map(|d| d.as_str()).collect();
        let templated: Vec<String> = conditions.iter().map(|c| template(c, &names)).collect();
        request.query["where"] = json!(templated);
    }
    Ok(())
}

fn texts(query: &Value, key: &str) -> Vec<String> {
    let items = query.get(key).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Puts dimensions that stand bare in a condition into templates. Texts in quotes stay as they are, and so does a
/// condition that has templates already.
fn template(condition: &str, dimensions: &[&str]) -> String {
    if condition.contains("{{") {
        return condition.to_owned();
    }
    let mut out = String::new();
    let mut rest = condition;
    while let Some(c) = rest.chars().next() {
        if c == '\'' || c == '"' {
            let end = rest[1..].find(c).map_or(rest.len(), |i| i + 2);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if c.is_alphabetic() || c == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let word = &rest[..end];
            let found = dimensions.iter().find(|d| **d == word).or_else(|| {
                let mut ending = dimensions.iter().filter(|d| d.rsplit("__").next() == Some(word));
                let first = ending.next();
                first.filter(|f| ending.all(|other| other == *f))
            });
            match (found, word.rsplit_once("__")) {
                (Some(name), _) => out.push_str(&reference(name)),
                (None, Some(("metric_time", grain))) => {
                    out.push_str(&format!("{{{{ TimeDimension('metric_time', '{grain}') }}}}"));
                }
                _ => out.push_str(word),
            }
            rest = &rest[end..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// A dimension as a filter names it: of several joins, the path stands apart.
fn reference(full: &str) -> String {
    let parts: Vec<&str> = full.split("__").collect();
    match &parts[..] {
        [path @ .., entity, element] if !path.is_empty() => {
            let path: Vec<String> = path.iter().map(|p| format!("'{p}'")).collect();
            format!("{{{{ Dimension('{entity}__{element}', entity_path=[{}]) }}}}", path.join(", "))
        }
        _ => format!("{{{{ Dimension('{full}') }}}}"),
    }
}

async fn infos(context: &Context, client: &Client) -> Result<Vec<MetricInfo>, Failure> {
    let path =
        context.source().map_or_else(|| "/api/metrics".to_owned(), |s| format!("/api/metrics?source={s}"));
    client.get(&path).await
}

async fn metrics(context: &Context, output: &OutputArgs) -> Result<ExitCode, Failure> {
    let client = context.client().await?;
    let metrics = infos(context, &client).await?;
    let columns = [
        ("name", ColumnKind::Text),
        ("label", ColumnKind::Text),
        ("type", ColumnKind::Text),
        ("source", ColumnKind::Text),
        ("description", ColumnKind::Text),
    ];
    let rows = metrics
        .iter()
        .map(|m| {
            vec![
                Some(m.name.clone()),
                m.label.clone(),
                Some(m.r#type.clone()),
                Some(m.source.clone()),
                m.description.clone(),
            ]
        })
        .collect();
    list(context, output, &columns, rows, &metrics)
}

async fn show(context: &Context, name: &str, json: bool) -> Result<ExitCode, Failure> {
    let client = context.client().await?;
    let metrics = infos(context, &client).await?;
    let Some(metric) = metrics.iter().find(|m| m.name == name) else {
        let error =
            ApiError::new(ErrorKind::NotFound, "unknown_metric", format!("there is no metric `{name}`"));
        return Err(Failure::from(error).hint("`wharf metric list` shows the metrics there are"));
    };
    if json {
        out_json(metric);
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = format!(
        "{} ({}, source {})\n",
        metric.label.as_deref().unwrap_or(&metric.name),
        metric.r#type,
        metric.source
    );
    if let Some(description) = &metric.description {
        text.push_str(&format!("{description}\n"));
    }
    if !metric.synonyms.is_empty() {
        text.push_str(&format!("also: {}\n", metric.synonyms.join(", ")));
    }
    text.push_str("\nby:\n");
    for dimension in &metric.dimensions {
        text.push_str(&format!("  {dimension}\n"));
    }
    out(&text);
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::template;

    #[test]
    fn bare_dimensions_in_a_condition_become_templates() {
        let dimensions = ["order__status", "store__region__region_name", "customer__region__region_name"];
        assert_eq!(template("status = 'status'", &dimensions), "{{ Dimension('order__status') }} = 'status'");
        assert_eq!(
            template("store__region__region_name in ('North')", &dimensions),
            "{{ Dimension('region__region_name', entity_path=['store']) }} in ('North')"
        );
        assert_eq!(template("region_name = 'x'", &dimensions), "region_name = 'x'");
        assert_eq!(
            template("{{ Dimension('order__status') }} = 1", &dimensions),
            "{{ Dimension('order__status') }} = 1"
        );
        assert_eq!(
            template("metric_time__month >= '2024-01-01'", &dimensions),
            "{{ TimeDimension('metric_time', 'month') }} >= '2024-01-01'"
        );
    }
}
