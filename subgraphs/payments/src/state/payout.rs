//! States of a payout.

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
pub enum PayoutStatus {
    Pending,
    InTransit,
    Paid,
    Failed,
    Canceled,
}

/// What can happen to a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutEvent {
    /// The processor has accepted it.
    Sent,
    Arrived,
    Refused,
    /// It certainly never reached the processor and is not tried again.
    GivenUp,
}

use PayoutEvent as On;
use PayoutStatus as Is;

pub static PAYOUT_STATES: Machine<PayoutStatus, PayoutEvent> = Machine {
    name: "Payout",
    transitions: &[
        (Is::Pending, On::Sent, Is::InTransit),
        (Is::Pending, On::Refused, Is::Failed),
        (Is::Pending, On::GivenUp, Is::Canceled),
        (Is::InTransit, On::Arrived, Is::Paid),
        (Is::InTransit, On::Refused, Is::Failed),
    ],
};
