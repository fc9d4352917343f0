//! What makes a name valid, and which known name a misspelt one probably means.

use crate::grain::Grain;

/// The name of the time axis that every metric has.
pub(crate) const METRIC_TIME: &str = "metric_time";

/// Why a name may not be used for an object of the model, or `None` when it may.
pub(crate) fn fault(name: &str) -> Option<&'static str> {
    if name.len() < 2 {
        return Some("a name needs at least two characters");
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Some("a name begins with a lower-case letter");
    }
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        return Some("a name has lower-case letters, digits and underscores only");
    }
    if name.ends_with('_') {
        return Some("a name does not end with an underscore");
    }
    if name.contains("__") {
        return Some("a double underscore separates an entity from its dimension");
    }
    if name == METRIC_TIME {
        return Some("`metric_time` is the time axis of every metric");
    }
    if Grain::parse(name).is_some() {
        return Some("it is the name of a time grain");
    }
    None
}

/// The known names that are most like `wanted`, best first, at most `most`; none when nothing is near.
pub(crate) fn nearest<'a>(
    wanted: &str,
    known: impl IntoIterator<Item = &'a str>,
    most: usize,
) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let mut scored: Vec<(u64, &str)> =
        known.into_iter().filter_map(|name| likeness(&wanted, name).map(|score| (score, name))).collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.into_iter().take(most).map(|(_, name)| name.to_owned()).collect()
}

/// How alike two names are, in thousandths, or `None` when one is no plausible slip for the other.
fn likeness(wanted: &str, name: &str) -> Option<u64> {
    if name.rsplit("__").next() == Some(wanted) {
        return Some(2_000);
    }
    let whole = strsim::normalized_damerau_levenshtein(wanted, name);
    // A shared last part ("customer__segment" for "order__customer__segment") is a better sign than spelling.
    let tail = name.ends_with(wanted) || (wanted.contains("__") && same_tail(wanted, name));
    let score = if tail { whole.max(0.9) } else { whole };
    let contained = wanted.len() >= 4 && name.contains(wanted);
    (score >= 0.6 || contained).then_some((score * 1_000.0) as u64)
}

fn same_tail(a: &str, b: &str) -> bool {
    a.rsplit("__").next() == b.rsplit("__").next()
}

/// A hint that offers the nearest known names, if any is near.
pub(crate) fn did_you_mean<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near = nearest(wanted, known, 3);
    (!near.is_empty()).then(|| format!("did you mean {}?", listed(&near)))
}

/// Names in backticks with commas and a last "or".
pub(crate) fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_follows_the_rules_or_says_which_it_breaks() {
        assert_eq!(fault("order_count2"), None);
        for bad in ["q", "Gross", "2nd", "gross__sum", "extra_", "month", "metric_time", "naïve", ""] {
            assert!(fault(bad).is_some(), "{bad} must be refused");
        }
    }

    #[test]
    fn a_slip_is_answered_with_the_name_meant() {
        let known = ["revenue", "orders", "order__status", "store__region__half"];
        assert_eq!(nearest("revenu", known, 3), ["revenue"]);
        assert_eq!(nearest("status", known, 3), ["order__status"]);
        assert_eq!(nearest("zzzz", known, 3), Vec::<String>::new());
        assert_eq!(listed(&["a".into(), "b".into(), "c".into()]), "`a`, `b` or `c`");
    }
}
