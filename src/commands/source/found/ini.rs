//! INI files as three programs read them, who agree on sections and on little else.
//!
//! A reader of our own: the crates there are know one dialect each (what begins a comment, whether quotes go away, what an
//! indented line is, which of two equal keys holds), and their errors name no line or show what stands in it, which may be a
//! secret.

use std::collections::HashMap;

/// How a program reads its file.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// A comment may stand behind a value, after white space.
    pub comments_behind: bool,
    /// Pairs of quotes around a value are not part of it.
    pub quotes: bool,
    /// Indented lines belong to the key above.
    pub nested: bool,
    /// The first of two equal keys holds, and the first of two equal sections; else the last key of all of them.
    pub first_holds: bool,
}

/// A section of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Section {
    /// What stands between the brackets.
    pub name: String,
    entries: Vec<(String, String)>,
    first_holds: bool,
}

impl Section {
    /// The value of a key, where it has one.
    pub fn get(&self, key: &str) -> Option<&str> {
        let mut all = self.entries.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str());
        let value = if self.first_holds { all.next() } else { all.next_back() };
        value.filter(|value| !value.is_empty())
    }
}

/// A file: its sections in order, and the lines that are none of it with what is wrong with them.
#[derive(Debug, Default)]
pub struct Ini {
    /// Sections, each name once.
    pub sections: Vec<Section>,
    /// Line and fault.
    pub faults: Vec<(usize, &'static str)>,
    by_name: HashMap<String, usize>,
}

impl Ini {
    /// Reads a file.
    pub fn read(text: &str, dialect: Dialect) -> Self {
        let mut ini = Self::default();
        let mut at = None;
        for (number, line) in text.lines().enumerate().map(|(i, line)| (i + 1, line)) {
            let trimmed = line.trim();
            let nested = dialect.nested && line.starts_with([' ', '\t']) && at.is_some();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) || nested {
                continue;
            }
            if let Some(rest) = trimmed.strip_prefix('[') {
                at = match rest.split_once(']') {
                    Some((name, _)) => Some(ini.section(name.trim(), dialect)),
                    None => {
                        ini.faults.push((number, "a section without its closing bracket"));
                        None
                    }
                };
                continue;
            }
            match (trimmed.split_once('='), at) {
                (None, _) => ini.faults.push((number, "neither a section nor KEY=VALUE")),
                (Some(_), None) => ini.faults.push((number, "a key outside of any section")),
                (Some((key, value)), Some(section)) => {
                    // What belongs to a second section of a name does not count where the first holds.
                    let pair = (key.trim().to_lowercase(), value_of(value.trim(), dialect));
                    if let Some(section) = ini.sections.get_mut(section) {
                        section.entries.push(pair);
                    }
                }
            }
        }
        ini
    }

    fn section(&mut self, name: &str, dialect: Dialect) -> usize {
        match self.by_name.get(name) {
            Some(at) if !dialect.first_holds => *at,
            Some(_) => usize::MAX,
            None => {
                self.by_name.insert(name.to_owned(), self.sections.len());
                let (entries, first_holds) = (Vec::new(), dialect.first_holds);
                self.sections.push(Section { name: name.to_owned(), entries, first_holds });
                self.sections.len() - 1
            }
        }
    }
}

fn value_of(value: &str, dialect: Dialect) -> String {
    if dialect.quotes {
        for quote in ['"', '\'', '`'] {
            if let Some((inside, behind)) = value.strip_prefix(quote).and_then(|v| v.split_once(quote))
                && (behind.trim().is_empty() || behind.trim_start().starts_with(['#', ';']))
            {
                return inside.to_owned();
            }
        }
    }
    if dialect.comments_behind {
        let comment = value
            .char_indices()
            .find(|(at, c)| matches!(c, '#' | ';') && (*at == 0 || value[..*at].ends_with([' ', '\t'])));
        if let Some((at, _)) = comment {
            return value[..at].trim_end().to_owned();
        }
    }
    value.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOSE: Dialect = Dialect { comments_behind: true, quotes: true, nested: true, first_holds: false };
    const STRICT: Dialect =
        Dialect { comments_behind: false, quotes: false, nested: false, first_holds: true };

    #[test]
    fn each_dialect_reads_the_same_text_its_own_way() {
        let text = "; c\r\n[a]\r\nK = \"x # y\" # c\r\ntoken=a#b ;c\r\n[a]\r\ntoken=two\r\nurl = x=y\r\n  nested = 1\r\n";
        let loose = Ini::read(text, LOOSE);
        assert_eq!(loose.sections.len(), 1);
        let a = &loose.sections[0];
        assert_eq!((a.get("k"), a.get("token"), a.get("url")), (Some("x # y"), Some("two"), Some("x=y")));
        assert_eq!((a.get("nested"), a.get("none")), (None, None));
        let strict = Ini::read(text, STRICT);
        let a = &strict.sections[0];
        assert_eq!((a.get("k"), a.get("token"), a.get("url")), (Some("\"x # y\" # c"), Some("a#b ;c"), None));
        assert!(loose.faults.is_empty() && strict.faults.is_empty());
    }

    #[test]
    fn faults_name_their_line_and_the_rest_is_read() {
        let text = "stray\nk=v\n[open\nk=v\n[größe 🦆]\nk=v\njunk that may be secret\n[]\n";
        let ini = Ini::read(text, LOOSE);
        let lines: Vec<usize> = ini.faults.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 7]);
        assert!(ini.faults.iter().all(|(_, what)| !what.contains("junk")));
        assert_eq!(ini.sections[0].get("k"), Some("v"));
        assert_eq!(ini.sections.len(), 2);
    }
}
