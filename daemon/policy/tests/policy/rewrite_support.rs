//! Two engines: one with tables, for rewritten statements, and one where views by the same names keep the same rules.

use crate::support::Engine;
use duckdb::Connection;
use duckdb::types::Value;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;
use wharf_policy::{
    Attributes, Checked, Denial, Dialect, DuckdbParser, MaskKey, ParserUnavailable, Policy, RowFilter,
    TableName, Treatment, View, ViewColumn, check, rewrite,
};

/// Stands in every value that nobody but tenant `a` may see, and in those of denied and masked columns.
pub const MARKER: &str = "HIDDEN";

/// A number that stands in hidden rows and columns only.
pub const NUMBER: &str = "77077";

/// The columns of each table: name and type.
pub const TABLES: &[(&str, &[(&str, &str)])] = &[
    (
        "orders",
        &[
            ("id", "INTEGER"),
            ("customer_id", "INTEGER"),
            ("amount", "DECIMAL(12,2)"),
            ("region", "VARCHAR"),
            ("placed", "TIMESTAMP"),
            ("tags", "VARCHAR[]"),
            ("tenant", "VARCHAR"),
            ("secret", "VARCHAR"),
        ],
    ),
    (
        "customers",
        &[
            ("id", "INTEGER"),
            ("name", "VARCHAR"),
            ("email", "VARCHAR"),
            ("born", "DATE"),
            ("score", "DOUBLE"),
            ("tenant", "VARCHAR"),
        ],
    ),
    (
        "Odd \"Table",
        &[
            ("id", "INTEGER"),
            ("select", "VARCHAR"),
            ("größe", "BIGINT"),
            ("a\"b", "VARCHAR"),
            ("tenant", "VARCHAR"),
        ],
    ),
    ("plain", &[("id", "INTEGER"), ("word", "VARCHAR")]),
];

/// Rows of the tables in the schema `{s}`. Rows of tenant `a` have even ids.
const ROWS: &str = "
    CREATE TABLE {s}.orders (id INTEGER, customer_id INTEGER, amount DECIMAL(12,2), region VARCHAR, placed TIMESTAMP,
        tags VARCHAR[], tenant VARCHAR, secret VARCHAR);
    INSERT INTO {s}.orders SELECT i, i % 5, CASE WHEN i % 2 = 0 THEN i * 10.5 ELSE 77077.77 + i END,
        CASE WHEN i % 2 = 1 THEN 'HIDDEN(' || i WHEN i % 3 = 0 THEN 'north' WHEN i % 7 <> 0 THEN 'south' END,
        TIMESTAMP '2024-01-15 10:30:00' + i * INTERVAL 9 DAY,
        CASE WHEN i % 2 = 1 THEN ['HIDDEN'] ELSE ['x', 'y' || i % 3] END,
        CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, 'HIDDEN*' || i FROM range(24) t(i);
    CREATE TABLE {s}.customers (id INTEGER, name VARCHAR, email VARCHAR, born DATE, score DOUBLE, tenant VARCHAR);
    INSERT INTO {s}.customers SELECT i, CASE WHEN i % 2 = 0 THEN 'Ann ' || i ELSE 'HIDDEN[' || i END,
        'u' || i || 'HIDDEN@x.org', DATE '1990-05-20' + (i * 100)::INTEGER, CASE WHEN i % 2 = 0 THEN i / 4 ELSE 77077.5 END,
        CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END FROM range(8) t(i);
    CREATE TABLE {s}.\"Odd \"\"Table\" (id INTEGER, \"select\" VARCHAR, größe BIGINT, \"a\"\"b\" VARCHAR, tenant VARCHAR);
    INSERT INTO {s}.\"Odd \"\"Table\" SELECT i, 'w' || i % 4, CASE WHEN i % 2 = 0 THEN i * 1000 ELSE 77077 + i END,
        'HIDDEN\\' || i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END FROM range(8) t(i);
    CREATE TABLE {s}.plain AS SELECT i::INTEGER AS id, 'p' || i % 3 AS word FROM range(8) t(i);
";

/// Rules of one table: treatments by column, all others shown, and the filter.
#[derive(Debug, Clone)]
pub struct Rule {
    pub table: &'static str,
    pub columns: Vec<(&'static str, &'static str)>,
    pub filter: Option<&'static str>,
}

pub fn table_name(table: &str) -> TableName {
    TableName::new("warehouse", "sales", table)
}

pub fn columns_of(table: &str) -> &'static [(&'static str, &'static str)] {
    TABLES.iter().find(|(name, _)| *name == table).unwrap().1
}

/// The principal for whom the rules are put in.
pub fn attributes() -> Attributes {
    Attributes::default()
        .with("tenant", "a")
        .with("user", "o'neil\\")
        .with_all("role", ["north".to_owned(), "south".to_owned()])
}

impl Rule {
    pub fn treatment(&self, column: &str) -> Treatment {
        let found = self.columns.iter().find(|(name, _)| *name == column);
        found.map_or(Treatment::Show, |(_, treatment)| treatment.parse().unwrap())
    }

    /// The view of the rule, for the principal of [`attributes`].
    pub fn view(&self, parser: &dyn DuckdbParser) -> View {
        let columns = columns_of(self.table);
        let filter = self
            .filter
            .map(|text| RowFilter::new(text, columns, Dialect::Duckdb, parser).unwrap().bind(&attributes()));
        let columns = columns.iter().map(|(name, data_type)| ViewColumn {
            name: (*name).to_owned(),
            data_type: (*data_type).to_owned(),
            treatment: self.treatment(name),
        });
        View { table: table_name(self.table), columns: columns.collect(), filter }
    }

    /// The same rule as a view of the engine, in words of its own.
    fn definition(&self) -> String {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let shown = columns_of(self.table).iter().filter_map(|(name, data_type)| {
            let (column, treatment) = (quoted(name), self.treatment(name).to_string());
            let shown = match treatment.as_str() {
                "deny" => return None,
                "show" => column.clone(),
                "mask:null" => format!("NULL::{data_type}"),
                "mask:redact" => format!("nullif(coalesce(left({column}, 0), 'gone') || 'REDACTED', 'goneREDACTED')"),
                "mask:hash" => format!("sha256(concat('{}', {column}::VARCHAR)) || left({column}::VARCHAR, 0)", "07".repeat(32)),
                "mask:partial(1,2)" => format!(
                    "if(len({column}) > 3, {column}[1:1] || '***' || {column}[-2:], '***' || left({column}, 0))"
                ),
                "mask:bucket(10)" => format!("(floor({column} / 10) * 10)::{data_type}"),
                "mask:date(month)" => format!("({column} - (extract('day' FROM {column}) - 1) * INTERVAL 1 DAY)::DATE::{data_type}"),
                other => panic!("no definition of {other}"),
            };
            Some(format!("{shown} AS {column}"))
        });
        let filter = self.filter.unwrap_or("TRUE").replace(":tenant", "'a'").replace(":user", "'o''neil\\'");
        let filter = filter.replace(":role", "'north', 'south'");
        let table = quoted(self.table);
        let shown: Vec<String> = shown.collect();
        format!("CREATE VIEW sales.{table} AS SELECT {} FROM base.{table} WHERE {filter}", shown.join(", "))
    }
}

/// What a statement gave: rows as text, in their order, or an error.
pub type Outcome = Result<Vec<String>, String>;

/// The two engines with one set of rules.
pub struct Pair {
    /// Tables; statements are rewritten.
    pub engine: Engine,
    /// Views; statements run as they are.
    oracle: Connection,
    pub views: Vec<View>,
    pub policy: Policy,
}

pub fn key() -> MaskKey {
    MaskKey::new(&[7; 32])
}

impl Pair {
    pub fn new(rules: &[Rule]) -> Self {
        let start =
            "ATTACH ':memory:' AS warehouse; CREATE SCHEMA warehouse.sales; CREATE SCHEMA warehouse.base;
            USE warehouse.sales; SET memory_limit = '500MB'; SET threads = 2;";
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(&format!("{start}{}", ROWS.replace("{s}", "sales"))).unwrap();
        let oracle = Connection::open_in_memory().unwrap();
        oracle.execute_batch(&format!("{start}{}", ROWS.replace("{s}", "base"))).unwrap();
        for (table, _) in TABLES {
            let rule = rules.iter().find(|rule| rule.table == *table).cloned();
            let rule = rule.unwrap_or(Rule { table, columns: Vec::new(), filter: None });
            let definition = rule.definition();
            oracle.execute_batch(&definition).unwrap_or_else(|error| panic!("{definition}: {error}"));
        }
        let engine = Engine { connection };
        let views = rules.iter().map(|rule| rule.view(&engine)).collect();
        let allowed = TABLES.iter().map(|(table, _)| table_name(table)).collect();
        let policy = Policy::new(Dialect::Duckdb, allowed, "warehouse", "sales");
        Self { engine, oracle, views, policy }
    }

    pub fn check(&self, sql: &str) -> Result<Checked, Denial> {
        check(sql, &self.policy, &self.engine)
    }

    pub fn rewrite(&self, sql: &str) -> Result<String, Denial> {
        rewrite(sql, &self.check(sql)?, &self.views, Dialect::Duckdb, &key())
    }

    /// Runs a statement with the rules put in.
    pub fn ruled(&self, sql: &str) -> Result<Outcome, Denial> {
        Ok(run(&self.engine.connection, &self.rewrite(sql)?))
    }

    /// Runs a statement without rules.
    pub fn unruled(&self, sql: &str) -> Outcome {
        run(&self.engine.connection, sql)
    }

    /// Runs a statement over the views.
    pub fn oracle(&self, sql: &str) -> Outcome {
        run(&self.oracle, sql)
    }
}

impl DuckdbParser for Pair {
    fn serialize(&self, sql: &str) -> Result<String, ParserUnavailable> {
        self.engine.serialize(sql)
    }
}

/// Runs a statement for two seconds at most; the first line is the names of the columns.
pub fn run(connection: &Connection, sql: &str) -> Outcome {
    let handle = connection.interrupt_handle();
    let (done, waits) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while waits.recv_timeout(Duration::from_secs(2)) == Err(RecvTimeoutError::Timeout) {
                handle.interrupt();
            }
        });
        let result = rows(connection, sql).map_err(|error| error.to_string());
        drop(done);
        result
    })
}

fn rows(connection: &Connection, sql: &str) -> duckdb::Result<Vec<String>> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut found = vec![rows.as_ref().map(|done| done.column_names().join("|")).unwrap_or_default()];
    let width = rows.as_ref().map_or(0, duckdb::Statement::column_count);
    while let Some(row) = rows.next()? {
        let values: Vec<String> = (0..width)
            .map(|at| row.get::<_, Value>(at).map(|value| format!("{value:?}")))
            .collect::<Result<_, _>>()?;
        found.push(values.join("|"));
        if found.len() > 100_000 {
            break;
        }
    }
    Ok(found)
}

/// The part of an error that may be shown: the engine puts a piece of the rewritten text behind it.
pub fn shown(error: &str) -> &str {
    error.split("\n\nLINE ").next().unwrap_or_default()
}
