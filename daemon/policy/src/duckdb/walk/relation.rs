//! What can stand in FROM.

use super::{Walk, sample};
use crate::denial::Denial;
use crate::duckdb::reading::{Relation, Seat, TypeUse};
use crate::duckdb::tree::{Node, Tree};
use crate::duckdb::unknown;

/// Keys that every relation has.
const RELATION: &[&str] = &["type", "alias", "sample", "query_location"];
const BASE_TABLE: &[&str] = &["schema_name", "table_name", "column_name_alias", "catalog_name", "at_clause"];
const JOIN: &[&str] = &[
    "left",
    "right",
    "condition",
    "join_type",
    "ref_type",
    "using_columns",
    "delim_flipped",
    "duplicate_eliminated_columns",
    "is_implicit",
];
const PIVOT: &[&str] =
    &["source", "aggregates", "unpivot_names", "pivots", "groups", "column_name_alias", "include_nulls"];
const PIVOT_COLUMN: &[&str] = &["pivot_expressions", "unpivot_names", "entries", "pivot_enum"];

impl Walk {
    /// One item of FROM.
    pub(super) fn relation(&mut self, value: &Tree<'_>) -> Result<(), Denial> {
        stacker::maybe_grow(super::RED_ZONE, super::STACK_STEP, || self.relation_here(value))
    }

    fn relation_here(&mut self, value: &Tree<'_>) -> Result<(), Denial> {
        let node = Node::of(value, "relation")?;
        sample(node.value("sample"))?;
        self.reading.has_columns |= !node.text("type")?.starts_with("EMPTY");
        match node.text("type")? {
            "EMPTY" | "EMPTY_FROM" => node.only("an empty FROM", &[RELATION]).map(|_| ()),
            "BASE_TABLE" => self.base_table(node.only("a table", &[RELATION, BASE_TABLE])?),
            "SUBQUERY" => {
                let node = node.only("a subquery", &[RELATION, &["subquery", "column_name_alias"]])?;
                let query = node.value("subquery").ok_or_else(|| unknown("an empty subquery"))?;
                self.deeper(|walk| walk.select(query))
            }
            "JOIN" => self.join(node.only("a join", &[RELATION, JOIN])?),
            "TABLE_FUNCTION" => {
                let keys: &[&str] = &["function", "column_name_alias", "with_ordinality"];
                let node = node.only("a table function", &[RELATION, keys])?;
                let call =
                    node.value("function").ok_or_else(|| unknown("a table function without a call"))?;
                let call = Node::of(call, "a table function")?;
                // A call that is not a plain function would be a way past the list of table functions.
                match call.text("class")? {
                    "FUNCTION" => self.deeper(|walk| walk.function(call, Seat::From)),
                    other => Err(unknown(format!("{other} as a table function"))),
                }
            }
            "EXPRESSION_LIST" => {
                let keys: &[&str] = &["expected_names", "expected_types", "values"];
                let node = node.only("VALUES", &[RELATION, keys])?;
                for row in node.list("values")? {
                    self.each(row.as_list().ok_or_else(|| unknown("a row of VALUES"))?)?;
                }
                Ok(())
            }
            "PIVOT" => self.pivot(node.only("PIVOT", &[RELATION, PIVOT])?),
            "SHOW_REF" => {
                let keys: &[&str] = &["table_name", "query", "show_type", "catalog_name", "schema_name"];
                let node = node.only("SHOW", &[RELATION, keys])?;
                self.reading.shows.push(node.location());
                node.value("query").map_or(Ok(()), |query| self.deeper(|walk| walk.query(query)))
            }
            other => Err(unknown(other)),
        }
    }

    fn base_table(&mut self, node: Node<'_>) -> Result<(), Denial> {
        if let Some(clause) = node.value("at_clause") {
            let clause = Node::of(clause, "AT")?.only("AT", &[&["unit", "expr"]])?;
            self.maybe(clause.value("expr"))?;
        }
        self.named(Relation {
            catalog: node.text("catalog_name")?.to_owned(),
            schema: node.text("schema_name")?.to_owned(),
            table: node.text("table_name")?.to_owned(),
            at: node.location(),
            alone: false,
            aliased: !node.text("alias")?.is_empty(),
            travels: node.value("at_clause").is_some(),
        });
        Ok(())
    }

    /// A long chain of joins leans to the left in the tree but is no nesting in the text, so it adds no depth.
    fn join(&mut self, node: Node<'_>) -> Result<(), Denial> {
        for side in ["left", "right"] {
            if let Some(relation) = node.value(side) {
                self.relation(relation)?;
            }
        }
        self.maybe(node.value("condition"))?;
        self.each(node.list("duplicate_eliminated_columns")?)
    }

    fn pivot(&mut self, node: Node<'_>) -> Result<(), Denial> {
        if let Some(source) = node.value("source") {
            self.relation(source)?;
        }
        self.each(node.list("aggregates")?)?;
        for column in node.list("pivots")? {
            let column = Node::of(column, "PIVOT")?.only("a PIVOT column", &[PIVOT_COLUMN])?;
            self.each(column.list("pivot_expressions")?)?;
            let columns_type = column.text("pivot_enum")?;
            if !columns_type.is_empty() {
                let at = node.location();
                self.reading.types.push(TypeUse { qualified: false, name: columns_type.to_owned(), at });
            }
            for entry in column.list("entries")? {
                let entry = Node::of(entry, "PIVOT")?.only("PIVOT", &[&["values", "star_expr", "alias"]])?;
                self.maybe(entry.value("star_expr"))?;
                let values = entry.list("values")?;
                if let (Some(planted), [value]) = (self.planted, values)
                    && value.get("value").and_then(Tree::as_whole) == Some(planted)
                {
                    self.reading.planted += 1;
                    self.reading.pivot_in_recursion |= self.scope.iter().any(|cte| cte.recurring);
                }
            }
        }
        Ok(())
    }
}
