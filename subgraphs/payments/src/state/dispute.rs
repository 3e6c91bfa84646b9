//! States of a dispute.

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
pub enum DisputeStatus {
    NeedsResponse,
    UnderReview,
    Won,
    Lost,
    Accepted,
    Expired,
}

/// What can happen to a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeEvent {
    /// Evidence was handed in.
    Contest,
    /// We let the cardholder have the money.
    Accept,
    Won,
    Lost,
    /// The time for evidence ran out.
    Expire,
}

use DisputeEvent as On;
use DisputeStatus as Is;

pub static DISPUTE_STATES: Machine<DisputeStatus, DisputeEvent> = Machine {
    name: "Dispute",
    transitions: &[
        (Is::NeedsResponse, On::Contest, Is::UnderReview),
        (Is::NeedsResponse, On::Accept, Is::Accepted),
        (Is::NeedsResponse, On::Won, Is::Won),
        (Is::NeedsResponse, On::Lost, Is::Lost),
        (Is::NeedsResponse, On::Expire, Is::Expired),
        (Is::UnderReview, On::Won, Is::Won),
        (Is::UnderReview, On::Lost, Is::Lost),
    ],
};

impl DisputeStatus {
    /// The disputed money is still held.
    pub fn is_open(self) -> bool {
        matches!(self, Self::NeedsResponse | Self::UnderReview)
    }
}
