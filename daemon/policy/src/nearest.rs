//! Suggestions for a name that was not found.

/// How many suggestions are given at most.
const MOST: usize = 3;

/// The candidates that look most like `name`, best first, at most three.
///
/// Letters are compared without case. A candidate counts when it can be reached with few slips (a wrong, missing, extra or
/// swapped letter): none for one letter, one up to four letters, then one for every three letters. Equal distances keep
/// the order of the candidates.
pub fn nearest<S: AsRef<str>>(name: &str, candidates: impl IntoIterator<Item = S>) -> Vec<String> {
    let wanted: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    let cutoff = match wanted.len() {
        0 | 1 => 0,
        2..=4 => 1,
        longer => longer / 3,
    };
    let mut found: Vec<(usize, String)> = Vec::new();
    for candidate in candidates {
        let candidate = candidate.as_ref();
        let letters: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
        if letters.len().abs_diff(wanted.len()) > cutoff {
            continue;
        }
        let distance = slips(&wanted, &letters);
        if distance <= cutoff && !found.iter().any(|(_, seen)| seen == candidate) {
            found.push((distance, candidate.to_owned()));
        }
    }
    found.sort_by_key(|(distance, _)| *distance);
    found.into_iter().take(MOST).map(|(_, name)| name).collect()
}

/// Damerau-Levenshtein distance in its restricted form: swapped neighbours count as one slip.
fn slips(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(x != y);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before_last[j - 1] + 1);
            }
            row[j + 1] = best;
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_count_swaps_as_one() {
        let count = |a: &str, b: &str| slips(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert_eq!(count("orders", "orders"), 0);
        assert_eq!(count("odrers", "orders"), 1);
        assert_eq!(count("order", "orders"), 1);
        assert_eq!(count("", "abc"), 3);
        assert_eq!(count("kitten", "sitting"), 3);
    }

    #[test]
    fn suggestions_are_close_and_few() {
        let tables = ["orders", "customers", "ledger", "order_items"];
        assert_eq!(nearest("ORDES", tables), ["orders"]);
        assert_eq!(nearest("custmoers", tables), ["customers"]);
        assert!(nearest("weather", tables).is_empty());
        assert!(nearest("x", ["y"]).is_empty());
        assert_eq!(nearest("sum", ["sun", "sums", "summ", "um", "max"]).len(), 3);
    }
}
