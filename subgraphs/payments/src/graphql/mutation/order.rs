//! People order.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use kit::{batch::Loader, caller, graphql::scopes, id::OrderId};

use crate::{
    graphql::{
        context::{Outcome, app, fresh},
        error::{OrderError, errors},
        input::OrderCreateInput,
        order::Order,
        reader::OrderRow,
    },
    operation::order,
    refusal::{Failure, Refusal},
};

#[derive(Debug, Default)]
pub(crate) struct OrderMutation;

#[derive(Debug, SimpleObject)]
struct OrderPayload {
    order: Option<Order>,
    errors: Vec<OrderError>,
}

#[Object]
impl OrderMutation {
    #[graphql(requires_scopes = "payments:write")]
    async fn order_create(
        &self,
        ctx: &Context<'_>,
        input: OrderCreateInput,
    ) -> Option<Result<OrderPayload>> {
        Some(create(ctx, input).await)
    }

    #[graphql(requires_scopes = "payments:write")]
    async fn order_cancel(&self, ctx: &Context<'_>, id: ID) -> Option<Result<OrderPayload>> {
        Some(cancel(ctx, &id).await)
    }

    #[graphql(requires_scopes = "inventory:write")]
    async fn order_fulfill(
        &self,
        ctx: &Context<'_>,
        id: ID,
        idempotency_key: String,
    ) -> Option<Result<OrderPayload>> {
        Some(fulfill(ctx, &id, &idempotency_key).await)
    }
}

async fn create(ctx: &Context<'_>, input: OrderCreateInput) -> Result<OrderPayload> {
    scopes(ctx, &["payments:write"])?;
    let done = match input.command() {
        Ok(command) => order::create(app(ctx), caller(ctx), command, &input.idempotency_key).await,
        Err(refusal) => Err(Failure::from(refusal)),
    };
    payload(ctx, Outcome::of(done)?).await
}

async fn cancel(ctx: &Context<'_>, id: &ID) -> Result<OrderPayload> {
    scopes(ctx, &["payments:write"])?;
    let done = match OrderId::parse(id) {
        Some(id) => order::cancel(app(ctx), caller(ctx), id).await,
        None => Err(Failure::from(Refusal::not_found("you have no such order", &["id"]))),
    };
    payload(ctx, Outcome::of_id(done)?).await
}

async fn fulfill(ctx: &Context<'_>, id: &ID, key: &str) -> Result<OrderPayload> {
    scopes(ctx, &["inventory:write"])?;
    let done = match OrderId::parse(id) {
        Some(id) => order::fulfill(app(ctx), caller(ctx), id, key).await,
        None => {
            Err(Failure::from(Refusal::not_found("you have sold nothing of this order", &["id"])))
        }
    };
    payload(ctx, Outcome::of(done)?).await
}

async fn payload(ctx: &Context<'_>, outcome: Outcome) -> Result<OrderPayload> {
    let order = match outcome.subject {
        None => None,
        Some(id) => {
            let id = OrderId(id);
            let mut rows: HashMap<OrderId, Arc<OrderRow>> = fresh(ctx).load(&[id]).await?;
            rows.remove(&id).map(Order::new).transpose()?
        }
    };
    Ok(OrderPayload { order, errors: errors(ctx, outcome.refusals).await })
}
