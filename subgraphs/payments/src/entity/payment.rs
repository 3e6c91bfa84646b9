//! A payment: what is owed, what was taken, what was given back.

use async_graphql::Enum;
use kit::{
    Timestamp, Uuid,
    id::{PaymentId, PaymentMethodId, UserId},
};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    connector::DeclineCode,
    money::{Currency, Money},
    state::PaymentStatus,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PaymentId,
    pub payer_id: UserId,
    pub purpose_type: PurposeType,
    pub purpose_id: Uuid,
    pub role: PaymentRole,
    pub currency: Currency,
    pub amount: i64,
    pub authorized: i64,
    pub captured: i64,
    pub refund_reserved: i64,
    pub refunded: i64,
    pub status: PaymentStatus,
    pub capture_method: CaptureMethod,
    pub method_id: Option<PaymentMethodId>,
    pub connector: Option<String>,
    pub processor_ref: Option<String>,
    pub last_decline: Option<DeclineCode>,
    pub last_raw_code: Option<String>,
    pub declines: i64,
    pub cancel_reason: Option<String>,
    pub action_key: Option<String>,
    pub action_expires_at: Option<Timestamp>,
    pub return_url: Option<String>,
    pub capture_before: Option<Timestamp>,
    pub captured_at: Option<Timestamp>,
    pub canceled_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What a payment is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PurposeType {
    Order,
    Ride,
}

/// Which part of its purpose a payment covers.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentRole {
    Order,
    Fare,
    FareRest,
    Tip,
}

/// When the money is taken.
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
pub enum CaptureMethod {
    Automatic,
    Manual,
}

impl Model {
    pub fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }

    /// What a capture may still take.
    pub fn capturable(&self) -> i64 {
        if self.status == PaymentStatus::RequiresCapture { self.authorized } else { 0 }
    }

    /// What a refund may still give back.
    pub fn refundable(&self) -> i64 {
        self.captured - self.refund_reserved
    }
}
