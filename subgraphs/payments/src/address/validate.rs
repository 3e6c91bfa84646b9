//! Checks one address against its country's rules and puts it into the form those rules ask for.

use std::sync::LazyLock;

use kit::graphql::{Address, AddressInput, CountryCode};
use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use super::{
    AddressField, AddressIssue, AddressIssueCode, AddressVerdict, Validation,
    data::country,
    format::{address_format, formatted, unknown_format},
    rules::{Choices, Picked, Rules, matching, rules},
    suggest::nearest,
};

/// What may be shipped where; a matter of configuration, not of postal rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Countries nothing is shipped to.
    pub blocked_countries: Vec<CountryCode>,
    pub refuse_po_boxes: bool,
}

/// A line longer than this does not fit on a label; a warning, not a refusal.
const LINE_LENGTH: usize = 35;
/// No field may be longer than this.
const FIELD_LENGTH: usize = 200;
const MAX_LINES: usize = 5;

pub fn validate(input: &AddressInput, policy: &Policy) -> Validation {
    let mut draft = Draft::new(input);
    let Some(data) = country(input.country_code.as_str()) else {
        return unsupported(input, draft);
    };
    let picked = Picked {
        administrative_area: draft.address.administrative_area.as_deref(),
        locality: draft.address.locality.as_deref(),
        dependent_locality: draft.address.dependent_locality.as_deref(),
    };
    let rules = rules(data, &picked);
    draft.field(AddressField::AdministrativeArea, &rules, &rules.administrative_areas);
    draft.field(AddressField::Locality, &rules, &rules.localities);
    draft.field(AddressField::DependentLocality, &rules, &rules.dependent_localities);
    draft.field(AddressField::PostalCode, &rules, &Vec::new());
    draft.postal_code(&rules);
    draft.lines(&rules);
    draft.field(AddressField::SortingCode, &rules, &Vec::new());
    draft.lengths();
    draft.shipping(policy);

    let format =
        address_format(&input.country_code).unwrap_or_else(|| unknown_format(&input.country_code));
    draft.finish(input, format)
}

fn unsupported(input: &AddressInput, mut draft: Draft) -> Validation {
    draft.issue(
        AddressField::CountryCode,
        AddressIssueCode::UnknownValue,
        "this code names no country",
        Vec::new(),
    );
    Validation {
        valid: false,
        verdict: AddressVerdict::UnsupportedCountry,
        normalized: None,
        issues: draft.issues,
        format: unknown_format(&input.country_code),
    }
}

/// The address on its way to its normal form.
struct Draft {
    address: Address,
    issues: Vec<AddressIssue>,
}

impl Draft {
    fn new(input: &AddressInput) -> Self {
        let tidy =
            |text: &Option<String>| text.as_deref().map(tidied).filter(|text| !text.is_empty());
        let address = Address {
            recipient: tidy(&input.recipient),
            organization: tidy(&input.organization),
            lines: input
                .lines
                .iter()
                .map(|line| tidied(line))
                .filter(|line| !line.is_empty())
                .collect(),
            dependent_locality: tidy(&input.dependent_locality),
            locality: tidy(&input.locality),
            administrative_area: tidy(&input.administrative_area),
            postal_code: tidy(&input.postal_code),
            sorting_code: tidy(&input.sorting_code),
            country_code: input.country_code.clone(),
            formatted: Vec::new(),
        };
        Self { address, issues: Vec::new() }
    }

    /// One field: upper case where the country writes it so, left out where it is not used,
    /// refused when missing or not among the known values.
    fn field(&mut self, field: AddressField, rules: &Rules<'_>, choices: &Choices<'_>) {
        let used = rules.fields.contains(&field);
        let required = rules.required.contains(&field);
        let upper = rules.upper.contains(&field);
        let slot = self.slot(field);
        if upper && let Some(value) = slot {
            *value = value.to_uppercase();
        }
        let value = slot.clone();
        match (used, value) {
            (false, _) => *slot = None,
            (true, None) if required => {
                self.issue(field, AddressIssueCode::Required, "this field is required", Vec::new());
            }
            (true, None) => {}
            (true, Some(_)) if choices.is_empty() => {}
            (true, Some(value)) => {
                if let Some(key) = matching(Some(&value), choices) {
                    *slot = Some(key.to_owned());
                } else {
                    let message = "this is not one of the known values";
                    let suggestions = nearest(&value, choices);
                    self.issue(field, AddressIssueCode::UnknownValue, message, suggestions);
                }
            }
        }
    }

    fn postal_code(&mut self, rules: &Rules<'_>) {
        let Some(code) = self.address.postal_code.clone() else { return };
        let examples =
            || rules.postal_code_examples.iter().map(|text| (*text).to_owned()).collect();
        if rules.postal_code.is_some_and(|pattern| !pattern.is_match(&code)) {
            self.issue(
                AddressField::PostalCode,
                AddressIssueCode::InvalidFormat,
                "postal codes of this country look different",
                examples(),
            );
        } else if rules.postal_code_prefixes.iter().any(|pattern| !pattern.is_match(&code)) {
            self.issue(
                AddressField::PostalCode,
                AddressIssueCode::MismatchingValue,
                "this postal code is not in the given area",
                examples(),
            );
        }
    }

    fn lines(&mut self, rules: &Rules<'_>) {
        if rules.upper.contains(&AddressField::Lines) {
            for line in &mut self.address.lines {
                *line = line.to_uppercase();
            }
        }
        if !rules.fields.contains(&AddressField::Lines) {
            self.address.lines.clear();
        } else if self.address.lines.is_empty() && rules.required.contains(&AddressField::Lines) {
            let message = "a street address is required";
            self.issue(AddressField::Lines, AddressIssueCode::Required, message, Vec::new());
        }
    }

    fn lengths(&mut self) {
        let lines = &self.address.lines;
        let long_line = lines.iter().any(|line| line.chars().count() > LINE_LENGTH);
        let endless =
            lines.len() > MAX_LINES || lines.iter().any(|line| line.chars().count() > FIELD_LENGTH);
        if endless {
            let message = "there are too many or too long lines";
            self.issue(AddressField::Lines, AddressIssueCode::InvalidFormat, message, Vec::new());
        } else if long_line {
            let message = "a line is longer than fits on a label";
            self.issue(AddressField::Lines, AddressIssueCode::TooLong, message, Vec::new());
        }
        for field in [
            AddressField::Recipient,
            AddressField::Organization,
            AddressField::Locality,
            AddressField::DependentLocality,
            AddressField::AdministrativeArea,
            AddressField::SortingCode,
        ] {
            let long =
                self.slot(field).as_ref().is_some_and(|text| text.chars().count() > FIELD_LENGTH);
            if long {
                let message = "this field is too long";
                self.issue(field, AddressIssueCode::InvalidFormat, message, Vec::new());
            }
        }
    }

    fn shipping(&mut self, policy: &Policy) {
        if policy.blocked_countries.contains(&self.address.country_code) {
            let message = "nothing is shipped to this country";
            self.issue(
                AddressField::CountryCode,
                AddressIssueCode::NotShippable,
                message,
                Vec::new(),
            );
        }
        if policy.refuse_po_boxes && self.address.lines.iter().any(|line| is_po_box(line)) {
            let message = "parcels cannot be delivered to a post office box";
            self.issue(AddressField::Lines, AddressIssueCode::PoBoxNotAllowed, message, Vec::new());
        }
    }

    fn finish(self, input: &AddressInput, format: super::AddressFormat) -> Validation {
        let Self { mut address, issues } = self;
        let verdict = verdict(&issues, &address, input);
        let valid = matches!(verdict, AddressVerdict::Deliverable | AddressVerdict::Corrected);
        address.formatted = formatted(&address);
        Validation { valid, verdict, normalized: valid.then_some(address), issues, format }
    }

    fn slot(&mut self, field: AddressField) -> &mut Option<String> {
        match field {
            AddressField::Recipient => &mut self.address.recipient,
            AddressField::Organization => &mut self.address.organization,
            AddressField::DependentLocality => &mut self.address.dependent_locality,
            AddressField::Locality => &mut self.address.locality,
            AddressField::AdministrativeArea => &mut self.address.administrative_area,
            AddressField::PostalCode => &mut self.address.postal_code,
            AddressField::SortingCode | AddressField::Lines | AddressField::CountryCode => {
                &mut self.address.sorting_code
            }
        }
    }

    fn issue(
        &mut self,
        field: AddressField,
        code: AddressIssueCode,
        message: &str,
        suggestions: Vec<String>,
    ) {
        self.issues.push(AddressIssue { field, code, message: message.to_owned(), suggestions });
    }
}

fn verdict(issues: &[AddressIssue], address: &Address, input: &AddressInput) -> AddressVerdict {
    let counts = |code: AddressIssueCode| code != AddressIssueCode::TooLong;
    if issues.iter().any(|issue| counts(issue.code) && issue.code != AddressIssueCode::Required) {
        AddressVerdict::Invalid
    } else if issues.iter().any(|issue| issue.code == AddressIssueCode::Required) {
        AddressVerdict::Incomplete
    } else if differs(address, input) {
        AddressVerdict::Corrected
    } else {
        AddressVerdict::Deliverable
    }
}

fn differs(address: &Address, input: &AddressInput) -> bool {
    let same = |ours: &Option<String>, theirs: &Option<String>| {
        ours.as_deref().unwrap_or("") == theirs.as_deref().unwrap_or("")
    };
    !(same(&address.recipient, &input.recipient)
        && same(&address.organization, &input.organization)
        && address.lines == input.lines
        && same(&address.dependent_locality, &input.dependent_locality)
        && same(&address.locality, &input.locality)
        && same(&address.administrative_area, &input.administrative_area)
        && same(&address.postal_code, &input.postal_code)
        && same(&address.sorting_code, &input.sorting_code))
}

/// Composed characters, no control characters, single spaces.
fn tidied(text: &str) -> String {
    let composed: String = text.nfc().map(|c| if c.is_control() { ' ' } else { c }).collect();
    composed.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_po_box(line: &str) -> bool {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(p\.?\s?o\.?\s?box|post\s?office\s?box|postfach|postbus|bo[iî]te\s+postale|b\.?p\.?\s?\d|apartado(\s+postal)?|casella\s+postale|caixa\s+postal)\b")
            .expect("the pattern is valid")
    });
    PATTERN.is_match(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(area: &str, postal_code: &str) -> AddressInput {
        AddressInput {
            recipient: Some("Ada".into()),
            organization: None,
            lines: vec!["1600 Amphitheatre Pkwy".into()],
            dependent_locality: None,
            locality: Some("MOUNTAIN VIEW".into()),
            administrative_area: Some(area.into()),
            postal_code: Some(postal_code.into()),
            sorting_code: None,
            country_code: CountryCode::parse("US").unwrap(),
        }
    }

    fn issues(validation: &Validation) -> Vec<(AddressField, AddressIssueCode)> {
        validation.issues.iter().map(|issue| (issue.field, issue.code)).collect()
    }

    #[test]
    fn a_right_address_is_deliverable() {
        let validation = validate(&us("CA", "94043"), &Policy::default());
        assert_eq!(validation.verdict, AddressVerdict::Deliverable);
        assert_eq!(
            validation.normalized.unwrap().formatted,
            ["Ada", "1600 Amphitheatre Pkwy", "MOUNTAIN VIEW, CA 94043", "UNITED STATES"]
        );
    }

    #[test]
    fn a_states_name_becomes_its_code() {
        let validation = validate(&us("california", "94043"), &Policy::default());
        assert_eq!(validation.verdict, AddressVerdict::Corrected);
        assert_eq!(validation.normalized.unwrap().administrative_area.as_deref(), Some("CA"));
    }

    #[test]
    fn a_postal_code_of_another_state_is_refused() {
        let validation = validate(&us("NY", "94043"), &Policy::default());
        assert_eq!(validation.verdict, AddressVerdict::Invalid);
        assert_eq!(
            issues(&validation),
            [(AddressField::PostalCode, AddressIssueCode::MismatchingValue)]
        );
    }

    #[test]
    fn a_missing_field_is_incomplete_and_an_unknown_country_unsupported() {
        let mut input = us("CA", "94043");
        input.postal_code = None;
        assert_eq!(validate(&input, &Policy::default()).verdict, AddressVerdict::Incomplete);
        input.country_code = CountryCode::parse("ZZ").unwrap();
        assert_eq!(
            validate(&input, &Policy::default()).verdict,
            AddressVerdict::UnsupportedCountry
        );
    }

    #[test]
    fn boxes_and_blocked_countries_follow_the_policy() {
        let mut input = us("CA", "94043");
        input.lines = vec!["P.O. Box 12".into()];
        let policy = Policy {
            blocked_countries: vec![CountryCode::parse("US").unwrap()],
            refuse_po_boxes: true,
        };
        assert!(validate(&input, &Policy::default()).valid);
        assert_eq!(
            issues(&validate(&input, &policy)),
            [
                (AddressField::CountryCode, AddressIssueCode::NotShippable),
                (AddressField::Lines, AddressIssueCode::PoBoxNotAllowed)
            ]
        );
    }
}
