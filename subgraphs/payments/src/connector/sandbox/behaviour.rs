//! How a test card behaves. Only the behaviour is stored, never the number it came from.

use sea_orm::entity::prelude::*;

use crate::card::CardNumber;

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Behaviour {
    Approve,
    /// Declines already when attached.
    Decline,
    /// Attaches, then declines every charge.
    DeclineCharge,
    InsufficientFunds,
    ExpiredCard,
    IncorrectCvc,
    ProcessingError,
    ThreeDSecure,
    LostCard,
    StolenCard,
    Fraudulent,
    VelocityExceeded,
    /// Approves, and contests the charge as fraudulent.
    DisputesFraud,
    /// Approves, and says that nothing was delivered.
    DisputesDelivery,
    NoSuchCard,
}

impl Behaviour {
    /// The public test numbers; every other valid number approves.
    pub(super) fn of(number: &CardNumber) -> Self {
        match number.digits() {
            "4000000000000002" => Self::Decline,
            "4000000000000341" => Self::DeclineCharge,
            "4000000000009995" => Self::InsufficientFunds,
            "4000000000000069" => Self::ExpiredCard,
            "4000000000000127" => Self::IncorrectCvc,
            "4000000000000119" => Self::ProcessingError,
            "4000002500003155" => Self::ThreeDSecure,
            "4000000000009987" => Self::LostCard,
            "4000000000009979" => Self::StolenCard,
            "4100000000000019" => Self::Fraudulent,
            "4000000000006975" => Self::VelocityExceeded,
            "4000000000000259" => Self::DisputesFraud,
            "4000000000002685" => Self::DisputesDelivery,
            _ => Self::Approve,
        }
    }

    /// The decline of a zero-amount authorisation.
    pub(super) fn refuses_verification(self) -> Option<&'static str> {
        match self {
            Self::Decline => Some("generic_decline"),
            Self::ExpiredCard => Some("expired_card"),
            Self::IncorrectCvc => Some("incorrect_cvc"),
            _ => None,
        }
    }

    /// The decline of a charge.
    pub(super) fn refuses_charge(self) -> Option<&'static str> {
        match self {
            Self::Approve | Self::ThreeDSecure | Self::DisputesFraud | Self::DisputesDelivery => {
                None
            }
            Self::Decline | Self::DeclineCharge => Some("generic_decline"),
            Self::InsufficientFunds => Some("insufficient_funds"),
            Self::ExpiredCard => Some("expired_card"),
            Self::IncorrectCvc => Some("incorrect_cvc"),
            Self::ProcessingError => Some("processing_error"),
            Self::LostCard => Some("lost_card"),
            Self::StolenCard => Some("stolen_card"),
            Self::Fraudulent => Some("fraudulent"),
            Self::VelocityExceeded => Some("card_velocity_exceeded"),
            Self::NoSuchCard => Some("incorrect_number"),
        }
    }

    /// Why the cardholder will contest a charge.
    pub(super) fn disputes(self) -> Option<&'static str> {
        match self {
            Self::DisputesFraud => Some("fraudulent"),
            Self::DisputesDelivery => Some("product_not_received"),
            _ => None,
        }
    }
}
