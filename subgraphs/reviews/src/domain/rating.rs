//! Rating summaries: how many reviews gave each number of stars, and the averages of that.

/// Weight of the catalogue's mean in the Bayesian average: it counts as this many reviews.
pub const PRIOR_WEIGHT: f64 = 10.0;

/// The catalogue's mean while nothing has been reviewed.
pub const PRIOR_WITHOUT_REVIEWS: f64 = 3.0;

/// Number of reviews by stars; `counts[0]` has one star.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    pub counts: [i64; 5],
}

impl Histogram {
    pub fn count(&self) -> i64 {
        self.counts.iter().sum()
    }

    /// Sum of the stars of all reviews.
    pub fn stars(&self) -> i64 {
        (1..).zip(self.counts).map(|(stars, count)| stars * count).sum()
    }

    /// Arithmetic mean; none without reviews.
    pub fn average(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| ratio(self.stars(), count))
    }

    /// `(C·m + Σ stars) / (C + n)`: the mean as it would be with `C` more reviews of the
    /// catalogue's mean, so that one review alone moves it little.
    pub fn bayesian_average(&self, prior: Prior) -> f64 {
        (PRIOR_WEIGHT * prior.mean() + exact(self.stars())) / (PRIOR_WEIGHT + exact(self.count()))
    }

    /// Part of the reviews that gave `stars` stars; zero without reviews.
    pub fn share(&self, stars: usize) -> f64 {
        let count = self.count();
        if count == 0 { 0.0 } else { ratio(self.counts[stars - 1], count) }
    }
}

/// Ratings of the whole catalogue, from which its mean follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prior {
    pub ratings: i64,
    pub stars: i64,
}

impl Prior {
    pub fn mean(self) -> f64 {
        if self.ratings == 0 { PRIOR_WITHOUT_REVIEWS } else { ratio(self.stars, self.ratings) }
    }
}

/// Quotient of two counts.
pub fn ratio(part: i64, whole: i64) -> f64 {
    exact(part) / exact(whole)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn exact(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_summary_has_no_average_and_the_prior_as_bayesian_average() {
        let empty = Histogram::default();
        assert_eq!(empty.average(), None);
        assert!((empty.bayesian_average(Prior::default()) - 3.0).abs() < 1e-12);
        let prior = Prior { ratings: 4, stars: 18 };
        assert!((empty.bayesian_average(prior) - 4.5).abs() < 1e-12);
        assert!(empty.share(5).abs() < 1e-12);
    }

    #[test]
    fn averages_weigh_stars_by_their_counts() {
        let histogram = Histogram { counts: [1, 0, 0, 0, 3] };
        assert_eq!(histogram.average(), Some(4.0));
        assert!((histogram.share(5) - 0.75).abs() < 1e-12);
        // (10 · 3.0 + 16) / (10 + 4)
        assert!((histogram.bayesian_average(Prior::default()) - 46.0 / 14.0).abs() < 1e-12);
    }

    #[test]
    fn the_first_review_barely_moves_the_bayesian_average() {
        let prior = Prior { ratings: 100, stars: 400 };
        let one = Histogram { counts: [1, 0, 0, 0, 0] };
        let moved = 4.0 - one.bayesian_average(prior);
        assert!(moved > 0.0 && moved < 0.3, "moved by {moved}");
    }
}
