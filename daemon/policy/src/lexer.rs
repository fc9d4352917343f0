//! The words of a text, for what must be known before or beside the engine's parser.
//!
//! Nothing is admitted because of what this lexer says. It bounds what the engine is given, finds an EXPLAIN in front, the
//! PIVOT statements that the engine cannot serialise, and the bounds of statements. Each conclusion is proved again by
//! the engine's tree, so a difference between the two lexers ends in a refusal.

use crate::denial::{Denial, DenialCode};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A bare identifier or keyword.
    Word,
    /// An identifier in double quotes.
    Quoted,
    /// A string constant of any form.
    Text,
    /// A number.
    Number,
    /// A bind parameter with a number or a name.
    Parameter,
    /// One ASCII character of punctuation.
    Symbol(u8),
}

/// One token: kind and byte range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: Kind,
    /// First byte.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
}

impl Token {
    /// Whether the token is the bare word `word`, in any case.
    pub(crate) fn is_word(&self, text: &str, word: &str) -> bool {
        self.kind == Kind::Word && self.text(text).eq_ignore_ascii_case(word)
    }

    /// Whether the token is one of the bare `words`, in any case.
    pub(crate) fn is_one_of(&self, text: &str, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_word(text, word))
    }

    /// Whether the token is the punctuation `symbol`.
    pub(crate) fn is(&self, symbol: u8) -> bool {
        self.kind == Kind::Symbol(symbol)
    }

    /// The spelling.
    pub(crate) fn text<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// Opens a bracket of any kind.
    pub(crate) fn opens(&self) -> bool {
        matches!(self.kind, Kind::Symbol(b'(' | b'[' | b'{'))
    }

    /// Closes a bracket of any kind.
    pub(crate) fn closes(&self) -> bool {
        matches!(self.kind, Kind::Symbol(b')' | b']' | b'}'))
    }
}

/// The tokens of a text, without comments and white space. A quote or comment that is not closed takes the rest.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut found = Vec::with_capacity(text.len() / 4);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or(0);
        let (kind, end) = match byte {
            b'-' if next == b'-' => {
                at = line_end(bytes, at);
                continue;
            }
            b'/' if next == b'*' => {
                at = comment_end(bytes, at);
                continue;
            }
            b'\'' => (Kind::Text, quote_end(bytes, at + 1, b'\'', false)),
            b'e' | b'E' if next == b'\'' => (Kind::Text, quote_end(bytes, at + 2, b'\'', true)),
            b'"' => (Kind::Quoted, quote_end(bytes, at + 1, b'"', false)),
            b'$' => dollar(bytes, at),
            b'0'..=b'9' => {
                (Kind::Number, run_end(bytes, at, |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')))
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => (Kind::Word, word_end(text, at)),
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            0x80.. => {
                let letter = text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or(' ');
                if is_space(letter) {
                    at += letter.len_utf8();
                    continue;
                }
                (Kind::Word, word_end(text, at).max(at + letter.len_utf8()))
            }
            symbol => (Kind::Symbol(symbol), at + 1),
        };
        found.push(Token { kind, start: at, end });
        at = end;
    }
    found
}

/// White space beyond ASCII, as the engine strips it before it parses.
pub(crate) fn is_space(letter: char) -> bool {
    matches!(
        letter,
        '\u{a0}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{205f}' | '\u{2060}' | '\u{3000}' | '\u{feff}'
    )
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    run_end(bytes, from, |byte| !matches!(byte, b'\n' | b'\r'))
}

fn run_end(bytes: &[u8], from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().skip(from).position(|byte| !belongs(*byte)).map_or(bytes.len(), |length| from + length)
}

fn word_end(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let belongs = |letter: char| match letter {
        '_' | '$' => true,
        letter if letter.is_ascii() => letter.is_ascii_alphanumeric(),
        letter => !is_space(letter),
    };
    let length = rest.find(|letter| !belongs(letter));
    length.map_or(text.len(), |length| from + length)
}

/// One past the comment that starts at `from`. Comments nest, as in the engine.
pub(crate) fn comment_end(bytes: &[u8], from: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = from;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

fn quote_end(bytes: &[u8], from: usize, quote: u8, backslash: bool) -> usize {
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        if backslash && byte == b'\\' {
            at += 2;
        } else if byte != quote {
            at += 1;
        } else if bytes.get(at + 1) == Some(&quote) {
            at += 2;
        } else {
            return at + 1;
        }
    }
    bytes.len()
}

/// A dollar starts a parameter (`$1`, `$name`), a quoted string (`$$..$$`, `$tag$..$tag$`), or stands alone.
fn dollar(bytes: &[u8], from: usize) -> (Kind, usize) {
    let name_end =
        run_end(bytes, from + 1, |byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80);
    let digit_first = bytes.get(from + 1).is_some_and(u8::is_ascii_digit);
    if bytes.get(name_end) == Some(&b'$') && !digit_first {
        let mark = &bytes[from..=name_end];
        let body = &bytes[name_end + 1..];
        let length = body.windows(mark.len()).position(|window| window == mark);
        return (Kind::Text, length.map_or(bytes.len(), |length| name_end + 1 + length + mark.len()));
    }
    if name_end > from + 1 { (Kind::Parameter, name_end) } else { (Kind::Symbol(b'$'), from + 1) }
}

/// The position of the bracket that closes the one at `open`.
pub(crate) fn closing(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.opens() {
            depth += 1;
        } else if token.closes() {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// Refuses texts that no parser should be given: too long, control characters, brackets too deep, nothing in it.
pub(crate) fn guard(
    text: &str,
    tokens: &[Token],
    most_bytes: usize,
    most_depth: usize,
) -> Result<(), Denial> {
    if text.len() > most_bytes {
        let message = format!("the statement has {} bytes; at most {most_bytes} are read", text.len());
        return Err(
            Denial::new(DenialCode::TooLong, message).hint("bind long lists as parameters, or join a table")
        );
    }
    if let Some((at, letter)) =
        text.char_indices().find(|(_, c)| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
    {
        let message = format!("the statement holds the control character U+{:04X}", u32::from(letter));
        let hint = "only tab and line breaks are accepted; in a string, write chr(n)";
        return Err(Denial::new(DenialCode::ControlCharacter, message).hint(hint).at(text, Some(at)));
    }
    if tokens.iter().all(|token| token.is(b';')) {
        return Err(
            Denial::new(DenialCode::Empty, "there is no statement in the text").hint("write one query")
        );
    }
    let (mut depth, mut pairs) = (0_usize, 0_usize);
    for pair in tokens.windows(2) {
        let [token, next] = pair else { continue };
        depth = if token.opens() { depth + 1 } else { depth.saturating_sub(usize::from(token.closes())) };
        pairs = match token.kind {
            Kind::Symbol(b'[') if next.is(b']') => pairs + 1,
            Kind::Symbol(b']') => pairs,
            _ => 0,
        };
        if depth > most_depth || pairs > most_depth {
            return Err(too_deep(most_depth).at(text, Some(token.start)));
        }
    }
    Ok(())
}

/// The refusal of deep nesting.
pub(crate) fn too_deep(most_depth: usize) -> Denial {
    Denial::new(DenialCode::TooDeep, format!("the statement nests deeper than {most_depth} levels"))
        .hint("use a list, a join or a CTE in place of nested expressions")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> Vec<&str> {
        tokens(text).iter().map(|token| token.text(text)).collect()
    }

    #[test]
    fn strings_comments_and_quotes_are_one_token_or_none() {
        assert_eq!(spelled("a 'b;''c' \"d\"\"e\" -- f\n g"), ["a", "'b;''c'", "\"d\"\"e\"", "g"]);
        assert_eq!(spelled("/* a /* b */ c */ d"), ["d"]);
        assert_eq!(spelled("$$a;b$$ $t$ $$ $t$ $1 $name"), ["$$a;b$$", "$t$ $$ $t$", "$1", "$name"]);
        assert_eq!(spelled("E'a\\'b' e.x 'a\\' c"), ["E'a\\'b'", "e", ".", "x", "'a\\'", "c"]);
        assert_eq!(spelled("x\u{a0}y\u{3000}z größe"), ["x", "y", "z", "größe"]);
        assert_eq!(spelled("1.5e3,f(1)"), ["1.5e3", ",", "f", "(", "1", ")"]);
        assert_eq!(spelled("'open"), ["'open"]);
    }

    #[test]
    fn guards_hold_the_limits() {
        let code = |text: &str| guard(text, &tokens(text), 1000, 5).err().map(|denial| denial.code);
        assert_eq!(code("select 1"), None);
        assert_eq!(code("select\t1\r\n"), None);
        assert_eq!(code(""), Some(DenialCode::Empty));
        assert_eq!(code(" ; -- x\n;"), Some(DenialCode::Empty));
        assert_eq!(code("select '\u{1}'"), Some(DenialCode::ControlCharacter));
        assert_eq!(code("select\u{c}1"), Some(DenialCode::ControlCharacter));
        assert_eq!(code("select\u{85}1"), Some(DenialCode::ControlCharacter));
        assert_eq!(code("((((([1])))))"), Some(DenialCode::TooDeep));
        assert_eq!(code("((((1)))) (((1)))"), None);
        assert_eq!(code("x::int[][][][][][]"), Some(DenialCode::TooDeep));
        assert_eq!(code(&"x ".repeat(501)), Some(DenialCode::TooLong));
    }
}
