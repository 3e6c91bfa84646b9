//! A payout in the sandbox processor's own books.

use kit::{Timestamp, Uuid};
use sea_orm::entity::prelude::*;

use crate::{connector::sandbox::PayoutBooking, money::Currency};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sandbox_payouts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub reference: Uuid,
    pub amount: i64,
    pub currency: Currency,
    pub state: PayoutBooking,
    pub failure: Option<String>,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
