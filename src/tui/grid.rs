//! The view of a whole result: where it stands and how it moves. Only the window that is seen is ever drawn.

use std::sync::Arc;
use wharf_protocol::{Chart, Rows};

/// A result that is looked at.
pub struct Grid {
    /// The rows.
    pub rows: Arc<Rows>,
    /// Its chart.
    pub chart: Option<Chart>,
    /// The question it answers.
    pub title: String,
    /// Which result of the session it is, beginning with 0, and of how many.
    pub number: (usize, usize),
    /// The chosen row.
    pub row: usize,
    /// The chosen column.
    pub column: usize,
    /// The first row that is seen.
    pub top: usize,
    /// The first column that is seen.
    pub left: usize,
    /// Columns are as wide as their widest value; else they are cut.
    pub wide: bool,
    /// The chart is shown instead of the rows.
    pub charted: bool,
    /// Rows that fit; the view tells it when it draws.
    pub page: usize,
}

/// A movement in a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// A row up.
    Up,
    /// A row down.
    Down,
    /// A column to the left.
    Left,
    /// A column to the right.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first row.
    First,
    /// To the last row.
    Last,
    /// To the first column.
    FirstColumn,
    /// To the last column.
    LastColumn,
}

impl Grid {
    /// A view of the result `number.0` of `number.1`.
    pub fn new(rows: Arc<Rows>, chart: Option<Chart>, title: String, number: (usize, usize)) -> Self {
        Self {
            rows,
            chart,
            title,
            number,
            row: 0,
            column: 0,
            top: 0,
            left: 0,
            wide: false,
            charted: false,
            page: 10,
        }
    }

    /// Moves, and keeps the chosen row in sight. Moving sideways keeps the row.
    pub fn go(&mut self, to: Move) {
        let last_row = self.rows.rows.len().saturating_sub(1);
        let last_column = self.rows.columns.len().saturating_sub(1);
        let page = self.page.max(1);
        match to {
            Move::Up => self.row = self.row.saturating_sub(1),
            Move::Down => self.row = (self.row + 1).min(last_row),
            Move::PageUp => self.row = self.row.saturating_sub(page),
            Move::PageDown => self.row = (self.row + page).min(last_row),
            Move::First => self.row = 0,
            Move::Last => self.row = last_row,
            Move::Left => self.column = self.column.saturating_sub(1),
            Move::Right => self.column = (self.column + 1).min(last_column),
            Move::FirstColumn => self.column = 0,
            Move::LastColumn => self.column = last_column,
        }
        self.left = self.left.min(self.column);
        self.see(page);
    }

    /// Fits the window to `page` rows around the chosen one.
    pub fn see(&mut self, page: usize) {
        self.page = page.max(1);
        self.top = self.top.min(self.row).max((self.row + 1).saturating_sub(self.page));
        self.top = self.top.min(self.rows.rows.len().saturating_sub(self.page)).min(self.row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::rows;
    use proptest::prelude::*;
    use wharf_protocol::ColumnKind;

    proptest! {
        #[test]
        fn the_chosen_cell_is_always_there_and_in_sight(
            count in 0_usize..40, moves in proptest::collection::vec(0_usize..10, 0..60), page in 0_usize..12,
        ) {
            let data: Vec<&[Option<&str>]> = vec![&[Some("a"), Some("b")]; count];
            let rows = rows(&[("x", ColumnKind::Text), ("y", ColumnKind::Text)], &data);
            let mut grid = Grid::new(Arc::new(rows), None, String::new(), (0, 1));
            grid.see(page);
            const ALL: [Move; 10] = [Move::Up, Move::Down, Move::Left, Move::Right, Move::PageUp, Move::PageDown,
                Move::First, Move::Last, Move::FirstColumn, Move::LastColumn];
            for m in moves {
                grid.go(ALL[m]);
                prop_assert!(grid.row < count.max(1) && grid.column < 2);
                prop_assert!(grid.top <= grid.row && grid.row < grid.top + page.max(1));
                prop_assert!(grid.left <= grid.column);
            }
        }
    }
}
