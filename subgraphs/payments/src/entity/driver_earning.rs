//! A driver's share of one payment, and when it may be paid out.

use kit::{
    Timestamp,
    id::{PaymentId, UserId},
};
use sea_orm::entity::prelude::*;

use crate::money::Currency;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "driver_earnings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub payment_id: PaymentId,
    pub driver_id: UserId,
    pub currency: Currency,
    pub amount: i64,
    /// Taken back by refunds and lost disputes.
    pub reversed: i64,
    pub available_at: Timestamp,
    pub released_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
