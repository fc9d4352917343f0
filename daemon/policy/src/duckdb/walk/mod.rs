//! The walk over the engine's tree: strict, with scopes for CTE names.

mod expression;
mod relation;

use super::reading::{Reading, Relation};
use super::tree::{Node, Tree};
use super::{MAX_DEPTH, unknown};
use crate::denial::Denial;
use crate::lexer::too_deep;

/// Stack that must be left before the walk goes one level down, and what is added when there is less; bytes.
const RED_ZONE: usize = 128 * 1024;
const STACK_STEP: usize = 4 * 1024 * 1024;

/// Keys that every query node has.
const QUERY: &[&str] = &["type", "modifiers", "cte_map"];
const SELECT: &[&str] = &[
    "select_list",
    "from_table",
    "where_clause",
    "group_expressions",
    "group_sets",
    "aggregate_handling",
    "having",
    "sample",
    "qualify",
];
const SET_OPERATION: &[&str] = &["setop_type", "left", "right", "setop_all", "children"];
const RECURSIVE: &[&str] = &["cte_name", "union_all", "left", "right", "aliases", "key_targets"];

/// Reads one statement of the engine's JSON.
///
/// `planted` is the number that `pivot::rewrite` put into the text, if it did.
pub(crate) fn statement(statement: &Tree<'_>, planted: Option<i64>) -> Result<Reading, Denial> {
    let mut walk = Walk { reading: Reading::default(), scope: Vec::new(), depth: 0, macros: 0, planted };
    walk.select(statement)?;
    walk.reading.root_is_show = root_is_show(statement);
    Ok(walk.reading)
}

/// A CTE name that is visible, and whether `recurring.name` is too.
struct Visible {
    name: String,
    recurring: bool,
}

struct Walk {
    reading: Reading,
    scope: Vec<Visible>,
    depth: usize,
    macros: usize,
    planted: Option<i64>,
}

impl Walk {
    /// A whole statement or subquery: `{node, named_param_map}`.
    fn select(&mut self, value: &Tree<'_>) -> Result<(), Denial> {
        let node = Node::of(value, "select")?.only("select", &[&["node", "named_param_map"]])?;
        let query = node.value("node").ok_or_else(|| unknown("a statement without a node"))?;
        self.query(query)
    }

    /// A query node with its CTEs; they are visible in its body and its modifiers, and nowhere else.
    fn query(&mut self, value: &Tree<'_>) -> Result<(), Denial> {
        let before = self.scope.len();
        let done = stacker::maybe_grow(RED_ZONE, STACK_STEP, || self.query_here(value));
        self.scope.truncate(before);
        done
    }

    fn query_here(&mut self, value: &Tree<'_>) -> Result<(), Denial> {
        let node = Node::of(value, "query")?;
        self.ctes(&node)?;
        match node.text("type")? {
            "SELECT_NODE" => self.select_node(node.only("a select", &[QUERY, SELECT])?)?,
            "SET_OPERATION_NODE" => {
                let node = node.only("a set operation", &[QUERY, SET_OPERATION])?;
                for side in ["left", "right"] {
                    if let Some(query) = node.value(side) {
                        self.query(query)?;
                    }
                }
                for query in node.list("children")? {
                    self.query(query)?;
                }
            }
            "RECURSIVE_CTE_NODE" => self.recursive(node.only("a recursive CTE", &[QUERY, RECURSIVE])?)?,
            other => return Err(unknown(other)),
        }
        node.list("modifiers")?.iter().try_for_each(|modifier| self.modifier(modifier))
    }

    /// CTEs in order: each sees the ones before it and what is visible outside, not itself.
    fn ctes(&mut self, node: &Node<'_>) -> Result<(), Denial> {
        let Some(map) = node.value("cte_map") else { return Ok(()) };
        let entries = Node::of(map, "cte_map")?.only("cte_map", &[&["map"]])?.list("map")?;
        self.reading.with_clauses += usize::from(!entries.is_empty());
        for entry in entries {
            let entry = Node::of(entry, "a CTE")?.only("a CTE", &[&["key", "value"]])?;
            let value = entry.value("value").ok_or_else(|| unknown("a CTE without a body"))?;
            let value = Node::of(value, "a CTE")?;
            let value = value.only("a CTE", &[&["aliases", "query", "materialized", "key_targets"]])?;
            self.select(value.value("query").ok_or_else(|| unknown("a CTE without a body"))?)?;
            self.each(value.list("key_targets")?)?;
            self.scope.push(Visible { name: entry.text("key")?.to_owned(), recurring: false });
        }
        Ok(())
    }

    /// The recursive arm sees the CTE itself; the first arm does not.
    fn recursive(&mut self, node: Node<'_>) -> Result<(), Denial> {
        let missing = || unknown("a recursive CTE without an arm");
        self.query(node.value("left").ok_or_else(missing)?)?;
        self.each(node.list("key_targets")?)?;
        self.scope.push(Visible { name: node.text("cte_name")?.to_owned(), recurring: true });
        self.query(node.value("right").ok_or_else(missing)?)?;
        self.scope.pop();
        Ok(())
    }

    fn select_node(&mut self, node: Node<'_>) -> Result<(), Denial> {
        if let Some(from) = node.value("from_table") {
            self.relation(from)?;
        }
        self.each(node.list("select_list")?)?;
        self.each(node.list("group_expressions")?)?;
        for clause in ["where_clause", "having", "qualify"] {
            self.maybe(node.value(clause))?;
        }
        sample(node.value("sample"))
    }

    fn modifier(&mut self, value: &Tree<'_>) -> Result<(), Denial> {
        let node = Node::of(value, "modifier")?;
        match node.text("type")? {
            "LIMIT_MODIFIER" | "LIMIT_PERCENT_MODIFIER" => {
                let node = node.only("LIMIT", &[&["type", "limit", "offset"]])?;
                self.maybe(node.value("limit"))?;
                self.maybe(node.value("offset"))
            }
            "DISTINCT_MODIFIER" => {
                let node = node.only("DISTINCT", &[&["type", "distinct_on_targets"]])?;
                self.each(node.list("distinct_on_targets")?)
            }
            "ORDER_MODIFIER" => {
                let node = node.only("ORDER BY", &[&["type", "orders"]])?;
                self.orders(node.list("orders")?)
            }
            other => Err(unknown(other)),
        }
    }

    fn orders(&mut self, orders: &[Tree<'_>]) -> Result<(), Denial> {
        for order in orders {
            let order =
                Node::of(order, "ORDER BY")?.only("ORDER BY", &[&["type", "null_order", "expression"]])?;
            self.maybe(order.value("expression"))?;
        }
        Ok(())
    }

    fn each(&mut self, expressions: &[Tree<'_>]) -> Result<(), Denial> {
        expressions.iter().try_for_each(|expression| self.expression(expression))
    }

    fn maybe(&mut self, expression: Option<&Tree<'_>>) -> Result<(), Denial> {
        expression.map_or(Ok(()), |expression| self.expression(expression))
    }

    /// One level of expression down.
    fn deeper(&mut self, work: impl FnOnce(&mut Self) -> Result<(), Denial>) -> Result<(), Denial> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep(MAX_DEPTH));
        }
        let done = stacker::maybe_grow(RED_ZONE, STACK_STEP, || work(self));
        self.depth -= 1;
        done
    }

    /// Notes a named relation unless the name is a CTE visible here. A qualified name never is one, but for
    /// `recurring.name` inside the recursive arm.
    fn named(&mut self, relation: Relation) {
        let same = |cte: &&Visible| cte.name.eq_ignore_ascii_case(&relation.table);
        let is_cte = match (relation.catalog.as_str(), relation.schema.as_str()) {
            ("", "") => self.scope.iter().any(|cte| same(&cte)),
            ("", "recurring") => self.scope.iter().rev().find(same).is_some_and(|cte| cte.recurring),
            _ => false,
        };
        if is_cte {
            self.reading.ctes.push(relation.at);
        } else {
            self.reading.relations.push(relation);
        }
    }
}

/// A sample clause holds constants only.
fn sample(value: Option<&Tree<'_>>) -> Result<(), Denial> {
    const SAMPLE: &[&str] = &["sample_size", "is_percentage", "method", "seed", "repeatable"];
    value.map_or(Ok(()), |value| Node::of(value, "a sample")?.only("a sample", &[SAMPLE]).map(|_| ()))
}

/// Whether the statement is SHOW, DESCRIBE or SUMMARIZE and not a query around one.
fn root_is_show(statement: &Tree<'_>) -> bool {
    statement.at(&["node", "from_table", "type"]).and_then(Tree::as_str) == Some("SHOW_REF")
}
