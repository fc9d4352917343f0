//! Results as people read them: table, plain, vertical, Markdown.

use super::{Terminal, grouped, visible};
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;
use wharf_protocol::{Column, ColumnKind};

/// The forms for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// With borders.
    Table,
    /// Aligned, without borders.
    Plain,
    /// One line a value.
    Vertical,
    /// Markdown.
    Markdown,
}

/// Rows gathered for a view.
pub struct Grid {
    /// Columns.
    pub columns: Vec<Column>,
    /// Values as text; NULL is none.
    pub rows: Vec<Vec<Option<String>>>,
    /// No header.
    pub bare: bool,
    /// How NULL is shown.
    pub null: String,
    /// Digits in groups, for people who read an answer; a result that is copied stays as it is.
    pub group: bool,
}

impl Grid {
    /// Writes the rows in the given look. A table that cannot fit the terminal is written one line a value instead.
    ///
    /// # Errors
    /// When the output is gone.
    pub fn write(&self, look: Look, terminal: &Terminal, out: &mut impl Write) -> io::Result<()> {
        let narrow = terminal.width.is_some_and(|width| self.least_width() > width);
        match look {
            Look::Table if narrow && !self.rows.is_empty() => self.vertical(terminal, out),
            Look::Table => writeln!(out, "{}", self.bordered(terminal)),
            Look::Plain => self.plain(out),
            Look::Vertical => self.vertical(terminal, out),
            Look::Markdown => self.markdown(out),
        }
    }

    /// Lines that the table will take, roughly, to decide about paging.
    pub fn lines(&self, look: Look) -> usize {
        match look {
            Look::Vertical => self.rows.len() * (self.columns.len() + 1),
            _ => self.rows.len() + 5,
        }
    }

    fn least_width(&self) -> usize {
        // A column narrower than six characters says nothing.
        let least = |i: usize| self.content_width(i).min(6) + 3;
        (0..self.columns.len()).map(least).sum::<usize>() + 1
    }

    fn content_width(&self, column: usize) -> usize {
        let header = self.columns[column].name.width();
        let cells = self
            .rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|c| c.as_deref().map_or(4, UnicodeWidthStr::width));
        cells.chain([header]).max().unwrap_or(0)
    }

    fn bordered(&self, terminal: &Terminal) -> Table {
        let mut table = Table::new();
        table.load_style(if terminal.unicode {
            presets::UTF8_FULL_CONDENSED
        } else {
            presets::ASCII_FULL_CONDENSED
        });
        match terminal.width {
            Some(width) => {
                table.set_content_arrangement(ContentArrangement::Dynamic);
                table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
            }
            None => {
                table.set_content_arrangement(ContentArrangement::Disabled);
            }
        }
        if terminal.color_out {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        if !self.bare {
            table.set_header(self.columns.iter().map(|c| {
                let type_name = short_type(&c.r#type);
                styled(Cell::new(format!("{}\n{type_name}", visible(&c.name))), terminal, Attribute::Bold)
            }));
        }
        for row in &self.rows {
            table.add_row(row.iter().zip(&self.columns).map(|(value, column)| {
                match value {
                    Some(text) if column.kind == ColumnKind::Number => {
                        Cell::new(if self.group { grouped(text) } else { text.clone() })
                            .set_alignment(CellAlignment::Right)
                    }
                    Some(text) => Cell::new(visible(text)),
                    None => styled(Cell::new(&self.null), terminal, Attribute::Dim),
                }
            }));
        }
        table
    }

    fn plain(&self, out: &mut impl Write) -> io::Result<()> {
        let widths: Vec<usize> = (0..self.columns.len()).map(|i| self.shown_width(i)).collect();
        if !self.bare {
            let names: Vec<String> = self.columns.iter().map(|c| visible(&c.name).into_owned()).collect();
            self.plain_row(&names, &widths, out)?;
        }
        for row in &self.rows {
            let texts: Vec<String> = row.iter().map(|v| self.text(v)).collect();
            self.plain_row(&texts, &widths, out)?;
        }
        Ok(())
    }

    fn shown_width(&self, column: usize) -> usize {
        let header = if self.bare { 0 } else { visible(&self.columns[column].name).width() };
        self.rows.iter().map(|row| self.text(&row[column]).width()).chain([header]).max().unwrap_or(0)
    }

    fn plain_row(&self, texts: &[String], widths: &[usize], out: &mut impl Write) -> io::Result<()> {
        let mut line = String::new();
        for (i, text) in texts.iter().enumerate() {
            let pad = " ".repeat(widths[i].saturating_sub(text.width()));
            if i > 0 {
                line.push_str("  ");
            }
            if self.columns[i].kind == ColumnKind::Number {
                line.push_str(&pad);
                line.push_str(text);
            } else {
                line.push_str(text);
                line.push_str(&pad);
            }
        }
        writeln!(out, "{}", line.trim_end())
    }

    fn vertical(&self, terminal: &Terminal, out: &mut impl Write) -> io::Result<()> {
        let widest = self.columns.iter().map(|c| visible(&c.name).width()).max().unwrap_or(0);
        let rule = if terminal.unicode { "─" } else { "-" };
        for (i, row) in self.rows.iter().enumerate() {
            if !self.bare {
                writeln!(out, "{} row {} {}", rule.repeat(3), i + 1, rule.repeat(20))?;
            }
            for (column, value) in self.columns.iter().zip(row) {
                let name = visible(&column.name);
                let pad = " ".repeat(widest - name.width());
                writeln!(out, "{name}{pad}  {}", self.text(value))?;
            }
        }
        Ok(())
    }

    fn markdown(&self, out: &mut impl Write) -> io::Result<()> {
        let escape = |text: &str| visible(text).replace('\\', "\\\\").replace('|', "\\|");
        let names: Vec<String> = self.columns.iter().map(|c| escape(&c.name)).collect();
        writeln!(out, "| {} |", names.join(" | "))?;
        let rules = self.columns.iter().map(|c| if c.kind == ColumnKind::Number { "---:" } else { "---" });
        writeln!(out, "| {} |", rules.collect::<Vec<_>>().join(" | "))?;
        for row in &self.rows {
            let texts: Vec<String> =
                row.iter().map(|v| v.as_deref().map_or_else(|| self.null.clone(), escape)).collect();
            writeln!(out, "| {} |", texts.join(" | "))?;
        }
        Ok(())
    }

    fn text(&self, value: &Option<String>) -> String {
        value.as_deref().map_or_else(|| self.null.clone(), |text| visible(text).into_owned())
    }
}

fn styled(cell: Cell, terminal: &Terminal, attribute: Attribute) -> Cell {
    if terminal.color_out { cell.add_attribute(attribute) } else { cell }
}

/// Long nested type names are cut: they stand in a header.
fn short_type(name: &str) -> String {
    let lower = name.to_lowercase();
    if lower.chars().count() <= 24 {
        return lower;
    }
    let cut: String = lower.chars().take(23).collect();
    format!("{cut}…")
}
