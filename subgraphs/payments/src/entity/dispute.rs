//! A payment its cardholder contests.

use kit::{
    Timestamp,
    id::{DisputeId, PaymentId},
};
use sea_orm::entity::prelude::*;

use crate::{
    money::{Currency, Money},
    state::DisputeStatus,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "disputes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DisputeId,
    pub payment_id: PaymentId,
    pub connector: String,
    pub connector_ref: String,
    pub amount: i64,
    pub currency: Currency,
    pub fee: i64,
    pub status: DisputeStatus,
    pub reason: String,
    pub evidence: Option<String>,
    pub evidence_due_by: Option<Timestamp>,
    /// When the processor is asked next how it was decided.
    pub next_check_at: Option<Timestamp>,
    pub opened_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }
}
