//! States of a refund.

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
pub enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
    Canceled,
}

/// What can happen to a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundEvent {
    Settled,
    Refused,
}

pub static REFUND_STATES: Machine<RefundStatus, RefundEvent> = Machine {
    name: "Refund",
    transitions: &[
        (RefundStatus::Pending, RefundEvent::Settled, RefundStatus::Succeeded),
        (RefundStatus::Pending, RefundEvent::Refused, RefundStatus::Failed),
    ],
};
