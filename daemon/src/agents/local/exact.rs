//! Exact arithmetic on the numbers of a result.

use bigdecimal::{BigDecimal, RoundingMode, Zero};
use wharf_protocol::Cell;

/// Digits behind the point of a share or a relative change.
const RATIO_DIGITS: i64 = 6;

/// The number in a cell; none for NULL and for what is no number.
pub(super) fn number(cell: &Cell) -> Option<BigDecimal> {
    match cell {
        Cell::Number(text) => text.parse().ok(),
        Cell::Null | Cell::Bool(_) | Cell::Text(_) => None,
    }
}

/// `a - b`, as exact as both are.
pub(super) fn difference(a: &Cell, b: &Cell) -> Cell {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => written(&(a - b)),
        _ => Cell::Null,
    }
}

/// `a / b`, rounded to six digits behind the point; NULL when `b` is zero.
pub(super) fn ratio(a: &Cell, b: &Cell) -> Cell {
    match (number(a), number(b)) {
        (Some(a), Some(b)) if !b.is_zero() => {
            written(&(a / b).with_scale_round(RATIO_DIGITS, RoundingMode::HalfEven))
        }
        _ => Cell::Null,
    }
}

fn written(value: &BigDecimal) -> Cell {
    Cell::Number(value.normalized().to_plain_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> Cell {
        Cell::Number(text.to_owned())
    }

    #[test]
    fn no_digit_is_lost() {
        assert_eq!(
            difference(&cell("12345678901234567890.13"), &cell("0.12")),
            cell("12345678901234567890.01")
        );
        assert_eq!(ratio(&cell("1"), &cell("3")), cell("0.333333"));
        assert_eq!(ratio(&cell("1"), &cell("0.00")), Cell::Null);
        assert_eq!(difference(&Cell::Null, &cell("1")), Cell::Null);
        assert_eq!(ratio(&cell("1e3"), &cell("4")), cell("250"));
    }
}
