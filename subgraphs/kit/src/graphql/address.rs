//! Postal addresses as the contract shows and takes them. Whether one can be delivered to is
//! payments' question.

use async_graphql::{InputObject, SimpleObject};
use serde::{Deserialize, Serialize};

use super::scalar::CountryCode;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, SimpleObject)]
#[graphql(shareable)]
pub struct Address {
    pub recipient: Option<String>,
    pub organization: Option<String>,
    pub lines: Vec<String>,
    pub dependent_locality: Option<String>,
    pub locality: Option<String>,
    pub administrative_area: Option<String>,
    pub postal_code: Option<String>,
    pub sorting_code: Option<String>,
    pub country_code: CountryCode,
    /// Formatted for a postal label of the destination country
    pub formatted: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, InputObject)]
pub struct AddressInput {
    pub recipient: Option<String>,
    pub organization: Option<String>,
    pub lines: Vec<String>,
    pub dependent_locality: Option<String>,
    pub locality: Option<String>,
    pub administrative_area: Option<String>,
    pub postal_code: Option<String>,
    pub sorting_code: Option<String>,
    pub country_code: CountryCode,
}
