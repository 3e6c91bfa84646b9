//! One booking in the sandbox processor's own books.

use kit::{Timestamp, Uuid};
use sea_orm::entity::prelude::*;

use crate::{
    connector::sandbox::{BookingState, OperationKind},
    money::{Currency, Money},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sandbox_operations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub reference: Uuid,
    pub op: OperationKind,
    pub processor_ref: String,
    pub parent_ref: Option<String>,
    pub amount: i64,
    pub currency: Currency,
    pub capture: bool,
    pub state: BookingState,
    pub code: Option<String>,
    pub action_key: Option<String>,
    pub captured: i64,
    pub refunded: i64,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn money(&self) -> Money {
        Money::new(self.amount, self.currency)
    }
}
