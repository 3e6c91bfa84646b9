//! Card numbers and what can be told from them without asking anybody.
//!
//! [`CardNumber`] is the only type in the service that holds a number. It cannot be printed,
//! serialised or cloned, and it is wiped when dropped.

use std::fmt;

use async_graphql::Enum;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Enum,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CardBrand {
    Visa,
    Mastercard,
    Amex,
    Discover,
    Diners,
    #[graphql(name = "JCB")]
    Jcb,
    #[graphql(name = "UNIONPAY")]
    #[sea_orm(string_value = "UNIONPAY")]
    #[serde(rename = "UNIONPAY")]
    UnionPay,
    Maestro,
    Unknown,
}

/// What the issuer said about a detail that came with the card.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Enum,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CheckResult {
    Pass,
    Fail,
    Unavailable,
    Unchecked,
}

/// Why card details were refused before any processor saw them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    #[error("the card number is not valid")]
    IncorrectNumber,
    #[error("the expiry month is not valid")]
    InvalidExpiry,
    #[error("the card has expired")]
    Expired,
    #[error("the security code is not valid")]
    InvalidCvc,
}

impl CardError {
    pub fn code(self) -> &'static str {
        match self {
            Self::IncorrectNumber => "INCORRECT_NUMBER",
            Self::InvalidExpiry => "INVALID_EXPIRY",
            Self::Expired => "EXPIRED_CARD",
            Self::InvalidCvc => "INVALID_CVC",
        }
    }

    pub fn field(self) -> &'static str {
        match self {
            Self::IncorrectNumber => "number",
            Self::InvalidExpiry => "expMonth",
            Self::Expired => "expYear",
            Self::InvalidCvc => "cvc",
        }
    }
}

/// A card number that passed the Luhn check.
pub struct CardNumber(Zeroizing<String>);

impl CardNumber {
    /// Twelve to nineteen digits with a right check digit; spaces and hyphens between groups are
    /// tolerated.
    pub fn parse(text: Zeroizing<String>) -> Result<Self, CardError> {
        let digits: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|char| !matches!(char, ' ' | '-')).collect());
        let plausible =
            (12..=19).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plausible && luhn::valid(&digits) {
            Ok(Self(digits))
        } else {
            Err(CardError::IncorrectNumber)
        }
    }

    /// The digits, for the processor and the fingerprint only.
    pub(crate) fn digits(&self) -> &str {
        &self.0
    }

    pub fn last4(&self) -> String {
        self.0[self.0.len() - 4..].to_owned()
    }

    pub fn brand(&self) -> CardBrand {
        brand_of(&self.0)
    }

    /// Whether `cvc` has the right shape for this brand.
    pub fn accepts_cvc(&self, cvc: &str) -> Result<(), CardError> {
        let wanted = if self.brand() == CardBrand::Amex { 4 } else { 3 };
        if cvc.len() == wanted && cvc.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(())
        } else {
            Err(CardError::InvalidCvc)
        }
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CardNumber(…)")
    }
}

/// Checks month and year against the current month; a card is good through the end of its month.
pub fn check_expiry(month: i64, year: i64, now_year: i64, now_month: i64) -> Result<(), CardError> {
    if !(1..=12).contains(&month) {
        return Err(CardError::InvalidExpiry);
    }
    if year > now_year + 50 {
        return Err(CardError::InvalidExpiry);
    }
    if (year, month) < (now_year, now_month) { Err(CardError::Expired) } else { Ok(()) }
}

/// Issuer ranges: first six digits from..=to. The first row that fits decides, so narrower rows
/// stand before wider ones.
const BRANDS: &[(u32, u32, CardBrand)] = &[
    (340_000, 349_999, CardBrand::Amex),
    (370_000, 379_999, CardBrand::Amex),
    (300_000, 305_999, CardBrand::Diners),
    (309_500, 309_599, CardBrand::Diners),
    (360_000, 369_999, CardBrand::Diners),
    (380_000, 399_999, CardBrand::Diners),
    (352_800, 358_999, CardBrand::Jcb),
    (222_100, 272_099, CardBrand::Mastercard),
    (510_000, 559_999, CardBrand::Mastercard),
    (601_100, 601_199, CardBrand::Discover),
    (644_000, 659_999, CardBrand::Discover),
    (622_126, 622_925, CardBrand::UnionPay),
    (620_000, 629_999, CardBrand::UnionPay),
    (810_000, 817_199, CardBrand::UnionPay),
    (500_000, 509_999, CardBrand::Maestro),
    (560_000, 589_999, CardBrand::Maestro),
    (600_000, 619_999, CardBrand::Maestro),
    (630_000, 639_999, CardBrand::Maestro),
    (660_000, 699_999, CardBrand::Maestro),
    (400_000, 499_999, CardBrand::Visa),
];

fn brand_of(digits: &str) -> CardBrand {
    let Some(prefix) = digits.get(..6).and_then(|prefix| prefix.parse::<u32>().ok()) else {
        return CardBrand::Unknown;
    };
    BRANDS
        .iter()
        .find(|(from, to, _)| (*from..=*to).contains(&prefix))
        .map_or(CardBrand::Unknown, |(_, _, brand)| *brand)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<CardNumber, CardError> {
        CardNumber::parse(Zeroizing::new(text.to_owned()))
    }

    #[test]
    fn brands_come_from_issuer_ranges() {
        for (number, brand) in [
            ("4242424242424242", CardBrand::Visa),
            ("5555555555554444", CardBrand::Mastercard),
            ("2223003122003222", CardBrand::Mastercard),
            ("378282246310005", CardBrand::Amex),
            ("6011111111111117", CardBrand::Discover),
            ("3056930009020004", CardBrand::Diners),
            ("3566002020360505", CardBrand::Jcb),
            ("6200000000000005", CardBrand::UnionPay),
        ] {
            assert_eq!(parse(number).unwrap().brand(), brand, "{number}");
        }
        assert_eq!(brand_of("2200990000000000"), CardBrand::Unknown);
        assert_eq!(brand_of("2721000000000000"), CardBrand::Unknown);
    }

    #[test]
    fn numbers_need_digits_length_and_check_digit() {
        assert!(parse("4242 4242 4242 4242").is_ok());
        for bad in ["", "4242", "4242424242424241", "4242x24242424242", "42424242424242424242"] {
            assert_eq!(parse(bad).unwrap_err(), CardError::IncorrectNumber, "{bad}");
        }
    }

    #[test]
    fn a_card_is_good_through_its_month() {
        assert!(check_expiry(11, 2026, 2026, 11).is_ok());
        assert_eq!(check_expiry(10, 2026, 2026, 11), Err(CardError::Expired));
        assert_eq!(check_expiry(13, 2030, 2026, 11), Err(CardError::InvalidExpiry));
    }

    #[test]
    fn a_number_does_not_show_itself() {
        assert_eq!(format!("{:?}", parse("4242424242424242").unwrap()), "CardNumber(…)");
    }
}
