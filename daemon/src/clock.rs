//! The one place that reads the clocks.
//!
//! The wall clock dates what people read; durations and deadlines follow the monotonic clock, so a clock that is set
//! back never revives or delays anything.

use chrono::{DateTime, SecondsFormat, Utc};

/// Now, by the wall clock.
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Now, as UTC ISO 8601 text with microseconds.
pub fn now_text() -> String {
    text(now())
}

/// A moment as UTC ISO 8601 text with microseconds.
pub fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Milliseconds since `start`, with fraction.
pub fn millis_since(start: std::time::Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}
