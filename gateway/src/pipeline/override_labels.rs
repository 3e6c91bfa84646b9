//! Progressive overrides: which labels are on for one request.
//!
//! `percent(x)` is on for x percent of all requests, each label drawn for itself. Other labels are
//! off unless the configuration says otherwise, which it may for every label.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Decides about labels.
#[derive(Debug)]
pub(crate) struct OverrideLabels {
    /// Decided by the configuration.
    decided: BTreeMap<String, bool>,
    /// A keyed hash of a counter: cheap, and nobody can foretell it.
    random: RandomState,
    count: AtomicU64,
}

/// How often a label is on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Share {
    Never,
    Always,
    Percent(f64),
}

/// The labels that one operation's plan depends on.
pub(crate) type LabelShares = BTreeMap<String, Share>;

impl OverrideLabels {
    pub(crate) fn new(decided: &BTreeMap<String, bool>) -> Self {
        Self { decided: decided.clone(), random: RandomState::new(), count: AtomicU64::new(0) }
    }

    pub(crate) fn shares(&self, labels: BTreeSet<&str>) -> LabelShares {
        let share = |label: &str| match self.decided.get(label) {
            Some(true) => Share::Always,
            Some(false) => Share::Never,
            None => percentage(label).map_or(Share::Never, Share::Percent),
        };
        labels.into_iter().map(|label| (label.to_owned(), share(label))).collect()
    }

    /// Which of the labels are on for one request.
    pub(crate) fn draw(&self, shares: &LabelShares) -> BTreeSet<String> {
        let is_on = |share: Share| match share {
            Share::Never => false,
            Share::Always => true,
            Share::Percent(percent) => self.random_percentage() < percent,
        };
        let on = shares.iter().filter(|(_, share)| is_on(**share));
        on.map(|(label, _)| label.clone()).collect()
    }

    /// At least 0 and less than 100.
    fn random_percentage(&self) -> f64 {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let bits = self.random.hash_one(count) >> 32;
        let bits = u32::try_from(bits).unwrap_or_default();
        f64::from(bits) / (f64::from(u32::MAX) + 1.0) * 100.0
    }
}

/// `5` for `percent(5)`.
fn percentage(label: &str) -> Option<f64> {
    label.strip_prefix("percent(")?.strip_suffix(')')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(labels: &[&str], decided: &[(&str, bool)], draws: usize) -> BTreeMap<String, usize> {
        let decided = decided.iter().map(|(label, on)| ((*label).to_owned(), *on)).collect();
        let overrides = OverrideLabels::new(&decided);
        let shares = overrides.shares(labels.iter().copied().collect());
        let mut counts = BTreeMap::new();
        for label in (0..draws).flat_map(|_| overrides.draw(&shares)) {
            *counts.entry(label).or_default() += 1;
        }
        counts
    }

    #[test]
    fn what_is_certain_is_never_left_to_chance() {
        let labels = ["percent(0)", "percent(100)", "some-label"];
        assert_eq!(on(&labels, &[], 1_000), BTreeMap::from([("percent(100)".to_owned(), 1_000)]));
    }

    #[test]
    fn the_configuration_decides_first() {
        let labels = ["percent(0)", "percent(100)", "some-label", "other"];
        let decided = [("percent(0)", true), ("percent(100)", false), ("some-label", true)];
        let expected = [("percent(0)".to_owned(), 7), ("some-label".to_owned(), 7)];
        assert_eq!(on(&labels, &decided, 7), BTreeMap::from(expected));
    }

    #[test]
    fn a_share_is_kept_and_labels_are_drawn_apart() {
        let counts = on(&["percent(25)", "percent(25.0)", "percent(0.5)"], &[], 20_000);
        // Less than one in a billion runs is further off.
        for label in ["percent(25)", "percent(25.0)"] {
            assert!((4_600..5_400).contains(&counts[label]), "{counts:?}");
        }
        assert!((30..180).contains(&counts["percent(0.5)"]), "{counts:?}");
    }
}
