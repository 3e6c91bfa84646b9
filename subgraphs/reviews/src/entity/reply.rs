//! The seller's or driver's public answer to a review.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "review_replies")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub review_id: Uuid,
    pub id: Uuid,
    pub author_id: Option<Uuid>,
    pub body: String,
    pub status: String,
    pub created_at: i64,
    pub edited_at: Option<i64>,
    pub version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
