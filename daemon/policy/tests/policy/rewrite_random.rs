//! Random rules and random queries: with the rules put in, a query gives what it gives over views that keep the same rules,
//! and shows no hidden value.
//!
//! Fixed seeds, about two seconds each. `WHARF_FUZZ_SECONDS` makes the runs longer.

use crate::rewrite_support::{MARKER, NUMBER, Outcome, Pair, Rule, TABLES, columns_of, shown};
use std::time::{Duration, Instant};
use wharf_policy::Treatment;

/// A stream of numbers (SplitMix64, Steele, Lea and Flood 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// Rules for every table but `plain`, such that nothing marked may be seen: hidden rows always go, marked columns too.
fn rules(dice: &mut Dice, keep_ids: bool) -> Vec<Rule> {
    let filter = |dice: &mut Dice| {
        dice.pick(&[
            "tenant = :tenant",
            "lower(tenant) = :tenant",
            "tenant = :tenant AND id <> 4",
            "tenant IN (:tenant, :user) AND (id > 2 OR id = 0)",
            "CAST(replace(tenant, 'a', '1') AS VARCHAR) = '1'",
            "CASE WHEN id % 2 = 0 THEN tenant = :tenant ELSE FALSE END",
        ])
    };
    let ordinary = |dice: &mut Dice, data_type: &str| match data_type {
        "VARCHAR" => {
            dice.pick(&["show", "show", "mask:null", "mask:redact", "mask:hash", "mask:partial(1,2)", "deny"])
        }
        "INTEGER" | "DECIMAL(12,2)" => dice.pick(&["show", "show", "mask:null", "mask:bucket(10)", "deny"]),
        "DOUBLE" | "BIGINT" => dice.pick(&["show", "mask:bucket(10)", "deny"]),
        "DATE" | "TIMESTAMP" => dice.pick(&["show", "mask:date(month)", "mask:null", "deny"]),
        _ => dice.pick(&["show", "mask:null", "deny"]),
    };
    let mut found = Vec::new();
    for (table, columns) in TABLES.iter().filter(|(table, _)| *table != "plain") {
        let mut rule = Rule { table, columns: Vec::new(), filter: Some(filter(dice)) };
        for (name, data_type) in *columns {
            let treatment = match *name {
                "secret" | "email" | "a\"b" => dice.pick(&["deny", "mask:null", "mask:redact", "mask:hash"]),
                "id" if keep_ids || !dice.one_in(6) => "show",
                _ => ordinary(dice, data_type),
            };
            if treatment != "show" {
                rule.columns.push((name, treatment));
            }
        }
        found.push(rule);
    }
    found
}

/// Grows queries. Names of columns are drawn from all of the table, so that some are not there.
struct Grammar<'a> {
    dice: &'a mut Dice,
    depth: usize,
    aliases: usize,
    /// Nothing that shrinks when there is more: no aggregates, negations, limits.
    monotone: bool,
    rules: &'a [Rule],
}

impl Grammar<'_> {
    fn table(&mut self) -> &'static str {
        let tables: Vec<&'static str> = TABLES.iter().map(|(table, _)| *table).collect();
        self.dice.pick(&tables)
    }

    fn named(&mut self, table: &str) -> String {
        let quoted = format!("\"{}\"", table.replace('"', "\"\""));
        let plain = if table.contains(' ') { quoted.clone() } else { table.to_owned() };
        match self.dice.below(6) {
            0 => format!("sales.{plain}"),
            1 => format!("warehouse.sales.{quoted}"),
            2 => quoted.to_uppercase(),
            3 => format!("sales . /* of {} */ {quoted}", table.replace('"', "")),
            _ => plain,
        }
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("a{}", self.aliases)
    }

    /// A relation, its alias and the table whose columns it has.
    fn relation(&mut self) -> (String, String, &'static str) {
        let table = self.table();
        let (name, alias) = (self.named(table), self.alias());
        if self.depth > 0 && self.dice.one_in(3) {
            self.depth -= 1;
            let inner = match self.dice.below(4) {
                0 => format!("FROM {name}"),
                1 => format!("TABLE {name}"),
                2 => format!("WITH {alias} AS (FROM {name}) FROM {alias}"),
                _ => format!("SELECT * FROM {name} AS x WHERE {}", self.condition(&[("x".into(), table)])),
            };
            return (format!("({inner}) AS {alias}"), alias, table);
        }
        match self.dice.below(5) {
            0 => (format!("{alias}: {name}"), alias, table),
            1 => (format!("{name} {alias}"), alias, table),
            _ => (format!("{name} AS {alias}"), alias, table),
        }
    }

    fn column(&mut self, scope: &[(String, &'static str)]) -> String {
        let (alias, table) = &scope[self.dice.below(scope.len())];
        let rule = self.rules.iter().find(|rule| rule.table == *table);
        let usable = columns_of(table).iter().map(|(name, _)| *name).filter(|name| {
            // Monotone queries are compared with what the table itself gives: only columns shown as they are.
            !self.monotone || rule.is_none_or(|rule| rule.treatment(name) == Treatment::Show)
        });
        let mut usable: Vec<&str> = usable.collect();
        // Most of what is denied is left out, as a query that names it only fails.
        if !self.dice.one_in(20) {
            usable.retain(|name| rule.is_none_or(|rule| rule.treatment(name) != Treatment::Deny));
        }
        if usable.is_empty() {
            return "1".into();
        }
        let column = self.dice.pick(&usable);
        format!("{alias}.\"{}\"", column.replace('"', "\"\""))
    }

    fn value(&mut self, scope: &[(String, &'static str)]) -> String {
        let column = self.column(scope);
        match self.dice.below(if self.monotone { 5 } else { 9 }) {
            0 => format!("CAST({column} AS VARCHAR)"),
            1 => format!("coalesce(CAST({column} AS VARCHAR), 'none')"),
            2 => format!("length(CAST({column} AS VARCHAR))"),
            5 => format!("error(CAST({column} AS VARCHAR))"),
            6 => format!("CAST(CAST({column} AS VARCHAR) AS INTEGER)"),
            7 if self.depth > 0 => format!("({})", self.scalar(scope)),
            _ => column,
        }
    }

    fn scalar(&mut self, outer: &[(String, &'static str)]) -> String {
        self.depth -= 1;
        let (relation, alias, table) = self.relation();
        let scope = [(alias, table)];
        let (column, other, mine) = (self.column(&scope), self.column(outer), self.column(&scope));
        format!(
            "SELECT max(CAST({column} AS VARCHAR)) FROM {relation} WHERE CAST({mine} AS VARCHAR) <= CAST({other} AS VARCHAR)"
        )
    }

    fn condition(&mut self, scope: &[(String, &'static str)]) -> String {
        let (left, right) = (self.column(scope), self.column(scope));
        match self.dice.below(if self.monotone { 6 } else { 12 }) {
            0 => format!("{left} IS NOT NULL"),
            1 => format!("CAST({left} AS VARCHAR) LIKE '%{}%'", self.dice.pick(&["1", "a", "H", "(", "7"])),
            2 => format!("CAST({left} AS VARCHAR) <= CAST({right} AS VARCHAR)"),
            3 => format!("({left} IS NOT NULL OR {right} IS NULL)"),
            4 => format!("{}.tenant IN ('a', 'b')", scope[0].0),
            5 if self.depth > 0 => {
                self.depth -= 1;
                let (relation, alias, table) = self.relation();
                let inner = self.column(&[(alias, table)]);
                format!("CAST({left} AS VARCHAR) IN (SELECT CAST({inner} AS VARCHAR) FROM {relation})")
            }
            6 => format!("regexp_full_match('1', CAST({left} AS VARCHAR))"),
            7 => format!("NOT regexp_matches(CAST({left} AS VARCHAR), '7707')"),
            8 => format!("TRY_CAST(CAST({left} AS VARCHAR) AS INTEGER) % 3 <> 1"),
            9 => format!("chr(CAST(length(CAST({left} AS VARCHAR)) * 1000 AS INTEGER)) IS NOT NULL"),
            10 if self.depth > 0 => {
                self.depth -= 1;
                let (relation, alias, table) = self.relation();
                let inner = self.condition(&[(alias, table)]);
                format!("NOT EXISTS (SELECT 1 FROM {relation} WHERE {inner})")
            }
            _ => format!("{left} IS NOT DISTINCT FROM {left}"),
        }
    }

    fn select(&mut self) -> String {
        let (first, alias, table) = self.relation();
        let (mut from, mut scope) = (first, vec![(alias, table)]);
        if self.dice.one_in(2) {
            let (second, alias, table) = self.relation();
            let kinds: &[&str] =
                if self.monotone { &["JOIN"] } else { &["JOIN", "LEFT JOIN", "FULL JOIN", "RIGHT JOIN"] };
            let kind = self.dice.pick(kinds);
            scope.push((alias, table));
            let on = match self.dice.below(3) {
                0 => format!("{}.id = {}.id", scope[0].0, scope[1].0),
                1 => self.condition(&scope),
                _ => format!("{}.id = {}.id AND {}", scope[0].0, scope[1].0, self.condition(&scope)),
            };
            from = format!("{from} {kind} {second} ON {on}");
        }
        let mut clauses = String::new();
        if self.dice.one_in(2) {
            clauses.push_str(&format!(" WHERE {}", self.condition(&scope)));
        }
        let mut values = vec![self.value(&scope)];
        while self.dice.one_in(2) {
            values.push(self.value(&scope));
        }
        if self.monotone {
            return format!("SELECT {} FROM {from}{clauses}", values.join(", "));
        }
        let alias = scope[0].0.clone();
        match self.dice.below(9) {
            0 => format!("SELECT {alias}.* FROM {from}{clauses}"),
            1 => format!("FROM {from} SELECT *{clauses}"),
            2 => format!("SELECT {alias} FROM {from}{clauses}"),
            3 => format!("SELECT to_json({alias}) FROM {from}{clauses}"),
            4 => format!("SELECT {}, count(*) FROM {from}{clauses} GROUP BY ALL", values[0]),
            5 => format!("SELECT max(CAST({} AS VARCHAR)), count(*) FROM {from}{clauses}", values[0]),
            6 => {
                let order = self.column(&scope);
                format!("SELECT {}, dense_rank() OVER (ORDER BY {order}) FROM {from}{clauses}", values[0])
            }
            7 => format!("SELECT DISTINCT {} FROM {from}{clauses} ORDER BY ALL LIMIT 5", values.join(", ")),
            _ => format!("SELECT {} FROM {from}{clauses}", values.join(", ")),
        }
    }

    fn pivot(&mut self) -> String {
        let table = self.table();
        let name = self.named(table);
        let rule = self.rules.iter().find(|rule| rule.table == table);
        let columns = columns_of(table).iter().map(|(name, _)| *name);
        let columns: Vec<&str> =
            columns.filter(|name| rule.is_none_or(|rule| rule.treatment(name) != Treatment::Deny)).collect();
        let Some(column) = columns.get(self.dice.below(columns.len().max(1))) else {
            return "SELECT 1".into();
        };
        let column = format!("\"{}\"", column.replace('"', "\"\""));
        match self.dice.below(5) {
            0 => format!("PIVOT {name} ON {column} USING count(*)"),
            1 => format!("PIVOT (FROM {name}) ON {column} IN ('a', 'b', 'HIDDEN') USING count(*)"),
            2 => format!("PIVOT {name} ON tenant IN (SELECT tenant FROM {name}) USING max({column})"),
            3 => format!("UNPIVOT (SELECT CAST({column} AS VARCHAR) AS c FROM {name}) ON c"),
            _ => format!("SELECT * FROM (PIVOT {name} ON {column} USING count(*))"),
        }
    }

    fn query(&mut self) -> String {
        let one = |grammar: &mut Self| {
            if grammar.monotone { format!("({})", grammar.single()) } else { grammar.single() }
        };
        match self.dice.below(if self.monotone { 8 } else { 10 }) {
            0 => {
                let (left, right) = (one(self), one(self));
                format!("WITH c AS ({left}) SELECT * FROM c WHERE EXISTS ({right})")
            }
            1 if !self.monotone => {
                let (left, right) = (self.select(), self.select());
                format!("({left}) UNION ALL BY NAME ({right})")
            }
            2 if !self.monotone => format!("SELECT * FROM ({}) q USING SAMPLE 50%", self.select()),
            3 => {
                let table = self.table();
                let (name, inner) = (self.named(table), self.named(table));
                // A CTE by the name of the table, and the table itself behind it.
                let quoted = format!("\"{}\"", table.replace('"', "\"\""));
                format!(
                    "WITH {quoted} AS (SELECT * FROM {inner}) SELECT id FROM {quoted} UNION ALL SELECT id FROM {name}"
                )
            }
            8 | 9 => self.pivot(),
            _ => self.single(),
        }
    }

    fn single(&mut self) -> String {
        self.select()
    }
}

fn seconds() -> Duration {
    let wanted = std::env::var("WHARF_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs_f64(wanted.unwrap_or(2.0))
}

fn sorted(outcome: Outcome) -> Outcome {
    outcome.map(|mut rows| {
        // The names of columns without an alias are their text, where the tables have other names.
        rows.remove(0);
        rows.sort();
        rows
    })
}

fn hidden(text: &str) -> bool {
    text.contains(MARKER) || text.contains(NUMBER) || text.contains(&"07".repeat(32))
}

/// Counts of what was tried.
#[derive(Debug, Default)]
struct Tally {
    drawn: usize,
    refused: usize,
    failed: usize,
    equal: usize,
}

#[test]
fn random_queries_see_what_views_show() {
    let (start, mut seed, mut tally) = (Instant::now(), 0, Tally::default());
    while start.elapsed() < seconds() {
        seed += 1;
        let mut dice = Dice(seed);
        let rules = rules(&mut dice, false);
        let pair = Pair::new(&rules);
        for _ in 0..60 {
            let sql =
                Grammar { dice: &mut dice, depth: 3, aliases: 0, monotone: false, rules: &rules }.query();
            compare(&pair, &rules, &sql, &mut tally);
        }
    }
    println!("{tally:?}");
    assert!(tally.equal > tally.drawn / 3 && tally.refused < tally.drawn / 10, "{tally:?}");
}

fn compare(pair: &Pair, rules: &[Rule], sql: &str, tally: &mut Tally) {
    tally.drawn += 1;
    let ruled = match pair.ruled(sql) {
        Ok(outcome) => outcome,
        Err(denial) => {
            tally.refused += 1;
            assert!(!hidden(&denial.message.replace(sql, "")), "{sql}: {denial}");
            return;
        }
    };
    let said = match &ruled {
        Ok(rows) => rows.join("\n"),
        Err(error) => shown(error).to_owned(),
    };
    // What the statement itself spells may come back.
    let said =
        said.replace("'HIDDEN'", "").replace("HIDDEN_", "").replace("|HIDDEN", "").replace("'7707'", "");
    assert!(!hidden(&said), "{sql}\n{:?}\n{said}\n{rules:?}", pair.rewrite(sql));
    let random = sql.contains("USING SAMPLE");
    match (sorted(ruled), sorted(pair.oracle(sql))) {
        (Ok(ruled), Ok(views)) => {
            assert!(
                random || ruled == views,
                "{sql}\n{:?}\n{ruled:?}\n{views:?}\n{rules:?}",
                pair.rewrite(sql)
            );
            tally.equal += 1;
        }
        (Err(error), Ok(_)) => panic!("{sql}\n{:?}\n{error}\n{rules:?}", pair.rewrite(sql)),
        // The views have no fence: their conditions may fail on hidden rows.
        (Ok(_), Err(_)) | (Err(_), Err(_)) => tally.failed += 1,
    }
}

#[test]
fn monotone_queries_give_a_part_of_the_whole() {
    let (start, mut seed, mut compared) = (Instant::now(), 1_000, 0);
    while start.elapsed() < seconds() / 2 {
        seed += 1;
        let mut dice = Dice(seed);
        let rules = rules(&mut dice, true);
        let pair = Pair::new(&rules);
        for _ in 0..60 {
            let sql =
                Grammar { dice: &mut dice, depth: 3, aliases: 0, monotone: true, rules: &rules }.query();
            let (Ok(Ok(ruled)), Ok(mut whole)) = (pair.ruled(&sql), pair.unruled(&sql)) else { continue };
            for row in ruled.iter().skip(1) {
                let at = whole.iter().skip(1).position(|other| other == row);
                let at = at.unwrap_or_else(|| panic!("{sql}\n{:?}\n{row}\n{rules:?}", pair.rewrite(&sql)));
                whole.swap_remove(at + 1);
            }
            compared += 1;
        }
    }
    println!("compared {compared}");
    assert!(compared > 50, "{compared}");
}
