//! A value of a result, exact to the last digit.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A value. In JSON: `null`, `true`, a number with all its digits, or text.
///
/// It must be read straight from JSON text, not through a buffered value, which would round numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// NULL.
    Null,
    /// True or false.
    Bool(bool),
    /// A number as its JSON text.
    Number(String),
    /// Text; also dates, times, and nested values as JSON text.
    Text(String),
}

impl Cell {
    /// The value as text; NULL is none.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Null => None,
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Number(text) | Self::Text(text) => Some(text),
        }
    }

    /// The value as a floating-point number, for drawing.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(text) => text.parse().ok(),
            Self::Null | Self::Bool(_) | Self::Text(_) => None,
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(b) => serializer.serialize_bool(*b),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(text) => {
                RawValue::from_string(text.clone()).map_err(serde::ser::Error::custom)?.serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'"') => Self::Text(serde_json::from_str(text).map_err(serde::de::Error::custom)?),
            _ => Self::Number(text.to_owned()),
        })
    }
}

/// What stands over the columns of an answer, for people: a dimension without its entity and a grain without its time
/// (`customer__country` is `country`, `metric_time__month` is `month`), unless two columns would then be called the same.
pub fn headings(columns: &[crate::Column]) -> Vec<String> {
    fn short(name: &str) -> &str {
        name.rsplit_once("__").map_or(name, |(_, last)| if last.is_empty() { name } else { last })
    }
    let alone = |name: &str| columns.iter().filter(|c| short(&c.name) == short(name)).count() == 1;
    columns.iter().map(|c| if alone(&c.name) { short(&c.name) } else { &c.name }.to_owned()).collect()
}

/// Digits in groups of three before the point, for people only; a text that is no plain number stays as it is. No digit is
/// lost.
pub fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(w, f)| (w, Some(f)));
    let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.len() <= 3 || !plain(whole) || !fraction.is_none_or(plain) {
        return text.to_owned();
    }
    let mut out = String::from(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_short_where_that_says_which_column_it_is() {
        let column = |name: &str| crate::Column {
            name: name.to_owned(),
            r#type: "VARCHAR".to_owned(),
            kind: crate::ColumnKind::Text,
        };
        let of = |names: &[&str]| headings(&names.iter().map(|n| column(n)).collect::<Vec<_>>());
        assert_eq!(
            of(&["metric_time__month", "customer__country", "revenue"]),
            ["month", "country", "revenue"]
        );
        assert_eq!(
            of(&["customer__name", "product__name", "x__"]),
            ["customer__name", "product__name", "x__"]
        );
    }
}
