//! What a caller sees of a column, and how it is written in policies and on the command line.

use super::types::{ColumnType, DateUnit};
use crate::names::Dialect;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// What a caller sees of one column.
///
/// Text form: `show`, `deny`, or a mask such as `mask:partial(2,4)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// The values as they are.
    Show,
    /// Nothing: the column does not exist for the caller.
    Deny,
    /// Something made of the values.
    Mask(Mask),
}

/// What is shown in a value's place. NULL stays NULL under every mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mask {
    /// NULL, of the column's type.
    Null,
    /// The word `REDACTED`; text only.
    Redact,
    /// A keyed SHA-256 of the value's text, 64 hex digits. Equal values stay equal, so joins and counts still work.
    Hash,
    /// The first and the last letters with `***` between; text only. A value with no letter left to hide becomes `***`.
    Partial {
        /// Letters shown at the start.
        first: u32,
        /// Letters shown at the end.
        last: u32,
    },
    /// The lower bound of the value's interval; numbers only. The type stays.
    Bucket {
        /// The width of an interval.
        width: NonZeroU32,
    },
    /// The start of the date's or timestamp's period. The type stays.
    Date {
        /// The period.
        unit: DateUnit,
    },
}

impl Treatment {
    /// Says whether the treatment fits a column of this type.
    ///
    /// # Errors
    /// [`BadTreatment`] when the mask has no meaning for the type.
    pub fn fits(self, data_type: &str, dialect: Dialect) -> Result<(), BadTreatment> {
        let Self::Mask(mask) = self else { return Ok(()) };
        let class = ColumnType::of(data_type, dialect);
        let fits = match mask {
            Mask::Null => true,
            Mask::Redact | Mask::Partial { .. } => class == ColumnType::Text,
            Mask::Hash => class.has_one_text(),
            Mask::Bucket { .. } => class.is_number(),
            Mask::Date { unit } => unit.fits(class),
        };
        if fits {
            return Ok(());
        }
        let why = match mask {
            Mask::Redact | Mask::Partial { .. } => "shows text, so it fits text columns only",
            Mask::Hash => "fits text, whole numbers, decimals, dates, timestamps and UUIDs only",
            Mask::Bucket { .. } => "fits numbers only",
            Mask::Date { unit } if unit.is_time() => "fits timestamps only",
            Mask::Date { .. } | Mask::Null => "fits dates and timestamps only",
        };
        Err(BadTreatment {
            what: format!("{self} does not fit a column of type {data_type}: it {why}"),
            hint: "use mask:null, which fits every type, or deny the column",
        })
    }
}

impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Show => f.write_str("show"),
            Self::Deny => f.write_str("deny"),
            Self::Mask(mask) => write!(f, "mask:{mask}"),
        }
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Redact => f.write_str("redact"),
            Self::Hash => f.write_str("hash"),
            Self::Partial { first, last } => write!(f, "partial({first},{last})"),
            Self::Bucket { width } => write!(f, "bucket({width})"),
            Self::Date { unit } => write!(f, "date({unit})"),
        }
    }
}

impl FromStr for Treatment {
    type Err = BadTreatment;

    fn from_str(text: &str) -> Result<Self, BadTreatment> {
        let plain = text.trim().to_ascii_lowercase();
        match plain.as_str() {
            "show" => Ok(Self::Show),
            "deny" => Ok(Self::Deny),
            other => match other.strip_prefix("mask:") {
                Some(mask) => mask.parse().map(Self::Mask),
                None => Err(bad(format!("`{text}` is no treatment of a column"))),
            },
        }
    }
}

impl FromStr for Mask {
    type Err = BadTreatment;

    fn from_str(text: &str) -> Result<Self, BadTreatment> {
        let plain = text.trim().to_ascii_lowercase();
        let (name, given) = match plain.split_once('(') {
            None => (plain.as_str(), Vec::new()),
            Some((name, rest)) => {
                let given = rest
                    .trim_end()
                    .strip_suffix(')')
                    .ok_or_else(|| bad(format!("`{text}` lacks its closing bracket")))?;
                (name.trim(), given.split(',').map(str::trim).collect())
            }
        };
        match (name, given.as_slice()) {
            ("null", []) => Ok(Self::Null),
            ("redact", []) => Ok(Self::Redact),
            ("hash", []) => Ok(Self::Hash),
            ("partial", [first, last]) => Ok(Self::Partial { first: number(first)?, last: number(last)? }),
            ("bucket", [width]) => {
                let width = NonZeroU32::new(number(width)?);
                Ok(Self::Bucket { width: width.ok_or_else(|| bad("the width of a bucket is 0".into()))? })
            }
            ("date", [unit]) => {
                let unit = unit.parse().map_err(|()| bad(format!("`{unit}` is no period of time")))?;
                Ok(Self::Date { unit })
            }
            ("null" | "redact" | "hash" | "partial" | "bucket" | "date", given) => {
                Err(bad(format!("the mask {name} does not take {} settings", given.len())))
            }
            _ => Err(bad(format!("`{text}` is no mask"))),
        }
    }
}

fn number(text: &str) -> Result<u32, BadTreatment> {
    text.parse().map_err(|_| bad(format!("`{text}` is no whole number from 0 to {}", u32::MAX)))
}

fn bad(what: String) -> BadTreatment {
    BadTreatment {
        what,
        hint: "write show, deny, mask:null, mask:redact, mask:hash, mask:partial(FIRST,LAST), mask:bucket(WIDTH) or \
               mask:date(UNIT) with year, quarter, month, week, day, hour or minute as UNIT",
    }
}

/// A treatment that cannot be read, or does not fit its column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {hint}")]
pub struct BadTreatment {
    /// What is wrong.
    pub what: String,
    /// What to do instead.
    pub hint: &'static str,
}
