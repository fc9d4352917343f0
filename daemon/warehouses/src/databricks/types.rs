//! The engine's types in Arrow's terms, read from their text: `DECIMAL(18,2)`, `STRUCT<a: INT, b: ARRAY<STRING>>`.

use super::wire::ColumnFacts;
use arrow::datatypes::{DataType, Field, Fields, IntervalUnit, TimeUnit};
use std::sync::Arc;

/// What a column is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kind {
    /// Its name, which may be empty or stand there twice.
    pub(super) name: String,
    /// The engine's name of its type.
    pub(super) type_text: String,
    /// The Arrow type that it is handed out in; none for types that are not known here.
    pub(super) target: Option<DataType>,
    /// Its text is JSON.
    pub(super) json: bool,
}

/// The zone that instants are handed out in.
pub(super) const UTC: &str = "UTC";

impl Kind {
    /// Reads what the manifest tells of a column. The text of a type tells more than its name, which does not know
    /// `TIMESTAMP_NTZ`.
    pub(super) fn of(column: &ColumnFacts) -> Self {
        let name = column.type_name.clone().unwrap_or_default();
        let text = column.type_text.clone().filter(|text| !text.is_empty()).unwrap_or_else(|| {
            match (&name[..], column.type_precision, column.type_scale) {
                ("DECIMAL", Some(p), s) => format!("DECIMAL({p},{})", s.unwrap_or(0)),
                _ => name.clone(),
            }
        });
        let target = parse(&text).or_else(|| parse(&name));
        let json = text.to_ascii_uppercase().starts_with("VARIANT");
        Self { name: column.name.clone().unwrap_or_default(), type_text: text, target, json }
    }

    /// Whether the JSON form does not tell its values exactly: official clients disagree on how it writes bytes, and the engine's
    /// writer of nested values cuts instants to milliseconds. A nested type whose text is not understood (a long one may be
    /// abridged) is known in Arrow only.
    pub(super) fn is_vague_in_json(&self) -> bool {
        let nested = || {
            let text = self.type_text.to_ascii_uppercase();
            ["ARRAY", "MAP", "STRUCT"].iter().any(|kind| text.starts_with(kind))
        };
        self.target.as_ref().map_or_else(nested, |target| vague(target, false))
    }

    /// Whether it is an instant, with or without a zone.
    pub(super) fn is_instant(&self) -> bool {
        matches!(self.target, Some(DataType::Timestamp(_, _)))
    }
}

fn vague(data_type: &DataType, nested: bool) -> bool {
    match data_type {
        DataType::Binary => true,
        DataType::Timestamp(_, _) => nested,
        DataType::List(item) | DataType::Map(item, _) => vague(item.data_type(), true),
        DataType::Struct(fields) => fields.iter().any(|field| vague(field.data_type(), true)),
        _ => false,
    }
}

/// Reads the text of a type. None where it is not known.
pub(super) fn parse(text: &str) -> Option<DataType> {
    let mut reader = Reader { rest: text.trim() };
    let data_type = reader.data_type(0)?;
    reader.rest.trim().is_empty().then_some(data_type)
}

/// No type is nested deeper; a text that claims so is not followed.
const DEEPEST: u32 = 64;

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn data_type(&mut self, depth: u32) -> Option<DataType> {
        if depth > DEEPEST {
            return None;
        }
        let word = self.word()?.to_ascii_uppercase();
        Some(match &word[..] {
            "BOOLEAN" => DataType::Boolean,
            "BYTE" | "TINYINT" => DataType::Int8,
            "SHORT" | "SMALLINT" => DataType::Int16,
            "INT" | "INTEGER" => DataType::Int32,
            "LONG" | "BIGINT" => DataType::Int64,
            "FLOAT" | "REAL" => DataType::Float32,
            "DOUBLE" => DataType::Float64,
            "DECIMAL" | "DEC" | "NUMERIC" => self.decimal()?,
            "DATE" => DataType::Date32,
            "TIMESTAMP" | "TIMESTAMP_LTZ" => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            "TIMESTAMP_NTZ" => DataType::Timestamp(TimeUnit::Microsecond, None),
            "BINARY" => DataType::Binary,
            "VOID" | "NULL" => DataType::Null,
            "STRING" | "CHAR" | "VARCHAR" | "CHARACTER" | "VARIANT" | "OBJECT" | "GEOMETRY" | "GEOGRAPHY" => {
                self.brackets();
                if self.eat_word("COLLATE") {
                    self.word()?;
                }
                DataType::Utf8
            }
            "INTERVAL" => {
                while ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO"]
                    .iter()
                    .any(|w| self.eat_word(w))
                {}
                DataType::Utf8
            }
            "ARRAY" if self.eat('<') => {
                let item = self.data_type(depth + 1)?;
                self.eat('>').then(|| list(item))?
            }
            "MAP" if self.eat('<') => {
                let key = self.data_type(depth + 1)?;
                let value = self.eat(',').then(|| self.data_type(depth + 1))??;
                self.eat('>').then(|| map(key, value))?
            }
            "STRUCT" if self.eat('<') => DataType::Struct(self.fields(depth)?),
            _ => return None,
        })
    }

    fn decimal(&mut self) -> Option<DataType> {
        let Some(inside) = self.brackets() else { return Some(DataType::Decimal128(10, 0)) };
        let (precision, scale) = inside.split_once(',').unwrap_or((inside, "0"));
        let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
        ((1..=38).contains(&precision) && scale <= precision as i8)
            .then_some(DataType::Decimal128(precision, scale))
    }

    fn fields(&mut self, depth: u32) -> Option<Fields> {
        let mut fields = Vec::new();
        while !self.eat('>') {
            if !fields.is_empty() && !self.eat(',') {
                return None;
            }
            let name = self.name()?;
            let data_type = self.data_type(depth + 1)?;
            if self.eat_word("NOT") && !self.eat_word("NULL") {
                return None;
            }
            if self.eat_word("COMMENT") {
                self.quoted()?;
            }
            fields.push(Field::new(name, data_type, true));
        }
        Some(fields.into())
    }

    /// The name of a field and the colon behind it; in backticks (doubled within) or up to the colon.
    fn name(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        if !self.rest.starts_with('`') {
            let (name, rest) = self.rest.split_once(':')?;
            self.rest = rest;
            return Some(name.trim().to_owned());
        }
        let mut name = String::new();
        let mut chars = self.rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c != '`' {
                name.push(c);
            } else if chars.next_if(|(_, next)| *next == '`').is_some() {
                name.push('`');
            } else {
                self.rest = &self.rest[at + 1..];
                return self.eat(':').then_some(name);
            }
        }
        None
    }

    fn quoted(&mut self) -> Option<()> {
        let text = self.rest.trim_start();
        let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let mut escaped = false;
        for (at, c) in text.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == quote => {
                    self.rest = &text[at + 1..];
                    return Some(());
                }
                _ => {}
            }
        }
        None
    }

    fn word(&mut self) -> Option<&'a str> {
        self.rest = self.rest.trim_start();
        let end =
            self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let before = self.rest;
        if self.word().is_some_and(|found| found.eq_ignore_ascii_case(word)) {
            return true;
        }
        self.rest = before;
        false
    }

    fn eat(&mut self, c: char) -> bool {
        match self.rest.trim_start().strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// What stands in the brackets that come now, where some do.
    fn brackets(&mut self) -> Option<&'a str> {
        let (inside, rest) = self.rest.trim_start().strip_prefix('(')?.split_once(')')?;
        self.rest = rest;
        Some(inside)
    }
}

/// A list, as it is handed out whatever the engine calls its parts.
pub(super) fn list(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

/// A map, likewise.
pub(super) fn map(key: DataType, value: DataType) -> DataType {
    let entry = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entry), false)), false)
}

/// The type that an Arrow type of the engine's is handed out in, where the engine's own name of it is not known.
pub(super) fn plain(from: &DataType) -> DataType {
    match from {
        DataType::Timestamp(_, zone) => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_| UTC.into()))
        }
        DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Duration(_)
        | DataType::Interval(IntervalUnit::YearMonth | IntervalUnit::DayTime | IntervalUnit::MonthDayNano) => {
            DataType::Utf8
        }
        DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, value) => plain(value),
        DataType::List(item) | DataType::LargeList(item) => list(plain(item.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                map(plain(pair[0].data_type()), plain(pair[1].data_type()))
            }
            _ => from.clone(),
        },
        DataType::Struct(fields) => DataType::Struct(
            fields.iter().map(|f| Field::new(f.name(), plain(f.data_type()), true)).collect::<Fields>(),
        ),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_types_are_read() {
        let micro = |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
        for (text, expected) in [
            ("BIGINT", DataType::Int64),
            ("DECIMAL(38,18)", DataType::Decimal128(38, 18)),
            ("decimal(5)", DataType::Decimal128(5, 0)),
            ("TIMESTAMP", micro(Some("UTC"))),
            ("TIMESTAMP_NTZ", micro(None)),
            ("STRING COLLATE UTF8_LCASE", DataType::Utf8),
            ("VARCHAR(20)", DataType::Utf8),
            ("INTERVAL DAY TO SECOND", DataType::Utf8),
            ("VOID", DataType::Null),
            ("ARRAY<ARRAY<INT>>", list(list(DataType::Int32))),
            ("MAP<STRING, DECIMAL(3,1)>", map(DataType::Utf8, DataType::Decimal128(3, 1))),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        let fields = |names: &[&str]| {
            DataType::Struct(names.iter().map(|n| Field::new(*n, DataType::Int32, true)).collect())
        };
        let text = "STRUCT<`a``:b`: INT NOT NULL COMMENT 'it''s, <x>', c d: int>";
        assert_eq!(parse(&text.replace("''", "\\'")), Some(fields(&["a`:b", "c d"])));
        assert_eq!(parse("STRUCT<>"), Some(fields(&[])));
        for odd in ["", "HLLSKETCH", "ARRAY<INT", "ARRAY<INT>>", "MAP<INT>", "DECIMAL(39,1)", "STRUCT<a INT>"]
        {
            assert_eq!(parse(odd), None, "{odd}");
        }
        assert_eq!(parse(&"ARRAY<".repeat(10_000)), None);
    }
}
