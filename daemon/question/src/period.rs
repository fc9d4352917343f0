//! Period: a stretch of days, and the calendar arithmetic around it.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::grain::Grain;

/// A stretch of days. Both ends are included; an absent end is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// First day.
    pub start: Option<NaiveDate>,
    /// Last day.
    pub end: Option<NaiveDate>,
}

impl Period {
    pub(crate) fn new(start: NaiveDate, end: NaiveDate) -> Self {
        Self { start: Some(start), end: Some(end) }
    }

    pub(crate) fn day(day: NaiveDate) -> Self {
        Self::new(day, day)
    }

    /// The calendar unit that holds `day`.
    pub(crate) fn unit(grain: Grain, day: NaiveDate) -> Option<Self> {
        let start = floor(grain, day)?;
        let end = shift(grain, start, 1)?.pred_opt()?;
        Some(Self::new(start, end))
    }

    pub(crate) fn year(year: i32) -> Option<Self> {
        Self::unit(Grain::Year, NaiveDate::from_ymd_opt(year, 1, 1)?)
    }

    pub(crate) fn month(year: i32, month: u32) -> Option<Self> {
        Self::unit(Grain::Month, NaiveDate::from_ymd_opt(year, month, 1)?)
    }

    /// The calendar unit the period is, when it is exactly one.
    pub(crate) fn exact_unit(&self) -> Option<Grain> {
        [Grain::Day, Grain::Week, Grain::Month, Grain::Quarter, Grain::Year]
            .into_iter()
            .find(|grain| self.start.and_then(|start| Self::unit(*grain, start)) == Some(*self))
    }

    /// The period moved by `count` units. Whole months stay whole months. Without a unit, by its own length.
    pub(crate) fn moved(&self, unit: Option<Grain>, count: i32) -> Option<Self> {
        let (start, end) = (self.start?, self.end?);
        let own = self.exact_unit();
        let Some(unit) = unit.or(own) else {
            let days = i32::try_from((end - start).num_days()).ok()?.checked_add(1)?.checked_mul(count)?;
            return Some(Self::new(add_days(start, days)?, add_days(end, days)?));
        };
        if own == Some(unit) {
            return Self::unit(unit, shift(unit, start, count)?);
        }
        let whole_months = start.day() == 1 && end.succ_opt()?.day() == 1;
        let moved_start = shift(unit, start, count)?;
        let moved_end = if whole_months && unit >= Grain::Month {
            shift(unit, end.succ_opt()?, count)?.pred_opt()?
        } else {
            shift(unit, end, count)?
        };
        Some(Self::new(moved_start, moved_end))
    }

    /// The single calendar year that holds the whole period.
    pub(crate) fn within_year(&self) -> Option<i32> {
        let (start, end) = (self.start?, self.end?);
        (start.year() == end.year()).then(|| start.year())
    }

    /// The common part of two periods; `None` when there is none.
    pub(crate) fn meet(&self, other: &Self) -> Option<Self> {
        let start = self.start.max(other.start);
        let end = match (self.end, other.end) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        match (start, end) {
            (Some(start), Some(end)) if start > end => None,
            _ => Some(Self { start, end }),
        }
    }

    /// In words for the summary: `2024`, `March 2024`, `Q3 2024`, `2024-11-04 to 2024-12-15`.
    pub(crate) fn words(&self) -> String {
        match (self.start, self.end) {
            (Some(start), Some(end)) if start == end => start.to_string(),
            (Some(start), Some(end)) => match self.exact_unit() {
                Some(Grain::Year) => start.year().to_string(),
                Some(Grain::Month) => start.format("%B %Y").to_string(),
                Some(Grain::Quarter) => format!("Q{} {}", start.month0() / 3 + 1, start.year()),
                _ => format!("{start} to {end}"),
            },
            (Some(start), None) => format!("from {start} on"),
            (None, Some(end)) => format!("up to {end}"),
            (None, None) => "all time".to_owned(),
        }
    }
}

/// The first day of the unit that holds `day`.
pub(crate) fn floor(grain: Grain, day: NaiveDate) -> Option<NaiveDate> {
    match grain {
        Grain::Week => day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))),
        Grain::Month => day.with_day(1),
        Grain::Quarter => NaiveDate::from_ymd_opt(day.year(), day.month0() / 3 * 3 + 1, 1),
        Grain::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1),
        _ => Some(day),
    }
}

/// The day `count` units later (earlier when negative). Month ends are clamped: 31 March less a month is 29 February.
pub(crate) fn shift(grain: Grain, day: NaiveDate, count: i32) -> Option<NaiveDate> {
    let months = match grain {
        Grain::Month => 1,
        Grain::Quarter => 3,
        Grain::Year => 12,
        Grain::Week => return add_days(day, count.checked_mul(7)?),
        _ => return add_days(day, count),
    };
    let total = count.checked_mul(months)?;
    if total >= 0 {
        day.checked_add_months(Months::new(total.unsigned_abs()))
    } else {
        day.checked_sub_months(Months::new(total.unsigned_abs()))
    }
}

pub(crate) fn add_days(day: NaiveDate, count: i32) -> Option<NaiveDate> {
    let days = Days::new(u64::from(count.unsigned_abs()));
    if count >= 0 { day.checked_add_days(days) } else { day.checked_sub_days(days) }
}

/// The last `count` units that end today: exactly `count` units of days, today included.
pub(crate) fn rolling(grain: Grain, count: i32, today: NaiveDate) -> Option<Period> {
    let start = shift(grain, today, -count)?.succ_opt()?;
    Some(Period::new(start, today))
}
