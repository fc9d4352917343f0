//! `.env` files: variables as shells, Docker and the libraries called dotenv read them.
//!
//! A reader of our own: the crate for it looks variables up in the environment of this process while it reads, takes `$` in a
//! password for one, and puts the line, with the secret in it, into its errors.

use std::collections::HashMap;

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Where it begins, counted from 1.
    pub line: usize,
}

/// Variables in order of their names' first lines; what a name says last holds; and what is wrong, with its line.
#[derive(Debug, Default)]
pub struct Dotenv {
    /// The variables.
    pub variables: Vec<Variable>,
    /// Line and fault.
    pub faults: Vec<(usize, &'static str)>,
    by_name: HashMap<String, usize>,
}

impl Dotenv {
    /// Reads a file.
    pub fn read(text: &str) -> Self {
        let mut read = Self::default();
        let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut line = 1;
        while !rest.is_empty() {
            let begun = line;
            let (head, behind) = rest.split_once('\n').unwrap_or((rest, ""));
            let assigned = head.trim().strip_prefix("export ").unwrap_or(head.trim()).trim_start();
            if assigned.is_empty() || assigned.starts_with('#') {
                (rest, line) = (behind, line + 1);
                continue;
            }
            let (name, after) = assigned.split_once('=').unwrap_or((assigned, ""));
            if !assigned.contains('=') || !is_name(name.trim_end()) {
                read.faults.push((begun, "not of the form NAME=VALUE"));
                (rest, line) = (behind, line + 1);
                continue;
            }
            // A quoted value may go on over lines, so it is read from the whole rest.
            let at = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            let from = at + rest[at..].find('=').map_or(0, |i| i + 1);
            let after = after.trim_start();
            let from = from + (rest[from..].len() - rest[from..].trim_start_matches([' ', '\t']).len());
            let (value, used) = match after.chars().next() {
                Some(quote @ ('"' | '\'')) => match read.quoted(&rest[from..], quote) {
                    Some(read) => read,
                    None => {
                        read.faults.push((begun, "a quote that does not end"));
                        return read;
                    }
                },
                _ => (read.expanded(plain(after)), head.len() - from),
            };
            let name = name.trim_end().to_owned();
            read.keep(Variable { name, value, line: begun });
            let end = from + used;
            line += rest[..end].matches('\n').count() + 1;
            rest = rest[end..].split_once('\n').map_or("", |(_, behind)| behind);
        }
        read
    }

    fn keep(&mut self, variable: Variable) {
        match self.by_name.get(&variable.name).and_then(|at| self.variables.get_mut(*at)) {
            Some(before) => *before = variable,
            None => {
                self.by_name.insert(variable.name.clone(), self.variables.len());
                self.variables.push(variable);
            }
        }
    }

    /// A value in quotes, and how long it is with them.
    fn quoted(&self, text: &str, quote: char) -> Option<(String, usize)> {
        let (mut value, mut letters) = (String::new(), text.char_indices().skip(1));
        while let Some((at, letter)) = letters.next() {
            match letter {
                letter if letter == quote => {
                    let value = value.replace("\r\n", "\n");
                    return Some((if quote == '"' { self.expanded(&value) } else { value }, at + 1));
                }
                '\\' if quote == '"' => match letters.next()?.1 {
                    'n' => value.push('\n'),
                    'r' => value.push('\r'),
                    't' => value.push('\t'),
                    known @ ('"' | '\\' | '$' | '`' | '\'') => value.push(known),
                    other => value.extend(['\\', other]),
                },
                letter => value.push(letter),
            }
        }
        None
    }

    /// `${NAME}` is the value of a variable above. A `$` that begins nothing of the kind stays: passwords have them.
    fn expanded(&self, text: &str) -> String {
        let (mut value, mut rest) = (String::new(), text);
        while let Some((before, behind)) = rest.split_once("${") {
            let known = behind
                .split_once('}')
                .and_then(|(name, after)| Some((self.variables.get(*self.by_name.get(name)?)?, after)));
            value.push_str(before);
            match known {
                Some((variable, after)) => {
                    value.push_str(&variable.value);
                    rest = after;
                }
                None => {
                    value.push_str("${");
                    rest = behind;
                }
            }
        }
        value.push_str(rest);
        value
    }
}

/// A value without quotes ends before a comment, which begins behind white space.
fn plain(text: &str) -> &str {
    let comment =
        text.char_indices().find(|(at, c)| *c == '#' && (*at == 0 || text[..*at].ends_with([' ', '\t'])));
    comment.map_or(text, |(at, _)| &text[..at]).trim_end()
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        Dotenv::read(text).variables.into_iter().map(|v| (v.name, v.value)).collect()
    }

    #[test]
    fn values_are_read_as_shells_and_libraries_do() {
        let text = "\u{feff}# c\r\nA=1\r\nexport B = two words # c\r\nC='a # b $A ${A}'\r\nD=\"x\\\"y\\n${A}\\$z\" # c\r\nE=p$w#rd\nF=\nG=\"two\r\nlines\"\nH=${A}/${NOPE}\nA=again";
        let expected = [
            ("A", "again"),
            ("B", "two words"),
            ("C", "a # b $A ${A}"),
            ("D", "x\"y\n1$z"),
            ("E", "p$w#rd"),
            ("F", ""),
            ("G", "two\nlines"),
            ("H", "1/${NOPE}"),
        ];
        let read = pairs(text);
        let read: Vec<(&str, &str)> = read.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(read, expected);
        let lines: Vec<usize> = Dotenv::read(text).variables.iter().map(|v| v.line).collect();
        assert_eq!(lines, [11, 3, 4, 5, 6, 7, 8, 10]);
    }

    #[test]
    fn faults_name_the_line_and_nothing_of_it() {
        let read = Dotenv::read("A=1\nnonsense secret\n1X=2\nx y=1\nB='open\nC=3\n");
        assert_eq!(read.variables.len(), 1);
        let lines: Vec<usize> = read.faults.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 4, 5]);
        assert!(read.faults.iter().all(|(_, what)| !what.contains("secret")));
        assert!(pairs("").is_empty() && pairs("\n\n#").is_empty());
        assert_eq!(pairs("X='größe 🦆'\n"), [("X".to_owned(), "größe 🦆".to_owned())]);
    }
}
