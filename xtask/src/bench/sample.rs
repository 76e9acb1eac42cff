//! Figures out of several runs.

use std::time::Duration;

/// What was measured, in one unit, of several runs.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    /// The figures of all runs. `None` if there are none.
    pub(crate) fn new(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        (!figures.is_empty()).then_some(Self(figures))
    }

    /// The same of lengths of time, in milliseconds.
    pub(crate) fn millis(lengths: impl IntoIterator<Item = Duration>) -> Option<Self> {
        Self::new(lengths.into_iter().map(|length| length.as_secs_f64() * 1_000.0))
    }

    pub(crate) fn least(&self) -> f64 {
        self.0.first().copied().unwrap_or_default()
    }

    /// The one in the middle; of an even number the lower one.
    pub(crate) fn median(&self) -> f64 {
        self.0.get((self.0.len() - 1) / 2).copied().unwrap_or_default()
    }

    /// The one that so many of a hundred do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        self.0.get((self.0.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
    }

    pub(crate) fn most(&self) -> f64 {
        self.0.last().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_a_figure_that_was_measured() {
        let sample = Sample::new([3.0, 1.0, 10.0, 2.0]).unwrap();
        assert_eq!(format!("{} {} {}", sample.least(), sample.median(), sample.most()), "1 2 10");
        let sample = Sample::new((1..=200).map(f64::from)).unwrap();
        assert_eq!(
            [1, 50, 99, 100].map(|percent| format!("{}", sample.percentile(percent))),
            ["2", "100", "198", "200"]
        );
        assert_eq!(Sample::new([7.0]).unwrap().percentile(99).to_string(), "7");
        assert_eq!(Sample::new([]), None);
        assert_eq!(Sample::millis([Duration::from_micros(1_500)]), Sample::new([1.5]));
    }
}
