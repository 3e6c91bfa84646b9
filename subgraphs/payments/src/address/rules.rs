//! The rules that apply to one address: those of its country, narrowed by the subdivisions it
//! names.

use std::collections::BTreeSet;

use regex::Regex;

use super::{
    AddressField,
    data::{Country, Region},
};

/// What was asked for, as far as it picks subdivisions.
pub(super) struct Picked<'a> {
    pub(super) administrative_area: Option<&'a str>,
    pub(super) locality: Option<&'a str>,
    pub(super) dependent_locality: Option<&'a str>,
}

/// One level of subdivisions: pairs of key and label.
pub(super) type Choices<'a> = Vec<(&'a str, &'a str)>;

pub(super) struct Rules<'a> {
    pub(super) fields: Vec<AddressField>,
    pub(super) required: BTreeSet<AddressField>,
    pub(super) upper: BTreeSet<AddressField>,
    pub(super) administrative_areas: Choices<'a>,
    pub(super) localities: Choices<'a>,
    pub(super) dependent_localities: Choices<'a>,
    /// Pattern of the country, then of the subdivisions the address names.
    pub(super) postal_code: Option<&'a Regex>,
    pub(super) postal_code_prefixes: Vec<&'a Regex>,
    pub(super) postal_code_examples: Vec<&'a str>,
}

pub(super) fn rules<'a>(country: &'a Country, picked: &Picked<'_>) -> Rules<'a> {
    let top = country.top();
    let fields = fields_of(&top.fmt);
    let has_postal_code = fields.contains(&AddressField::PostalCode);
    let mut rules = Rules {
        required: top.require.chars().filter_map(AddressField::from_letter).collect(),
        upper: top.upper.chars().filter_map(AddressField::from_letter).collect(),
        fields,
        administrative_areas: Vec::new(),
        localities: Vec::new(),
        dependent_localities: Vec::new(),
        postal_code: if has_postal_code { top.whole_postal_code() } else { None },
        postal_code_prefixes: Vec::new(),
        postal_code_examples: top.postal_code_examples(),
    };
    if top.has_subdivisions() {
        let mut levels = Levels::default();
        let languages = top.languages();
        if languages.is_empty() {
            levels.descend(country, None, picked, &mut rules);
        }
        for language in languages {
            let other = (language != top.lang).then_some(language);
            levels.descend(country, other, picked, &mut rules);
        }
    }
    rules
}

/// The fields of a format, in its order, each once.
pub(super) fn fields_of(format: &str) -> Vec<AddressField> {
    let mut fields = Vec::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter == '%'
            && let Some(field) = letters.next().and_then(AddressField::from_letter)
            && !fields.contains(&field)
        {
            fields.push(field);
        }
    }
    fields
}

/// The key whose name or label is `value`, without regard to case.
pub(super) fn matching<'a>(value: Option<&str>, choices: &[(&'a str, &str)]) -> Option<&'a str> {
    let value = value?.trim().to_lowercase();
    choices
        .iter()
        .find(|(key, label)| key.to_lowercase() == value || label.to_lowercase() == value)
        .map(|(key, _)| *key)
}

/// What the last language matched on each level. A level's postal code rules are taken from the
/// first language that matches there.
#[derive(Default)]
struct Levels<'a> {
    administrative_area: Option<&'a str>,
    locality: Option<&'a str>,
    dependent_locality: Option<&'a str>,
}

impl<'a> Levels<'a> {
    fn descend(
        &mut self,
        country: &'a Country,
        language: Option<&str>,
        picked: &Picked<'_>,
        rules: &mut Rules<'a>,
    ) {
        let suffix = language.map(|tag| format!("--{tag}")).unwrap_or_default();
        let mut key = country.code.clone();
        let region = |key: &str| country.region(&format!("{key}{suffix}"));

        let choices = region(&key).choices();
        let known = self.administrative_area.is_some();
        self.administrative_area = matching(picked.administrative_area, &choices);
        rules.administrative_areas.extend(choices);
        let Some(area) = self.administrative_area else { return };
        key = format!("{key}/{area}");
        let data = region(&key);
        take_postal_code(data, known, rules);
        if !data.has_subdivisions() {
            return;
        }

        let choices = data.choices();
        let known = self.locality.is_some();
        self.locality = matching(picked.locality, &choices);
        rules.localities.extend(choices);
        let Some(locality) = self.locality else { return };
        key = format!("{key}/{locality}");
        let data = region(&key);
        take_postal_code(data, known, rules);
        if !data.has_subdivisions() {
            return;
        }

        let choices = data.choices();
        let known = self.dependent_locality.is_some();
        self.dependent_locality = matching(picked.dependent_locality, &choices);
        rules.dependent_localities.extend(choices);
        let Some(dependent) = self.dependent_locality else { return };
        key = format!("{key}/{dependent}");
        take_postal_code(region(&key), known, rules);
    }
}

fn take_postal_code<'a>(region: &'a Region, known: bool, rules: &mut Rules<'a>) {
    if known {
        return;
    }
    rules.postal_code_prefixes.extend(region.postal_code_prefix());
    let examples = region.postal_code_examples();
    if !examples.is_empty() {
        rules.postal_code_examples = examples;
    }
}
