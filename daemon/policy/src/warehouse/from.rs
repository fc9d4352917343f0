//! FROM: relations, joins and what is written behind them.

use super::cursor::{CLOUD, DATABRICKS, POSTGRES, POSTGRES_KIN, REDSHIFT, Read, Reader, SNOWFLAKE};
use super::facts::{FunctionUse, Part, Relation, Seat};
use crate::denial::DenialCode;
use crate::lexer::Kind;

/// Words that can stand before JOIN.
const JOINS: &[&str] = &["natural", "inner", "cross", "left", "right", "full", "semi", "anti", "asof"];

/// What an item of FROM turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// A named relation that is no CTE: its number in the facts.
    Relation(usize),
    /// A query in brackets.
    Query,
    /// A CTE, by its name.
    Cte,
    /// A table function.
    Function,
    /// Anything else, such as joined items in brackets.
    Other,
}

impl Reader<'_> {
    /// The items of FROM.
    pub(super) fn sources(&mut self) -> Read {
        self.list(|r| {
            r.joined_items(None)?;
            r.lateral_views()
        })
    }

    /// An item and what is joined to it. `first` was read already.
    fn joined_items(&mut self, first: Option<Item>) -> Read {
        match first {
            Some(item) => self.suffixes(item, None)?,
            None => self.item()?,
        }
        let mut open = 0_usize;
        loop {
            self.lateral_views()?;
            if let Some(needs) = self.join_words()? {
                self.item()?;
                open += usize::from(needs);
            } else if self.is_any(0, &["on", "using", "match_condition"]) && open > 0 {
                open -= usize::from(!self.is("match_condition") || !self.closes_match());
                self.join_condition()?;
            } else if open > 0 && self.speaks(POSTGRES_KIN) {
                return Err(self.unexpected("ON or USING"));
            } else {
                return Ok(());
            }
        }
    }

    /// Whether nothing but the match condition stands behind an ASOF join.
    fn closes_match(&self) -> bool {
        crate::lexer::closing(self.tokens, self.at + 1)
            .and_then(|close| self.tokens.get(close + 1))
            .is_some_and(|token| token.is_one_of(self.text, &["on", "using"]))
    }

    /// ON, USING or MATCH_CONDITION.
    pub(super) fn join_condition(&mut self) -> Read {
        if self.take("on") {
            return self.expression();
        }
        if self.take("match_condition") {
            return self.bracketed(Self::expression);
        }
        self.expect("using")?;
        self.name_list()?;
        if self.speaks(POSTGRES) && self.take("as") {
            self.name(false)?;
        }
        Ok(())
    }

    /// Takes the words of a join; says whether it wants a condition.
    pub(super) fn join_words(&mut self) -> Read<Option<bool>> {
        if !self.is("join") && !self.is_any(0, JOINS) {
            return Ok(None);
        }
        let mut needs = true;
        for _ in 0..4 {
            if self.take("join") {
                return Ok(Some(needs));
            }
            needs &= !self.is_any(0, &["natural", "cross"]);
            let directed = self.speaks(SNOWFLAKE) && self.take("directed");
            if !directed && !self.take_any(JOINS) && !self.take("outer") {
                break;
            }
        }
        if self.take("join") { Ok(Some(needs)) } else { Err(self.unexpected("JOIN")) }
    }

    /// One item with everything behind it.
    pub(super) fn item(&mut self) -> Read {
        let visible = self.names_before();
        let item = self.bare_item()?;
        self.suffixes(item, Some(visible))
    }

    /// How many names the present query block has in FROM.
    fn names_before(&self) -> usize {
        self.outer.and_then(|frame| self.facts.frames.get(frame)).map_or(0, |frame| frame.names.len())
    }

    fn bare_item(&mut self) -> Read<Item> {
        let lateral = self.is("lateral") && !self.is_at(1, "view");
        self.at += usize::from(lateral);
        if self.take_symbol(b'(') {
            return self.bracketed_item(lateral);
        }
        if self.is("values") && self.speaks(CLOUD) {
            return self.values().map(|()| Item::Other);
        }
        if self.is("table") && self.symbol(1, b'(') && self.speaks(CLOUD) {
            return self.table_of_function();
        }
        if self.speaks(POSTGRES) && self.is("rows") && self.is_at(1, "from") && self.symbol(2, b'(') {
            self.at += 2;
            return self.bracketed(|r| r.list(Self::row_source)).map(|()| Item::Other);
        }
        if self.speaks(POSTGRES) && self.is("only") && (self.is_name(1) || self.symbol(1, b'(')) {
            return self.only();
        }
        if self.speaks(REDSHIFT) && self.is("unpivot") {
            return self.object_unpivot();
        }
        if self.speaks(POSTGRES) && self.is_any(0, &["json_table", "xmltable"]) && self.symbol(1, b'(') {
            return self.document_table();
        }
        self.no_named_by_value()?;
        self.named_item()
    }

    /// What stands in brackets: a query, or joined items. The opening bracket is taken, the closing one too.
    fn bracketed_item(&mut self, lateral: bool) -> Read<Item> {
        self.roomy(|r| {
            if r.starts_query(0) {
                r.derived(lateral, |r| r.query(None))?;
                r.expect_symbol(b')')?;
                return Ok(Item::Query);
            }
            if r.take_symbol(b'(') {
                let inside = r.bracketed_item(lateral)?;
                if inside == Item::Query && r.goes_on_as_query() {
                    let scope = r.scope.len();
                    r.derived(lateral, |r| r.query_rest(None))?;
                    r.scope.truncate(scope);
                    r.expect_symbol(b')')?;
                    return Ok(Item::Query);
                }
                if inside == Item::Query && r.take_symbol(b')') {
                    return Ok(Item::Query);
                }
                r.joined_items(Some(inside))?;
            } else {
                r.no_write()?;
                r.joined_items(None)?;
            }
            r.expect_symbol(b')')?;
            Ok(Item::Other)
        })
    }

    /// A query in FROM sees the names beside it only when it is lateral.
    fn derived(&mut self, lateral: bool, work: impl FnOnce(&mut Self) -> Read) -> Read {
        let outer = self.outer;
        if !lateral {
            self.outer = outer.and_then(|frame| self.facts.frames.get(frame)).and_then(|frame| frame.parent);
        }
        work(self)?;
        self.outer = outer;
        Ok(())
    }

    /// `TABLE(function(..))`.
    fn table_of_function(&mut self) -> Read<Item> {
        self.at += 1;
        self.bracketed(|r| {
            r.no_named_by_value()?;
            let item = r.named_item()?;
            if item == Item::Function {
                if r.is("over") {
                    r.over()?;
                }
                return Ok(());
            }
            let message = "TABLE(..) takes a table function";
            Err(r.refuse(DenialCode::UnknownSyntax, message, "name the table itself, without TABLE"))
        })?;
        Ok(Item::Other)
    }

    fn row_source(&mut self) -> Read {
        if self.named_item()? != Item::Function {
            return Err(self.unexpected("a function"));
        }
        if self.take("as") { self.alias_columns() } else { Ok(()) }
    }

    fn only(&mut self) -> Read<Item> {
        self.at += 1;
        let open = self.take_symbol(b'(');
        let found = self.relation_name()?;
        if open {
            self.expect_symbol(b')')?;
        }
        Ok(self.fix(found, "ONLY takes a table only"))
    }

    fn fix(&mut self, found: Option<usize>, why: &'static str) -> Item {
        let Some(found) = found else { return Item::Other };
        self.facts.relations[found].fixed = Some(why);
        Item::Relation(found)
    }

    /// Redshift: `UNPIVOT path AS value [AT key]` takes an object apart.
    fn object_unpivot(&mut self) -> Read<Item> {
        self.at += 1;
        self.expression()?;
        Ok(Item::Other)
    }

    /// A relation or a function, by its name.
    pub(super) fn named_item(&mut self) -> Read<Item> {
        let parts = self.name_parts()?;
        if self.symbol(0, b'(') {
            self.table_function(parts)?;
            return Ok(Item::Function);
        }
        Ok(self.note_relation(parts)?.map_or(Item::Cte, Item::Relation))
    }

    /// The name of a relation where no function fits.
    pub(super) fn relation_name(&mut self) -> Read<Option<usize>> {
        self.no_named_by_value()?;
        let parts = self.name_parts()?;
        self.note_relation(parts)
    }

    fn name_parts(&mut self) -> Read<Vec<Part>> {
        let mut parts = vec![self.name(false)?];
        while self.take_symbol(b'.') {
            if self.speaks(SNOWFLAKE) && parts.len() == 1 && self.symbol(0, b'.') {
                // `db..table` means the schema PUBLIC.
                let at = self.offset();
                parts.push(Part { name: "PUBLIC".to_owned(), span: at..at });
                continue;
            }
            parts.push(self.name(true)?);
        }
        Ok(parts)
    }

    /// Notes a named relation unless the name is a CTE visible here; a qualified name never is one.
    fn note_relation(&mut self, parts: Vec<Part>) -> Read<Option<usize>> {
        let mut path = false;
        if self.speaks(REDSHIFT) {
            while self.symbol(0, b'[') || path && self.symbol(0, b'.') {
                path = true;
                self.subscript_or_field()?;
            }
        }
        if let ([only], false) = (parts.as_slice(), path)
            && self.scope.contains(&only.name)
        {
            return Ok(None);
        }
        let before = self.names_before();
        let (frame, number) = (self.outer, self.facts.relations.len());
        self.facts.relations.push(Relation { parts, aliased: false, fixed: None, frame, before, path });
        Ok(Some(number))
    }

    fn table_function(&mut self, mut parts: Vec<Part>) -> Read {
        let Some(last) = parts.pop() else { return Err(self.unexpected("a name")) };
        let name = self.function_name(&last);
        self.facts.functions.push(FunctionUse {
            owner: parts.into_iter().map(|part| part.name.to_ascii_lowercase()).collect(),
            name,
            seat: Seat::From,
            at: last.span.start,
        });
        self.arguments()?;
        Ok(())
    }

    /// Databricks: LATERAL VIEW behind an item.
    pub(super) fn lateral_views(&mut self) -> Read {
        while self.speaks(DATABRICKS) && self.take_all(&["lateral", "view"]) {
            self.take("outer");
            if self.named_item()? != Item::Function {
                return Err(self.unexpected("a generator function"));
            }
            if self.is_alias() {
                let name = self.name(false)?.name;
                self.push_name(name);
            }
            if self.take("as") || self.is_alias() {
                self.list(|r| r.name(false).map(|_| ()))?;
            }
        }
        Ok(())
    }

    fn push_name(&mut self, name: String) {
        if let Some(frame) = self.outer.and_then(|frame| self.facts.frames.get_mut(frame)) {
            frame.names.push(name);
        }
    }

    /// Everything behind an item: samples, time travel, pivots, aliases.
    fn suffixes(&mut self, item: Item, visible: Option<usize>) -> Read {
        let relation = if let Item::Relation(number) = item { Some(number) } else { None };
        let mut own = if item == Item::Cte { self.name_before() } else { None };
        if let (Some(number), Some(visible)) = (relation, visible) {
            self.facts.relations[number].before = visible;
        }
        let (mut named, mut derived, mut aliased) = (false, false, false);
        loop {
            if self.speaks(POSTGRES) && self.take_all(&["with", "ordinality"]) {
                continue;
            }
            if let Some(fixed) = self.table_only(item)? {
                match relation {
                    Some(number) if !derived => self.facts.relations[number].fixed = Some(fixed),
                    _ => {}
                }
            } else if self.reshaped()? {
                (derived, aliased) = (true, false);
            } else if !aliased && self.alias()? {
                aliased = true;
                named = true;
                if let Some(number) = relation.filter(|_| !derived) {
                    self.facts.relations[number].aliased = true;
                }
            } else {
                break;
            }
        }
        if let Some(number) = relation {
            own = self.facts.relations[number].parts.last().map(|part| part.name.clone());
        }
        if let Some(name) = own.filter(|_| !named) {
            self.push_name(name);
        }
        Ok(())
    }

    /// The name that was just read.
    fn name_before(&self) -> Option<String> {
        let token = self.at.checked_sub(1).and_then(|at| self.tokens.get(at))?;
        Some(super::cursor::fold(token.text(self.text), token.kind == Kind::Quoted, self.dialect))
    }

    /// An alias with what belongs to it; says whether there was one.
    pub(super) fn alias(&mut self) -> Read<bool> {
        if self.take("as") {
            if self.symbol(0, b'(') && self.speaks(POSTGRES) {
                self.alias_columns()?;
                return Ok(true);
            }
        } else if !self.is_alias_of_item() {
            return Ok(false);
        }
        let name = self.name(false)?.name;
        self.push_name(name);
        if self.symbol(0, b'(') {
            self.alias_columns()?;
        }
        if self.speaks(REDSHIFT) && self.take("at") {
            let name = self.name(false)?.name;
            self.push_name(name);
        }
        Ok(true)
    }

    fn is_alias_of_item(&self) -> bool {
        const SUFFIXES: &[&str] = &["tablesample", "pivot", "unpivot", "match_recognize"];
        const SNOWFLAKES: &[&str] = &["sample", "at", "before", "changes"];
        let starts_clause = self.is_any(0, SUFFIXES) && !self.speaks(POSTGRES)
            || self.is("tablesample")
            || self.is_any(0, SNOWFLAKES)
                && self.speaks(SNOWFLAKE)
                && (self.symbol(1, b'(') || self.is("sample"));
        let columns = self.kind(0) == Some(Kind::Word) && self.symbol(1, b'(');
        !starts_clause
            && (self.is_alias() || columns && self.is_name(0) && !super::words::continues(self.word(0)))
    }

    /// The column names behind an alias, with types for functions that return records.
    pub(super) fn alias_columns(&mut self) -> Read {
        let typed = self.speaks(POSTGRES_KIN);
        self.bracketed(|r| {
            r.list(|r| {
                r.name(false)?;
                let ends = r.symbol(0, b',') || r.symbol(0, b')');
                if typed && !ends { r.type_name() } else { Ok(()) }
            })
        })
    }
}
