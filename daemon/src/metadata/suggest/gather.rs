//! What fits the place and what was typed, in order.

use super::place::Place;
use super::rank::{self, Typed};
use super::scope::{Col, Scope, Seen};
use super::text::{Typing, written};
use super::vocabulary as v;
use super::{Index, Sight};
use std::collections::{HashMap, HashSet};
use wharf_policy::Dialect;
use wharf_protocol::{SqlSuggestion, SuggestionKind, Table, TableColumn};

/// Something that could be suggested. It is written out only if it is among the best.
enum Thing<'a> {
    Word(&'static str),
    Type(&'static str),
    Function(&'static str),
    /// A column in scope, with the name of its relation, and whether that must be said.
    Column(&'a Col, Option<&'a str>, bool),
    /// A column of a table that FROM does not name yet, and how many others have one of this name.
    Anywhere(&'a Table, &'a TableColumn, usize),
    Own(&'a TableColumn),
    Table(&'a Index, &'a Table, Form),
    Cte(&'a str, &'a [Col]),
    Schema(&'a str, &'a str),
    Source(&'a Index),
    Alias(&'a str, &'a Seen),
    /// A condition that joins two relations.
    Join(String, String),
}

/// How much of a table's name is said.
#[derive(Clone, Copy)]
enum Form {
    /// As much as is needed.
    Shortest,
    /// The rest is there already.
    Name,
}

/// Groups in the order in which they come where the typing says nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Join,
    Near,
    Output,
    Alias,
    Outer,
    Table,
    Schema,
    Elsewhere,
    Source,
    CommonFunction,
    Word,
    Anywhere,
    Function,
}

struct Gatherer<'a> {
    text: &'a Typing<'a>,
    scope: &'a Scope,
    sight: &'a Sight<'a>,
    typed: Typed,
    found: Vec<((u32, Group, u32), Thing<'a>)>,
}

/// The best of what fits, and whether there was more.
pub(super) fn gather(
    text: &Typing,
    scope: &Scope,
    place: &Place,
    sight: &Sight,
    limit: usize,
) -> (Vec<SqlSuggestion>, bool) {
    let typed = Typed::new(&text.typed);
    let mut all = Gatherer { text, scope, sight, typed, found: Vec::new() };
    all.fill(place);
    let mut found = all.found;
    let more = found.len() > limit;
    if more && limit > 0 {
        found.select_nth_unstable_by_key(limit - 1, |(rank, _)| *rank);
    }
    found.truncate(limit);
    found.sort_by_key(|(rank, _)| *rank);
    let writer = Writer { sight, text };
    (found.into_iter().map(|(_, thing)| writer.write(thing)).collect(), more)
}

impl<'a> Gatherer<'a> {
    fn add(&mut self, name: &str, group: Group, thing: Thing<'a>) {
        // There are so many words of SQL that letters inside of them bring up what nobody meant.
        let furthest = match group {
            Group::CommonFunction | Group::Word | Group::Function if self.typed.is_short() => rank::PREFIX,
            Group::CommonFunction | Group::Word | Group::Function => rank::WORD,
            _ => u32::MAX,
        };
        if let Some(distance) = self.typed.distance(name).filter(|distance| *distance <= furthest) {
            let order = u32::try_from(self.found.len()).unwrap_or(u32::MAX);
            self.found.push(((distance, group, order), thing));
        }
    }

    fn fill(&mut self, place: &Place) {
        match place {
            Place::Nothing => {}
            Place::Words(words) => self.words(words),
            Place::Type if !self.text.in_quotes => {
                for name in v::types(self.sight.dialect) {
                    self.add(name, Group::Word, Thing::Type(name));
                }
            }
            Place::Type => {}
            Place::Table(words) => {
                self.tables();
                self.words(words);
            }
            Place::Using => self.using(),
            Place::Value { on, outputs, words } => {
                if *on {
                    self.joins();
                }
                self.columns(*outputs);
                self.words(words);
                self.functions();
            }
            Place::Beneath { path, table } => self.beneath(path, *table),
        }
    }

    fn words(&mut self, words: &[&'static str]) {
        if self.text.in_quotes {
            return;
        }
        let mut seen = HashSet::new();
        for word in words.iter().filter(|w| v::has(w, self.sight.dialect)) {
            if seen.insert(*word) {
                self.add(word, Group::Word, Thing::Word(word));
            }
        }
    }

    fn functions(&mut self) {
        if self.text.in_quotes {
            return;
        }
        let all = wharf_policy::functions(self.sight.dialect);
        for name in
            v::COMMON.iter().filter(|name| v::SYNTAX.contains(name) || all.binary_search(name).is_ok())
        {
            self.add(name, Group::CommonFunction, Thing::Function(name));
        }
        // All of them are more than anybody reads.
        if !self.typed.is_empty() {
            for name in all.iter().filter(|name| !v::COMMON.contains(name)) {
                self.add(name, Group::Function, Thing::Function(name));
            }
        }
    }

    fn tables(&mut self) {
        for (name, columns) in &self.scope.ctes {
            self.add(name, Group::Near, Thing::Cte(name, columns));
        }
        for (at, index) in self.sight.sources.iter().enumerate() {
            let home = self.sight.home == Some(at);
            for table in index.tables.iter() {
                let default = table.schema == index.default_schema;
                let group = if home && default { Group::Table } else { Group::Elsewhere };
                self.add(&table.name, group, Thing::Table(index, table, Form::Shortest));
            }
            if home {
                for schema in index.schemas.iter().filter(|s| **s != index.default_schema) {
                    self.add(schema, Group::Schema, Thing::Schema(&index.source, schema));
                }
            }
            self.add(&index.source, Group::Source, Thing::Source(index));
        }
    }

    fn columns(&mut self, outputs: bool) {
        let scope = self.scope;
        let near = scope.levels.first().map(Vec::as_slice).unwrap_or_default();
        let mut times: HashMap<String, usize> = HashMap::new();
        for column in scope.levels.iter().flatten().flat_map(|seen| &seen.columns) {
            *times.entry(column.name.to_lowercase()).or_default() += 1;
        }
        for (level, relations) in scope.levels.iter().enumerate() {
            for seen in relations {
                let name = seen.name.as_deref();
                for column in &seen.columns {
                    let merged = scope.merged.iter().any(|m| m.eq_ignore_ascii_case(&column.name));
                    let many = times.get(&column.name.to_lowercase()).is_some_and(|n| *n > 1);
                    let group = if level == 0 { Group::Near } else { Group::Outer };
                    self.add(&column.name, group, Thing::Column(column, name, many && !merged));
                }
            }
        }
        for column in scope.outputs.iter().filter(|c| outputs && !times.contains_key(&c.name.to_lowercase()))
        {
            self.add(&column.name, Group::Output, Thing::Column(column, None, false));
        }
        for seen in scope.levels.iter().flatten() {
            if let Some(name) = &seen.name {
                self.add(name, Group::Alias, Thing::Alias(name, seen));
            }
        }
        // SELECT comes before FROM: what is typed there is looked for everywhere.
        if near.is_empty() && !self.typed.is_empty() {
            self.anywhere();
        }
    }

    fn anywhere(&mut self) {
        let sight = self.sight;
        let indexes: Vec<&Index> = match sight.home() {
            Some(home) => vec![home],
            None => sight.sources.iter().map(AsRef::as_ref).collect(),
        };
        for index in indexes {
            for name in index.names() {
                if let Some((table, column)) = index.column(name.at) {
                    self.add(&name.lower, Group::Anywhere, Thing::Anywhere(table, column, name.tables));
                }
            }
        }
    }

    /// The relation that was joined last before the cursor, and those before it.
    fn joined(&self) -> Option<(&'a Seen, Vec<&'a Seen>)> {
        let near = self.scope.levels.first()?;
        let mut before: Vec<&Seen> = near.iter().filter(|seen| seen.span.1 <= self.text.at).collect();
        before.pop().map(|last| (last, before))
    }

    fn using(&mut self) {
        let Some((last, before)) = self.joined() else { return };
        for column in &last.columns {
            if before.iter().any(|seen| seen.column(&column.name).is_some()) {
                self.add(&column.name, Group::Near, Thing::Column(column, None, false));
            }
        }
    }

    /// Conditions that join by columns of the same name.
    fn joins(&mut self) {
        let Some((last, before)) = self.joined() else { return };
        let dialect = self.sight.dialect;
        let Some(right) = &last.name else { return };
        for seen in before.iter().rev() {
            let Some(left) = &seen.name else { continue };
            for column in &last.columns {
                let Some(other) = seen.column(&column.name) else { continue };
                let side = |relation: &str, name: &str| {
                    format!("{}.{}", written(relation, dialect, false), written(name, dialect, false))
                };
                let condition = format!("{} = {}", side(left, &other.name), side(right, &column.name));
                if !self.text.in_quotes {
                    let kind = column.r#type.clone().unwrap_or_default();
                    self.add(&column.name, Group::Join, Thing::Join(condition, kind));
                }
            }
        }
    }

    fn beneath(&mut self, path: &[String], table: bool) {
        if !table && self.beneath_relation(path) {
            return;
        }
        let sight = self.sight;
        match path {
            [first] => {
                let home = sight.home().filter(|home| home.has_schema(first));
                if let Some(home) = home {
                    self.tables_of(home, first);
                }
                if let Some(source) = sight.source(first) {
                    for schema in &source.schemas {
                        self.add(schema, Group::Near, Thing::Schema(&source.source, schema));
                    }
                    if home.is_none() {
                        self.tables_of(source, &source.default_schema);
                    }
                }
            }
            [source, schema] => {
                if let Some(source) = sight.source(source) {
                    self.tables_of(source, schema);
                }
            }
            _ => {}
        }
        if !table && let Some(table) = sight.table(path) {
            for column in &table.columns {
                self.add(&column.name, Group::Near, Thing::Own(column));
            }
        }
    }

    /// The columns of a relation in scope; tells whether the path names one.
    fn beneath_relation(&mut self, path: &[String]) -> bool {
        let named = |seen: &&Seen| match path {
            [name] => seen.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(name)),
            _ => {
                let tail = seen.parts.len().checked_sub(path.len()).and_then(|at| seen.parts.get(at..));
                tail.is_some_and(|tail| tail.iter().zip(path).all(|(a, b)| a.eq_ignore_ascii_case(b)))
            }
        };
        let scope = self.scope;
        let Some(seen) = scope.levels.iter().flatten().find(named) else { return false };
        for column in &seen.columns {
            self.add(&column.name, Group::Near, Thing::Column(column, seen.name.as_deref(), false));
        }
        true
    }

    fn tables_of(&mut self, index: &'a Index, schema: &str) {
        for table in index.tables.iter().filter(|t| t.schema.eq_ignore_ascii_case(schema)) {
            self.add(&table.name, Group::Table, Thing::Table(index, table, Form::Name));
        }
    }
}

impl Seen {
    fn column(&self, name: &str) -> Option<&Col> {
        self.columns.iter().find(|c| c.name.eq_ignore_ascii_case(name))
    }
}

/// Writes suggestions out.
struct Writer<'a> {
    sight: &'a Sight<'a>,
    text: &'a Typing<'a>,
}

impl Writer<'_> {
    fn dialect(&self) -> Dialect {
        self.sight.dialect
    }

    fn name(&self, name: &str) -> String {
        written(name, self.dialect(), self.text.in_quotes)
    }

    /// A keyword in the case of what was typed.
    fn word(&self, word: &str) -> String {
        let first = self.text.tokens.iter().find(|t| t.kind == super::words::Kind::Word);
        let model = if self.text.typed.is_empty() {
            first.map(|t| t.text(self.text.sql))
        } else {
            Some(&*self.text.typed)
        };
        let upper =
            model.is_some_and(|m| m.chars().any(char::is_uppercase) && !m.chars().any(char::is_lowercase));
        if upper { word.to_uppercase() } else { word.to_lowercase() }
    }

    fn write(&self, thing: Thing) -> SqlSuggestion {
        use SuggestionKind as Kind;
        let plain = |kind, label: &str, insert: String| SqlSuggestion {
            label: label.to_owned(),
            kind,
            insert_text: insert,
            detail: None,
            comment: None,
        };
        let with = |s: SqlSuggestion, detail: String| SqlSuggestion {
            detail: Some(detail).filter(|d| !d.is_empty()),
            ..s
        };
        match thing {
            Thing::Word(word) => plain(Kind::Keyword, word, self.word(word)),
            Thing::Type(name) => with(plain(Kind::Keyword, name, name.to_owned()), "type".to_owned()),
            Thing::Function(name) => plain(Kind::Function, name, self.call(name)),
            Thing::Column(column, of, said) => {
                let name = self.name(&column.name);
                let insert = match of.filter(|_| said) {
                    Some(of) => format!("{}.{name}", written(of, self.dialect(), false)),
                    None => name,
                };
                let detail =
                    [column.r#type.as_deref(), of].into_iter().flatten().collect::<Vec<_>>().join(" · ");
                let made = with(plain(Kind::Column, &column.name, insert), detail);
                SqlSuggestion { comment: column.comment.clone(), ..made }
            }
            Thing::Own(column) => {
                let made =
                    with(plain(Kind::Column, &column.name, self.name(&column.name)), column.r#type.clone());
                SqlSuggestion { comment: column.comment.clone(), ..made }
            }
            Thing::Anywhere(table, column, tables) => {
                let of = if tables > 1 { format!("{tables} tables") } else { table.name.clone() };
                let made = plain(Kind::Column, &column.name, self.name(&column.name));
                let comment = column.comment.clone().filter(|_| tables == 1);
                SqlSuggestion { comment, ..with(made, format!("{} · {of}", column.r#type)) }
            }
            Thing::Table(index, table, form) => {
                let what = if table.view { "view" } else { "table" };
                let rows = table.rows.map(|n| format!(" · {n} rows")).unwrap_or_default();
                let made = plain(Kind::Table, &table.name, self.table(index, table, form));
                let made = with(made, format!("{what} in {}.{}{rows}", table.catalog, table.schema));
                SqlSuggestion { comment: table.comment.clone(), ..made }
            }
            Thing::Cte(name, columns) => {
                with(plain(Kind::Table, name, self.name(name)), format!("WITH · {} columns", columns.len()))
            }
            Thing::Schema(source, name) => {
                with(plain(Kind::Schema, name, self.name(name)), format!("schema of {source}"))
            }
            Thing::Source(index) => {
                with(plain(Kind::Schema, &index.source, self.name(&index.source)), "source".to_owned())
            }
            Thing::Alias(name, seen) => with(plain(Kind::Alias, name, self.name(name)), seen.parts.join(".")),
            Thing::Join(condition, kind) => with(plain(Kind::Column, &condition.clone(), condition), kind),
        }
    }

    /// A function with its bracket, unless that is there already.
    fn call(&self, name: &str) -> String {
        let behind = self.text.sql.get(self.text.replaces.1..).unwrap_or_default();
        let bare = v::BARE.contains(&name) || behind.trim_start().starts_with('(');
        format!("{}{}", self.word(name), if bare { "" } else { "(" })
    }

    fn table(&self, index: &Index, table: &Table, form: Form) -> String {
        let home = self.sight.home().is_some_and(|home| home.source == index.source);
        let outside = |name: &str| written(name, self.dialect(), false);
        let name = self.name(&table.name);
        match form {
            Form::Name => name,
            Form::Shortest if home && table.schema == index.default_schema => name,
            Form::Shortest if home => format!("{}.{name}", outside(&table.schema)),
            Form::Shortest => format!("{}.{}.{name}", outside(&index.source), outside(&table.schema)),
        }
    }
}
