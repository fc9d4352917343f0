//! Expressions: a table of shapes for the plain classes, and the few that say something about the world outside.

use super::Walk;
use crate::denial::{Denial, DenialCode};
use crate::duckdb::functions::{SESSION_WORDS, is_macro};
use crate::duckdb::reading::{ColumnUse, FunctionUse, Seat, TypeUse};
use crate::duckdb::tree::{Node, Tree};
use crate::duckdb::unknown;

/// Keys that every expression has.
const EXPRESSION: &[&str] = &["class", "type", "alias", "query_location"];

/// Macros may nest this deep. The engine writes an argument out once for every use in the body, so nesting doubles.
const MAX_MACROS: usize = 10;

/// A class that only holds other expressions: its further keys are plain facts, single expressions or lists of them.
struct Shape {
    class: &'static str,
    plain: &'static [&'static str],
    single: &'static [&'static str],
    lists: &'static [&'static str],
}

const SHAPES: &[Shape] = &[
    Shape { class: "COMPARISON", plain: &[], single: &["left", "right"], lists: &[] },
    Shape { class: "CONJUNCTION", plain: &[], single: &[], lists: &["children"] },
    Shape { class: "CONSTANT", plain: &["value"], single: &[], lists: &[] },
    Shape { class: "OPERATOR", plain: &[], single: &[], lists: &["children"] },
    Shape { class: "BETWEEN", plain: &[], single: &["input", "lower", "upper"], lists: &[] },
    Shape { class: "COLLATE", plain: &["collation"], single: &["child"], lists: &[] },
    Shape { class: "LAMBDA", plain: &["syntax_type"], single: &["lhs", "expr"], lists: &[] },
    Shape { class: "POSITIONAL_REFERENCE", plain: &["index"], single: &[], lists: &[] },
    Shape { class: "DEFAULT", plain: &[], single: &[], lists: &[] },
];

/// Expression types that may appear in the classes of `SHAPES`; anything else is new and refused.
const OPERATOR_TYPES: &[&str] = &[
    "OPERATOR_NOT",
    "OPERATOR_IS_NULL",
    "OPERATOR_IS_NOT_NULL",
    "OPERATOR_UNPACK",
    "OPERATOR_NULLIF",
    "OPERATOR_COALESCE",
    "OPERATOR_TRY",
    "COMPARE_IN",
    "COMPARE_NOT_IN",
    "ARRAY_EXTRACT",
    "ARRAY_SLICE",
    "ARRAY_CONSTRUCTOR",
    "STRUCT_EXTRACT",
    "GROUPING_FUNCTION",
];

const FUNCTION: &[&str] = &[
    "function_name",
    "schema",
    "catalog",
    "children",
    "filter",
    "order_bys",
    "distinct",
    "is_operator",
    "export_state",
];
const WINDOW: &[&str] = &[
    "function_name",
    "schema",
    "catalog",
    "children",
    "partitions",
    "orders",
    "start",
    "end",
    "start_expr",
    "end_expr",
    "offset_expr",
    "default_expr",
    "ignore_nulls",
    "filter_expr",
    "exclude_clause",
    "distinct",
    "arg_orders",
];
const STAR: &[&str] = &[
    "relation_name",
    "exclude_list",
    "replace_list",
    "columns",
    "expr",
    "qualified_exclude_list",
    "rename_list",
    "unpacked",
];

impl Walk {
    /// One expression.
    pub(super) fn expression(&mut self, value: &Tree<'_>) -> Result<(), Denial> {
        self.deeper(|walk| walk.expression_here(value))
    }

    fn expression_here(&mut self, value: &Tree<'_>) -> Result<(), Denial> {
        let node = Node::of(value, "expression")?;
        let class = node.text("class")?;
        if let Some(shape) = SHAPES.iter().find(|shape| shape.class == class) {
            return self.shaped(node, shape);
        }
        match class {
            "COLUMN_REF" => self.column(node.only("a column", &[EXPRESSION, &["column_names"]])?),
            "FUNCTION" => self.function(node, Seat::Expression),
            "WINDOW" => self.window(node.only("a window", &[EXPRESSION, WINDOW])?),
            "CASE" => self.case(node.only("CASE", &[EXPRESSION, &["case_checks", "else_expr"]])?),
            "CAST" => {
                let node = node.only("a cast", &[EXPRESSION, &["child", "cast_type", "try_cast"]])?;
                if let Some(named) = node.value("cast_type") {
                    self.data_type(named, node.location())?;
                }
                self.maybe(node.value("child"))
            }
            "SUBQUERY" => {
                let keys: &[&str] = &["subquery_type", "subquery", "child", "comparison_type"];
                let node = node.only("a subquery", &[EXPRESSION, keys])?;
                self.maybe(node.value("child"))?;
                self.select(node.value("subquery").ok_or_else(|| unknown("an empty subquery"))?)
            }
            "PARAMETER" => {
                let node = node.only("a parameter", &[EXPRESSION, &["identifier"]])?;
                let name = node.text("identifier")?.to_owned();
                if !self.reading.parameters.contains(&name) {
                    self.reading.parameters.push(name);
                }
                Ok(())
            }
            "STAR" => self.star(node.only("*", &[EXPRESSION, STAR])?),
            "TYPE" => {
                let node =
                    node.only("a type", &[EXPRESSION, &["catalog", "schema", "type_name", "children"]])?;
                let qualified = !node.text("catalog")?.is_empty() || !node.text("schema")?.is_empty();
                let (name, at) = (node.text("type_name")?.to_owned(), node.location());
                self.reading.types.push(TypeUse { qualified, name, at });
                self.each(node.list("children")?)
            }
            other => Err(unknown(other)),
        }
    }

    fn shaped(&mut self, node: Node<'_>, shape: &Shape) -> Result<(), Denial> {
        let node = node.only(shape.class, &[EXPRESSION, shape.plain, shape.single, shape.lists])?;
        let kind = node.text("type")?;
        if shape.class == "OPERATOR" && !OPERATOR_TYPES.contains(&kind) {
            return Err(unknown(kind));
        }
        shape.single.iter().try_for_each(|key| self.maybe(node.value(key)))?;
        for key in shape.lists {
            self.each(node.list(key)?)?;
        }
        Ok(())
    }

    /// A column is never a relation. A few bare words become functions when no column has that name.
    fn column(&mut self, node: Node<'_>) -> Result<(), Denial> {
        match node.texts("column_names")?.as_slice() {
            [word] if SESSION_WORDS.contains(&word.to_ascii_lowercase().as_str()) => {
                self.reading.functions.push(call(&node, word, Seat::Word));
            }
            names if names.len() > 2 => {
                let names = names.iter().map(|name| (*name).to_owned()).collect();
                self.reading.columns.push(ColumnUse { names, at: node.location() });
            }
            _ => {}
        }
        Ok(())
    }

    /// A function, in an expression or in FROM.
    pub(super) fn function(&mut self, node: Node<'_>, seat: Seat) -> Result<(), Denial> {
        let node = node.only("a function", &[EXPRESSION, FUNCTION])?;
        let mut used = call(&node, node.text("function_name")?, seat);
        used.catalog = node.text("catalog")?.to_owned();
        used.schema = node.text("schema")?.to_owned();
        used.operator = node.flag("is_operator");
        let children = node.list("children")?;
        used.second = children.get(1).and_then(constant).map(str::to_owned);
        used.texts = children.iter().flat_map(texts_in).collect();
        let copies = is_macro(&used.name);
        self.reading.functions.push(used);
        self.macros += usize::from(copies);
        if self.macros > MAX_MACROS {
            let message = format!("more than {MAX_MACROS} macros such as nullif are nested");
            return Err(Denial::new(DenialCode::TooDeep, message).hint("use CASE, or a CTE for each step"));
        }
        self.each(children)?;
        self.macros -= usize::from(copies);
        self.maybe(node.value("filter"))?;
        node.value("order_bys").map_or(Ok(()), |orders| self.modifier(orders))
    }

    fn window(&mut self, node: Node<'_>) -> Result<(), Denial> {
        let mut used = call(&node, node.text("function_name")?, Seat::Expression);
        used.catalog = node.text("catalog")?.to_owned();
        used.schema = node.text("schema")?.to_owned();
        self.reading.functions.push(used);
        self.each(node.list("children")?)?;
        self.each(node.list("partitions")?)?;
        self.orders(node.list("orders")?)?;
        self.orders(node.list("arg_orders")?)?;
        for key in ["start_expr", "end_expr", "offset_expr", "default_expr", "filter_expr"] {
            self.maybe(node.value(key))?;
        }
        Ok(())
    }

    fn case(&mut self, node: Node<'_>) -> Result<(), Denial> {
        for check in node.list("case_checks")? {
            let check = Node::of(check, "CASE")?.only("CASE", &[&["when_expr", "then_expr"]])?;
            self.maybe(check.value("when_expr"))?;
            self.maybe(check.value("then_expr"))?;
        }
        self.maybe(node.value("else_expr"))
    }

    fn star(&mut self, node: Node<'_>) -> Result<(), Denial> {
        for entry in node.list("replace_list")? {
            let entry = Node::of(entry, "REPLACE")?.only("REPLACE", &[&["key", "value"]])?;
            self.maybe(entry.value("value"))?;
        }
        self.maybe(node.value("expr"))
    }

    /// Notes every type by name inside a type. The rest of a type is constants.
    fn data_type(&mut self, value: &Tree<'_>, at: Option<usize>) -> Result<(), Denial> {
        const UNBOUND: &[&str] =
            &["type", "name", "catalog", "schema", "user_type_modifiers", "alias", "expr"];
        stacker::maybe_grow(super::RED_ZONE, super::STACK_STEP, || match value {
            Tree::List(values) => values.iter().try_for_each(|value| self.data_type(value, at)),
            Tree::Map(_) if value.get("type").and_then(Tree::as_str) == Some("UNBOUND_TYPE_INFO") => {
                let node = Node::of(value, "a type")?.only("a type", &[UNBOUND])?;
                let qualified = !node.text("catalog")?.is_empty() || !node.text("schema")?.is_empty();
                self.reading.types.push(TypeUse { qualified, name: node.text("name")?.to_owned(), at });
                self.maybe(node.value("expr"))
            }
            Tree::Map(entries) => entries.iter().try_for_each(|(_, value)| self.data_type(value, at)),
            _ => Ok(()),
        })
    }
}

fn call(node: &Node<'_>, name: &str, seat: Seat) -> FunctionUse {
    FunctionUse {
        catalog: String::new(),
        schema: String::new(),
        name: name.to_ascii_lowercase(),
        seat,
        operator: false,
        texts: Vec::new(),
        second: None,
        at: node.location(),
    }
}

/// The text of a string constant.
fn constant<'t>(expression: &'t Tree<'_>) -> Option<&'t str> {
    expression.at(&["value", "value"]).and_then(Tree::as_str)
}

/// String constants in an argument, also inside a list of them.
fn texts_in(argument: &Tree<'_>) -> Vec<String> {
    if let Some(text) = constant(argument) {
        return vec![text.to_owned()];
    }
    let children = argument.get("children").and_then(Tree::as_list).unwrap_or_default();
    children.iter().filter_map(constant).map(str::to_owned).collect()
}
