//! The columns of a result: names made unique, types named, kinds told.

use arrow::datatypes::{DataType, SchemaRef};
use std::collections::HashSet;
use wharf_protocol::{Column, ColumnKind};

/// What Arrow's type does not say of the engine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logical {
    /// Nothing: Arrow's type says it all.
    Plain,
    /// Text that is JSON, written as JSON where the format can.
    Json,
    /// HUGEINT, which Arrow shows as DECIMAL(38,0) although it has one digit more.
    HugeInt,
    /// Text that is a number: its digits behind the point differ from value to value.
    Number,
}

/// A result's columns.
#[derive(Debug, Clone)]
pub struct Shape {
    /// As the wire tells them. Names are unique.
    pub columns: Vec<Column>,
    /// As the engine hands them over.
    pub schema: SchemaRef,
    /// Beyond Arrow's type.
    pub logical: Vec<Logical>,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            columns: Vec::new(),
            schema: SchemaRef::new(arrow::datatypes::Schema::empty()),
            logical: Vec::new(),
        }
    }
}

impl Shape {
    /// The shape of a result with this schema, the engine's type names beside it.
    pub fn new(schema: SchemaRef, logical: Vec<Logical>) -> Self {
        let names = unique_names(schema.fields().iter().map(|f| f.name().as_str()));
        let columns = names
            .into_iter()
            .zip(schema.fields())
            .zip(&logical)
            .map(|((name, field), logical)| Column {
                name,
                r#type: type_name(field.data_type(), *logical),
                kind: if *logical == Logical::Number { ColumnKind::Number } else { kind(field.data_type()) },
            })
            .collect();
        Self { columns, schema, logical }
    }

    /// The shape of a result that a source elsewhere announced, its own type names in the metadata of the fields.
    pub fn of_source(schema: &SchemaRef) -> Self {
        let logical = |field: &arrow::datatypes::FieldRef| match field.metadata() {
            marks if marks.contains_key(wharf_warehouses::JSON) => Logical::Json,
            marks if marks.contains_key(wharf_warehouses::NUMBER) => Logical::Number,
            _ => Logical::Plain,
        };
        let logical = schema.fields().iter().map(logical).collect();
        let mut shape = Self::new(schema.clone(), logical);
        for (column, field) in shape.columns.iter_mut().zip(schema.fields()) {
            if let Some(own) = field.metadata().get(wharf_warehouses::TYPE_NAME) {
                column.r#type.clone_from(own);
            }
        }
        shape
    }
}

/// Names with suffixes `_1`, `_2`, ... where one repeats, so that none is used twice. Comparison ignores case, as the
/// engine's does.
pub fn unique_names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: Vec<&str> = names.collect();
    let mut used: HashSet<String> = HashSet::with_capacity(names.len());
    let originals: HashSet<String> = names.iter().map(|n| n.to_lowercase()).collect();
    let mut next: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    names
        .into_iter()
        .map(|name| {
            let lower = name.to_lowercase();
            if used.insert(lower.clone()) {
                return name.to_owned();
            }
            let counter = next.entry(lower.clone()).or_insert(0);
            loop {
                *counter += 1;
                let candidate = format!("{name}_{counter}");
                let key = candidate.to_lowercase();
                if !originals.contains(&key) && used.insert(key) {
                    return candidate;
                }
            }
        })
        .collect()
}

fn kind(data_type: &DataType) -> ColumnKind {
    match data_type {
        DataType::Boolean => ColumnKind::Bool,
        t if t.is_numeric() => ColumnKind::Number,
        t if t.is_temporal() => ColumnKind::Time,
        DataType::Interval(_) => ColumnKind::Time,
        DataType::Binary | DataType::LargeBinary => ColumnKind::Binary,
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(_, _)
        | DataType::Struct(_)
        | DataType::Map(_, _)
        | DataType::Union(_, _) => ColumnKind::Nested,
        _ => ColumnKind::Text,
    }
}

fn type_name(data_type: &DataType, logical: Logical) -> String {
    use arrow::datatypes::TimeUnit;
    match (logical, data_type) {
        (Logical::Json, _) => "JSON".to_owned(),
        (Logical::HugeInt, _) => "HUGEINT".to_owned(),
        (_, DataType::Boolean) => "BOOLEAN".to_owned(),
        (_, DataType::Int8) => "TINYINT".to_owned(),
        (_, DataType::Int16) => "SMALLINT".to_owned(),
        (_, DataType::Int32) => "INTEGER".to_owned(),
        (_, DataType::Int64) => "BIGINT".to_owned(),
        (_, DataType::UInt8) => "UTINYINT".to_owned(),
        (_, DataType::UInt16) => "USMALLINT".to_owned(),
        (_, DataType::UInt32) => "UINTEGER".to_owned(),
        (_, DataType::UInt64) => "UBIGINT".to_owned(),
        (_, DataType::Float32) => "FLOAT".to_owned(),
        (_, DataType::Float64) => "DOUBLE".to_owned(),
        (_, DataType::Decimal128(width, scale)) => format!("DECIMAL({width},{scale})"),
        (_, DataType::Utf8 | DataType::LargeUtf8) => "VARCHAR".to_owned(),
        (_, DataType::Dictionary(_, _)) => "ENUM".to_owned(),
        (_, DataType::Binary | DataType::LargeBinary) => "BLOB".to_owned(),
        (_, DataType::Date32) => "DATE".to_owned(),
        (_, DataType::Time64(_)) => "TIME".to_owned(),
        (_, DataType::Timestamp(_, Some(_))) => "TIMESTAMP WITH TIME ZONE".to_owned(),
        (_, DataType::Timestamp(TimeUnit::Second, None)) => "TIMESTAMP_S".to_owned(),
        (_, DataType::Timestamp(TimeUnit::Millisecond, None)) => "TIMESTAMP_MS".to_owned(),
        (_, DataType::Timestamp(TimeUnit::Microsecond, None)) => "TIMESTAMP".to_owned(),
        (_, DataType::Timestamp(TimeUnit::Nanosecond, None)) => "TIMESTAMP_NS".to_owned(),
        (_, DataType::Interval(_)) => "INTERVAL".to_owned(),
        (_, DataType::Null) => "NULL".to_owned(),
        (_, DataType::List(item) | DataType::LargeList(item)) => {
            format!("{}[]", type_name(item.data_type(), Logical::Plain))
        }
        (_, DataType::FixedSizeList(item, n)) => {
            format!("{}[{n}]", type_name(item.data_type(), Logical::Plain))
        }
        (_, DataType::Struct(fields)) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|f| format!("{} {}", f.name(), type_name(f.data_type(), Logical::Plain)))
                .collect();
            format!("STRUCT({})", fields.join(", "))
        }
        (_, DataType::Map(entries, _)) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => format!(
                "MAP({}, {})",
                type_name(fields[0].data_type(), Logical::Plain),
                type_name(fields[1].data_type(), Logical::Plain)
            ),
            _ => "MAP".to_owned(),
        },
        (_, DataType::Union(_, _)) => "UNION".to_owned(),
        (_, other) => other.to_string().to_uppercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::unique_names;

    #[test]
    fn repeated_names_get_suffixes_that_hit_no_other_column() {
        assert_eq!(unique_names(["a", "A", "a_1", "b", "a"].into_iter()), ["a", "A_2", "a_1", "b", "a_3"]);
        assert_eq!(unique_names(["x", "x", "x"].into_iter()), ["x", "x_1", "x_2"]);
    }
}
