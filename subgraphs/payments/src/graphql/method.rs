//! Cards on file.

use std::sync::Arc;

use async_graphql::{ID, Object};
use kit::{
    Timestamp,
    graphql::{CountryCode, DateTime},
};

use super::int;
use crate::{
    card::{CardBrand, CheckResult},
    entity::payment_method::Model,
    operation::method::is_expired,
};

#[derive(Clone, Debug)]
pub(crate) struct PaymentMethod {
    pub(super) row: Arc<Model>,
    pub(super) now: Timestamp,
}

#[Object]
impl PaymentMethod {
    pub(super) async fn id(&self) -> ID {
        self.row.id.into()
    }

    async fn brand(&self) -> CardBrand {
        self.row.brand
    }

    async fn last4(&self) -> &str {
        &self.row.last4
    }

    async fn exp_month(&self) -> i32 {
        int(self.row.exp_month)
    }

    async fn exp_year(&self) -> i32 {
        int(self.row.exp_year)
    }

    async fn expired(&self) -> bool {
        is_expired(&self.row, self.now)
    }

    async fn funding_country(&self) -> Option<CountryCode> {
        self.row.funding_country.as_deref().and_then(CountryCode::parse)
    }

    async fn cvc_check(&self) -> CheckResult {
        self.row.cvc_check
    }

    async fn postal_code_check(&self) -> CheckResult {
        self.row.postal_code_check
    }

    async fn verified_at(&self) -> Option<DateTime> {
        self.row.verified_at
    }

    async fn is_default(&self) -> bool {
        self.row.is_default
    }

    async fn created_at(&self) -> DateTime {
        self.row.created_at
    }
}
