//! Dates, times and intervals as the server writes them (`datestyle` ISO, `intervalstyle` postgres, time zone UTC).

use crate::wire::columns::Unreadable;
use arrow::datatypes::IntervalMonthDayNano;
use chrono::{Datelike, NaiveDate};

type Taken<T> = Result<T, Unreadable>;

/// Days from the beginning of the first year to 1970-01-01, as chrono counts them.
const EPOCH_FROM_CE: i32 = 719_163;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

fn number<T: std::str::FromStr>(text: &str) -> Taken<T> {
    // Rust would take a sign, which belongs to none of these.
    let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(Unreadable::Odd)
}

/// Splits ` BC` off.
fn era(text: &str) -> (&str, bool) {
    text.strip_suffix(" BC").map_or((text, false), |rest| (rest, true))
}

fn days(text: &str, before_christ: bool) -> Taken<i32> {
    let mut parts = text.splitn(3, '-');
    let mut part = || parts.next().ok_or(Unreadable::Odd);
    let (year, month, day): (i32, u32, u32) = (number(part()?)?, number(part()?)?, number(part()?)?);
    // There is no year 0: 1 BC comes before 1.
    let year = if before_christ { 1 - year } else { year };
    if !(-262_000..=262_000).contains(&year) {
        return Err(Unreadable::Beyond("a date too far away"));
    }
    let date = NaiveDate::from_ymd_opt(year, month, day).ok_or(Unreadable::Odd)?;
    Ok(date.num_days_from_ce() - EPOCH_FROM_CE)
}

/// `HH:MM:SS[.ffffff]` in microseconds; hours may be many.
fn clock(text: &str) -> Taken<i64> {
    let mut parts = text.splitn(3, ':');
    let (hours, minutes): (i64, i64) =
        (number(parts.next().ok_or(Unreadable::Odd)?)?, number(parts.next().ok_or(Unreadable::Odd)?)?);
    let (seconds, fraction) = parts.next().map_or(("0", ""), |s| s.split_once('.').unwrap_or((s, "")));
    if minutes > 59 || fraction.len() > 6 {
        return Err(Unreadable::Odd);
    }
    let micros: i64 = if fraction.is_empty() { 0 } else { number(&format!("{fraction:0<6}"))? };
    let seconds: i64 = number(seconds)?;
    hours
        .checked_mul(3600)
        .and_then(|s| {
            s.checked_add(minutes * 60)?.checked_add(seconds)?.checked_mul(SECOND)?.checked_add(micros)
        })
        .ok_or(Unreadable::Beyond("a time too long"))
}

/// A date in days since 1970-01-01.
pub(super) fn date(text: &str) -> Taken<i32> {
    if matches!(text, "infinity" | "-infinity") {
        return Err(Unreadable::Beyond("an infinite date"));
    }
    let (text, before_christ) = era(text);
    days(text, before_christ)
}

/// A time of day in microseconds.
pub(super) fn time(text: &str) -> Taken<i64> {
    match clock(text)? {
        DAY => Err(Unreadable::Beyond("the time 24:00:00")),
        micros if micros < DAY => Ok(micros),
        _ => Err(Unreadable::Odd),
    }
}

/// A timestamp in microseconds since 1970-01-01, in UTC where it is `zoned`.
pub(super) fn timestamp(text: &str, zoned: bool) -> Taken<i64> {
    if matches!(text, "infinity" | "-infinity") {
        return Err(Unreadable::Beyond("an infinite timestamp"));
    }
    let (text, before_christ) = era(text);
    let (day, clock_text) = text.split_once(' ').ok_or(Unreadable::Odd)?;
    let (clock_text, offset) = match clock_text.find(['+', '-']) {
        Some(at) if zoned => (&clock_text[..at], offset(&clock_text[at..])?),
        None if !zoned => (clock_text, 0),
        _ => return Err(Unreadable::Odd),
    };
    i64::from(days(day, before_christ)?)
        .checked_mul(DAY)
        .and_then(|micros| micros.checked_add(clock(clock_text).ok()?)?.checked_sub(offset))
        .ok_or(Unreadable::Odd)
}

/// `+02`, `-03:30`, `+00:53:28` in microseconds.
fn offset(text: &str) -> Taken<i64> {
    let (sign, rest) = text.split_at(1);
    let full = if rest.contains(':') { rest.to_owned() } else { format!("{rest}:00") };
    clock(&full).map(|micros| if sign == "-" { -micros } else { micros })
}

/// An interval: `1 year -2 mons +3 days -04:05:06.7`.
pub(super) fn interval(text: &str) -> Taken<IntervalMonthDayNano> {
    const BEYOND: Unreadable = Unreadable::Beyond("an interval too long");
    let (mut months, mut days, mut micros) = (0_i32, 0_i32, 0_i64);
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let (negative, digits) = match word.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, word.strip_prefix('+').unwrap_or(word)),
        };
        if digits.contains(':') {
            let part = clock(digits)?;
            micros = micros.checked_add(if negative { -part } else { part }).ok_or(BEYOND)?;
            continue;
        }
        let amount: i64 = number(digits)?;
        let amount = i32::try_from(if negative { -amount } else { amount }).map_err(|_| BEYOND)?;
        let add =
            |to: i32, times: i32| amount.checked_mul(times).and_then(|n| to.checked_add(n)).ok_or(BEYOND);
        match words.next().ok_or(Unreadable::Odd)? {
            "year" | "years" => months = add(months, 12)?,
            "mon" | "mons" | "month" | "months" => months = add(months, 1)?,
            "day" | "days" => days = add(days, 1)?,
            _ => return Err(Unreadable::Odd),
        }
    }
    let nanos =
        micros.checked_mul(1000).ok_or(Unreadable::Beyond("an interval of more than 292 years of time"))?;
    Ok(IntervalMonthDayNano::new(months, days, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_read_to_the_last_digit() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("2000-02-29", 11_016),
            ("0001-01-01", -719_162),
            ("0001-12-31 BC", -719_163),
            ("10000-01-01", 2_932_897),
        ] {
            assert_eq!(date(text), Ok(days), "{text}");
        }
        assert_eq!(time("23:59:59.999999"), Ok(DAY - 1));
        assert_eq!(time("00:00:00.1"), Ok(100_000));
        assert_eq!(timestamp("1969-12-31 23:59:59.5", false), Ok(-500_000));
        assert_eq!(timestamp("1970-01-01 05:30:00+05:30", true), Ok(0));
        assert_eq!(timestamp("1970-01-01 00:00:00-03", true), Ok(3 * 3600 * SECOND));
        let all =
            [date("infinity").is_err(), timestamp("-infinity", false).is_err(), time("24:00:00").is_err()];
        assert_eq!(all, [true; 3]);
        for odd in ["", "2000-13-01", "2000-02-30", "-1-01-01", "2000-01", "02/03/2000"] {
            assert_eq!(date(odd), Err(Unreadable::Odd), "{odd}");
        }
        assert_eq!(timestamp("1970-01-01 00:00:00", true), Err(Unreadable::Odd));
        assert_eq!(timestamp("1970-01-01 00:00:00+00", false), Err(Unreadable::Odd));
    }

    #[test]
    fn intervals_keep_months_days_and_time_apart() {
        let of = |months, days, micros: i64| Ok(IntervalMonthDayNano::new(months, days, micros * 1000));
        assert_eq!(interval("1 year 2 mons 3 days 04:05:06.7"), of(14, 3, 14_706_700_000));
        assert_eq!(interval("-1 years -2 mons +3 days -00:00:00.000001"), of(-14, 3, -1));
        assert_eq!(interval("13 years 9 mons"), of(165, 0, 0));
        assert_eq!(interval("00:00:00"), of(0, 0, 0));
        assert_eq!(interval("1234:00:00"), of(0, 0, 1234 * 3600 * SECOND));
        assert_eq!(interval("P1Y"), Err(Unreadable::Odd));
        assert_eq!(interval("1"), Err(Unreadable::Odd));
    }
}
