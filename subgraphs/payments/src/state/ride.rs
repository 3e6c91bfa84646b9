//! States of a ride.

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
pub enum RideStatus {
    Quoted,
    Authorized,
    InProgress,
    Completed,
    Canceled,
    PaymentFailed,
}

/// What can happen to a ride.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RideEvent {
    Authorized,
    PaymentFailed,
    Start,
    Complete,
    Cancel,
}

use RideEvent as On;
use RideStatus as Is;

pub static RIDE_STATES: Machine<RideStatus, RideEvent> = Machine {
    name: "Ride",
    transitions: &[
        (Is::Quoted, On::Authorized, Is::Authorized),
        (Is::Quoted, On::PaymentFailed, Is::PaymentFailed),
        (Is::Quoted, On::Cancel, Is::Canceled),
        (Is::Authorized, On::Start, Is::InProgress),
        (Is::Authorized, On::Complete, Is::Completed),
        (Is::Authorized, On::Cancel, Is::Canceled),
        (Is::InProgress, On::Complete, Is::Completed),
        // Nobody ended it until the money could not be held any longer.
        (Is::InProgress, On::Cancel, Is::Canceled),
    ],
};
