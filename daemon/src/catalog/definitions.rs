//! Of what views are made.

use std::collections::{HashMap, HashSet};

/// The texts of a source's views and macros, by name.
#[derive(Debug, Default)]
pub struct Definitions(HashMap<String, Vec<String>>, HashSet<String>);

impl Definitions {
    /// From names and texts, as the engine spells them. Several may share a name.
    pub(super) fn new(texts: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut all: HashMap<String, Vec<String>> = HashMap::new();
        for (name, text) in texts {
            all.entry(name.to_lowercase()).or_default().push(text.to_lowercase());
        }
        Self(all, HashSet::new())
    }

    /// Views of which nobody tells how they are made: each may read anything.
    pub(super) fn hidden(views: impl IntoIterator<Item = String>) -> Self {
        Self(HashMap::new(), views.into_iter().map(|name| name.to_lowercase()).collect())
    }

    /// Whether the view of this name may read one of `tables`, itself or through views and macros that it names.
    ///
    /// A text is said to name whatever stands in it as a word: a column that is called like a table is taken for the table. What
    /// this misses nobody may read around; what it finds too much an admin can allow by a rule on the view.
    pub fn may_read(&self, view: &str, tables: &[&str]) -> bool {
        if self.1.contains(&view.to_lowercase()) {
            return !tables.is_empty();
        }
        let tables: Vec<String> = tables.iter().map(|t| t.to_lowercase()).collect();
        let (mut seen, mut next) = (HashSet::new(), vec![view.to_lowercase()]);
        while let Some(name) = next.pop() {
            for text in self.0.get(&name).into_iter().flatten() {
                if tables.iter().any(|table| names(text, table)) {
                    return true;
                }
                next.extend(
                    self.0.keys().filter(|known| names(text, known) && !seen.contains(*known)).cloned(),
                );
            }
            seen.insert(name);
        }
        false
    }
}

/// Whether `name` stands in `text` as a word of its own, or in quotes.
fn names(text: &str, name: &str) -> bool {
    let quoted = format!("\"{}\"", name.replace('"', "\"\""));
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let alone = |(at, found): (usize, &str)| {
        !text[..at].ends_with(is_word) && !text[at + found.len()..].starts_with(is_word)
    };
    text.contains(&quoted) || (!name.is_empty() && text.match_indices(name).any(alone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_reads_what_it_names_and_what_that_names() {
        let of = |pairs: &[(&str, &str)]| {
            Definitions::new(pairs.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())))
        };
        let all = of(&[
            ("v", "CREATE VIEW v AS SELECT * FROM Orders;"),
            ("w", "CREATE VIEW s.w (a) AS SELECT * FROM v;"),
            ("m", "(SELECT count_star() FROM orders)"),
            ("x", "CREATE VIEW x AS SELECT m(1) AS k;"),
            ("y", "CREATE VIEW y AS SELECT * FROM orders_2024, myorders, orders$;"),
            ("z", "CREATE VIEW z AS SELECT * FROM \"odd\"\"name\", \"orders\";"),
            ("loop", "CREATE VIEW loop AS SELECT * FROM pool;"),
            ("pool", "CREATE VIEW pool AS SELECT * FROM loop;"),
        ]);
        for (view, reads) in [
            ("v", true),
            ("V", true),
            ("w", true),
            ("x", true),
            ("y", false),
            ("z", true),
            ("loop", false),
            ("none", false),
        ] {
            assert_eq!(all.may_read(view, &["orders"]), reads, "{view}");
        }
        assert!(all.may_read("z", &["odd\"name"]) && !all.may_read("w", &[]));
    }
}
