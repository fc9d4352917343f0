//! Times as days since 1970-01-01, and ages in words.

/// Days since 1970-01-01 of an ISO date, or date and time, or month, or year.
pub fn days(text: &str) -> Option<f64> {
    let digits = |range: std::ops::Range<usize>| text.get(range).and_then(|t| t.parse::<i32>().ok());
    let part = |range: std::ops::Range<usize>, or: i32| {
        if text.len() > range.start { digits(range) } else { Some(or) }
    };
    let year = digits(0..4)?;
    let month = part(5..7, 1)?;
    let day = part(8..10, 1)?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let clock = if text.len() >= 16 {
        f64::from(digits(11..13)?) / 24.0
            + f64::from(digits(14..16)?) / 1440.0
            + text.get(17..19).and_then(|s| s.parse::<f64>().ok()).unwrap_or(0.0) / 86_400.0
    } else {
        0.0
    };
    // The year begins in March, so that the leap day comes last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let date =
        365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day - 1;
    Some(f64::from(date - 719_468) + clock)
}

/// How long ago something was, from a span in days: `just now`, `5 min ago`, `3 days ago`.
pub fn age(span: f64) -> String {
    let minutes = span * 1440.0;
    if minutes < 1.0 {
        return "just now".to_owned();
    }
    let (count, unit) = if minutes < 60.0 {
        (minutes, "min")
    } else if minutes < 1440.0 {
        (minutes / 60.0, "h")
    } else {
        (span, if span < 2.0 { "day" } else { "days" })
    };
    format!("{:.0} {unit} ago", count.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_1970_and_leap_years_are_right() {
        assert_eq!(days("1970-01-01"), Some(0.0));
        assert_eq!(days("2000-03-01"), Some(11_017.0));
        assert_eq!(days("2024-02-29T12:00:00"), Some(19_782.5));
        assert_eq!(days("2024"), days("2024-01-01"));
        assert_eq!(days("north"), None);
        assert_eq!(days("2024-13"), None);
    }

    #[test]
    fn ages_are_said_in_words() {
        assert_eq!(age(0.0001), "just now");
        assert_eq!(age(-1.0), "just now");
        assert_eq!(age(0.01), "14 min ago");
        assert_eq!(age(0.2), "4 h ago");
        assert_eq!(age(1.2), "1 day ago");
        assert_eq!(age(40.0), "40 days ago");
    }
}
