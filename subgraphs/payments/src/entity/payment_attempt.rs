//! One call to a processor, on record before it is made.

use async_graphql::Enum;
use kit::{
    Timestamp, Uuid,
    id::{PaymentAttemptId, PaymentId, PayoutId, RefundId, UserId},
};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    connector::DeclineCode,
    money::{Currency, Money},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_attempts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PaymentAttemptId,
    pub payment_id: Option<PaymentId>,
    pub refund_id: Option<RefundId>,
    pub payout_id: Option<PayoutId>,
    /// The first of the attempts that replace one another after a fail-over.
    pub chain_id: Option<Uuid>,
    pub user_id: UserId,
    pub seq: i64,
    pub op: AttemptOperation,
    pub connector: String,
    pub connector_ref: Option<String>,
    pub amount: i64,
    pub currency: Currency,
    pub status: AttemptStatus,
    pub decline: Option<DeclineCode>,
    pub raw_code: Option<String>,
    /// How often the processor was asked what became of it.
    pub checks: i64,
    pub next_check_at: Option<Timestamp>,
    /// The mutation that waits for the result: whose key, which operation, which key.
    pub waiting_owner: Option<Uuid>,
    pub waiting_operation: Option<String>,
    pub waiting_key: Option<String>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What the processor was asked to do.
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
pub enum AttemptOperation {
    Verify,
    Authorize,
    Capture,
    Void,
    Refund,
    Payout,
}

/// What is known of the result.
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
pub enum AttemptStatus {
    Pending,
    Succeeded,
    Failed,
    Unknown,
}

impl Model {
    pub fn money(&self) -> Money {
        Money::new(self.amount, self.currency)
    }

    /// Nobody knows yet how it ended.
    pub fn is_open(&self) -> bool {
        matches!(self.status, AttemptStatus::Pending | AttemptStatus::Unknown)
    }
}
