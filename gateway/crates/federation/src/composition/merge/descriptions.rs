//! Descriptions: the most frequent one wins.

use indexmap::IndexMap;

use super::Merger;

impl Merger<'_> {
    pub(super) fn merge_descriptions<'s>(
        &mut self,
        what: &str,
        descriptions: impl Iterator<Item = Option<&'s str>>,
    ) -> Option<String> {
        let mut counts: IndexMap<&str, usize> = IndexMap::new();
        for description in descriptions.flatten() {
            if !description.trim().is_empty() {
                *counts.entry(description).or_default() += 1;
            }
        }
        if counts.len() > 1 {
            let message = format!("{what} has different descriptions; the most frequent is used");
            self.hint("INCONSISTENT_DESCRIPTION", message, []);
        }
        let most = counts.values().copied().max()?;
        counts.iter().find(|(_, count)| **count == most).map(|(text, _)| (*text).to_owned())
    }
}
