//! Means, quartiles and shares: each says nothing, not 0, when there is nothing to say it of.

/// How values spread. Quartiles interpolate linearly between the two nearest values, as `percentile_cont` of SQL does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// How many values.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// A quarter of them is at most this.
    pub lower_quartile: f64,
    /// Half of them is at most this.
    pub median: f64,
    /// Three quarters of them are at most this.
    pub upper_quartile: f64,
}

impl Spread {
    /// The spread of values; none of nothing.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (values.len() - 1) as f64;
            let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
            low + (high - low) * place.fract()
        };
        (!values.is_empty()).then(|| Self {
            count: values.len(),
            mean: values.iter().sum::<f64>() / values.len() as f64,
            lower_quartile: at(0.25),
            median: at(0.5),
            upper_quartile: at(0.75),
        })
    }
}

/// A part of a whole, 0 to 1; none of nothing.
#[must_use]
pub fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// A sum with its count.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Mean {
    /// How many values.
    pub count: usize,
    /// Their sum.
    pub sum: f64,
}

impl Mean {
    /// Takes one more value.
    pub fn take(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
    }

    /// The mean; none of nothing.
    #[must_use]
    pub fn get(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// How two values of each pair go together, −1 to 1 (Pearson's product-moment correlation); none where one of them never
/// changes.
#[must_use]
pub fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let count = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        let (x, y) = (x - mean_x, y - mean_y);
        xy += x * y;
        xx += x * x;
        yy += y * y;
    }
    // Values that differ by less than what rounding leaves do not differ.
    let differs = |sum: f64| sum > 1e-12 * count;
    (pairs.len() > 2 && differs(xx) && differs(yy)).then(|| (xy / (xx * yy).sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use crate::domain::analytics::numbers::{Spread, correlation};

    #[test]
    fn quartiles_lie_between_the_nearest_values() {
        let spread = Spread::of(vec![4.0, 1.0, 3.0, 2.0]).unwrap();
        let quartiles = (spread.lower_quartile, spread.median, spread.upper_quartile);
        assert_eq!((spread.count, spread.mean, quartiles), (4, 2.5, (1.75, 2.5, 3.25)));
        let one = Spread::of(vec![7.0]).unwrap();
        assert_eq!((one.lower_quartile, one.median, one.upper_quartile), (7.0, 7.0, 7.0));
        assert_eq!(Spread::of(vec![]), None);
    }

    #[test]
    fn correlation_needs_what_changes() {
        assert_eq!(correlation(&[(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]), Some(1.0));
        assert_eq!(correlation(&[(1.0, 6.0), (2.0, 4.0), (3.0, 2.0)]), Some(-1.0));
        assert_eq!(correlation(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(
            correlation(&[(1.0, 1.0), (2.0, 2.0)]),
            None,
            "two points always lie on a line"
        );
    }
}
