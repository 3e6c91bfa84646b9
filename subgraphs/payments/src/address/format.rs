//! How a label reads, and what a form for a country asks for.

use kit::graphql::{Address, CountryCode};

use super::{
    AddressField, AddressFormat, AdministrativeArea,
    data::{Region, country},
    rules::{Picked, fields_of, rules},
};

/// The format of a country without data of its own.
const FALLBACK: &str = "%N%n%O%n%A%n%C";

/// Which fields a form for this country shows, or `None` for a code that names no country.
pub fn address_format(code: &CountryCode) -> Option<AddressFormat> {
    let data = country(code.as_str())?;
    let nothing = Picked { administrative_area: None, locality: None, dependent_locality: None };
    let rules = rules(data, &nothing);
    let required = rules.fields.iter().copied().filter(|field| rules.required.contains(field));
    Some(AddressFormat {
        country_code: code.clone(),
        required: required.collect(),
        postal_code_examples: owned(data.top().postal_code_examples()),
        administrative_areas: if rules.fields.contains(&AddressField::AdministrativeArea) {
            areas(data.top())
        } else {
            Vec::new()
        },
        fields: rules.fields,
    })
}

/// The format shown for codes that name no country.
pub(super) fn unknown_format(code: &CountryCode) -> AddressFormat {
    AddressFormat {
        country_code: code.clone(),
        fields: fields_of(FALLBACK),
        required: vec![AddressField::Lines, AddressField::Locality],
        postal_code_examples: Vec::new(),
        administrative_areas: Vec::new(),
    }
}

/// The lines of a postal label, country last.
pub fn formatted(address: &Address) -> Vec<String> {
    let top = country(address.country_code.as_str()).map(super::data::Country::top);
    let format = top.map_or(FALLBACK, |top| top.fmt.as_str());
    let upper: Vec<AddressField> =
        top.map_or("", |top| &top.upper).chars().filter_map(AddressField::from_letter).collect();
    let value = |field: AddressField| {
        let text = field_text(address, field);
        if upper.contains(&field) { text.to_uppercase() } else { text }
    };
    let mut label = Vec::new();
    for line in format.split("%n") {
        let mut text = String::new();
        let mut letters = line.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '%' => {
                    let field = letters.next().and_then(AddressField::from_letter);
                    text.push_str(&field.map(&value).unwrap_or_default());
                }
                other => text.push(other),
            }
        }
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        label.extend(lines.map(str::to_owned));
    }
    label.push(top.map_or_else(|| address.country_code.to_string(), |top| top.name.clone()));
    label
}

fn field_text(address: &Address, field: AddressField) -> String {
    let text = match field {
        AddressField::Recipient => &address.recipient,
        AddressField::Organization => &address.organization,
        AddressField::Lines => return address.lines.join("\n"),
        AddressField::DependentLocality => &address.dependent_locality,
        AddressField::Locality => &address.locality,
        AddressField::AdministrativeArea => &address.administrative_area,
        AddressField::PostalCode => &address.postal_code,
        AddressField::SortingCode => &address.sorting_code,
        AddressField::CountryCode => return address.country_code.to_string(),
    };
    text.clone().unwrap_or_default()
}

fn areas(top: &Region) -> Vec<AdministrativeArea> {
    let mut areas: Vec<AdministrativeArea> = Vec::new();
    for (key, label) in top.choices() {
        match areas.iter_mut().find(|area| area.code == key) {
            // Later labels of a key are its Latin names.
            Some(area) => label.clone_into(&mut area.name),
            None => areas.push(AdministrativeArea { code: key.to_owned(), name: label.to_owned() }),
        }
    }
    areas
}

fn owned(texts: Vec<&str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}
