//! Kinds of column types, as far as masks tell them apart.

use crate::names::Dialect;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The kind of a column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnType {
    /// Text.
    Text,
    /// Whole numbers; `min` is the smallest, `None` when there is no bound within 64 bits.
    Whole {
        /// The smallest value, zero for unsigned types.
        min: Option<i64>,
    },
    /// Decimals.
    Decimal,
    /// Binary floating point.
    Float,
    /// Dates.
    Date,
    /// Timestamps with or without a time zone.
    Timestamp,
    /// UUIDs.
    Uuid,
    /// All others.
    Other,
}

/// Names of types by kind, for all dialects; a name means the same kind wherever it exists, but for those of `of`.
const KINDS: &[(&str, ColumnType)] = &[
    ("VARCHAR CHAR TEXT STRING BPCHAR NVARCHAR NCHAR CHARACTER", ColumnType::Text),
    ("TINYINT INT1 BYTE BYTEINT", ColumnType::Whole { min: Some(i8::MIN as i64) }),
    ("SMALLINT INT2 SHORT INT16", ColumnType::Whole { min: Some(i16::MIN as i64) }),
    ("INTEGER INT INT4 SIGNED INT32", ColumnType::Whole { min: Some(i32::MIN as i64) }),
    ("BIGINT INT8 LONG INT64", ColumnType::Whole { min: Some(i64::MIN) }),
    ("UTINYINT USMALLINT UINTEGER UBIGINT UINT8 UINT16 UINT32 UINT64", ColumnType::Whole { min: Some(0) }),
    ("HUGEINT UHUGEINT INT128 UINT128", ColumnType::Whole { min: None }),
    ("DECIMAL NUMERIC DEC NUMBER", ColumnType::Decimal),
    ("DOUBLE FLOAT REAL FLOAT4 FLOAT8", ColumnType::Float),
    ("DATE", ColumnType::Date),
    (
        "TIMESTAMP DATETIME TIMESTAMPTZ TIMESTAMP_NTZ TIMESTAMP_LTZ TIMESTAMP_TZ TIMESTAMPNTZ TIMESTAMPLTZ \
         TIMESTAMP_S TIMESTAMP_MS TIMESTAMP_US TIMESTAMP_NS",
        ColumnType::Timestamp,
    ),
    ("UUID GUID", ColumnType::Uuid),
];

impl ColumnType {
    /// The kind of a type as the catalogue spells it: `VARCHAR(20)`, `decimal(10, 2)`, `timestamp with time zone`.
    pub(crate) fn of(data_type: &str, dialect: Dialect) -> Self {
        let upper = data_type.trim().to_ascii_uppercase();
        if upper.ends_with(']') {
            return Self::Other;
        }
        let name = upper.split(['(', ' ']).next().unwrap_or_default();
        let behind = upper.strip_prefix(name).unwrap_or_default();
        let is_plain = behind.chars().all(|letter| letter.is_ascii_alphanumeric() || " (),".contains(letter));
        if !is_plain {
            return Self::Other;
        }
        match (name, dialect) {
            // Snowflake's whole numbers are decimals without a fraction, 38 digits wide.
            ("TINYINT" | "BYTEINT" | "SMALLINT" | "INT" | "INTEGER" | "BIGINT", Dialect::Snowflake) => {
                Self::Decimal
            }
            _ => KINDS
                .iter()
                .find(|(names, _)| names.split(' ').any(|known| known == name))
                .map_or(Self::Other, |(_, kind)| *kind),
        }
    }

    /// Numbers.
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Whole { .. } | Self::Decimal | Self::Float)
    }

    /// Whether a value has one text only, so that equal values have equal hashes.
    pub(crate) fn has_one_text(self) -> bool {
        !matches!(self, Self::Float | Self::Other)
    }
}

/// A period of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateUnit {
    /// From 1 January.
    Year,
    /// From the first day of January, April, July or October.
    Quarter,
    /// From the first day.
    Month,
    /// From Monday.
    Week,
    /// From midnight.
    Day,
    /// From the full hour; timestamps only.
    Hour,
    /// From the full minute; timestamps only.
    Minute,
}

impl DateUnit {
    /// All units, longest first.
    pub const ALL: [Self; 7] =
        [Self::Year, Self::Quarter, Self::Month, Self::Week, Self::Day, Self::Hour, Self::Minute];

    /// Shorter than a day.
    pub(crate) fn is_time(self) -> bool {
        matches!(self, Self::Hour | Self::Minute)
    }

    /// Whether columns of this kind have such periods.
    pub(crate) fn fits(self, class: ColumnType) -> bool {
        class == ColumnType::Timestamp || class == ColumnType::Date && !self.is_time()
    }
}

impl fmt::Display for DateUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl FromStr for DateUnit {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|unit| unit.to_string() == text).ok_or(())
    }
}
