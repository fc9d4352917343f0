//! What is written behind an item of FROM and changes it: samples, time travel, PIVOT, UNPIVOT.

use super::cursor::{DATABRICKS, POSTGRES, POSTGRES_KIN, Read, Reader, SNOWFLAKE};
use super::from::Item;
use crate::lexer::Kind;

/// Time travel.
const TRAVEL: &str = "time travel takes a table only";
/// Samples.
const SAMPLE: &str = "this sample takes a table only";

impl Reader<'_> {
    /// Takes a clause that may need a table; the answer says why no query can stand in the table's place, empty if one can.
    pub(super) fn table_only(&mut self, item: Item) -> Read<Option<&'static str>> {
        let on_table = matches!(item, Item::Relation(_));
        if self.speaks(POSTGRES) && on_table && self.take_symbol(b'*') {
            return Ok(Some("the star behind it takes a table only"));
        }
        if self.is("tablesample") || self.is("sample") && self.speaks(SNOWFLAKE) && !self.is_at(1, "as") {
            return self.sample().map(Some);
        }
        if self.speaks(SNOWFLAKE)
            && self.is_any(0, &["at", "before", "changes", "end"])
            && self.symbol(1, b'(')
        {
            self.at += 1;
            self.arguments()?;
            return Ok(Some(TRAVEL));
        }
        if self.speaks(DATABRICKS) {
            let ahead = usize::from(self.is("for"));
            if self.is_any(ahead, &["version", "system_version", "timestamp", "system_time"])
                && self.is_at(ahead + 1, "as")
                && self.is_at(ahead + 2, "of")
            {
                self.at += ahead + 3;
                self.expression()?;
                return Ok(Some(TRAVEL));
            }
            if self.symbol(0, b'@') && self.joined(0) && self.joined(1) {
                self.at += 1;
                if !self.take_kind(Kind::Number) && !self.take_kind(Kind::Word) {
                    return Err(self.unexpected("a version"));
                }
                return Ok(Some(TRAVEL));
            }
        }
        Ok(None)
    }

    fn sample(&mut self) -> Read<&'static str> {
        self.at += 1;
        if self.speaks(POSTGRES_KIN) {
            let method = self.name(false)?.name;
            if !matches!(method.as_str(), "bernoulli" | "system") {
                self.at -= 1;
                return Err(self.unexpected("BERNOULLI or SYSTEM"));
            }
        }
        if self.speaks(SNOWFLAKE) {
            self.take_any(&["bernoulli", "row", "system", "block"]);
        }
        self.bracketed(|r| {
            if r.take("bucket") {
                r.primary()?;
                r.expect("out")?;
                r.expect("of")?;
                return r.primary();
            }
            r.expression()?;
            r.take_any(&["percent", "rows"]);
            Ok(())
        })?;
        if self.take_any(&["repeatable", "seed"]) {
            self.bracketed(Self::expression)?;
        }
        Ok(SAMPLE)
    }

    /// Takes PIVOT, UNPIVOT or MATCH_RECOGNIZE; says whether there was one.
    pub(super) fn reshaped(&mut self) -> Read<bool> {
        if self.speaks(POSTGRES) {
            return Ok(false);
        }
        let nulls = self.is_any(1, &["include", "exclude"]) && self.is_at(2, "nulls");
        if self.is("pivot") && self.symbol(1, b'(') {
            self.pivot()?;
        } else if self.is("unpivot") && (self.symbol(1, b'(') || nulls) {
            self.unpivot()?;
        } else if self.is("match_recognize") && self.speaks(SNOWFLAKE) {
            self.match_recognize()?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// `PIVOT (aggregates FOR columns IN (values))`.
    pub(super) fn pivot(&mut self) -> Read {
        self.expect("pivot")?;
        self.bracketed(|r| {
            r.list(|r| {
                r.expression()?;
                r.item_alias()
            })?;
            r.expect("for")?;
            r.pivot_columns()?;
            r.expect("in")?;
            r.bracketed(Self::pivot_values)?;
            if r.take_all(&["default", "on", "null"]) {
                r.bracketed(Self::expression)?;
            }
            Ok(())
        })
    }

    fn pivot_columns(&mut self) -> Read {
        if self.symbol(0, b'(') { self.bracketed(|r| r.list(Self::column_name)) } else { self.column_name() }
    }

    fn pivot_values(&mut self) -> Read {
        if self.starts_query(0) {
            return self.query(None);
        }
        if self.speaks(SNOWFLAKE) && self.take("any") {
            return if self.take_all(&["order", "by"]) { self.orders() } else { Ok(()) };
        }
        self.list(|r| {
            r.expression()?;
            r.item_alias()
        })
    }

    /// `UNPIVOT (value FOR name IN (columns))`.
    pub(super) fn unpivot(&mut self) -> Read {
        self.expect("unpivot")?;
        if self.take_any(&["include", "exclude"]) {
            self.expect("nulls")?;
        }
        self.bracketed(|r| {
            r.pivot_columns()?;
            r.expect("for")?;
            r.column_name()?;
            r.expect("in")?;
            r.bracketed(|r| {
                r.list(|r| {
                    r.pivot_columns()?;
                    let text = r.take("as") && r.take_kind(Kind::Text);
                    if !text && !r.symbol(0, b',') && !r.symbol(0, b')') {
                        r.name(false)?;
                    }
                    Ok(())
                })
            })
        })
    }
}
