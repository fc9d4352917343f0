//! The figures of one column, out of its sorted keys. Pure.

use super::correlate::Values;
use super::keys::{Keys, Reading};
use crate::profiling::bins::{UnitBins, float_bins};
use crate::profiling::column::{Class, QUANTILES, Range, SQUARE_SAFE, Subject, TOP};
use bigdecimal::{BigDecimal, ToPrimitive as _};
use wharf_protocol::{Bin, Figure, NumberStats, Quantile, TopValue};

/// A column in ascending order.
pub(super) struct Sorted {
    keys: Vec<i64>,
    nulls: u64,
    /// Where the finite values stand.
    finite: std::ops::Range<usize>,
    reading: Reading,
}

impl Sorted {
    /// Sorts what was read; the values row by row come back with what correlations need to know of them.
    pub(super) fn of(mut read: Keys) -> (Self, Option<Values>) {
        read.values.sort_unstable();
        let keys = read.values;
        let finite = match read.reading.infinities() {
            Some((below, above)) => {
                keys.partition_point(|k| *k <= below)..keys.partition_point(|k| *k < above)
            }
            None => 0..keys.len(),
        };
        let sorted = Self { keys, nulls: read.nulls, finite, reading: read.reading };
        let aligned = read.aligned.map(|values| {
            let (mean, scale) = (sorted.mean().unwrap_or(0.0), sorted.scale());
            Values::new(values, mean, scale, sorted.finite.len())
        });
        (sorted, aligned)
    }

    /// Writes the figures into the subject.
    pub(super) fn tell(&self, subject: &mut Subject) {
        let text = |key: &i64| self.reading.text(*key);
        let number = subject.class.is_number();
        let ends = if number { self.finite() } else { &self.keys };
        let (distinct, top) = self.runs();
        subject.present = self.keys.len() as u64;
        let profile = &mut subject.profile;
        profile.nulls = self.nulls;
        profile.distinct = Figure { value: distinct, exact: true };
        profile.min = ends.first().map(text);
        profile.max = ends.last().map(text);
        profile.top = top.iter().map(|(count, key)| TopValue { value: text(key), count: *count }).collect();
        profile.number = number.then(|| self.number());
        subject.range = self.range();
        subject.profile.histogram = self.histogram(subject.class, &subject.range);
    }

    fn finite(&self) -> &[i64] {
        &self.keys[self.finite.clone()]
    }

    /// How many distinct values there are, and the most frequent ones: the larger count first, then the smaller value.
    fn runs(&self) -> (u64, Vec<(u64, i64)>) {
        let (mut distinct, mut top) = (0, Vec::with_capacity(TOP + 1));
        for run in self.keys.chunk_by(|a, b| a == b) {
            distinct += 1;
            let count = run.len() as u64;
            if top.len() < TOP || top.last().is_some_and(|(least, _)| count > *least) {
                let place = top.partition_point(|(other, _)| *other >= count);
                top.insert(place, (count, run[0]));
                top.truncate(TOP);
            }
        }
        (distinct, top)
    }

    fn number(&self) -> NumberStats {
        let finite = self.finite();
        let zero = if self.reading.is_float() { super::keys::float_zero() } else { 0 };
        let (from, to) = (finite.partition_point(|k| *k < zero), finite.partition_point(|k| *k <= zero));
        let sum = (!self.reading.is_float() && !finite.is_empty()).then(|| self.sum());
        NumberStats {
            mean: self.mean().filter(|m| m.is_finite()),
            std: self.std(),
            sum: sum.map(|s| s.to_plain_string()),
            zeros: (to - from) as u64,
            negative: from as u64,
            not_finite: (self.keys.len() - finite.len()) as u64,
            quantiles: self.quantiles(),
        }
    }

    /// The exact sum of whole units and decimals.
    fn sum(&self) -> BigDecimal {
        let units: i128 = self.finite().iter().map(|k| i128::from(*k)).sum();
        BigDecimal::new(units.into(), i64::from(self.reading.scale))
    }

    fn mean(&self) -> Option<f64> {
        let finite = self.finite();
        if finite.is_empty() {
            return None;
        }
        if !self.reading.is_float() {
            return (self.sum() / BigDecimal::from(finite.len() as u64)).to_f64();
        }
        let scale = self.scale();
        let sum = compensated(finite.iter().map(|k| self.reading.number(*k) / scale));
        Some(sum / finite.len() as f64 * scale)
    }

    /// The sample standard deviation, in two passes.
    fn std(&self) -> Option<f64> {
        let (finite, scale) = (self.finite(), self.scale());
        let mean = self.mean().filter(|_| finite.len() > 1)? / scale;
        let squares = finite.iter().map(|k| (self.reading.number(*k) / scale - mean).powi(2));
        let std = (compensated(squares) / (finite.len() - 1) as f64).sqrt() * scale;
        let constant = finite.first() == finite.last();
        if constant { Some(0.0) } else { Some(std).filter(|s| s.is_finite()) }
    }

    /// What values are divided by so that their squares stay finite.
    fn scale(&self) -> f64 {
        let end = |key: Option<&i64>| key.map_or(0.0, |k| self.reading.number(*k).abs());
        let most = end(self.finite().first()).max(end(self.finite().last()));
        if most > SQUARE_SAFE { most } else { 1.0 }
    }

    /// The smallest value that at least this share of the values does not exceed, as the engine's `quantile_disc`.
    fn quantiles(&self) -> Vec<Quantile> {
        let finite = self.finite();
        let one = |percent: &u64| {
            let at = (finite.len() as u64 * percent).div_ceil(100).max(1) - 1;
            let value = finite.get(usize::try_from(at).ok()?)?;
            Some(Quantile { q: *percent as f64 / 100.0, value: self.reading.text(*value), exact: true })
        };
        QUANTILES.iter().filter_map(one).collect()
    }

    fn range(&self) -> Range {
        match self.finite() {
            [] => Range::None,
            [low, .., high] if self.reading.is_float() => {
                Range::Float(self.reading.number(*low), self.reading.number(*high))
            }
            [one] if self.reading.is_float() => {
                Range::Float(self.reading.number(*one), self.reading.number(*one))
            }
            finite => Range::Units(finite[0].into(), finite[finite.len() - 1].into()),
        }
    }

    fn histogram(&self, class: Class, range: &Range) -> Vec<Bin> {
        let (bounds, last): (Vec<String>, Vec<i64>) = match range {
            Range::None => return Vec::new(),
            Range::Float(low, high) => {
                let (bounds, last) = float_bins(*low, *high);
                let text = |b: &f64| zmij::Buffer::new().format(*b).to_owned();
                (bounds.iter().map(text).collect(), last.into_iter().map(super::keys::float_key).collect())
            }
            Range::Units(low, high) => {
                let Some(bins) = UnitBins::new(*low, *high) else { return Vec::new() };
                let key = |unit: i128| i64::try_from(unit).unwrap_or(i64::MAX);
                let bounds = match class.is_number() {
                    true => bins.bounds(self.reading.scale),
                    false => bins.whole_bounds().into_iter().map(|b| self.reading.text(key(b))).collect(),
                };
                (bounds, bins.last.into_iter().map(key).collect())
            }
        };
        let finite = self.finite();
        let mut from = 0;
        let count = |(ends, last): (&[String], &i64)| {
            let to = finite.partition_point(|k| k <= last);
            let count = (to - std::mem::replace(&mut from, to)) as u64;
            Bin { low: ends[0].clone(), high: ends[1].clone(), count }
        };
        bounds.windows(2).zip(&last).map(count).collect()
    }
}

/// A sum that keeps what rounding would lose (Neumaier 1974).
fn compensated(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0);
    for value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    sum + lost
}
