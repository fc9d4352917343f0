//! Reads the engine's JSON into a tree.
//!
//! A reader of its own: the engine repeats every key in every node, so a statement of 2 KB comes as 27 KB, and nearly all of it
//! is short texts without escapes that can stay where they are. It takes the JSON of RFC 8259; what is none is an error.

use super::tree::Tree;
use std::borrow::Cow;

/// Stack that must be left before a value inside a value is read, and what is added when there is less; bytes.
const RED_ZONE: usize = 64 * 1024;
const STACK_STEP: usize = 4 * 1024 * 1024;

/// Why a text is no JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its answer is no JSON: {what} at byte {at}")]
pub(crate) struct BadJson {
    what: &'static str,
    at: usize,
}

/// Reads one value that takes the whole text.
pub(crate) fn read(text: &str) -> Result<Tree<'_>, BadJson> {
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0 };
    let value = reader.value()?;
    reader.blank();
    if reader.at < reader.bytes.len() {
        return Err(reader.bad("something behind the value"));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn bad(&self, what: &'static str) -> BadJson {
        BadJson { what, at: self.at }
    }

    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn blank(&mut self) {
        while matches!(self.byte(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.blank();
        let found = self.byte() == byte;
        self.at += usize::from(found);
        found
    }

    fn value(&mut self) -> Result<Tree<'a>, BadJson> {
        self.blank();
        match self.byte() {
            b'"' => self.string().map(Tree::Text),
            b'{' => stacker::maybe_grow(RED_ZONE, STACK_STEP, || self.map()),
            b'[' => stacker::maybe_grow(RED_ZONE, STACK_STEP, || self.list()),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Tree<'a>, BadJson> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let words = [("true", Tree::Flag(true)), ("false", Tree::Flag(false)), ("null", Tree::Null)];
        for (word, value) in words {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.bad("no value"))
    }

    fn map(&mut self) -> Result<Tree<'a>, BadJson> {
        self.at += 1;
        let mut entries = Vec::new();
        if self.take(b'}') {
            return Ok(Tree::Map(entries));
        }
        entries.reserve(6);
        loop {
            self.blank();
            if self.byte() != b'"' {
                return Err(self.bad("no key"));
            }
            // The engine's keys are plain words.
            let Cow::Borrowed(key) = self.string()? else { return Err(self.bad("a key with an escape")) };
            if !self.take(b':') {
                return Err(self.bad("no colon"));
            }
            entries.push((key, self.value()?));
            if self.take(b'}') {
                return Ok(Tree::Map(entries));
            }
            if !self.take(b',') {
                return Err(self.bad("no comma"));
            }
        }
    }

    fn list(&mut self) -> Result<Tree<'a>, BadJson> {
        self.at += 1;
        let mut values = Vec::new();
        if self.take(b']') {
            return Ok(Tree::List(values));
        }
        loop {
            values.push(self.value()?);
            if self.take(b']') {
                return Ok(Tree::List(values));
            }
            if !self.take(b',') {
                return Err(self.bad("no comma"));
            }
        }
    }

    fn number(&mut self) -> Result<Tree<'a>, BadJson> {
        let from = self.at;
        while matches!(self.byte(), b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9') {
            self.at += 1;
        }
        let digits = self.text.get(from..self.at).unwrap_or_default();
        if let Ok(whole) = digits.parse() {
            return Ok(Tree::Whole(whole));
        }
        digits.parse::<f64>().map(|_| Tree::Number).map_err(|_| self.bad("no number"))
    }

    /// A text whose opening quote stands here.
    fn string(&mut self) -> Result<Cow<'a, str>, BadJson> {
        self.at += 1;
        let from = self.at;
        let mut unescaped: Option<String> = None;
        let mut copied = from;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            self.at += length.ok_or_else(|| self.bad("a text without end"))?;
            let piece = self.text.get(copied..self.at).unwrap_or_default();
            match self.byte() {
                b'"' => {
                    self.at += 1;
                    return Ok(match unescaped {
                        None => Cow::Borrowed(piece),
                        Some(before) => Cow::Owned(before + piece),
                    });
                }
                b'\\' => {
                    let text = unescaped.get_or_insert_default();
                    text.push_str(piece);
                    let letter = self.escape()?;
                    unescaped.get_or_insert_default().push(letter);
                    copied = self.at;
                }
                _ => return Err(self.bad("a control character in a text")),
            }
        }
    }

    /// The letter of an escape whose backslash stands here.
    fn escape(&mut self) -> Result<char, BadJson> {
        self.at += 2;
        Ok(match self.bytes.get(self.at - 1).copied().unwrap_or(0) {
            plain @ (b'"' | b'\\' | b'/') => char::from(plain),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                let code = if (0xD800..0xDC00).contains(&first) {
                    if self.bytes.get(self.at..self.at + 2) != Some(b"\\u") {
                        return Err(self.bad("half a letter"));
                    }
                    self.at += 2;
                    let second = self.hex()?.checked_sub(0xDC00).filter(|low| *low < 0x400);
                    0x10000 + ((first - 0xD800) << 10) + second.ok_or_else(|| self.bad("half a letter"))?
                } else {
                    first
                };
                char::from_u32(code).ok_or_else(|| self.bad("half a letter"))?
            }
            _ => return Err(self.bad("an unknown escape")),
        })
    }

    fn hex(&mut self) -> Result<u32, BadJson> {
        let digits =
            self.text.get(self.at..self.at + 4).filter(|four| four.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|four| u32::from_str_radix(four, 16).ok());
        self.at += 4;
        code.ok_or_else(|| self.bad("an unknown escape"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn same(tree: &Tree<'_>, value: &Value) -> bool {
        match (tree, value) {
            (Tree::Null, Value::Null) => true,
            (Tree::Flag(a), Value::Bool(b)) => a == b,
            (Tree::Whole(a), Value::Number(b)) => a.to_string() == b.to_string(),
            (Tree::Number, Value::Number(b)) => b.is_f64(),
            (Tree::Text(a), Value::String(b)) => a == b,
            (Tree::List(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
            }
            (Tree::Map(a), Value::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(key, a)| b.get(*key).is_some_and(|b| same(a, b)))
            }
            _ => false,
        }
    }

    #[test]
    fn json_is_read_as_serde_reads_it() {
        let texts = [
            "null",
            " true ",
            "[]",
            "{}",
            "[1, -2, 3.5, 1e3, 9223372036854775807]",
            r#"{"a": {"b": [false, null]}, "c": ""}"#,
            r#""plain""#,
            r#""\"\\\/\b\f\n\r\t""#,
            r#""aß\u00df\u20AC\ud83d\ude00z""#,
            r#""größe 😀""#,
            "[[[[[]]]],[{}]]",
        ];
        for text in texts {
            assert!(same(&read(text).unwrap(), &serde_json::from_str(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        let texts = [
            "",
            "nul",
            "[1",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{a: 1}",
            "{\"a\": 1,}",
            "\"open",
            "\"\\x\"",
            "\"\\ud83d\"",
            "\"\\ud83dx\"",
            "\"\\udc00\"",
            "\"\\u12\"",
            "\"\\u12é4\"",
            "1 2",
            "[1] x",
            "\"a\nb\"",
            "-",
            "1.2.3",
            "\"\\",
            "{\"a\" 1}",
            "{\"\\u0061\": 1}",
            "[1 2]",
        ];
        for text in texts {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn depth_is_no_matter() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let tree = read(&deep).unwrap();
        // The tree is taken apart level by level, as its own drop would need as much stack as it is deep.
        let mut level = tree;
        let mut levels = 0;
        while let Tree::List(mut values) = level {
            level = values.pop().unwrap();
            levels += 1;
        }
        assert_eq!(levels, 100_000);
    }
}
