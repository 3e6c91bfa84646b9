//! A card as the sandbox processor keeps it: how it behaves, not its number.

use kit::Timestamp;
use sea_orm::entity::prelude::*;

use crate::{card::CheckResult, connector::sandbox::Behaviour};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sandbox_cards")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub token: String,
    pub behaviour: Behaviour,
    pub postal_code_check: CheckResult,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
