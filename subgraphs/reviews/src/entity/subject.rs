//! What payments told about a product or a ride.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subject_replica")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_type: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_id: Uuid,
    pub seller_id: Option<Uuid>,
    pub rider_id: Option<Uuid>,
    pub driver_id: Option<Uuid>,
    pub title: Option<String>,
    pub active: bool,
    pub completed_at: Option<i64>,
    pub seq: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
