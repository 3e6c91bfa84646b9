//! An account. An erased one stays as a tombstone: id, `Deleted user`, nothing else.

use sea_orm::entity::prelude::*;

use crate::account::{roles::Roles, status::UserStatus};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub email: Option<String>,
    pub email_norm: Option<String>,
    pub email_verified_at: Option<i64>,
    pub pending_email: Option<String>,
    pub password_hash: Option<String>,
    pub password_changed_at: Option<i64>,
    pub display_name: String,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub phone: Option<String>,
    pub locale: String,
    pub time_zone: String,
    pub avatar_url: Option<String>,
    pub status: UserStatus,
    pub roles: Roles,
    pub is_admin: bool,
    pub mfa_enabled: bool,
    pub token_epoch: i64,
    pub last_login_at: Option<i64>,
    pub erase_after: Option<i64>,
    pub erase_content: bool,
    pub erased_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
