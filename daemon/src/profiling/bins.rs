//! Where the bins of a histogram begin and end. Pure.
//!
//! Bins are equally wide from the smallest to the largest value. The engine counts values up to and including an upper
//! bound, while a bin excludes its own; so each bin is counted up to the largest value that still belongs to it, which
//! for whole units and for floating point is a definite one. No value can fall on the wrong side by rounding.

use bigdecimal::{BigDecimal, RoundingMode};

/// Bins, unless the column has fewer whole units.
pub(super) const BINS: usize = 20;

/// The bins of a column of whole units.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnitBins {
    /// Largest value of each bin.
    pub(super) last: Vec<i128>,
    low: i128,
    range: i128,
}

impl UnitBins {
    /// Bins from `low` to `high`; none when the numbers are too large to reckon with.
    pub(super) fn new(low: i128, high: i128) -> Option<Self> {
        let range = high.checked_sub(low)?;
        let count = usize::try_from(range).map_or(BINS, |r| r.saturating_add(1).min(BINS));
        let k = i128::try_from(count).ok()?;
        range.checked_mul(k)?;
        k.checked_mul(low.checked_abs()?)?.checked_add(range.checked_mul(k)?)?;
        let mut last = Vec::with_capacity(count);
        for i in 1..k {
            last.push(low + ceil_div(range * i, k) - 1);
        }
        last.push(high);
        Some(Self { last, low, range })
    }

    /// The bounds, of which there is one more than bins, as whole units: the first unit at or behind each bound.
    pub(super) fn whole_bounds(&self) -> Vec<i128> {
        let k = self.last.len() as i128;
        (0..=k).map(|i| self.low + ceil_div(self.range * i, k)).collect()
    }

    /// The bounds as text, where a unit is `10^-scale`.
    pub(super) fn bounds(&self, scale: u32) -> Vec<String> {
        let k = self.last.len() as i128;
        let bound = |i: i128| {
            let units = BigDecimal::from(self.low * k + self.range * i) / BigDecimal::from(k);
            let value = units * BigDecimal::new(1.into(), i64::from(scale));
            let digits = i64::from(scale) + 6;
            value.with_scale_round(digits, RoundingMode::HalfEven).normalized().to_plain_string()
        };
        (0..=k).map(bound).collect()
    }
}

fn ceil_div(a: i128, b: i128) -> i128 {
    a.div_euclid(b) + i128::from(a.rem_euclid(b) != 0)
}

/// The bins of a floating-point column: bounds (one more than bins) and the largest value of each bin.
pub(super) fn float_bins(low: f64, high: f64) -> (Vec<f64>, Vec<f64>) {
    let bound = |i: usize| match i {
        0 => low,
        BINS => high,
        _ => {
            let t = i as f64 / BINS as f64;
            let plain = low + (high - low) * t;
            // The range itself may be beyond the largest number.
            if plain.is_finite() { plain } else { low * (1.0 - t) + high * t }
        }
    };
    let mut bounds: Vec<f64> = (0..=BINS).map(bound).collect();
    if bounds.windows(2).any(|w| w[0].next_up() >= w[1]) {
        bounds = vec![low, high];
    }
    let mut last: Vec<f64> = bounds[1..].iter().map(|b| b.next_down()).collect();
    if let Some(end) = last.last_mut() {
        *end = high;
    }
    (bounds, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_integers_get_a_bin_each() {
        let bins = UnitBins::new(0, 5).unwrap();
        assert_eq!(bins.last, [0, 1, 2, 3, 4, 5]);
        assert_eq!(bins.bounds(0)[..3], ["0", "0.833333", "1.666667"]);
        assert_eq!(bins.bounds(0).last().unwrap(), "5");
        assert_eq!(UnitBins::new(7, 7).unwrap().last, [7]);
        assert_eq!(UnitBins::new(7, 7).unwrap().bounds(2), ["0.07", "0.07"]);
    }

    #[test]
    fn many_units_are_split_exactly() {
        let bins = UnitBins::new(-10, 100).unwrap();
        assert_eq!(bins.last.len(), BINS);
        // The first bound behind the start is -4.5, so -5 is the last of the first bin.
        assert_eq!((bins.last[0], bins.last[19]), (-5, 100));
        assert_eq!(bins.bounds(0)[1], "-4.5");
        assert_eq!(bins.bounds(2)[1], "-0.045");
        assert_eq!(UnitBins::new(i128::MIN, i128::MAX), None);
    }

    #[test]
    fn floats_never_cross_a_bound() {
        let (bounds, last) = float_bins(0.0, 2.0);
        assert_eq!(bounds[3], 2.0 * 3.0 / 20.0);
        assert!(last.iter().zip(&bounds[1..]).all(|(l, b)| l <= b));
        assert!(last[2] < bounds[3] && last[2].next_up() == bounds[3]);
        assert_eq!(last[19], 2.0);
        let (bounds, _) = float_bins(-f64::MAX, f64::MAX);
        assert!(bounds.iter().all(|b| b.is_finite()) && bounds.len() == 21);
        assert_eq!(float_bins(1.0, 1.0).0, [1.0, 1.0]);
        assert_eq!(float_bins(1.0, 1.0_f64.next_up()).1.len(), 1);
    }
}
