//! Money on its way back to the payer.

use async_graphql::Enum;
use kit::{
    Timestamp,
    id::{PaymentId, RefundId},
};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{money::Currency, state::RefundStatus};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refunds")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RefundId,
    pub payment_id: PaymentId,
    pub amount: i64,
    pub currency: Currency,
    pub status: RefundStatus,
    pub reason: RefundReason,
    pub note: Option<String>,
    pub restock: bool,
    pub failure: Option<String>,
    pub connector: String,
    pub connector_ref: Option<String>,
    pub created_at: Timestamp,
    pub settled_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Why money is given back.
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
pub enum RefundReason {
    RequestedByCustomer,
    Duplicate,
    Fraudulent,
    NotReceived,
    Defective,
    RideIssue,
    Other,
}
