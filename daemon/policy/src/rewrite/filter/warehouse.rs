//! Filters of the warehouses' dialects.

use super::BadFilter;
use crate::names::Dialect;
use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Ident, JsonPathElem, ObjectNamePart, Value,
};
use sqlparser::dialect as parsers;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// Functions of one row that every kind of filter needs; what is in no list is refused.
const FUNCTIONS: &str = "
    abs array_contains array_length cardinality ceil ceiling char_length coalesce concat contains current_date
    current_timestamp date date_add date_part date_sub date_trunc dateadd datediff day dayofweek decode element_at endswith
    equal_null floor from_unixtime get_json_object getdate greatest iff ifnull initcap is_null_value isnull json_extract_path_text
    jsonb_extract_path_text last_day least left len length lower lpad ltrim md5 mod month nullif nvl nvl2 position
    quarter regexp_count regexp_instr regexp_like regexp_replace regexp_substr replace right round rpad rtrim sha2 sign split
    split_part startswith starts_with strpos substr substring to_char to_date to_number to_timestamp to_varchar trim
    trunc try_cast try_to_date try_to_number upper week year
";

/// The deepest nesting.
const MAX_DEPTH: usize = 50;

/// Looks at a filter whose placeholders are texts.
pub(super) fn look(filter: &str, columns: &[(&str, &str)], dialect: Dialect) -> Result<(), BadFilter> {
    let unread = |why: String| {
        BadFilter::new(format!("does not parse as {dialect}: {why}"), "write one plain condition")
    };
    let language: &dyn parsers::Dialect = match dialect {
        Dialect::Snowflake => &parsers::SnowflakeDialect,
        Dialect::Databricks => &parsers::DatabricksDialect,
        Dialect::Redshift => &parsers::RedshiftSqlDialect {},
        Dialect::Postgres | Dialect::Duckdb => &parsers::PostgreSqlDialect {},
    };
    let parser = Parser::new(language).with_recursion_limit(MAX_DEPTH);
    let mut parser = parser.try_with_sql(filter).map_err(|error| unread(error.to_string()))?;
    let read = parser.parse_expr().map_err(|error| unread(error.to_string()))?;
    if parser.peek_token().token != Token::EOF {
        return Err(unread(format!("{} stands behind the condition", parser.peek_token())));
    }
    Look { columns, dialect }.expression(&read)
}

struct Look<'a> {
    columns: &'a [(&'a str, &'a str)],
    dialect: Dialect,
}

impl Look<'_> {
    fn each<'e>(&self, values: impl IntoIterator<Item = &'e Expr>) -> Result<(), BadFilter> {
        values.into_iter().try_for_each(|value| self.expression(value))
    }

    fn expression(&self, value: &Expr) -> Result<(), BadFilter> {
        match value {
            Expr::Identifier(name) => self.column(name),
            Expr::CompoundIdentifier(names) if self.has_paths() => {
                names.first().map_or(Ok(()), |name| self.column(name))
            }
            Expr::JsonAccess { value, path } => {
                let keys = path.path.iter().filter_map(|element| match element {
                    JsonPathElem::Dot { .. } => None,
                    JsonPathElem::Bracket { key } | JsonPathElem::ColonBracket { key } => Some(key),
                });
                self.expression(value)?;
                self.each(keys)
            }
            Expr::IsFalse(inner) | Expr::IsNotFalse(inner) | Expr::IsTrue(inner) | Expr::IsNotTrue(inner) => {
                self.expression(inner)
            }
            Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner) => self.expression(inner),
            Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => self.expression(inner),
            Expr::Extract { expr: inner, .. }
            | Expr::Ceil { expr: inner, .. }
            | Expr::Floor { expr: inner, .. } => self.expression(inner),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.each([&**left, right])
            }
            Expr::BinaryOp { left, op, right }
                if !matches!(op, BinaryOperator::PGCustomBinaryOperator(_)) =>
            {
                self.each([&**left, right])
            }
            Expr::AnyOp { left, right, .. } => self.each([&**left, right]),
            Expr::InList { expr, list, .. } => {
                self.expression(expr)?;
                self.each(list)
            }
            Expr::Between { expr, low, high, .. } => self.each([&**expr, low, high]),
            Expr::Like { expr, pattern, .. } | Expr::ILike { expr, pattern, .. } => {
                self.each([&**expr, pattern])
            }
            Expr::RLike { expr, pattern, .. } | Expr::SimilarTo { expr, pattern, .. } => {
                self.each([&**expr, pattern])
            }
            Expr::Position { expr, r#in } => self.each([&**expr, r#in]),
            Expr::AtTimeZone { timestamp, time_zone } => self.each([&**timestamp, time_zone]),
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                let more = [substring_from, substring_for];
                self.each([&**expr].into_iter().chain(more.into_iter().flatten().map(|part| &**part)))
            }
            Expr::Trim { expr, trim_what, trim_characters, .. } => {
                let what = trim_what.iter().map(|what| &**what);
                self.each([&**expr].into_iter().chain(what).chain(trim_characters.iter().flatten()))
            }
            Expr::Interval(interval) => self.expression(&interval.value),
            Expr::Case { operand, conditions, else_result, .. } => {
                let branches = conditions.iter().flat_map(|branch| [&branch.condition, &branch.result]);
                let ends = [operand, else_result].into_iter().flatten().map(|end| &**end);
                self.each(branches.chain(ends))
            }
            Expr::Cast { kind, expr, data_type, .. } => {
                self.data_type(data_type, kind)?;
                self.expression(expr)
            }
            Expr::TypedString(typed) => self.data_type(&typed.data_type, &CastKind::Cast),
            Expr::Value(constant) if !matches!(constant.value, Value::Placeholder(_)) => Ok(()),
            Expr::Function(function) => self.function(function),
            _ => Err(BadFilter::new(
                "holds more than columns, constants and plain functions",
                "write a condition on the table's own columns",
            )),
        }
    }

    /// Whether a dot behind a column goes into its value.
    fn has_paths(&self) -> bool {
        matches!(self.dialect, Dialect::Snowflake | Dialect::Databricks)
    }

    /// A column by the folding of the dialect.
    fn column(&self, name: &Ident) -> Result<(), BadFilter> {
        let spelled = match self.dialect {
            Dialect::Snowflake if name.quote_style.is_none() => name.value.to_uppercase(),
            Dialect::Postgres | Dialect::Redshift if name.quote_style.is_none() => name.value.to_lowercase(),
            _ => name.value.clone(),
        };
        let is_date = name.quote_style.is_none()
            && ["current_date", "current_timestamp"].contains(&name.value.to_ascii_lowercase().as_str());
        if is_date {
            return Ok(());
        }
        super::known(&name.value, self.columns, |known| match self.dialect {
            Dialect::Databricks | Dialect::Duckdb => known.eq_ignore_ascii_case(&spelled),
            _ => known == spelled,
        })
    }

    fn data_type(&self, data_type: &DataType, _: &CastKind) -> Result<(), BadFilter> {
        if matches!(data_type, DataType::Custom(..)) {
            let what = format!("names the type {data_type}, which is not known here");
            return Err(BadFilter::new(what, "cast to a type of the engine"));
        }
        Ok(())
    }

    fn function(&self, function: &Function) -> Result<(), BadFilter> {
        let name = function.name.to_string().to_ascii_lowercase();
        let is_plain =
            function.over.is_none() && function.filter.is_none() && function.within_group.is_empty();
        let is_bare = matches!(function.name.0.as_slice(), [ObjectNamePart::Identifier(name)] if name.quote_style.is_none());
        if !is_plain || !is_bare || !FUNCTIONS.split_whitespace().any(|known| known == name) {
            let near = crate::nearest(&name, FUNCTIONS.split_whitespace());
            let hint = match near.as_slice() {
                [] => "use comparisons, LIKE, IN, CASE, dates and text functions".to_owned(),
                near => format!("did you mean {}?", near.join(" or ")),
            };
            return Err(BadFilter::new(format!("calls {name}, which filters may not"), hint));
        }
        match &function.args {
            FunctionArguments::None => Ok(()),
            FunctionArguments::List(list)
                if list.clauses.is_empty() && list.duplicate_treatment.is_none() =>
            {
                list.args.iter().try_for_each(|argument| match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => self.argument(value, &name),
                    _ => Err(BadFilter::new(
                        format!("gives {name} an unusual argument"),
                        "use plain arguments",
                    )),
                })
            }
            _ => Err(BadFilter::new(format!("gives {name} unusual arguments"), "use plain arguments")),
        }
    }

    /// The unit of a date function is a bare word.
    fn argument(&self, value: &Expr, function: &str) -> Result<(), BadFilter> {
        const UNITS: &[&str] =
            &["year", "quarter", "month", "week", "day", "hour", "minute", "second", "dow", "doy", "epoch"];
        match value {
            Expr::Identifier(word)
                if function.starts_with("date")
                    && UNITS.contains(&word.value.to_ascii_lowercase().as_str()) =>
            {
                Ok(())
            }
            other => self.expression(other),
        }
    }
}
