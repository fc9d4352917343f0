//! Dates and instants from their text, to the microsecond, over the engine's whole range of years.

use chrono::{NaiveDate, NaiveTime, Timelike};

const MICROS_A_DAY: i64 = 86_400_000_000;

/// Days since 1970 of `2026-01-31`, `-0044-03-15` or `+10000-01-01`.
pub(super) fn days(text: &str) -> Option<i32> {
    let (date, rest) = date(text.trim())?;
    rest.is_empty().then(|| since_1970(date))?
}

/// Microseconds since 1970 of `2021-01-01T10:00:00.000-08:00`, and whether its zone moved it. Also with a blank in the middle, with
/// `Z`, or without a zone, which then counts as UTC. Digits beyond the microsecond must be zero.
pub(super) fn micros(text: &str) -> Option<(i64, bool)> {
    let (date, rest) = date(text.trim())?;
    let day = i64::from(since_1970(date)?).checked_mul(MICROS_A_DAY)?;
    if rest.is_empty() {
        return Some((day, false));
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(end);
    let within = time_of_day(time)?;
    let zone = zone.trim();
    let offset = match zone {
        "" | "Z" | "z" | "UTC" | "Etc/UTC" | "GMT" => 0,
        zone => offset(zone)?,
    };
    let instant = day.checked_add(within)?.checked_sub(offset * 1_000_000)?;
    Some((instant, offset != 0))
}

fn since_1970(date: NaiveDate) -> Option<i32> {
    let days = date.signed_duration_since(NaiveDate::from_ymd_opt(1970, 1, 1)?).num_days();
    i32::try_from(days).ok()
}

/// A date at the front, and what comes behind it.
fn date(text: &str) -> Option<(NaiveDate, &str)> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (year, rest) = digits.split_once('-')?;
    let (month, rest) = rest.split_once('-')?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (day, rest) = rest.split_at(end);
    if year.len() < 4 || !year.bytes().chain(month.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let date =
        NaiveDate::from_ymd_opt(sign * year.parse::<i32>().ok()?, month.parse().ok()?, day.parse().ok()?)?;
    Some((date, rest))
}

/// Microseconds since midnight of `10:00:00.5` or `10:00`.
fn time_of_day(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':').map(str::parse::<u32>);
    let (hour, minute) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let second = parts.next().transpose().ok()?.unwrap_or(0);
    if parts.next().is_some() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let time = NaiveTime::from_hms_opt(hour, minute, second)?;
    let (micros, beyond) = fraction.split_at(fraction.len().min(6));
    if beyond.bytes().any(|b| b != b'0') {
        return None;
    }
    let micros: i64 = format!("{micros:0<6}").parse().ok()?;
    Some(i64::from(time.num_seconds_from_midnight()) * 1_000_000 + micros)
}

/// Seconds of `+01:00`, `-0800` or `+01:00:30`.
fn offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let plain: String = digits.chars().filter(|c| *c != ':').collect();
    if !matches!(plain.len(), 2 | 4 | 6) || !plain.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| plain.get(at..at + 2).map_or(Some(0), |two| two.parse::<i64>().ok());
    Some(sign * (part(0)? * 3600 + part(2)? * 60 + part(4)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_dates_are_read_exactly() {
        assert_eq!((days("1970-01-02"), days("0001-01-01")), (Some(1), Some(-719_162)));
        assert_eq!(days("+10000-01-01"), Some(2_932_897));
        for odd in ["", "x", "2026-02-30", "2026-1", "26-01-01", "2026-01-01x"] {
            assert_eq!(days(odd), None, "{odd}");
        }
        let at = 1_609_459_200_000_000;
        for (text, expected) in [
            ("2021-01-01T00:00:00.000Z", (at, false)),
            ("2021-01-01 00:00:00", (at, false)),
            ("2020-12-31T16:00:00.000-08:00", (at, true)),
            ("2021-01-01T05:30:00.000001+05:30", (at + 1, true)),
            ("2021-01-01T00:00:00.123456000", (at + 123_456, false)),
            ("2021-01-01", (at, false)),
            ("1969-12-31T23:59:59.999999Z", (-1, false)),
            ("9999-12-31T23:59:59.999999Z", (253_402_300_799_999_999, false)),
        ] {
            assert_eq!(micros(text), Some(expected), "{text}");
        }
        for odd in
            ["2021-01-01T25:00:00", "2021-01-01T00:00:00.0000001", "2021-01-01T00:00:00 CET", "é-01-01"]
        {
            assert_eq!(micros(odd), None, "{odd}");
        }
    }
}
