//! Windows: OVER and the WINDOW clause.

use super::cursor::{DATABRICKS, Read, Reader};
use super::operators::Until;

impl Reader<'_> {
    /// The WINDOW clause.
    pub(super) fn windows(&mut self) -> Read {
        self.expect("window")?;
        self.list(|r| {
            r.name(false)?;
            r.expect("as")?;
            if r.symbol(0, b'(') { r.window() } else { r.name(false).map(|_| ()) }
        })
    }

    /// OVER with a name or a specification.
    pub(super) fn over(&mut self) -> Read {
        self.expect("over")?;
        if self.symbol(0, b'(') { self.window() } else { self.name(false).map(|_| ()) }
    }

    fn window(&mut self) -> Read {
        self.bracketed(|r| {
            let clause = r.is_any(0, &["partition", "distribute", "cluster", "sort", "order"])
                && r.is_at(1, "by")
                || r.is_any(0, &["rows", "range", "groups"]);
            if !clause && r.is_name(0) {
                r.name(false)?;
            }
            let spark = r.speaks(DATABRICKS);
            if r.take_all(&["partition", "by"])
                || spark && (r.take_all(&["distribute", "by"]) || r.take_all(&["cluster", "by"]))
            {
                r.list(Self::expression)?;
            }
            if r.take_all(&["order", "by"]) || spark && r.take_all(&["sort", "by"]) {
                r.orders()?;
            }
            if r.take_any(&["rows", "range", "groups"]) { r.window_frame() } else { Ok(()) }
        })
    }

    fn window_frame(&mut self) -> Read {
        if self.take("between") {
            self.bound_of_frame()?;
            self.expect("and")?;
        }
        self.bound_of_frame()?;
        if self.take("exclude") {
            if self.take("current") {
                self.expect("row")?;
            } else if self.take("no") {
                self.expect("others")?;
            } else if !self.take("ties") {
                self.expect("group")?;
            }
        }
        Ok(())
    }

    fn bound_of_frame(&mut self) -> Read {
        if self.take_all(&["current", "row"]) {
            return Ok(());
        }
        if !(self.is("unbounded") && self.is_any(1, &["preceding", "following"]) && {
            self.at += 1;
            true
        }) {
            self.expression_until(Until { and: true, inside: false })?;
        }
        self.expect_any(&["preceding", "following"])
    }
}
