//! Axes: round steps, and short names for large numbers.

/// An axis from `low` to `high` in equal steps.
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) step: f64,
}

impl Scale {
    /// An axis that holds `min` to `max` in about `steps` round steps. Zero is on it when `zero` asks for it or when it
    /// is near enough.
    pub(super) fn new(min: f64, max: f64, steps: usize, zero: bool) -> Self {
        let near = min >= 0.0 && min < max * 0.7 || max <= 0.0 && max > min * 0.7;
        let (mut low, mut high) = if zero || near { (min.min(0.0), max.max(0.0)) } else { (min, max) };
        if high - low <= f64::EPSILON * high.abs().max(low.abs()).max(1e-300) {
            let pad = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            (low, high) = (low - pad, high + pad);
        }
        #[expect(clippy::cast_precision_loss, reason = "a handful of steps")]
        let rough = (high - low) / steps.max(1) as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|f| f * power)
            .find(|s| *s >= rough * 0.999)
            .unwrap_or(rough);
        if !step.is_finite() || step <= 0.0 {
            return Self { low, high, step: (high - low).max(f64::MIN_POSITIVE) };
        }
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    /// Where a value stands between the ends: 0 to 1.
    pub(super) fn place(&self, value: f64) -> f64 {
        // Halves keep the difference of two huge numbers finite.
        ((value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)).clamp(0.0, 1.0)
    }

    /// The values of the steps, lowest first.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let mut ticks = Vec::new();
        for i in 0..=20_i32 {
            let tick = self.low + f64::from(i) * self.step;
            if tick > self.high + self.step * 0.01 {
                break;
            }
            ticks.push(if tick.abs() < self.step * 1e-6 { 0.0 } else { tick });
        }
        ticks
    }

    /// A step's value in few characters: `1.5M`, `200k`, `0.25`.
    pub(super) fn name(&self, value: f64) -> String {
        let most = self.low.abs().max(self.high.abs());
        let units = [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")];
        let (unit, suffix) = match units.into_iter().find(|(unit, _)| most >= *unit * 1.999) {
            Some(found) if most < 1e16 => found,
            Some(_) => return if value == 0.0 { "0".to_owned() } else { format!("{value:.1e}") },
            None => (1.0, ""),
        };
        if value == 0.0 {
            return "0".to_owned();
        }
        let step = self.step / unit;
        if step < 1e-6 {
            return format!("{value:.2e}");
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 6")]
        let digits = (-(step.log10() + 1e-9).floor()).clamp(0.0, 6.0) as usize;
        format!("{:.digits$}{suffix}", value / unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_hold_the_values() {
        let scale = Scale::new(3.0, 97.0, 4, false);
        assert_eq!(scale.ticks(), vec![0.0, 50.0, 100.0]);
        let scale = Scale::new(-1_500_000.0, 2_500_000.0, 4, true);
        let names: Vec<String> = scale.ticks().iter().map(|t| scale.name(*t)).collect();
        assert_eq!(names, ["-2M", "-1M", "0", "1M", "2M", "3M"]);
    }

    #[test]
    fn odd_ranges_still_give_an_axis() {
        for (min, max) in [(0.0, 0.0), (5.0, 5.0), (-1e300, 1e300), (1e-12, 2e-12), (f64::MIN, f64::MAX)] {
            let scale = Scale::new(min, max, 4, false);
            assert!(scale.place(min) <= scale.place(max), "{min} {max}");
            assert!(scale.place(max).is_finite());
        }
    }
}
