//! Processors' decline codes and the fifteen reasons the API knows.

use async_graphql::Enum;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Enum,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeclineCode {
    CardDeclined,
    InsufficientFunds,
    ExpiredCard,
    IncorrectCvc,
    IncorrectNumber,
    IncorrectPostalCode,
    LostOrStolen,
    FraudSuspected,
    AuthenticationRequired,
    AuthenticationFailed,
    VelocityExceeded,
    CurrencyNotSupported,
    IssuerUnavailable,
    ProcessingError,
    AmountTooLarge,
}

impl DeclineCode {
    /// The reason behind a processor's code; codes we do not know are plain declines.
    pub fn from_raw(raw: &str) -> Self {
        match raw {
            "insufficient_funds" | "withdrawal_count_limit_exceeded" => Self::InsufficientFunds,
            "expired_card" | "invalid_expiry_month" | "invalid_expiry_year" => Self::ExpiredCard,
            "incorrect_cvc" | "invalid_cvc" => Self::IncorrectCvc,
            "incorrect_number"
            | "invalid_number"
            | "invalid_account"
            | "new_account_information_available" => Self::IncorrectNumber,
            "incorrect_zip" | "incorrect_address" => Self::IncorrectPostalCode,
            "lost_card" | "stolen_card" | "pickup_card" | "restricted_card" => Self::LostOrStolen,
            "fraudulent" | "merchant_blacklist" | "security_violation" | "highest_risk_level" => {
                Self::FraudSuspected
            }
            "authentication_required"
            | "online_or_offline_pin_required"
            | "pin_required"
            | "approve_with_id" => Self::AuthenticationRequired,
            "authentication_failed"
            | "incorrect_pin"
            | "invalid_pin"
            | "offline_pin_required"
            | "pin_try_exceeded" => Self::AuthenticationFailed,
            "card_velocity_exceeded" => Self::VelocityExceeded,
            "currency_not_supported"
            | "card_not_supported"
            | "transaction_not_allowed"
            | "service_not_allowed" => Self::CurrencyNotSupported,
            "issuer_not_available" => Self::IssuerUnavailable,
            "processing_error" | "reenter_transaction" | "try_again_later" => Self::ProcessingError,
            "invalid_amount" | "amount_too_large" => Self::AmountTooLarge,
            _ => Self::CardDeclined,
        }
    }

    /// What the payer may be told: whoever holds a stolen card learns nothing.
    #[must_use]
    pub fn shown_to_payer(self) -> Self {
        if self == Self::LostOrStolen { Self::CardDeclined } else { self }
    }

    /// Trying the same card again can help.
    pub fn retryable(self) -> bool {
        !matches!(
            self,
            Self::FraudSuspected | Self::LostOrStolen | Self::IncorrectNumber | Self::ExpiredCard
        )
    }

    /// The payment is over: no other card is accepted for it.
    pub fn ends_payment(self) -> bool {
        matches!(self, Self::FraudSuspected | Self::LostOrStolen)
    }

    /// One sentence for the payer.
    pub fn message(self) -> &'static str {
        match self.shown_to_payer() {
            Self::CardDeclined | Self::LostOrStolen => "the card was declined",
            Self::InsufficientFunds => "the card has insufficient funds",
            Self::ExpiredCard => "the card has expired",
            Self::IncorrectCvc => "the security code is incorrect",
            Self::IncorrectNumber => "the card number is incorrect",
            Self::IncorrectPostalCode => "the postal code does not match the card",
            Self::FraudSuspected => "the payment was blocked",
            Self::AuthenticationRequired => "the card needs authentication",
            Self::AuthenticationFailed => "the cardholder was not authenticated",
            Self::VelocityExceeded => "too many payments in a short time",
            Self::CurrencyNotSupported => "the card does not support this purchase",
            Self::IssuerUnavailable => "the card's bank could not be reached",
            Self::ProcessingError => "the processor had an error; try again",
            Self::AmountTooLarge => "the amount is too large for this card",
        }
    }
}
