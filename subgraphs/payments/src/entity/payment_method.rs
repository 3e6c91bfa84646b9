//! A card on file: what may be kept of it.

use kit::{
    Timestamp,
    id::{PaymentMethodId, UserId},
};
use sea_orm::entity::prelude::*;

use crate::card::{CardBrand, CheckResult};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_methods")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PaymentMethodId,
    pub user_id: UserId,
    pub connector: String,
    pub connector_token_enc: Vec<u8>,
    pub brand: CardBrand,
    pub last4: String,
    pub exp_month: i64,
    pub exp_year: i64,
    pub fingerprint: Vec<u8>,
    pub funding_country: Option<String>,
    pub cvc_check: CheckResult,
    pub postal_code_check: CheckResult,
    pub billing_address: Option<String>,
    pub verified_at: Option<Timestamp>,
    pub is_default: bool,
    pub detached_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
