//! Staff answer disputes.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use kit::{
    batch::Loader,
    graphql::scopes,
    id::{DisputeId, PaymentId},
};
use sea_orm::entity::prelude::*;

use crate::{
    entity::dispute as row,
    graphql::{
        context::{Outcome, app, fresh, internal_error},
        dispute::Dispute,
        error::{DisputeError, errors},
        reader::PaymentRow,
    },
    operation::dispute,
    refusal::{Failure, Refusal},
};

#[derive(Debug, Default)]
pub(crate) struct DisputeMutation;

#[derive(Debug, SimpleObject)]
struct DisputePayload {
    dispute: Option<Dispute>,
    errors: Vec<DisputeError>,
}

#[Object]
impl DisputeMutation {
    #[graphql(requires_scopes = "payments:admin")]
    async fn dispute_respond(
        &self,
        ctx: &Context<'_>,
        id: ID,
        accept: bool,
        evidence: Option<String>,
    ) -> Option<Result<DisputePayload>> {
        Some(respond(ctx, &id, accept, evidence).await)
    }
}

async fn respond(
    ctx: &Context<'_>,
    id: &ID,
    accept: bool,
    evidence: Option<String>,
) -> Result<DisputePayload> {
    scopes(ctx, &["payments:admin"])?;
    let done = match DisputeId::parse(id) {
        Some(id) => dispute::respond(app(ctx), id, accept, evidence).await,
        None => Err(Failure::from(Refusal::not_found("there is no such dispute", &["id"]))),
    };
    let outcome = Outcome::of_id(done)?;
    let dispute = match outcome.subject {
        None => None,
        Some(id) => load(ctx, DisputeId(id)).await?,
    };
    Ok(DisputePayload { dispute, errors: errors(ctx, outcome.refusals).await })
}

async fn load(ctx: &Context<'_>, id: DisputeId) -> Result<Option<Dispute>> {
    let found = row::Entity::find_by_id(id).one(app(ctx).database.read()).await;
    let Some(row) = found.map_err(|error| internal_error(&error))? else { return Ok(None) };
    let mut payments: HashMap<PaymentId, Arc<PaymentRow>> =
        fresh(ctx).load(&[row.payment_id]).await?;
    Ok(payments.remove(&row.payment_id).map(|payment| Dispute { row: Arc::new(row), payment }))
}
