//! When a replica is refreshed by itself. Pure but for the draw of the jitter.

use chrono::{DateTime, TimeDelta, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use rand::RngExt;
use wharf_protocol::{ApiError, ErrorKind};

/// Reads a cron expression of five fields.
///
/// # Errors
/// When it is none.
pub(super) fn parse(text: &str) -> Result<Cron, ApiError> {
    CronParser::builder().seconds(Seconds::Disallowed).build().parse(text).map_err(|e| {
        let message = format!("`{text}` is no schedule: {e}");
        ApiError::new(ErrorKind::Invalid, "bad_schedule", message)
            .hint("write minute, hour, day, month and weekday, in UTC: `0 5 * * *` is every day at five")
    })
}

/// The next time after `after`, up to `jitter` seconds late; none where it never comes again.
pub(super) fn next(schedule: &Cron, jitter: u64, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let due = schedule.find_next_occurrence(&after, false).ok()?;
    let late = match i64::try_from(jitter) {
        Ok(seconds @ 1..) => rand::rng().random_range(0..=seconds),
        _ => 0,
    };
    due.checked_add_signed(TimeDelta::try_seconds(late)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_follows_the_expression_and_is_late_by_no_more_than_the_jitter() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc);
        let daily = parse("0 5 * * *").unwrap();
        assert_eq!(next(&daily, 0, at("2026-01-31T05:00:00Z")), Some(at("2026-02-01T05:00:00Z")));
        for _ in 0..100 {
            let due = next(&daily, 60, at("2026-01-31T04:00:00Z")).unwrap();
            assert!(due >= at("2026-01-31T05:00:00Z") && due <= at("2026-01-31T05:01:00Z"), "{due}");
        }
        for wrong in ["", "every day", "61 * * * *", "* * * * * *", "* * *"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
