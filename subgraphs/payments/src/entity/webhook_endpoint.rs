//! Somebody who wants to be told of our events.

use kit::{Timestamp, Uuid};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_endpoints")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub url: String,
    /// Kinds of events, separated by spaces; `*` for all.
    pub events: String,
    pub secret_enc: Vec<u8>,
    pub old_secret_enc: Option<Vec<u8>>,
    pub old_secret_until: Option<Timestamp>,
    /// The last event that has been looked at for this endpoint.
    pub position: i64,
    pub disabled_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
