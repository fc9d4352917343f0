//! Time grains, date parts and windows.

/// A standard time grain, finest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grain {
    /// A billionth of a second.
    Nanosecond,
    /// A millionth of a second.
    Microsecond,
    /// A thousandth of a second.
    Millisecond,
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week that begins on Monday.
    Week,
    /// A calendar month.
    Month,
    /// A calendar quarter.
    Quarter,
    /// A calendar year.
    Year,
}

impl Grain {
    /// All grains, finest first.
    pub const ALL: [Self; 11] = [
        Self::Nanosecond,
        Self::Microsecond,
        Self::Millisecond,
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
    ];

    /// The grain of that name, in lower case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grain| grain.name() == name)
    }

    /// The grain's name, for example `month`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nanosecond => "nanosecond",
            Self::Microsecond => "microsecond",
            Self::Millisecond => "millisecond",
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// True for grains whose periods have differing lengths in days, so that days cannot be shifted by them one to one.
    pub(crate) const fn is_calendar(self) -> bool {
        matches!(self, Self::Month | Self::Quarter | Self::Year)
    }

    /// True when a value of this grain is a date without a time of day.
    pub(crate) fn is_date(self) -> bool {
        self >= Self::Day
    }
}

/// A part of a date that can be grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DatePart {
    /// The year.
    Year,
    /// The quarter, 1 to 4.
    Quarter,
    /// The month, 1 to 12.
    Month,
    /// The day of the month.
    Day,
    /// The ISO day of the week: Monday is 1, Sunday 7.
    Dow,
    /// The day of the year.
    Doy,
}

impl DatePart {
    /// All date parts.
    pub const ALL: [Self; 6] = [Self::Year, Self::Quarter, Self::Month, Self::Day, Self::Dow, Self::Doy];

    /// The date part of that name, in lower case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    /// The name of the part, for example `dow`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Quarter => "quarter",
            Self::Month => "month",
            Self::Day => "day",
            Self::Dow => "dow",
            Self::Doy => "doy",
        }
    }

    /// The finest grain from which the part can be told.
    pub(crate) const fn needs(self) -> Grain {
        match self {
            Self::Year => Grain::Year,
            Self::Quarter => Grain::Quarter,
            Self::Month => Grain::Month,
            Self::Day | Self::Dow | Self::Doy => Grain::Day,
        }
    }
}

/// A length of time, for example `7 days`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// How many units.
    pub count: u32,
    /// The unit.
    pub grain: Grain,
}

impl Window {
    /// Reads `7 days` or `1 month`.
    ///
    /// # Errors
    /// Says in a sentence what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let (Some(count), Some(unit), None) = (words.next(), words.next(), words.next()) else {
            return Err(format!("window `{text}` is not a number and a unit"));
        };
        let count: u32 =
            count.parse().map_err(|_| format!("window `{text}` does not begin with a whole number"))?;
        if count == 0 {
            return Err(format!("window `{text}` is empty"));
        }
        let unit = unit.to_lowercase();
        let singular = unit.strip_suffix('s').unwrap_or(&unit);
        let grain =
            Grain::parse(singular).ok_or_else(|| format!("window `{text}` has the unknown unit `{unit}`"))?;
        Ok(Self { count, grain })
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = if self.count == 1 { "" } else { "s" };
        write!(f, "{} {}{plural}", self.count, self.grain.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_or_refused_with_the_text() {
        assert_eq!(Window::parse("7 days").map(|w| w.to_string()), Ok("7 days".into()));
        assert_eq!(Window::parse("1 Month").map(|w| w.grain), Ok(Grain::Month));
        for bad in ["seven days", "7 dayz", "7", "", "0 days", "-1 day", "7 days ago", "99999999999 days"] {
            assert!(Window::parse(bad).is_err_and(|why| why.contains(bad)), "{bad} must be refused");
        }
    }
}
