//! Drivers have their earnings paid out.

use std::sync::Arc;

use async_graphql::{Context, Object, Result, SimpleObject};
use kit::{caller, graphql::scopes, id::PayoutId};
use sea_orm::entity::prelude::*;

use crate::{
    entity::payout as row,
    graphql::{
        context::{Outcome, app, internal_error},
        driver::Payout,
        error::{PayoutError, errors},
        value::MoneyInput,
    },
    operation::payout::{self, RequestPayout},
    refusal::Failure,
};

#[derive(Debug, Default)]
pub(crate) struct PayoutMutation;

#[derive(Debug, SimpleObject)]
struct PayoutPayload {
    payout: Option<Payout>,
    errors: Vec<PayoutError>,
}

#[Object]
impl PayoutMutation {
    #[graphql(requires_scopes = "rides:driver")]
    async fn payout_request(
        &self,
        ctx: &Context<'_>,
        amount: MoneyInput,
        idempotency_key: String,
    ) -> Option<Result<PayoutPayload>> {
        Some(request(ctx, &amount, &idempotency_key).await)
    }
}

async fn request(ctx: &Context<'_>, amount: &MoneyInput, key: &str) -> Result<PayoutPayload> {
    scopes(ctx, &["rides:driver"])?;
    let done = match amount.money(&["amount", "currency"]) {
        Ok(amount) => payout::request(app(ctx), caller(ctx), RequestPayout { amount }, key).await,
        Err(refusal) => Err(Failure::from(refusal)),
    };
    let outcome = Outcome::of(done)?;
    let payout = match outcome.subject {
        None => None,
        Some(id) => {
            let found = row::Entity::find_by_id(PayoutId(id)).one(app(ctx).database.read()).await;
            found.map_err(|error| internal_error(&error))?.map(|row| Payout(Arc::new(row)))
        }
    };
    Ok(PayoutPayload { payout, errors: errors(ctx, outcome.refusals).await })
}
