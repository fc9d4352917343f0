//! Databricks pipe syntax: `FROM t |> WHERE .. |> SELECT ..`.

use super::cursor::{Read, Reader};
use super::facts::Frame;

impl Reader<'_> {
    /// Every `|>` behind a query.
    pub(super) fn pipes(&mut self) -> Read {
        if !self.symbols(0, b"|>") {
            return Ok(());
        }
        let outer = self.outer;
        self.outer = Some(self.facts.frames.len());
        self.facts.frames.push(Frame { parent: outer, names: Vec::new() });
        while self.symbols(0, b"|>") {
            self.at += 2;
            self.no_write()?;
            self.pipe()?;
        }
        self.outer = outer;
        Ok(())
    }

    fn pipe(&mut self) -> Read {
        if self.take("select") {
            if !self.take("all") {
                self.take("distinct");
            }
            self.select_list()?;
            return if self.is("window") { self.windows() } else { Ok(()) };
        }
        if self.take("extend") {
            return self.select_list();
        }
        if self.take_any(&["where", "having", "qualify"]) {
            return self.expression();
        }
        if self.take("set") {
            return self.list(|r| {
                r.column_name()?;
                r.expect_symbol(b'=')?;
                r.expression()
            });
        }
        if self.take("rename") {
            return self.list(|r| {
                r.column_name()?;
                r.take("as");
                r.name(false).map(|_| ())
            });
        }
        if self.take("distinct") {
            return Ok(());
        }
        if self.take("drop") {
            return self.list(Self::column_name);
        }
        if self.take("as") {
            return self.name(false).map(|_| ());
        }
        if self.take("aggregate") {
            return self.pipe_aggregate();
        }
        if self.is("pivot") {
            self.pivot()?;
            return self.item_alias();
        }
        if self.is("unpivot") {
            self.unpivot()?;
            return self.item_alias();
        }
        self.pipe_rows()
    }

    fn pipe_aggregate(&mut self) -> Read {
        if !self.is("group") {
            self.select_list()?;
        }
        if self.take_all(&["group", "by"]) {
            if self.take("all") {
                return Ok(());
            }
            self.list(|r| {
                r.expression()?;
                r.item_alias()
            })?;
        }
        Ok(())
    }

    /// The operators that take, order or add rows.
    fn pipe_rows(&mut self) -> Read {
        if self.take_all(&["order", "by"])
            || self.take_all(&["sort", "by"])
            || self.take_all(&["cluster", "by"])
            || self.take_all(&["distribute", "by"])
        {
            return self.orders();
        }
        if self.take("limit") {
            self.limit()?;
            return if self.take("offset") { self.expression() } else { Ok(()) };
        }
        if self.take("offset") {
            return self.expression();
        }
        if self.is("tablesample") {
            return self.table_only(super::from::Item::Query).map(|_| ());
        }
        if self.set_operator().is_some() {
            self.no_write()?;
            return self.list(Self::term);
        }
        if self.is("lateral") && self.is_at(1, "view") {
            return self.lateral_views();
        }
        if self.join_words()?.is_some() {
            self.item()?;
            return if self.is_any(0, &["on", "using"]) { self.join_condition() } else { Ok(()) };
        }
        Err(self.unexpected("a pipe operator"))
    }
}
