//! Postal addresses as people save them. Whether one can be delivered to is decided when
//! something is shipped; here it only has to be text of a sensible size with a country.

use kit::graphql::{Address, AddressInput};

use super::text;

const MAX_LINES: usize = 5;
const MAX_LENGTH: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct AddressError {
    pub field: &'static str,
    pub code: &'static str,
    pub message: String,
}

/// Clean text in every part, at least one line, and the label it makes.
pub fn parse(input: AddressInput) -> Result<Address, AddressError> {
    let AddressInput {
        recipient,
        organization,
        lines,
        dependent_locality,
        locality,
        administrative_area,
        postal_code,
        sorting_code,
        country_code,
    } = input;
    if lines.len() > MAX_LINES {
        let message = format!("must have at most {MAX_LINES} lines");
        return Err(AddressError { field: "lines", code: "TOO_LONG", message });
    }
    let mut kept = Vec::with_capacity(lines.len());
    for line in lines {
        kept.extend(part("lines", Some(line))?);
    }
    if kept.is_empty() {
        let message = "must have at least one line".to_owned();
        return Err(AddressError { field: "lines", code: "TOO_SHORT", message });
    }
    let mut address = Address {
        recipient: part("recipient", recipient)?,
        organization: part("organization", organization)?,
        lines: kept,
        dependent_locality: part("dependentLocality", dependent_locality)?,
        locality: part("locality", locality)?,
        administrative_area: part("administrativeArea", administrative_area)?,
        postal_code: part("postalCode", postal_code)?,
        sorting_code: part("sortingCode", sorting_code)?,
        country_code,
        formatted: Vec::new(),
    };
    address.formatted = label(&address);
    Ok(address)
}

fn part(field: &'static str, text: Option<String>) -> Result<Option<String>, AddressError> {
    let Some(text) = text else { return Ok(None) };
    let text = text::line(&text, 0, MAX_LENGTH).map_err(|error| AddressError {
        field,
        code: error.code(),
        message: error.to_string(),
    })?;
    Ok((!text.is_empty()).then_some(text))
}

/// Where the postal code stands relative to the town.
enum TownLine {
    /// `10115 Berlin`
    CodeTown,
    /// `Springfield, IL 62701`
    TownAreaCode,
    /// Each on a line of its own, code last.
    Lines,
}

/// The lines of a label: person, house, town, country in capitals.
fn label(address: &Address) -> Vec<String> {
    let mut label = Vec::new();
    label.extend(address.recipient.clone());
    label.extend(address.organization.clone());
    label.extend(address.lines.iter().cloned());
    label.extend(address.dependent_locality.clone());
    let (town, area, code) =
        (&address.locality, &address.administrative_area, &address.postal_code);
    match town_line(address.country_code.as_str()) {
        TownLine::CodeTown => {
            label.extend(joined(&[code, town], " "));
            label.extend(area.clone());
        }
        TownLine::TownAreaCode => {
            let area_and_code = joined(&[area, code], " ");
            label.extend(joined(&[town, &area_and_code], ", "));
        }
        TownLine::Lines => {
            label.extend(town.iter().chain(area).chain(code).cloned());
        }
    }
    label.extend(address.sorting_code.clone());
    label.push(address.country_code.to_string());
    label
}

fn town_line(country: &str) -> TownLine {
    match country {
        "US" | "CA" | "AU" | "MX" | "IN" | "BR" => TownLine::TownAreaCode,
        "GB" | "IE" | "HK" | "SG" | "JP" | "KR" | "CN" | "TW" | "NZ" | "AE" => TownLine::Lines,
        _ => TownLine::CodeTown,
    }
}

fn joined(parts: &[&Option<String>], between: &str) -> Option<String> {
    let parts: Vec<&str> = parts.iter().filter_map(|part| part.as_deref()).collect();
    (!parts.is_empty()).then(|| parts.join(between))
}

#[cfg(test)]
mod tests {
    use kit::graphql::CountryCode;

    use super::*;

    fn input(country: &str) -> AddressInput {
        AddressInput {
            recipient: Some(" Ada  Lovelace ".to_owned()),
            organization: Some(String::new()),
            lines: vec!["1 Main Street".to_owned(), "  ".to_owned()],
            dependent_locality: None,
            locality: Some("Springfield".to_owned()),
            administrative_area: Some("IL".to_owned()),
            postal_code: Some("62701".to_owned()),
            sorting_code: None,
            country_code: CountryCode::parse(country).unwrap(),
        }
    }

    #[test]
    fn labels_follow_the_country() {
        let check = |country: &str, label: &[&str]| {
            assert_eq!(parse(input(country)).unwrap().formatted, label);
        };
        let head = ["Ada Lovelace", "1 Main Street"];
        check("US", &[&head[..], &["Springfield, IL 62701", "US"]].concat());
        check("DE", &[&head[..], &["62701 Springfield", "IL", "DE"]].concat());
        check("GB", &[&head[..], &["Springfield", "IL", "62701", "GB"]].concat());
    }

    #[test]
    fn text_that_hides_something_is_refused() {
        let mut bad = input("DE");
        bad.locality = Some("Ber\u{202e}lin".to_owned());
        assert_eq!(parse(bad).unwrap_err().field, "locality");
        let mut empty = input("DE");
        empty.lines.clear();
        assert_eq!(parse(empty).unwrap_err().code, "TOO_SHORT");
    }
}
