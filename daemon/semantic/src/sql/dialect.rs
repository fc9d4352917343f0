//! What differs between warehouses.

use std::fmt::Write as _;

use crate::expr::{TypeName, is_plain_word};
use crate::grain::{DatePart, Grain, Window};
use crate::model::Aggregation;

/// The SQL of a warehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// DuckDB.
    #[default]
    DuckDb,
    /// PostgreSQL.
    Postgres,
    /// Snowflake.
    Snowflake,
    /// Databricks SQL.
    Databricks,
    /// Amazon Redshift.
    Redshift,
}

impl Dialect {
    /// An identifier in quotes.
    #[must_use]
    pub fn quote(self, name: &str) -> String {
        match self {
            Self::Databricks => format!("`{}`", name.replace('`', "``")),
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    /// A dotted table name with every part in quotes; parts without quotes keep their usual meaning.
    #[must_use]
    pub fn quote_table(self, name: &str) -> String {
        split_dotted(name).iter().map(|part| self.quote_word(part)).collect::<Vec<_>>().join(".")
    }

    /// A word of the author, or a name the author quoted, as a quoted identifier that means the same.
    pub(crate) fn quote_word(self, word: &str) -> String {
        if let Some(inner) = word.strip_prefix('"').and_then(|w| w.strip_suffix('"')) {
            return self.quote(&inner.replace("\"\"", "\""));
        }
        // Without quotes these fold letters; inside quotes they do not, so the fold is done here.
        match self {
            Self::Snowflake => self.quote(&word.to_uppercase()),
            Self::Postgres | Self::Redshift => self.quote(&word.to_lowercase()),
            Self::DuckDb | Self::Databricks => self.quote(word),
        }
    }

    /// A text literal; nothing in it can end it.
    pub(crate) fn text(self, text: &str) -> String {
        let text = match self {
            Self::Snowflake | Self::Databricks | Self::Redshift => text.replace('\\', "\\\\"),
            Self::DuckDb | Self::Postgres => text.to_owned(),
        };
        match self {
            Self::Databricks => format!("'{}'", text.replace('\'', "\\'")),
            _ => format!("'{}'", text.replace('\'', "''")),
        }
    }

    /// The start of the period; a date for days and longer.
    pub(crate) fn truncate(self, grain: Grain, sql: &str) -> String {
        match grain {
            Grain::Day => format!("CAST({sql} AS DATE)"),
            Grain::Nanosecond => sql.to_owned(),
            grain if grain.is_date() => format!("CAST(date_trunc('{}', {sql}) AS DATE)", grain.name()),
            grain => format!("date_trunc('{}', {sql})", grain.name()),
        }
    }

    /// A number out of a date.
    pub(crate) fn part(self, part: DatePart, sql: &str) -> String {
        match (part, self) {
            (DatePart::Dow, Self::DuckDb | Self::Postgres) => format!("EXTRACT(isodow FROM {sql})"),
            (DatePart::Dow, Self::Snowflake) => format!("EXTRACT(dayofweekiso FROM {sql})"),
            (DatePart::Dow, Self::Databricks) => format!("EXTRACT(DAYOFWEEK_ISO FROM {sql})"),
            (DatePart::Dow, Self::Redshift) => format!("((EXTRACT(dow FROM {sql}) + 6) % 7 + 1)"),
            (DatePart::Doy, Self::Snowflake) => format!("EXTRACT(dayofyear FROM {sql})"),
            (part, _) => format!("EXTRACT({} FROM {sql})", part.name()),
        }
    }

    /// A length of time as a literal.
    pub(crate) fn interval(self, window: Window) -> String {
        let (count, unit) = match window.grain {
            Grain::Week => (u64::from(window.count) * 7, "day"),
            Grain::Quarter => (u64::from(window.count) * 3, "month"),
            grain => (u64::from(window.count), grain.name()),
        };
        match self {
            Self::Databricks => format!("INTERVAL {count} {}", unit.to_uppercase()),
            _ => format!("INTERVAL '{count} {unit}'"),
        }
    }

    /// Equal, where two missing values are equal too.
    pub(crate) fn same(self, a: &str, b: &str) -> String {
        match self {
            Self::Redshift => format!("({a} = {b} OR ({a} IS NULL AND {b} IS NULL))"),
            _ => format!("{a} IS NOT DISTINCT FROM {b}"),
        }
    }

    /// The floating-point type.
    pub(crate) const fn double(self) -> &'static str {
        match self {
            Self::Postgres | Self::Redshift => "DOUBLE PRECISION",
            _ => "DOUBLE",
        }
    }

    pub(crate) fn type_name(self, target: &TypeName) -> String {
        let name = match (target.name.as_str(), self) {
            ("double" | "float", _) => self.double().to_owned(),
            ("string" | "text" | "varchar", Self::Databricks) => return "STRING".to_owned(),
            ("string" | "text", _) => "VARCHAR".to_owned(),
            ("tinyint", Self::Postgres | Self::Redshift) => "SMALLINT".to_owned(),
            ("numeric", _) => "DECIMAL".to_owned(),
            (name, _) => name.to_uppercase(),
        };
        if target.sizes.is_empty() {
            return name;
        }
        let sizes: Vec<String> = target.sizes.iter().map(u32::to_string).collect();
        format!("{name}({})", sizes.join(", "))
    }

    /// A scalar function of a filter, by its neutral name.
    pub(crate) fn call(self, name: &str, args: &[String]) -> String {
        if let ("contains" | "starts_with" | "ends_with", [text, part]) = (name, args) {
            return self.text_test(name, text, part);
        }
        format!("{name}({})", args.join(", "))
    }

    fn text_test(self, name: &str, text: &str, part: &str) -> String {
        match (self, name) {
            (Self::DuckDb, _) | (Self::Snowflake | Self::Databricks, "contains") => {
                format!("{name}({text}, {part})")
            }
            (Self::Snowflake | Self::Databricks, "starts_with") => format!("startswith({text}, {part})"),
            (Self::Snowflake | Self::Databricks, _) => format!("endswith({text}, {part})"),
            (_, "starts_with") => format!("(left({text}, length({part})) = {part})"),
            (_, "ends_with") => format!("(right({text}, length({part})) = {part})"),
            _ => format!("(position({part} IN {text}) > 0)"),
        }
    }

    /// An aggregate of a row value. `grouped` is false when there is one group even without rows.
    pub(crate) fn aggregate(self, aggregation: Aggregation, value: &str, grouped: bool) -> String {
        let counted = |count: String| {
            // Over no rows at all a count is missing, not 0: only a group that exists has a number.
            if grouped { count } else { format!("CASE WHEN COUNT(*) > 0 THEN {count} END") }
        };
        match aggregation {
            Aggregation::Sum => format!("SUM({value})"),
            Aggregation::Min => format!("MIN({value})"),
            Aggregation::Max => format!("MAX({value})"),
            Aggregation::Average => format!("AVG({value})"),
            Aggregation::Count => counted(format!("COUNT({value})")),
            Aggregation::CountDistinct => format!("COUNT(DISTINCT {value})"),
            Aggregation::SumBoolean => counted(format!("COUNT(CASE WHEN {value} THEN 1 END)")),
            Aggregation::Median => self.percentile(0.5, false, false, value),
            Aggregation::Percentile { share, discrete, approximate } => {
                self.percentile(share, discrete, approximate, value)
            }
        }
    }

    fn percentile(self, share: f64, discrete: bool, approximate: bool, value: &str) -> String {
        let mut number = String::new();
        // Writing to a String cannot fail.
        let _ = write!(number, "{share}");
        match (approximate && !discrete, self) {
            (true, Self::DuckDb) => return format!("approx_quantile({value}, {number})"),
            (true, Self::Snowflake) => return format!("APPROX_PERCENTILE({value}, {number})"),
            (true, Self::Databricks) => return format!("percentile_approx({value}, {number})"),
            _ => {}
        }
        let function = if discrete { "PERCENTILE_DISC" } else { "PERCENTILE_CONT" };
        // Interpolation between decimals must not be rounded to their scale.
        let value = if discrete { value.to_owned() } else { format!("CAST({value} AS {})", self.double()) };
        format!("{function}({number}) WITHIN GROUP (ORDER BY {value})")
    }
}

/// True when the author's expression is one column name, quoted or plain.
pub(crate) fn is_column(expr: &str) -> bool {
    if is_plain_word(expr) {
        return true;
    }
    match expr.strip_prefix('"').and_then(|e| e.strip_suffix('"')) {
        Some(inner) => !inner.is_empty() && !inner.replace("\"\"", "").contains('"'),
        None => false,
    }
}

/// Splits at the dots outside quotes.
fn split_dotted(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in name.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_leave_their_quotes() {
        assert_eq!(Dialect::DuckDb.quote("weird \"name"), "\"weird \"\"name\"");
        assert_eq!(Dialect::Databricks.quote("a`b"), "`a``b`");
        assert_eq!(Dialect::Snowflake.quote_table("db.sales.\"Orders\""), "\"DB\".\"SALES\".\"Orders\"");
        assert_eq!(Dialect::DuckDb.text("it's \\"), "'it''s \\'");
        assert_eq!(Dialect::Snowflake.text("it's \\"), "'it''s \\\\'");
        assert_eq!(Dialect::Databricks.text("it's"), "'it\\'s'");
    }

    #[test]
    fn a_column_is_a_word_or_one_quoted_name() {
        for column in ["order", "order_id", "\"weird \"\"name\""] {
            assert!(is_column(column), "{column}");
        }
        for other in ["a + b", "\"a\" + \"b\"", "1", "a.b", "\"\"", "lower(x)"] {
            assert!(!is_column(other), "{other}");
        }
    }
}
