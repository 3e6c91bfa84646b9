//! An order: frozen prices and an address.

use kit::{
    Timestamp,
    id::{OrderId, UserId},
};
use sea_orm::entity::prelude::*;

use crate::{
    money::{Currency, Money},
    state::OrderStatus,
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderId,
    pub number: String,
    pub buyer_id: UserId,
    pub currency: Currency,
    pub subtotal_minor: i64,
    pub shipping_minor: i64,
    pub tax_minor: i64,
    pub total_minor: i64,
    /// JSON of the normalised address.
    pub address: String,
    pub status: OrderStatus,
    pub saga_step: String,
    pub saga_attempts: i64,
    pub reservation_expires_at: Option<Timestamp>,
    pub paid_at: Option<Timestamp>,
    pub created_at: Timestamp,
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
