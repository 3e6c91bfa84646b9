//! States of a payment.

use async_graphql::Enum;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::Machine;

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
pub enum PaymentStatus {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Succeeded,
    PartiallyRefunded,
    Refunded,
    Canceled,
    Failed,
    Unknown,
}

/// What can happen to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentEvent {
    /// The payer confirms; the attempt is on record before the processor is called.
    Confirm,
    /// The processor took the money.
    Charged,
    /// The processor holds the money for a later capture.
    Authorized,
    /// The cardholder has to authenticate first.
    ActionRequired,
    Authenticated,
    AuthenticationFailed,
    Declined,
    /// A decline after which no other card is tried: fraud, lost or stolen.
    Blocked,
    /// The call definitely did not reach the processor.
    NotAttempted,
    /// Nobody knows whether the processor acted.
    OutcomeUnknown,
    Captured,
    Cancel,
    RefundedPartly,
    RefundedFully,
}

use PaymentEvent as On;
use PaymentStatus as Is;

pub static PAYMENT_STATES: Machine<PaymentStatus, PaymentEvent> = Machine {
    name: "Payment",
    transitions: &[
        (Is::RequiresPaymentMethod, On::Confirm, Is::Processing),
        (Is::RequiresPaymentMethod, On::Cancel, Is::Canceled),
        (Is::RequiresConfirmation, On::Confirm, Is::Processing),
        (Is::RequiresConfirmation, On::Cancel, Is::Canceled),
        (Is::Processing, On::Charged, Is::Succeeded),
        (Is::Processing, On::Authorized, Is::RequiresCapture),
        (Is::Processing, On::ActionRequired, Is::RequiresAction),
        (Is::Processing, On::Declined, Is::RequiresPaymentMethod),
        (Is::Processing, On::AuthenticationFailed, Is::RequiresPaymentMethod),
        (Is::Processing, On::Blocked, Is::Failed),
        (Is::Processing, On::NotAttempted, Is::RequiresPaymentMethod),
        (Is::Processing, On::OutcomeUnknown, Is::Unknown),
        (Is::RequiresAction, On::Authenticated, Is::Processing),
        (Is::RequiresAction, On::AuthenticationFailed, Is::RequiresPaymentMethod),
        (Is::RequiresAction, On::Cancel, Is::Canceled),
        (Is::Unknown, On::Charged, Is::Succeeded),
        (Is::Unknown, On::Authorized, Is::RequiresCapture),
        (Is::Unknown, On::ActionRequired, Is::RequiresAction),
        (Is::Unknown, On::Declined, Is::RequiresPaymentMethod),
        (Is::Unknown, On::AuthenticationFailed, Is::RequiresPaymentMethod),
        (Is::Unknown, On::Blocked, Is::Failed),
        (Is::Unknown, On::NotAttempted, Is::RequiresPaymentMethod),
        (Is::RequiresCapture, On::Captured, Is::Succeeded),
        (Is::RequiresCapture, On::Cancel, Is::Canceled),
        (Is::Succeeded, On::RefundedPartly, Is::PartiallyRefunded),
        (Is::Succeeded, On::RefundedFully, Is::Refunded),
        (Is::PartiallyRefunded, On::RefundedPartly, Is::PartiallyRefunded),
        (Is::PartiallyRefunded, On::RefundedFully, Is::Refunded),
    ],
};
