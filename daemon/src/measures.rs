//! What is counted, in the text format of Prometheus.
//!
//! Names and units follow its conventions; labels come from small fixed sets (a route's pattern, never a path), so that their
//! number stays bounded.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::time::Duration;
use wharf_protocol::ErrorKind;

/// Bounds of durations, in seconds: from a warm lookup to a long statement.
const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// What was counted since the start. Cheap to clone.
#[derive(Clone)]
pub struct Measures(PrometheusHandle);

impl Measures {
    /// Begins to count, for the whole process.
    pub fn begin() -> Self {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("something else counts in this process already");
        }
        describe();
        Self(handle)
    }

    /// All counts as text.
    pub fn text(&self) -> String {
        self.0.render()
    }

    /// Folds what was observed since the last time into the histograms; else they would keep every observation.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!("wharf_http_requests_total", "Requests answered, by method, route and status.");
    describe_histogram!("wharf_http_request_seconds", "From a request's head to its reply's head, by route.");
    describe_counter!("wharf_statements_total", "Statements that ended, by action and outcome.");
    describe_histogram!(
        "wharf_statement_seconds",
        "From a statement's acceptance to its last row, by action."
    );
    describe_counter!("wharf_rows_total", "Rows handed out.");
    describe_counter!("wharf_bytes_total", "Bytes of results handed out.");
    describe_counter!("wharf_errors_total", "Errors told to callers, by kind.");
    describe_counter!(
        "wharf_profiles_total",
        "Profiles asked for, by whether a stored one was reused (hit) or not (miss)."
    );
    describe_counter!(
        "wharf_results_total",
        "Statements whose answer could be a kept result, by whether it was (hit) or not (miss)."
    );
    describe_counter!("wharf_authentications_total", "Credentials looked at, by outcome.");
    describe_gauge!("wharf_statements_running", "Statements that run now.");
    describe_gauge!("wharf_statements_waiting", "Statements that wait for a place.");
    describe_gauge!("wharf_connections", "Open connections.");
    describe_gauge!("wharf_streams", "Streams of events that are open.");
    now("wharf_streams", 0);
    describe_gauge!("wharf_turns_running", "Turns of conversations that run now.");
    describe_gauge!("wharf_resident_bytes", "Memory that the daemon holds.");
}

/// A request was answered. `route` is a pattern such as `/api/tokens/{id}`.
pub fn request(method: &str, route: &str, status: u16, took: Duration) {
    let (method, route) = (method.to_owned(), route.to_owned());
    metrics::counter!("wharf_http_requests_total", "method" => method, "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!("wharf_http_request_seconds", "route" => route).record(took.as_secs_f64());
}

/// A statement's answer could be a kept result, and was (`hit`) or not (`miss`).
pub fn result(cache: &'static str) {
    metrics::counter!("wharf_results_total", "cache" => cache).increment(1);
}

/// A statement ended.
pub fn statement(action: &'static str, outcome: &'static str, seconds: f64, rows: u64, bytes: u64) {
    metrics::counter!("wharf_statements_total", "action" => action, "outcome" => outcome).increment(1);
    metrics::histogram!("wharf_statement_seconds", "action" => action).record(seconds);
    metrics::counter!("wharf_rows_total").increment(rows);
    metrics::counter!("wharf_bytes_total").increment(bytes);
}

/// An error was told.
pub fn error(kind: ErrorKind) {
    let kind =
        serde_json::to_value(kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    metrics::counter!("wharf_errors_total", "kind" => kind).increment(1);
}

/// A profile was asked for.
pub fn profile(reused: bool) {
    metrics::counter!("wharf_profiles_total", "cache" => if reused { "hit" } else { "miss" }).increment(1);
}

/// Credentials were looked at.
pub fn authentication(good: bool) {
    metrics::counter!("wharf_authentications_total", "outcome" => if good { "accepted" } else { "refused" })
        .increment(1);
}

/// What is going on now.
pub fn now(name: &'static str, value: u64) {
    #[allow(clippy::cast_precision_loss)]
    metrics::gauge!(name).set(value as f64);
}
