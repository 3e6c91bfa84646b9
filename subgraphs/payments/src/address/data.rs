//! The address data, embedded in the binary: one line per country, read when first asked for.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, OnceLock},
};

use regex::Regex;
use serde::Deserialize;

static TEXT: &str = include_str!("../../data/addresses.tsv");

static COUNTRIES: LazyLock<BTreeMap<&'static str, (&'static str, OnceLock<Country>)>> =
    LazyLock::new(|| {
        TEXT.lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(code, json)| (code, (json, OnceLock::new())))
            .collect()
    });

/// The data of one country, or `None` for codes that name none.
pub(super) fn country(code: &str) -> Option<&'static Country> {
    let (json, cell) = COUNTRIES.get(code)?;
    Some(cell.get_or_init(|| Country {
        regions: serde_json::from_str(json).expect("the embedded address data is JSON"),
        code: code.to_owned(),
    }))
}

/// Codes of all countries there is data for.
#[cfg(test)]
pub(super) fn codes() -> impl Iterator<Item = &'static str> {
    COUNTRIES.keys().copied()
}

/// A country and its subdivisions, by key: `US`, `US/CA`, `CN/…/…`, `CA--fr`.
#[derive(Debug)]
pub(super) struct Country {
    pub(super) code: String,
    regions: BTreeMap<String, Region>,
}

impl Country {
    pub(super) fn top(&self) -> &Region {
        self.region(&self.code)
    }

    /// A subdivision; one without rules of its own is empty.
    pub(super) fn region(&self, key: &str) -> &Region {
        static EMPTY: LazyLock<Region> = LazyLock::new(Region::default);
        self.regions.get(key).unwrap_or(&EMPTY)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Region {
    pub(super) name: String,
    pub(super) fmt: String,
    pub(super) require: String,
    pub(super) upper: String,
    pub(super) lang: String,
    languages: String,
    zip: Option<String>,
    zipex: String,
    sub_keys: String,
    sub_names: String,
    sub_lnames: String,
    sub_lfnames: String,
    #[serde(skip)]
    whole: OnceLock<Option<Regex>>,
    #[serde(skip)]
    prefix: OnceLock<Option<Regex>>,
}

impl Region {
    pub(super) fn languages(&self) -> Vec<&str> {
        list(&self.languages, '~')
    }

    pub(super) fn postal_code_examples(&self) -> Vec<&str> {
        list(&self.zipex, ',')
    }

    pub(super) fn has_subdivisions(&self) -> bool {
        !self.sub_keys.is_empty()
    }

    /// The pattern a whole postal code has to fit.
    pub(super) fn whole_postal_code(&self) -> Option<&Regex> {
        self.whole.get_or_init(|| self.pattern("$")).as_ref()
    }

    /// The pattern a postal code has to begin with.
    pub(super) fn postal_code_prefix(&self) -> Option<&Regex> {
        self.prefix.get_or_init(|| self.pattern("")).as_ref()
    }

    /// Subdivisions as (key, label) pairs: each key with its names, then its Latin names.
    pub(super) fn choices(&self) -> Vec<(&str, &str)> {
        let keys = list(&self.sub_keys, '~');
        let mut choices = Vec::new();
        if self.sub_names.is_empty() {
            choices.extend(keys.iter().map(|key| (*key, *key)));
        }
        for labels in [&self.sub_names, &self.sub_lnames, &self.sub_lfnames] {
            let labelled = keys.iter().copied().zip(labels.split('~'));
            choices.extend(labelled.filter(|(_, label)| !label.is_empty()));
        }
        choices
    }

    /// Anchored at the start only as far as the data's own alternatives are: the published
    /// patterns are used without a group around them, and so they are here.
    fn pattern(&self, end: &str) -> Option<Regex> {
        let zip = self.zip.as_deref()?;
        Some(Regex::new(&format!(r"\A(?:^{zip}{end})")).expect("the embedded patterns are valid"))
    }
}

fn list(text: &str, separator: char) -> Vec<&str> {
    if text.is_empty() { Vec::new() } else { text.split(separator).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_reads_and_every_pattern_compiles() {
        for code in codes() {
            let country = country(code).unwrap();
            assert!(!country.top().fmt.is_empty(), "{code}");
            for region in country.regions.values() {
                region.whole_postal_code();
                region.postal_code_prefix();
            }
        }
        assert!(codes().count() > 240);
    }
}
