//! One side of a posting; never changed.

use kit::{Timestamp, Uuid};
use sea_orm::entity::prelude::*;

use crate::money::Currency;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_entries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tx_id: Uuid,
    pub account: String,
    pub currency: Currency,
    pub debit: i64,
    pub credit: i64,
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
