//! One movement of stock; never changed. The sums of the deltas are the stock.

use kit::{Timestamp, Uuid, id::ProductId};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_movements")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub product_id: ProductId,
    /// Change of the pieces on hand.
    pub delta: i64,
    /// Change of the pieces promised.
    pub reserved_delta: i64,
    pub kind: MovementKind,
    pub source_type: String,
    pub source_id: Uuid,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Why stock moved.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MovementKind {
    Received,
    Reserved,
    Released,
    Sold,
    Returned,
    Correction,
}
