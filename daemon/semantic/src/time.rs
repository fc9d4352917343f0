//! ISO dates and instants, and the periods they fall into.

use chrono::{Datelike, Duration, Months, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use crate::grain::Grain;

/// An instant someone wrote, and whether a time of day was written with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub at: NaiveDateTime,
    pub has_time: bool,
}

impl Moment {
    /// Reads `2024-05-01`, `2024-05-01T06:00:00` or `2024-05-01 06:00`, with fractions; no time zone.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        // Years of other than four digits pass some engines and not others.
        if text.as_bytes().get(4) != Some(&b'-') || !text.is_ascii() {
            return None;
        }
        if text.len() == 10 {
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
            return Some(Self { at: date.and_time(NaiveTime::MIN), has_time: false });
        }
        let text = text.replacen('T', " ", 1);
        let text = text.strip_suffix('Z').unwrap_or(&text);
        ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"].iter().find_map(|form| {
            let at = NaiveDateTime::parse_from_str(text, form).ok()?;
            Some(Self { at, has_time: true })
        })
    }

    /// The text of a time stamp literal.
    pub(crate) fn timestamp(&self) -> String {
        timestamp(self.at)
    }
}

/// `2024-05-01 06:00:00`, with a fraction only when there is one.
pub(crate) fn timestamp(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%d %H:%M:%S%.f").to_string()
}

/// The start of the period of that grain.
pub(crate) fn floor(at: NaiveDateTime, grain: Grain) -> NaiveDateTime {
    let date = at.date();
    let day = |date: Option<NaiveDate>| date.map_or(at, |d| d.and_time(NaiveTime::MIN));
    let nanos = at.nanosecond();
    let within = |keep: u32| at.with_nanosecond(nanos - nanos % keep).unwrap_or(at);
    match grain {
        Grain::Nanosecond => at,
        Grain::Microsecond => within(1_000),
        Grain::Millisecond => within(1_000_000),
        Grain::Second => within(1_000_000_000),
        Grain::Minute => floor(at, Grain::Second).with_second(0).unwrap_or(at),
        Grain::Hour => floor(at, Grain::Minute).with_minute(0).unwrap_or(at),
        Grain::Day => day(Some(date)),
        Grain::Week => day(Some(date.week(chrono::Weekday::Mon).first_day())),
        Grain::Month => day(date.with_day(1)),
        Grain::Quarter => day(date.with_day(1).and_then(|d| d.with_month(date.month0() / 3 * 3 + 1))),
        Grain::Year => day(NaiveDate::from_ymd_opt(date.year(), 1, 1)),
    }
}

/// One period later; the same instant when the calendar ends.
pub(crate) fn next(at: NaiveDateTime, grain: Grain) -> NaiveDateTime {
    let months = |n| at.checked_add_months(Months::new(n));
    let later = |span| at.checked_add_signed(span);
    match grain {
        Grain::Nanosecond => later(Duration::nanoseconds(1)),
        Grain::Microsecond => later(Duration::microseconds(1)),
        Grain::Millisecond => later(Duration::milliseconds(1)),
        Grain::Second => later(Duration::seconds(1)),
        Grain::Minute => later(Duration::minutes(1)),
        Grain::Hour => later(Duration::hours(1)),
        Grain::Day => later(Duration::days(1)),
        Grain::Week => later(Duration::weeks(1)),
        Grain::Month => months(1),
        Grain::Quarter => months(3),
        Grain::Year => months(12),
    }
    .unwrap_or(at)
}

/// The start of the first period that begins at or after the instant.
pub(crate) fn ceil(at: NaiveDateTime, grain: Grain) -> NaiveDateTime {
    let start = floor(at, grain);
    if start == at { at } else { next(start, grain) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        Moment::parse(text).expect("a moment").at
    }

    #[test]
    fn periods_begin_where_calendars_say() {
        let cases = [
            (Grain::Day, "2024-02-10", "2024-02-11"),
            (Grain::Week, "2024-02-05", "2024-02-12"),
            (Grain::Month, "2024-02-01", "2024-03-01"),
            (Grain::Quarter, "2024-01-01", "2024-04-01"),
            (Grain::Year, "2024-01-01", "2025-01-01"),
        ];
        for (grain, start, after) in cases {
            let floor = floor(at("2024-02-10T15:30:10"), grain);
            assert_eq!((floor, next(floor, grain)), (at(start), at(after)), "{}", grain.name());
        }
        assert_eq!(floor(at("2024-02-10T15:30:10.5"), Grain::Hour), at("2024-02-10 15:00"));
        assert_eq!(ceil(at("2024-02-10"), Grain::Day), at("2024-02-10"));
    }

    #[test]
    fn only_iso_is_a_moment() {
        assert!(Moment::parse("2024-05-01").is_some_and(|m| !m.has_time));
        assert!(Moment::parse("2024-05-01T06:00:00").is_some_and(|m| m.has_time));
        for bad in [
            "",
            "2024",
            "2024-13-01",
            "2024-02-30",
            "01.05.2024",
            "tomorrow",
            "2024-05-01' or 1",
            "12024-05-01",
        ] {
            assert!(Moment::parse(bad).is_none(), "{bad}");
        }
    }
}
