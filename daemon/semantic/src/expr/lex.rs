//! Text to tokens.

use super::Fault;

/// A token; templates keep the text between the braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Word(String),
    Quoted(String),
    Number(String),
    Text(String),
    Template(String),
    Symbol(&'static str),
}

impl Token {
    /// The token as it is shown in messages.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Word(t) | Self::Number(t) => t.clone(),
            Self::Quoted(t) => format!("\"{t}\""),
            Self::Text(t) => format!("'{t}'"),
            Self::Template(t) => format!("{{{{{t}}}}}"),
            Self::Symbol(s) => (*s).to_owned(),
        }
    }
}

const SYMBOLS: [&str; 23] = [
    "<=", ">=", "<>", "!=", "==", "||", "::", "=", "<", ">", "+", "-", "*", "/", "%", "(", ")", ",", ".",
    "[", "]", "{", "}",
];

/// True for a name that SQL reads as one word without quotes.
pub(crate) fn is_plain_word(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

/// Splits a filter or derived expression into tokens with their character positions.
pub(crate) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Fault> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        if c.is_whitespace() {
            at += 1;
            continue;
        }
        let (token, next) = token(&chars, at, c)?;
        out.push((at, token));
        at = next;
    }
    Ok(out)
}

fn token(chars: &[char], at: usize, c: char) -> Result<(Token, usize), Fault> {
    let pair = (c, chars.get(at + 1).copied().unwrap_or(' '));
    match pair {
        ('-', '-') | ('/', '*') => {
            return Err(Fault::new(format!("a comment is not allowed, at character {}", at + 1)));
        }
        (';', _) => {
            return Err(Fault::new(format!(
                "`;` is not allowed, at character {}: only one expression may stand here",
                at + 1
            )));
        }
        ('{', '{') => return template(chars, at),
        _ => {}
    }
    if c == '\'' || c == '"' {
        let (body, next) = quoted(chars, at, c)?;
        let token = if c == '\'' { Token::Text(body) } else { Token::Quoted(body) };
        return Ok((token, next));
    }
    if c.is_alphabetic() || c == '_' {
        let end = end_of(chars, at, |c| c.is_alphanumeric() || c == '_' || c == '$');
        return Ok((Token::Word(chars[at..end].iter().collect()), end));
    }
    if c.is_ascii_digit() || (c == '.' && pair.1.is_ascii_digit()) {
        return number(chars, at);
    }
    for symbol in SYMBOLS {
        if symbol.chars().enumerate().all(|(i, s)| chars.get(at + i) == Some(&s)) {
            return Ok((Token::Symbol(symbol), at + symbol.len()));
        }
    }
    Err(Fault::new(format!("the character `{c}` is not allowed, at character {}", at + 1)))
}

fn end_of(chars: &[char], from: usize, belongs: impl Fn(char) -> bool) -> usize {
    chars[from..].iter().position(|&c| !belongs(c)).map_or(chars.len(), |n| from + n)
}

fn template(chars: &[char], at: usize) -> Result<(Token, usize), Fault> {
    let mut end = at + 2;
    let mut quote = None;
    while let Some(&c) = chars.get(end) {
        match quote {
            Some(q) if c == q => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == '}' && chars.get(end + 1) == Some(&'}') => {
                return Ok((Token::Template(chars[at + 2..end].iter().collect()), end + 2));
            }
            _ => {}
        }
        end += 1;
    }
    Err(Fault::new(format!("the template that begins at character {} has no `}}}}`", at + 1)))
}

fn quoted(chars: &[char], at: usize, quote: char) -> Result<(String, usize), Fault> {
    let mut body = String::new();
    let mut end = at + 1;
    while let Some(&c) = chars.get(end) {
        if c == quote {
            if chars.get(end + 1) != Some(&quote) {
                return Ok((body, end + 1));
            }
            end += 1;
        } else if c.is_control() && !matches!(c, '\n' | '\t' | '\r') {
            return Err(Fault::new(format!("a control character is not allowed, at character {}", end + 1)));
        }
        body.push(c);
        end += 1;
    }
    Err(Fault::new(format!("the quote at character {} is not closed", at + 1)))
}

fn number(chars: &[char], at: usize) -> Result<(Token, usize), Fault> {
    let mut end = end_of(chars, at, |c| c.is_ascii_digit());
    if chars.get(end) == Some(&'.') {
        end = end_of(chars, end + 1, |c| c.is_ascii_digit());
    }
    if matches!(chars.get(end), Some('e' | 'E')) {
        let sign = usize::from(matches!(chars.get(end + 1), Some('+' | '-')));
        let digits = end_of(chars, end + 1 + sign, |c| c.is_ascii_digit());
        if digits > end + 1 + sign {
            end = digits;
        }
    }
    if chars.get(end).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
        return Err(Fault::new(format!("the number at character {} runs into a word", at + 1)));
    }
    Ok((Token::Number(chars[at..end].iter().collect()), end))
}
