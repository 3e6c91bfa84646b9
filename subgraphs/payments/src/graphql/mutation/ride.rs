//! Riders ride; operators end rides.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use kit::{batch::Loader, caller, graphql::scopes, id::RideId};

use crate::{
    entity::ride::{Model, RideParty},
    graphql::{
        context::{Outcome, app, fresh},
        error::{RideError, errors},
        input::{RideAuthorizeInput, RideCompleteInput, RideTipInput},
        ride::Ride,
        value::holds,
    },
    operation::{
        idempotent::Recorded,
        ride::{self, CancelRide},
    },
    refusal::{Failure, Refusal},
};

#[derive(Debug, Default)]
pub(crate) struct RideMutation;

#[derive(Debug, SimpleObject)]
struct RidePayload {
    ride: Option<Ride>,
    errors: Vec<RideError>,
}

#[Object]
impl RideMutation {
    #[graphql(requires_scopes = "payments:write")]
    async fn ride_authorize(
        &self,
        ctx: &Context<'_>,
        input: RideAuthorizeInput,
    ) -> Option<Result<RidePayload>> {
        Some(authorize(ctx, input).await)
    }

    /// The rider has been picked up: by the driver of the ride, or an operator
    #[graphql(requires_scopes = "rides:driver", requires_scopes = "rides:operate")]
    async fn ride_start(
        &self,
        ctx: &Context<'_>,
        id: ID,
        idempotency_key: String,
    ) -> Option<Result<RidePayload>> {
        Some(start(ctx, &id, &idempotency_key).await)
    }

    #[graphql(requires_scopes = "rides:operate")]
    async fn ride_complete(
        &self,
        ctx: &Context<'_>,
        input: RideCompleteInput,
    ) -> Option<Result<RidePayload>> {
        Some(complete(ctx, input).await)
    }

    #[graphql(requires_scopes = "payments:write")]
    async fn ride_cancel(
        &self,
        ctx: &Context<'_>,
        id: ID,
        by: RideParty,
        idempotency_key: String,
    ) -> Option<Result<RidePayload>> {
        Some(cancel(ctx, &id, by, &idempotency_key).await)
    }

    #[graphql(requires_scopes = "payments:write")]
    async fn ride_tip(
        &self,
        ctx: &Context<'_>,
        input: RideTipInput,
    ) -> Option<Result<RidePayload>> {
        Some(tip(ctx, input).await)
    }
}

async fn authorize(ctx: &Context<'_>, input: RideAuthorizeInput) -> Result<RidePayload> {
    scopes(ctx, &["payments:write"])?;
    let done = match input.command() {
        Ok(command) => {
            ride::authorize(app(ctx), caller(ctx), command, &input.idempotency_key).await
        }
        Err(refusal) => Err(Failure::from(refusal)),
    };
    payload(ctx, done).await
}

async fn start(ctx: &Context<'_>, id: &ID, key: &str) -> Result<RidePayload> {
    if !holds(ctx, "rides:driver") {
        scopes(ctx, &["rides:operate"])?;
    }
    let done = match RideId::parse(id) {
        Some(id) => ride::start(app(ctx), caller(ctx), id, key).await,
        None => Err(Failure::from(Refusal::not_found("you drive no such ride", &["id"]))),
    };
    payload(ctx, done).await
}

async fn complete(ctx: &Context<'_>, input: RideCompleteInput) -> Result<RidePayload> {
    scopes(ctx, &["rides:operate"])?;
    let done = match input.command() {
        Ok(command) => ride::complete(app(ctx), caller(ctx), command, &input.idempotency_key).await,
        Err(refusal) => Err(Failure::from(refusal)),
    };
    payload(ctx, done).await
}

async fn cancel(ctx: &Context<'_>, id: &ID, by: RideParty, key: &str) -> Result<RidePayload> {
    scopes(ctx, &["payments:write"])?;
    let done = match RideId::parse(id) {
        Some(id) => ride::cancel(app(ctx), caller(ctx), CancelRide { id, by }, key).await,
        None => Err(Failure::from(Refusal::not_found("you have no such ride", &["id"]))),
    };
    payload(ctx, done).await
}

async fn tip(ctx: &Context<'_>, input: RideTipInput) -> Result<RidePayload> {
    scopes(ctx, &["payments:write"])?;
    let done = match input.command() {
        Ok(command) => ride::tip(app(ctx), caller(ctx), command, &input.idempotency_key).await,
        Err(refusal) => Err(Failure::from(refusal)),
    };
    payload(ctx, done).await
}

async fn payload(ctx: &Context<'_>, done: Result<Recorded, Failure>) -> Result<RidePayload> {
    let outcome = Outcome::of(done)?;
    let ride = match outcome.subject {
        None => None,
        Some(id) => {
            let id = RideId(id);
            let mut rows: HashMap<RideId, Arc<Model>> = fresh(ctx).load(&[id]).await?;
            rows.remove(&id).map(Ride::new)
        }
    };
    Ok(RidePayload { ride, errors: errors(ctx, outcome.refusals).await })
}
