//! The CTE names that are visible at a point of the text.

use std::collections::HashMap;

/// Visible names, innermost last, with a quick look-up: a text can define thousands.
#[derive(Debug, Default)]
pub(super) struct Scope {
    names: Vec<String>,
    counts: HashMap<String, usize>,
}

impl Scope {
    /// How many names are visible; [`Scope::truncate`] goes back to it.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Makes a name visible.
    pub(super) fn push(&mut self, name: String) {
        *self.counts.entry(name.clone()).or_default() += 1;
        self.names.push(name);
    }

    /// Hides the names that were pushed after the first `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        for name in self.names.drain(len.min(self.names.len())..) {
            if let Some(count) = self.counts.get_mut(&name) {
                *count -= 1;
            }
        }
    }

    /// Whether a name is visible.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.counts.get(name).is_some_and(|count| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hidden_again() {
        let mut scope = Scope::default();
        scope.push("a".to_owned());
        let outer = scope.len();
        scope.push("a".to_owned());
        scope.push("b".to_owned());
        assert!(scope.contains("a") && scope.contains("b"));
        scope.truncate(outer);
        assert!(scope.contains("a") && !scope.contains("b"));
        scope.truncate(0);
        assert!(!scope.contains("a"));
    }
}
