//! How well a name fits what was typed: what begins so first, then what has it inside, then what has its letters in order.

/// What was typed of a name, ready to be compared.
pub(super) struct Typed {
    lower: String,
    ascii: bool,
}

impl Typed {
    pub(super) fn new(text: &str) -> Self {
        let lower = text.to_lowercase();
        Self { ascii: lower.is_ascii(), lower }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lower.is_empty()
    }

    /// A letter says little.
    pub(super) fn is_short(&self) -> bool {
        self.lower.chars().nth(1).is_none()
    }

    /// How far a name is from what was typed; none if it does not fit. Less is better.
    pub(super) fn distance(&self, name: &str) -> Option<u32> {
        if self.lower.is_empty() {
            return Some(PREFIX);
        }
        if self.ascii && name.is_ascii() {
            return distance(
                self.lower.as_bytes(),
                name.as_bytes(),
                |a, b| *a == b.to_ascii_lowercase(),
                |b| !b.is_ascii_alphanumeric(),
            );
        }
        let typed: Vec<char> = self.lower.chars().collect();
        let name: Vec<char> = name.to_lowercase().chars().collect();
        distance(&typed, &name, |a, b| a == b, |c| !c.is_alphanumeric())
    }
}

/// It begins so.
pub(super) const PREFIX: u32 = 1;
/// A word of it begins so.
pub(super) const WORD: u32 = 2;
const INSIDE: u32 = 3;
const LETTERS: u32 = 4;
/// Letters of one another further apart than this on the whole do not remind anybody of the name.
const APART: usize = 12;

fn distance<T: Copy>(
    typed: &[T],
    name: &[T],
    same: impl Fn(&T, &T) -> bool,
    parts: impl Fn(&T) -> bool,
) -> Option<u32> {
    let stands = |window: &[T]| typed.iter().zip(window).all(|(a, b)| same(a, b));
    if name.len() < typed.len() {
        return None;
    }
    if stands(name) {
        return Some(if name.len() == typed.len() { 0 } else { PREFIX });
    }
    let mut inside = false;
    for (at, window) in name.windows(typed.len()).enumerate().skip(1) {
        if stands(window) {
            if name.get(at - 1).is_some_and(&parts) {
                return Some(WORD);
            }
            inside = true;
        }
    }
    if inside {
        return Some(INSIDE);
    }
    // One letter is in nearly every name.
    if typed.len() < 2 || !name.first().zip(typed.first()).is_some_and(|(n, t)| same(t, n)) {
        return None;
    }
    let (mut at, mut apart) = (0, 0);
    for letter in typed {
        let step = name.get(at..)?.iter().position(|n| same(letter, n))?;
        (at, apart) = (at + step + 1, apart + step);
    }
    (apart <= APART).then(|| LETTERS + u32::try_from(apart).unwrap_or(u32::MAX - LETTERS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_so_comes_first() {
        let of = |typed: &str, name: &str| Typed::new(typed).distance(name);
        let order = ["cust", "customer_id", "big_customer", "xcustx", "c_u_s_t"];
        let found: Vec<u32> = order.iter().map(|n| of("cust", n).unwrap()).collect();
        assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
        assert_eq!(of("CUST", "cust"), Some(0));
        assert_eq!(of("cid", "customer_id"), Some(LETTERS + 8));
        assert_eq!(of("grö", "Größe"), Some(PREFIX));
        assert_eq!(of("x", "abc"), None);
        assert_eq!(of("order", "ord"), None);
    }
}
