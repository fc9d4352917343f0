//! Queries: WITH, set operations, VALUES, TABLE, and the clauses behind them.

use super::ahead::Content;
use super::cursor::{CLOUD, DATABRICKS, POSTGRES, POSTGRES_KIN, Read, Reader, SNOWFLAKE};
use crate::denial::DenialCode;
use crate::lexer::Kind;

impl Reader<'_> {
    /// A query with its CTEs, which are visible to its end and no further.
    ///
    /// `own` is the name of the recursive CTE whose body this is. It is visible behind the first UNION, as the engines have
    /// it: what stands before is the start of the recursion and reads tables.
    pub(super) fn query(&mut self, own: Option<&str>) -> Read {
        self.roomy(|r| {
            let (scope, outer) = (r.scope.len(), r.outer);
            r.with()?;
            r.no_write()?;
            r.term()?;
            r.query_rest(own)?;
            r.scope.truncate(scope);
            r.outer = outer;
            Ok(())
        })
    }

    /// What may follow the first term of a query.
    pub(super) fn query_rest(&mut self, mut own: Option<&str>) -> Read {
        while let Some(unites) = self.set_operator() {
            if let Some(name) = own.take_if(|_| unites) {
                self.scope.push(name.to_owned());
            }
            self.no_write()?;
            self.term()?;
        }
        self.tail()?;
        if self.speaks(DATABRICKS) { self.pipes() } else { Ok(()) }
    }

    fn with(&mut self) -> Read {
        if !self.take("with") {
            return Ok(());
        }
        let recursive = self.take("recursive");
        self.list(|r| r.cte(recursive))
    }

    /// One CTE: visible to those after it, and to itself only when recursive.
    fn cte(&mut self, recursive: bool) -> Read {
        let name = self.name(false)?.name;
        if self.symbol(0, b'(') {
            self.bracketed(|r| r.list(|r| r.name(false).map(|_| ())))?;
        }
        if self.speaks(DATABRICKS) && self.take("max") {
            self.expect("recursion")?;
            self.expect("level")?;
            self.expression()?;
        }
        if self.speaks(DATABRICKS) {
            self.take("as");
        } else {
            self.expect("as")?;
        }
        if self.speaks(POSTGRES_KIN) {
            self.take("not");
            self.take("materialized");
        }
        let outer = self.outer.take();
        let scope = self.scope.len();
        self.bracketed(|r| r.query(recursive.then_some(name.as_str())))?;
        self.scope.truncate(scope);
        self.outer = outer;
        self.scope.push(name);
        self.search_and_cycle()
    }

    fn search_and_cycle(&mut self) -> Read {
        let names = |r: &mut Self| r.list(|r| r.name(false).map(|_| ()));
        if self.take("search") {
            self.expect_any(&["breadth", "depth"])?;
            self.expect("first")?;
            self.expect("by")?;
            names(self)?;
            self.expect("set")?;
            self.name(false)?;
        }
        if self.take("cycle") {
            names(self)?;
            self.expect("set")?;
            self.name(false)?;
            if self.take("to") {
                self.expression()?;
                self.expect("default")?;
                self.expression()?;
            }
            self.expect("using")?;
            self.name(false)?;
        }
        Ok(())
    }

    /// Takes a set operator; says whether a recursive CTE may go on behind it: UNION ALL, in PostgreSQL any UNION.
    pub(super) fn set_operator(&mut self) -> Option<bool> {
        let unites = self.is("union");
        if !unites && !self.is_any(0, &["intersect", "except", "minus"]) {
            return None;
        }
        self.at += 1;
        let all = self.take("all");
        if !all {
            self.take("distinct");
        }
        if self.speaks(CLOUD) {
            self.take_all(&["by", "name"]);
        }
        Some(unites && (all || self.speaks(POSTGRES)))
    }

    /// One side of a set operation.
    pub(super) fn term(&mut self) -> Read {
        if self.take_symbol(b'(') {
            self.query(None)?;
            return self.expect_symbol(b')');
        }
        if self.is("values") {
            self.values()?;
            return if self.speaks(DATABRICKS) { self.alias().map(|_| ()) } else { Ok(()) };
        }
        if self.is("table") && !self.speaks(SNOWFLAKE) {
            return self.table_query();
        }
        if self.is("from") && self.speaks(DATABRICKS) {
            return self.sources_first();
        }
        self.select()
    }

    /// Whether a query starts `ahead`.
    pub(super) fn starts_query(&self, ahead: usize) -> bool {
        self.is_any(ahead, &["select", "with"])
            || self.is_at(ahead, "values") && (self.symbol(ahead + 1, b'(') || self.speaks(DATABRICKS))
            || self.is_at(ahead, "from") && self.speaks(DATABRICKS)
            || self.is_at(ahead, "table") && !self.speaks(SNOWFLAKE) && self.is_name(ahead + 1)
            || self.is_any(ahead, &["insert", "update", "delete", "merge"])
                && matches!(self.kind(ahead + 1), Some(Kind::Word | Kind::Quoted))
    }

    /// VALUES with its rows.
    pub(super) fn values(&mut self) -> Read {
        self.expect("values")?;
        let single = self.speaks(DATABRICKS);
        self.list(|r| {
            if single {
                return r.expression();
            }
            r.bracketed(|r| r.list(|r| if r.take("default") { Ok(()) } else { r.expression() }))
        })
    }

    /// `TABLE name`: a query of all columns, where no other query fits.
    fn table_query(&mut self) -> Read {
        self.expect("table")?;
        let found = self.relation_name()?;
        if let Some(found) = found {
            self.facts.relations[found].fixed = Some(crate::placed::TABLE_COMMAND);
        }
        Ok(())
    }

    /// ORDER BY, LIMIT and their kin, in any order.
    fn tail(&mut self) -> Read {
        loop {
            self.no_lock()?;
            if self.take_all(&["order", "by"]) {
                self.orders()?;
            } else if self.speaks(DATABRICKS)
                && self.is_any(0, &["sort", "cluster", "distribute"])
                && self.is_at(1, "by")
            {
                self.at += 2;
                self.orders()?;
            } else if self.take("limit") {
                self.limit()?;
            } else if self.is("offset") {
                self.at += 1;
                self.expression()?;
                self.take_any(&["row", "rows"]);
            } else if self.take("fetch") {
                self.take_any(&["first", "next"]);
                if !self.is_any(0, &["row", "rows"]) && !self.is("only") {
                    self.expression()?;
                }
                self.take_any(&["row", "rows"]);
                if !self.take("only") && !self.speaks(CLOUD) {
                    self.expect("with")?;
                    self.expect("ties")?;
                }
            } else if self.speaks(DATABRICKS) && self.is("window") {
                self.windows()?;
            } else {
                return Ok(());
            }
        }
    }

    /// What stands behind LIMIT.
    pub(super) fn limit(&mut self) -> Read {
        if self.take("all") { Ok(()) } else { self.expression() }
    }

    /// The items of ORDER BY.
    pub(super) fn orders(&mut self) -> Read {
        self.list(|r| {
            if r.is("all") && !r.symbol(1, b'(') {
                r.at += 1;
            } else {
                r.expression()?;
            }
            if r.take("using") {
                r.take("operator");
                r.operator_name()?;
            }
            r.take_any(&["asc", "desc"]);
            if r.take("nulls") {
                r.expect_any(&["first", "last"])?;
            }
            Ok(())
        })
    }

    /// What stands in round brackets where a query may: the opening bracket is taken, the closing one too.
    ///
    /// `(` can open a query in brackets, one side of a set operation, or a value; which one shows only behind the closing
    /// bracket, so the answer is given from inside to outside.
    pub(super) fn brackets(&mut self) -> Read<Content> {
        self.roomy(|r| {
            if r.starts_query(0) {
                r.query(None)?;
                r.expect_symbol(b')')?;
                return Ok(Content::Query);
            }
            if r.take_symbol(b'(') {
                return r.brackets_in_brackets();
            }
            if r.take_symbol(b')') {
                return Ok(Content::Nothing);
            }
            r.items()?;
            r.expect_symbol(b')')?;
            Ok(Content::Values)
        })
    }

    fn brackets_in_brackets(&mut self) -> Read<Content> {
        let inside = self.deeper(Self::brackets)?;
        if inside == Content::Query {
            if self.goes_on_as_query() {
                let (scope, outer) = (self.scope.len(), self.outer);
                self.query_rest(None)?;
                self.scope.truncate(scope);
                self.outer = outer;
                self.expect_symbol(b')')?;
                return Ok(Content::Query);
            }
            if self.take_symbol(b')') {
                return Ok(Content::Query);
            }
        }
        self.after_operand(super::operators::Until::default(), inside)?;
        if self.take_symbol(b',') {
            self.items()?;
        }
        self.expect_symbol(b')')?;
        Ok(Content::Values)
    }

    /// Whether what follows a query in brackets belongs to a query around it.
    pub(super) fn goes_on_as_query(&self) -> bool {
        self.is_any(0, &["union", "intersect", "except", "minus", "order", "limit", "offset", "fetch", "for"])
            || self.speaks(DATABRICKS)
                && (self.symbols(0, b"|>") || self.is_any(0, &["sort", "cluster", "distribute", "window"]))
    }

    /// A name that must not come from a parameter or a text.
    pub(super) fn no_named_by_value(&self) -> Read {
        let hint = "name the table itself";
        let by_value = match self.kind(0) {
            Some(Kind::Parameter) => true,
            Some(Kind::Symbol(b':' | b'?' | b'$')) => true,
            _ => self.is("identifier") && self.symbol(1, b'('),
        };
        if by_value {
            let message = "a table cannot be named by a parameter, a variable or a text";
            return Err(self.refuse(DenialCode::TableNotAllowed, message, hint));
        }
        if self.kind(0) == Some(Kind::Text) || self.symbol(0, b'@') {
            let message = "a file or stage stands where a table must; only tables may be read";
            return Err(self.refuse(
                DenialCode::FileAccess,
                message,
                "ask the owner to add the file as a source",
            ));
        }
        Ok(())
    }
}
