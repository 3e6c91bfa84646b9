//! One line of an order.

use kit::id::{OrderId, OrderLineId, ProductId, UserId};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_lines")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderLineId,
    pub order_id: OrderId,
    pub position: i64,
    pub product_id: ProductId,
    pub seller_id: UserId,
    pub sku: String,
    pub title: String,
    pub unit_minor: i64,
    pub qty: i64,
    pub qty_refunded: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
