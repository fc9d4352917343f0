//! A column under measurement: what its type allows, and what is known of it so far.

use crate::sources::duckdb::quote;
use wharf_protocol::{ColumnKind, ColumnProfile, Figure};

/// Texts are shown up to this many characters.
pub(super) const SHOWN: usize = 256;
/// Frequent values shown.
pub(super) const TOP: usize = 10;
/// Quantiles told, in percent.
pub(super) const QUANTILES: [u64; 5] = [5, 25, 50, 75, 95];
/// Numbers beyond this are scaled before they are squared.
pub(super) const SQUARE_SAFE: f64 = 1e100;

/// What can be measured follows from the type's class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Integers up to 64 bits: their sum cannot overflow the engine's widest integer.
    Int,
    /// Wider integers: arithmetic on them can overflow.
    Wide,
    /// Digits in all, digits behind the point.
    Decimal(u32, u32),
    Float,
    Bool,
    Date,
    /// A timestamp; true when it counts nanoseconds.
    Stamp {
        nanos: bool,
        zoned: bool,
    },
    Time,
    /// Intervals and times with an offset: ordered, but without a scale to draw.
    OtherTime,
    Text,
    /// Ordered values that are text to people: UUID, BIT.
    Symbol,
    Enum,
    Binary,
    Nested,
}

impl Class {
    /// The class of a type as the engine writes it.
    pub(super) fn of(type_name: &str) -> Self {
        let name = type_name.trim();
        if name.ends_with(']') || ["STRUCT", "MAP", "UNION", "VARIANT"].iter().any(|t| name.starts_with(t)) {
            return Self::Nested;
        }
        if let Some(digits) = name.strip_prefix("DECIMAL(").and_then(|d| d.strip_suffix(')')) {
            let mut parts = digits.split(',').filter_map(|d| d.trim().parse().ok());
            return Self::Decimal(parts.next().unwrap_or(38), parts.next().unwrap_or(0));
        }
        match name {
            "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "UTINYINT" | "USMALLINT" | "UINTEGER"
            | "UBIGINT" => Self::Int,
            "HUGEINT" | "UHUGEINT" | "BIGNUM" => Self::Wide,
            "FLOAT" | "DOUBLE" => Self::Float,
            "BOOLEAN" => Self::Bool,
            "DATE" => Self::Date,
            "TIMESTAMP_NS" => Self::Stamp { nanos: true, zoned: false },
            "TIMESTAMP" | "TIMESTAMP_MS" | "TIMESTAMP_S" => Self::Stamp { nanos: false, zoned: false },
            "TIMESTAMP WITH TIME ZONE" => Self::Stamp { nanos: false, zoned: true },
            "TIME" => Self::Time,
            "INTERVAL" | "TIME WITH TIME ZONE" | "TIME_NS" => Self::OtherTime,
            "BLOB" | "GEOMETRY" => Self::Binary,
            "UUID" | "BIT" => Self::Symbol,
            _ if name.starts_with("ENUM") => Self::Enum,
            _ => Self::Text,
        }
    }

    pub(super) fn kind(self) -> ColumnKind {
        match self {
            Self::Int | Self::Wide | Self::Decimal(..) | Self::Float => ColumnKind::Number,
            Self::Bool => ColumnKind::Bool,
            Self::Date | Self::Stamp { .. } | Self::Time | Self::OtherTime => ColumnKind::Time,
            Self::Text | Self::Symbol | Self::Enum => ColumnKind::Text,
            Self::Binary => ColumnKind::Binary,
            Self::Nested => ColumnKind::Nested,
        }
    }

    /// Whether figures of a number make sense.
    pub(super) fn is_number(self) -> bool {
        self.kind() == ColumnKind::Number
    }
}

/// The ends between which a histogram is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Range {
    /// None: no value, or a type without a scale.
    None,
    /// Whole units: integers, decimals times a power of ten, days, microseconds.
    Units(i128, i128),
    /// Floating point.
    Float(f64, f64),
}

/// A column and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) class: Class,
    /// The quoted name, as it stands in SQL.
    pub(super) sql: String,
    pub(super) profile: ColumnProfile,
    /// Where it stands among the table's columns.
    pub(super) place: usize,
    /// Rows with a value.
    pub(super) present: u64,
    pub(super) range: Range,
    /// Mean length of a value in bytes or characters, where it varies.
    pub(super) mean_length: f64,
    /// Whether the engine could not compute on it: then only NULLs are counted.
    pub(super) opaque: bool,
}

impl Subject {
    pub(super) fn new(place: usize, name: &str, type_name: &str) -> Self {
        let class = Class::of(type_name);
        Self {
            class,
            sql: quote(name),
            profile: ColumnProfile {
                name: name.to_owned(),
                r#type: type_name.to_owned(),
                kind: class.kind(),
                nulls: 0,
                distinct: Figure { value: 0, exact: true },
                min: None,
                max: None,
                number: None,
                text: None,
                top: Vec::new(),
                top_exact: true,
                histogram: Vec::new(),
            },
            place,
            present: 0,
            range: Range::None,
            mean_length: 8.0,
            opaque: false,
        }
    }

    /// ` filter (...)` that keeps NaN and infinities away, where the type has them.
    pub(super) fn finite(&self) -> String {
        match self.class {
            Class::Float | Class::Date | Class::Stamp { .. } => format!(" filter (isfinite({}))", self.sql),
            _ => String::new(),
        }
    }

    /// The values on the scale of [`Range::Units`], for times.
    pub(super) fn ticks(&self) -> Option<String> {
        let x = &self.sql;
        match self.class {
            Class::Date => Some(format!("({x} - date '1970-01-01')")),
            Class::Stamp { nanos: true, .. } => Some(format!("epoch_ns({x})")),
            Class::Stamp { .. } | Class::Time => Some(format!("epoch_us({x})")),
            _ => None,
        }
    }

    /// A value of [`Subject::ticks`] turned back into the column's type, in SQL.
    pub(super) fn tick_value(&self, ticks: i128) -> String {
        match self.class {
            Class::Date => format!("(date '1970-01-01' + ({ticks})::integer)"),
            Class::Stamp { nanos: true, .. } => format!("make_timestamp_ns(({ticks})::bigint)"),
            Class::Stamp { zoned: true, .. } => format!("make_timestamp(({ticks})::bigint)::timestamptz"),
            Class::Time => format!("(time '00:00:00' + to_microseconds(({ticks})::bigint))"),
            _ => format!("make_timestamp(({ticks})::bigint)"),
        }
    }

    /// A value of the column (`sql` yields it) in a type that the result can hold, long texts cut.
    pub(super) fn shown(&self, sql: &str) -> String {
        match self.class {
            Class::Text => format!("left({sql}::varchar, {})", SHOWN + 1),
            Class::Symbol | Class::Enum => format!("{sql}::varchar"),
            Class::Wide if self.profile.r#type != "HUGEINT" => format!("{sql}::varchar"),
            Class::OtherTime if self.profile.r#type != "INTERVAL" => format!("{sql}::varchar"),
            _ => sql.to_owned(),
        }
    }
}

/// A shown value, with an ellipsis where it was cut.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_fall_into_classes() {
        assert_eq!(Class::of("DECIMAL(38,10)"), Class::Decimal(38, 10));
        assert_eq!(Class::of("DECIMAL(9,2)[]"), Class::Nested);
        assert_eq!(Class::of("MAP(VARCHAR, INTEGER)"), Class::Nested);
        assert_eq!(Class::of("ENUM('DATE', 'x]y')"), Class::Enum);
        assert_eq!(Class::of("TIMESTAMP WITH TIME ZONE"), Class::Stamp { nanos: false, zoned: true });
        assert_eq!(Class::of("JSON"), Class::Text);
        assert_eq!(Class::of("UHUGEINT"), Class::Wide);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shorten("short"), "short");
        let long = "é".repeat(SHOWN + 1);
        assert_eq!(shorten(&long), format!("{}…", "é".repeat(SHOWN)));
        assert_eq!(shorten(&"é".repeat(SHOWN)), "é".repeat(SHOWN));
    }
}
