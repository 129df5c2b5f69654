//! Percentiles by nearest rank: always a value that was measured, never one between two.

use std::time::Duration;

/// Measured times, in order.
pub(crate) struct Percentiles(Vec<Duration>);

impl Percentiles {
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>) -> Percentiles {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Percentiles(times)
    }

    /// The smallest time that at least `percent` of all do not exceed, in milliseconds; nothing was measured: not a number.
    pub(crate) fn milliseconds(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0.get(rank.saturating_sub(1)).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(milliseconds: impl IntoIterator<Item = u64>, percent: usize, expected: f64) {
        let times = milliseconds.into_iter().map(Duration::from_millis);
        let found = Percentiles::of(times).milliseconds(percent);
        assert!((found - expected).abs() < 1e-9, "p{percent} is {found}, not {expected}");
    }

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        check(1..=100, 50, 50.0);
        check(1..=100, 99, 99.0);
        check((1..=100).rev(), 99, 99.0);
        check(1..=10, 99, 10.0);
        check([7], 50, 7.0);
        check([1, 2, 3], 50, 2.0);
        check([3, 1, 2], 0, 1.0);
    }

    #[test]
    fn nothing_measured_is_not_a_number() {
        assert!(Percentiles::of([]).milliseconds(50).is_nan());
    }
}
