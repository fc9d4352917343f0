//! Pearson's r of pairs of columns, over the rows where both have a finite value. Pure.

use wharf_protocol::Correlation;

/// Rows that are taken together, so that a block of every column stays in the cache while all pairs are looked at.
const BLOCK: usize = 4096;
/// Sums kept apart, so that the processor adds several at once.
const LANES: usize = 8;

/// A column row by row, centred on its mean and scaled, NaN where there is no finite value.
pub(super) struct Values {
    centred: Vec<f64>,
    /// Whether there is a finite value in every row.
    complete: bool,
}

impl Values {
    /// A column with this mean, whose values are divided by `scale`; `finite` of them are finite.
    pub(super) fn new(mut values: Vec<f64>, mean: f64, scale: f64, finite: usize) -> Self {
        let complete = values.len() == finite;
        for value in &mut values {
            *value = if value.is_finite() { *value / scale - mean / scale } else { f64::NAN };
        }
        Self { centred: values, complete }
    }

    fn part(&self, rows: std::ops::Range<usize>) -> &[f64] {
        &self.centred[rows]
    }
}

/// All pairs of these columns, in order; the machine's cores share the rows.
pub(super) fn all(columns: &[(String, Values)]) -> Vec<Correlation> {
    let count = columns.len();
    let pairs: Vec<(usize, usize)> = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b))).collect();
    let rows = columns.first().map_or(0, |c| c.1.centred.len());
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let share = rows.div_ceil(workers).max(BLOCK);
    let shares = (0..rows).step_by(share).map(|from| from..(from + share).min(rows));
    let pairs_of = &pairs;
    let moments = std::thread::scope(|scope| {
        let running: Vec<_> =
            shares.map(|rows| scope.spawn(move || moments(columns, pairs_of, rows))).collect();
        let mut all = vec![Moments::default(); pairs_of.len()];
        for part in running {
            // Without a share of the rows the figures would be wrong, not fewer.
            let part = part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all.iter_mut().zip(part).for_each(|(sum, part)| sum.add(&part));
        }
        all
    });
    let name = |i: usize| columns[i].0.clone();
    pairs.iter().zip(moments).map(|((a, b), m)| Correlation { a: name(*a), b: name(*b), r: m.r() }).collect()
}

fn moments(
    columns: &[(String, Values)],
    pairs: &[(usize, usize)],
    rows: std::ops::Range<usize>,
) -> Vec<Moments> {
    let mut all = vec![Moments::default(); pairs.len()];
    for from in rows.clone().step_by(BLOCK) {
        let block = from..(from + BLOCK).min(rows.end);
        let own: Vec<Moments> = columns.iter().map(|c| Moments::of(c.1.part(block.clone()), &c.1)).collect();
        for ((a, b), sum) in pairs.iter().zip(&mut all) {
            let (x, y) = (&columns[*a].1, &columns[*b].1);
            let (left, right) = (x.part(block.clone()), y.part(block.clone()));
            sum.add(&match x.complete && y.complete {
                true => own[*a].beside(&own[*b], dot(left, right)),
                false => Moments::shared(left, right),
            });
        }
    }
    all
}

/// Counts, sums, squares, products and ends of two columns over the rows where both have a value.
#[derive(Debug, Clone, Copy)]
struct Moments {
    rows: f64,
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
    x_ends: (f64, f64),
    y_ends: (f64, f64),
}

/// The ends of no value.
const NONE: (f64, f64) = (f64::INFINITY, f64::NEG_INFINITY);

impl Default for Moments {
    fn default() -> Self {
        Self { rows: 0.0, x: 0.0, y: 0.0, xx: 0.0, yy: 0.0, xy: 0.0, x_ends: NONE, y_ends: NONE }
    }
}

impl Moments {
    /// One complete column beside itself.
    fn of(values: &[f64], column: &Values) -> Self {
        if !column.complete {
            return Self::default();
        }
        let (x, xx) = (dot(values, &[1.0; BLOCK][..values.len()]), dot(values, values));
        let ends = values.iter().fold(NONE, |(low, high), v| (low.min(*v), high.max(*v)));
        Self { rows: values.len() as f64, x, y: x, xx, yy: xx, xy: xx, x_ends: ends, y_ends: ends }
    }

    /// Two complete columns, whose products add up to `xy`.
    fn beside(&self, other: &Self, xy: f64) -> Self {
        Self { y: other.y, yy: other.yy, y_ends: other.y_ends, xy, ..*self }
    }

    /// Two columns of which at least one has gaps.
    fn shared(left: &[f64], right: &[f64]) -> Self {
        let mut sum = Self::default();
        for (x, y) in left.iter().zip(right).filter(|(x, y)| !x.is_nan() && !y.is_nan()) {
            sum.rows += 1.0;
            sum.x += x;
            sum.y += y;
            sum.xx += x * x;
            sum.yy += y * y;
            sum.xy += x * y;
            sum.x_ends = (sum.x_ends.0.min(*x), sum.x_ends.1.max(*x));
            sum.y_ends = (sum.y_ends.0.min(*y), sum.y_ends.1.max(*y));
        }
        sum
    }

    fn add(&mut self, other: &Self) {
        let wider = |a: (f64, f64), b: (f64, f64)| (a.0.min(b.0), a.1.max(b.1));
        *self = Self {
            rows: self.rows + other.rows,
            x: self.x + other.x,
            y: self.y + other.y,
            xx: self.xx + other.xx,
            yy: self.yy + other.yy,
            xy: self.xy + other.xy,
            x_ends: wider(self.x_ends, other.x_ends),
            y_ends: wider(self.y_ends, other.y_ends),
        };
    }

    /// None for fewer than two rows and for a column that does not vary in them.
    fn r(&self) -> Option<f64> {
        let constant = |ends: (f64, f64)| ends.0 >= ends.1;
        if self.rows < 2.0 || constant(self.x_ends) || constant(self.y_ends) {
            return None;
        }
        let (xx, yy) = (self.xx - self.x * self.x / self.rows, self.yy - self.y * self.y / self.rows);
        let r = (self.xy - self.x * self.y / self.rows) / (xx.sqrt() * yy.sqrt());
        Some(r).filter(|r| r.is_finite()).map(|r| r.clamp(-1.0, 1.0))
    }
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    let (mut sums, whole) = ([0.0; LANES], left.len() / LANES * LANES);
    for (x, y) in left[..whole].chunks_exact(LANES).zip(right[..whole].chunks_exact(LANES)) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    let rest: f64 = left[whole..].iter().zip(&right[whole..]).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn r(a: &[f64], b: &[f64]) -> Option<f64> {
        let column = |values: &[f64]| {
            let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
            let mean = finite.iter().sum::<f64>() / finite.len().max(1) as f64;
            ("c".to_owned(), Values::new(values.to_vec(), mean, 1.0, finite.len()))
        };
        all(&[column(a), column(b)])[0].r
    }

    #[test]
    fn columns_of_many_blocks_agree_with_the_definition() {
        let a: Vec<f64> = (0..20_011_u64).map(|i| (i * 7919 % 1009) as f64).collect();
        let b: Vec<f64> = a.iter().enumerate().map(|(i, v)| v * 0.25 + (i * 31 % 577) as f64).collect();
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let (ma, mb) = (mean(&a), mean(&b));
        let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(&b).map(|(x, y)| f(x - ma, y - mb)).sum::<f64>();
        let expected = sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
        assert!((r(&a, &b).unwrap() - expected).abs() < 1e-12);
        // Gaps far away from the mean change what is left, not how well it is computed.
        let gaps: Vec<f64> = a.iter().map(|v| if *v < 900.0 { f64::NAN } else { *v }).collect();
        let doubled: Vec<f64> = a.iter().map(|v| v * 2.0).collect();
        assert!((r(&gaps, &doubled).unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_does_not_vary_where_both_are_present_has_no_correlation() {
        assert_eq!(r(&[0.1, 0.1, 0.1], &[1.0, 2.0, 3.0]), None);
        assert_eq!(r(&[0.1, 0.1, 0.3], &[1.0, 2.0, f64::NAN]), None);
        assert_eq!(r(&[1.0, f64::NAN], &[f64::NAN, 2.0]), None);
        assert_eq!(r(&[], &[]), None);
        assert!((r(&[1.0, f64::INFINITY, 3.0], &[3.0, 2.0, 1.0]).unwrap() + 1.0).abs() < 1e-12);
    }
}
