//! Money on its way to a driver's bank.

use kit::{
    Timestamp,
    id::{PayoutId, UserId},
};
use sea_orm::entity::prelude::*;

use crate::{
    money::{Currency, Money},
    state::PayoutStatus,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payouts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayoutId,
    pub payee_id: UserId,
    pub amount: i64,
    pub currency: Currency,
    pub status: PayoutStatus,
    pub failure: Option<String>,
    pub connector: String,
    pub connector_ref: Option<String>,
    pub created_at: Timestamp,
    pub arrived_at: Option<Timestamp>,
    /// When the processor is asked next whether it has arrived.
    pub next_check_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn money(&self) -> Money {
        Money::new(self.amount, self.currency)
    }
}
