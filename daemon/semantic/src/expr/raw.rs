//! The author's own SQL: column expressions of entities, dimensions and measures.
//!
//! The author of a model is trusted with SQL, but an expression is put into a larger statement, so it must be closed
//! in itself: one expression, every bracket and quote closed, no comment, no second statement.

use super::Fault;

/// Words that begin or continue a statement and so cannot stand outside brackets in an expression.
const STATEMENT_WORDS: [&str; 19] = [
    "select",
    "from",
    "where",
    "group",
    "having",
    "order",
    "limit",
    "union",
    "intersect",
    "except",
    "join",
    "insert",
    "update",
    "delete",
    "as",
    "qualify",
    "into",
    "returning",
    "using",
];

/// Words after which an expression cannot end.
const OPERATORS: [&str; 9] = ["and", "or", "not", "like", "between", "is", "in", "when", "then"];

/// Refuses a text that is not one closed SQL expression.
pub(crate) fn check(text: &str) -> Result<(), Fault> {
    let mut scan = Scan::default();
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at = scan.step(&chars, at, c)?;
    }
    scan.finish()
}

#[derive(Default)]
struct Scan {
    closers: Vec<char>,
    cases: usize,
    last: String,
    /// True when the last token was a value, so that a second value may not follow directly.
    any: bool,
}

impl Scan {
    fn step(&mut self, chars: &[char], at: usize, c: char) -> Result<usize, Fault> {
        let pair = chars.get(at + 1).copied();
        match (c, pair) {
            (c, _) if c.is_whitespace() => return Ok(at + 1),
            ('-', Some('-')) | ('/', Some('*')) => {
                return Err(Fault::new("an expression may not hold a comment"));
            }
            (';', _) => return Err(Fault::new("an expression may not hold `;`")),
            ('\'' | '"' | '`', _) => {
                self.token("'");
                return close_quote(chars, at, c);
            }
            (c, _) if c.is_alphanumeric() || c == '_' => {
                let end = chars[at..]
                    .iter()
                    .position(|c| !(c.is_alphanumeric() || *c == '_' || *c == '.' || *c == '$'))
                    .map_or(chars.len(), |n| at + n);
                let word: String = chars[at..end].iter().collect();
                self.word(&word.to_lowercase())?;
                return Ok(end);
            }
            ('(', _) => self.closers.push(')'),
            ('[', _) => self.closers.push(']'),
            ('{', _) => self.closers.push('}'),
            (')' | ']' | '}', _) if self.closers.pop() != Some(c) => {
                return Err(Fault::new(format!("`{c}` closes a bracket that was not opened")));
            }
            (',', _) if self.closers.is_empty() => {
                return Err(Fault::new("a comma outside brackets makes it two expressions"));
            }
            _ => {}
        }
        self.token(&c.to_string());
        Ok(at + 1)
    }

    fn word(&mut self, word: &str) -> Result<(), Fault> {
        if self.closers.is_empty() && STATEMENT_WORDS.contains(&word) && self.any {
            return Err(Fault::new(format!("`{word}` outside brackets is no part of an expression")));
        }
        match word {
            "case" => self.cases += 1,
            "end" => self.cases = self.cases.saturating_sub(1),
            _ => {}
        }
        self.token(word);
        Ok(())
    }

    fn token(&mut self, token: &str) {
        token.clone_into(&mut self.last);
        self.any = true;
    }

    fn finish(self) -> Result<(), Fault> {
        if !self.any {
            return Err(Fault::new("an expression may not be empty"));
        }
        if let Some(closer) = self.closers.last() {
            return Err(Fault::new(format!("`{closer}` is missing at the end")));
        }
        if self.cases > 0 {
            return Err(Fault::new("`case` has no `end`"));
        }
        let operator = self.last.chars().all(|c| "+-*/%=<>|&^,.!:".contains(c)) && self.last != "*";
        if operator || OPERATORS.contains(&self.last.as_str()) {
            return Err(Fault::new(format!("the expression ends with `{}`", self.last)));
        }
        Ok(())
    }
}

fn close_quote(chars: &[char], at: usize, quote: char) -> Result<usize, Fault> {
    let mut end = at + 1;
    while let Some(&c) = chars.get(end) {
        if c == '\\' && quote == '\'' {
            // Some engines read this as an escape, some do not: refuse what would close the quote in only one of them.
            if chars.get(end + 1) == Some(&quote) {
                return Err(Fault::new(
                    "a backslash before a quote means different things to different engines",
                )
                .hint("write the quote twice"));
            }
        } else if c == quote {
            if chars.get(end + 1) != Some(&quote) {
                return Ok(end + 1);
            }
            end += 1;
        }
        end += 1;
    }
    Err(Fault::new(format!("the quote {quote} is not closed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_closed_expression_passes() {
        for good in [
            "order_id",
            "1",
            "order",
            "\"weird \"\"name\"",
            "coalesce(discount_pct, 0) > 0",
            "case when a < 50 then 'low;' else '--' end",
            "(select max(x) from t)",
            "a::date",
            "count(*)",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_could_leak_into_the_statement_around_it_is_refused() {
        for bad in [
            "",
            "a; drop table x",
            "a -- b",
            "a /* b",
            "a) from t where (1",
            "a, b",
            "'a",
            "(a",
            "a from t",
            "a +",
            "case when a then b",
            "'a\\' or '",
            "x union select y",
            "a as b",
            "a and",
        ] {
            assert!(check(bad).is_err(), "{bad} must be refused");
        }
    }
}
