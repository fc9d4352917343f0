//! Tokens: the words of a question, folded to one spelling.

use chrono::NaiveDate;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::words;

/// One word, number, date or sign of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// As written, without punctuation around it.
    pub(crate) text: String,
    /// Lower case, without accents.
    pub(crate) norm: String,
    /// `norm` in the singular; words that mean the same aggregation share one stem.
    pub(crate) stem: String,
    /// What the text is.
    pub(crate) kind: TokenKind,
    /// A comma, colon or semicolon stands before it.
    pub(crate) comma: bool,
    /// An underscore joins it to the token before it: both are part of one name of the model.
    pub(crate) glued: bool,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A word, or letters mixed with digits.
    Word,
    /// A number in plain decimal digits: `100k` is `100000`.
    Number(String),
    /// A whole date.
    Date(NaiveDate),
    /// `2024-03`.
    Month(i32, u32),
    /// A date that can be read two ways, such as `03/04/2024`.
    Unclear,
    /// A comparison sign such as `>=`.
    Sign,
}

impl Token {
    pub(crate) fn number(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Number(digits) => Some(digits),
            _ => None,
        }
    }
}

/// Splits a text into tokens.
pub(crate) fn tokenise(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut comma = false;
    for chunk in space_signs(text).split_whitespace() {
        let dash = !chunk.is_empty() && chunk.chars().all(|letter| matches!(letter, '-' | '–' | '—'));
        let (core, after) = match chunk {
            _ if dash => ("to", false),
            "&" => ("and", false),
            "+" => ("plus", false),
            _ => strip(chunk),
        };
        comma |= chunk.starts_with([',', ';', ':']);
        if !core.is_empty() {
            let before = tokens.len();
            push_chunk(core, &mut tokens);
            if let Some(first) = tokens.get_mut(before) {
                first.comma = comma;
                comma = false;
            }
        }
        comma |= after;
    }
    tokens
}

/// The stems of a name or label: `avg_discount` gives `average`, `discount`.
pub(crate) fn stems(text: &str) -> Vec<String> {
    tokenise(text).into_iter().map(|token| token.stem).collect()
}

/// Puts spaces around runs of `<`, `>`, `=` and `!=`, so that `orders>200` falls into three.
fn space_signs(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut inside = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let letter = match letter {
            '≥' | '≤' | '≠' => {
                out.push_str(match letter {
                    '≥' => " >= ",
                    '≤' => " <= ",
                    _ => " != ",
                });
                continue;
            }
            other => other,
        };
        let sign = matches!(letter, '<' | '>' | '=') || (letter == '!' && letters.peek() == Some(&'='));
        if sign != inside {
            out.push(' ');
            inside = sign;
        }
        out.push(letter);
    }
    out
}

/// Takes punctuation off both ends; tells whether a comma stood at the end.
fn strip(chunk: &str) -> (&str, bool) {
    if chunk.chars().all(|letter| matches!(letter, '<' | '>' | '=' | '!')) {
        return (chunk, false);
    }
    let edge = |letter: char| !letter.is_alphanumeric() && !matches!(letter, '-' | '%');
    let core = chunk.trim_start_matches(|letter| edge(letter) && letter != '-').trim_matches(edge);
    let core = core.trim_matches(|letter: char| letter == '-' || letter == '–');
    let tail = chunk.trim_end_matches(|letter: char| !matches!(letter, ',' | ';' | ':') && edge(letter));
    (core, tail.ends_with([',', ';', ':']))
}

fn push_chunk(core: &str, tokens: &mut Vec<Token>) {
    if core.chars().all(|letter| matches!(letter, '<' | '>' | '=' | '!')) {
        tokens.push(token(core, TokenKind::Sign));
        return;
    }
    if let Some(kind) = date(core) {
        tokens.push(token(core, kind));
        return;
    }
    if let Some(digits) = core.strip_suffix('%').and_then(number) {
        tokens.push(token(core, TokenKind::Number(digits)));
        tokens.push(token("percent", TokenKind::Word));
        return;
    }
    if let Some(digits) = number(core) {
        tokens.push(token(core, TokenKind::Number(digits)));
        return;
    }
    let plain = core.replace(['’', '`'], "'");
    let lower = plain.to_lowercase();
    let plain = match lower.strip_suffix("'s") {
        Some(_) => &plain[..plain.len().saturating_sub(2)],
        None => plain.as_str(),
    };
    let mut rest = plain;
    let (mut glued, mut dashed) = (false, false);
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '\'').unwrap_or(rest.len());
        let part = rest[..end].replace('\'', "");
        let mark = rest[end..].chars().next();
        rest = &rest[end + mark.map_or(0, char::len_utf8)..];
        if part.is_empty() {
            continue;
        }
        let joined = std::mem::replace(&mut glued, mark == Some('_'));
        // "jan-mar", "Q1–Q3": a range.
        let ranged = std::mem::replace(&mut dashed, matches!(mark, Some('-' | '–')) && names_time(&part));
        if ranged && names_time(&part) {
            tokens.push(token("to", TokenKind::Word));
        }
        let kind = match number(&part) {
            Some(digits) => TokenKind::Number(digits),
            None => TokenKind::Word,
        };
        tokens.push(Token { glued: joined, ..token(&part, kind) });
    }
}

/// Whether a word names a month, a quarter or a year.
fn names_time(part: &str) -> bool {
    let word = part.to_lowercase();
    let quarter = matches!(word.as_str(), "q1" | "q2" | "q3" | "q4");
    let year = word.len() == 4 && word.parse::<u32>().is_ok_and(|year| (1900..2200).contains(&year));
    quarter || year || words::month(&word).is_some()
}

fn token(text: &str, kind: TokenKind) -> Token {
    let norm = fold(text);
    let stem = match &kind {
        TokenKind::Number(digits) => digits.clone(),
        _ => stem(&norm),
    };
    Token { text: text.to_owned(), norm, stem, kind, comma: false, glued: false }
}

/// Lower case without accents; `ß` becomes `ss`.
pub(crate) fn fold(text: &str) -> String {
    text.nfd()
        .filter(|letter| !is_combining_mark(*letter))
        .flat_map(char::to_lowercase)
        .collect::<String>()
        .replace('ß', "ss")
}

/// The singular of a folded word, and one word for each aggregation.
pub(crate) fn stem(norm: &str) -> String {
    if let Some(same) = words::aggregation(norm) {
        return same.to_owned();
    }
    if let Some((_, single)) = words::IRREGULAR.iter().find(|(many, _)| *many == norm) {
        return (*single).to_owned();
    }
    if norm.len() <= 3 || !norm.is_ascii() || !norm.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return norm.to_owned();
    }
    if let Some(base) = norm.strip_suffix("ies") {
        return format!("{base}y");
    }
    let mut base = norm;
    if base.ends_with('s') && !base.ends_with("ss") && !base.ends_with("us") && !base.ends_with("is") {
        base = &base[..base.len() - 1];
    }
    if base.len() > 5 && base.ends_with("is") {
        base = &base[..base.len() - 2];
    }
    if base.len() > 3 && base.ends_with('e') {
        let rest = &base[..base.len() - 1];
        if let Some(rest) = rest.strip_suffix('i') {
            return format!("{rest}y");
        }
        if rest.ends_with(['s', 'x', 'z', 'h']) {
            base = rest;
        }
    }
    base.to_owned()
}

/// `1,000`, `100k`, `1.5m`, `20`, `0.5` in plain digits.
fn number(text: &str) -> Option<String> {
    let text = text.trim_start_matches(['$', '€', '£', '¥']);
    let lower = text.to_ascii_lowercase();
    let (digits, zeros) = ["bn", "b", "m", "mn", "mio", "k"]
        .iter()
        .zip([9, 9, 6, 6, 6, 3])
        .find_map(|(unit, zeros)| Some((lower.strip_suffix(unit)?, zeros)))
        .unwrap_or((lower.as_str(), 0));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let grouped = whole.contains(',');
    if grouped {
        let mut groups = whole.split(',');
        let first = groups.next().unwrap_or("");
        if first.is_empty() || first.len() > 3 || groups.any(|group| group.len() != 3) {
            return None;
        }
    }
    let whole: String = whole.chars().filter(|letter| *letter != ',').collect();
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 15 || part.len() > 15 || !all_digits(&whole) || !all_digits(part) {
        return None;
    }
    if digits.ends_with('.') {
        return None;
    }
    Some(scale(&whole, part, zeros))
}

/// Moves the point of `whole.part` to the right, exactly.
pub(crate) fn scale(whole: &str, part: &str, zeros: usize) -> String {
    let mut part = part.to_owned();
    while part.len() < zeros {
        part.push('0');
    }
    let (moved, rest) = part.split_at(zeros);
    let whole = format!("{whole}{moved}");
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { whole.to_owned() } else { format!("{whole}.{rest}") }
}

/// `2024-03-01`, `2024/03/01`, `01.03.2024`, `2024-03`; a slash date is unclear unless one part is over 12.
fn date(text: &str) -> Option<TokenKind> {
    let mark = ['-', '/', '.'].into_iter().find(|mark| text.contains(*mark))?;
    let parts: Vec<&str> = text.split(mark).collect();
    if parts.iter().any(|part| part.is_empty() || part.len() > 4 || !part.bytes().all(|b| b.is_ascii_digit()))
    {
        return None;
    }
    let number = |at: usize| parts.get(at).and_then(|part| part.parse::<u32>().ok());
    let year =
        |at: usize| parts.get(at).filter(|part| part.len() == 4).and_then(|part| part.parse::<i32>().ok());
    match parts.len() {
        2 if mark != '.' => {
            let (year, month) = (year(0)?, number(1)?);
            (1..=12).contains(&month).then_some(TokenKind::Month(year, month))
        }
        3 => match year(0) {
            Some(year) => NaiveDate::from_ymd_opt(year, number(1)?, number(2)?).map(TokenKind::Date),
            None => day_first(mark, number(0)?, number(1)?, year(2)?),
        },
        _ => None,
    }
}

fn day_first(mark: char, first: u32, second: u32, year: i32) -> Option<TokenKind> {
    let by_day = NaiveDate::from_ymd_opt(year, second, first);
    if mark == '.' {
        return by_day.map(TokenKind::Date);
    }
    let by_month = NaiveDate::from_ymd_opt(year, first, second);
    match (by_day, by_month) {
        (Some(day), Some(month)) if day != month => Some(TokenKind::Unclear),
        (Some(day), _) | (None, Some(day)) => Some(TokenKind::Date(day)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{TokenKind, stem, tokenise};

    #[test]
    fn plural_and_singular_share_a_stem() {
        for (many, one) in [
            ("categories", "category"),
            ("statuses", "status"),
            ("houses", "house"),
            ("boxes", "box"),
            ("diagnoses", "diagnosis"),
            ("addresses", "address"),
            ("people", "person"),
            ("movies", "movie"),
            ("stores", "store"),
            ("sizes", "size"),
            ("avg", "mean"),
        ] {
            assert_eq!(stem(many), stem(one), "{many} and {one}");
        }
    }

    #[test]
    fn numbers_and_dates_are_exact() {
        let kinds: Vec<TokenKind> = tokenise("100k 1.5m 1,000 $20 03/04/2024 2024-02-30 2024-03 orders>=5")
            .into_iter()
            .map(|token| token.kind)
            .collect();
        let digits = |text: &str| TokenKind::Number(text.to_owned());
        assert_eq!(kinds[..4], [digits("100000"), digits("1500000"), digits("1000"), digits("20")]);
        assert_eq!(kinds[4], TokenKind::Unclear);
        assert!(kinds.contains(&TokenKind::Month(2024, 3)));
        assert!(kinds.ends_with(&[TokenKind::Word, TokenKind::Sign, digits("5")]));
    }
}
