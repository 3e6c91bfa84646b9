//! States of an order.

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
pub enum OrderStatus {
    PendingPayment,
    Paid,
    Fulfilled,
    PartiallyRefunded,
    Refunded,
    Canceled,
    Expired,
}

/// What can happen to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderEvent {
    /// The money is taken and the stock is committed.
    Paid,
    Cancel,
    /// The reservation ran out before anybody paid, or its stock went to somebody else.
    Expire,
    Fulfill,
    RefundedPartly,
    RefundedFully,
}

use OrderEvent as On;
use OrderStatus as Is;

pub static ORDER_STATES: Machine<OrderStatus, OrderEvent> = Machine {
    name: "Order",
    transitions: &[
        (Is::PendingPayment, On::Paid, Is::Paid),
        (Is::PendingPayment, On::Cancel, Is::Canceled),
        (Is::PendingPayment, On::Expire, Is::Expired),
        (Is::Paid, On::Fulfill, Is::Fulfilled),
        (Is::Paid, On::RefundedPartly, Is::PartiallyRefunded),
        (Is::Paid, On::RefundedFully, Is::Refunded),
        (Is::Fulfilled, On::RefundedPartly, Is::PartiallyRefunded),
        (Is::Fulfilled, On::RefundedFully, Is::Refunded),
        (Is::PartiallyRefunded, On::RefundedPartly, Is::PartiallyRefunded),
        (Is::PartiallyRefunded, On::RefundedFully, Is::Refunded),
    ],
};
