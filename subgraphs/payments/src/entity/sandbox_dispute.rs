//! A dispute in the sandbox processor's own books.

use kit::Timestamp;
use sea_orm::entity::prelude::*;

use crate::{connector::sandbox::DisputeBooking, money::Currency};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sandbox_disputes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub dispute_ref: String,
    pub payment_ref: String,
    pub amount: i64,
    pub currency: Currency,
    pub fee: i64,
    pub reason: String,
    pub state: DisputeBooking,
    pub due_by: Timestamp,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
