//! People attach and detach cards.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use kit::{batch::Loader, caller, graphql::scopes, id::PaymentMethodId};

use crate::{
    entity::payment_method::Model,
    graphql::{
        context::{Outcome, app, fresh},
        error::{PaymentMethodError, errors},
        input::PaymentMethodAttachInput,
        method::PaymentMethod,
    },
    operation::method,
    refusal::{Failure, Refusal},
};

#[derive(Debug, Default)]
pub(crate) struct MethodMutation;

#[derive(Debug, SimpleObject)]
struct PaymentMethodPayload {
    payment_method: Option<PaymentMethod>,
    errors: Vec<PaymentMethodError>,
}

#[Object]
impl MethodMutation {
    #[graphql(requires_scopes = "payments:write")]
    async fn payment_method_attach(
        &self,
        ctx: &Context<'_>,
        input: PaymentMethodAttachInput,
    ) -> Option<Result<PaymentMethodPayload>> {
        Some(attach(ctx, input).await)
    }

    #[graphql(requires_scopes = "payments:write")]
    async fn payment_method_verify(
        &self,
        ctx: &Context<'_>,
        id: ID,
        cvc_token: Option<String>,
    ) -> Option<Result<PaymentMethodPayload>> {
        Some(verify(ctx, &id, cvc_token).await)
    }

    #[graphql(requires_scopes = "payments:write")]
    async fn payment_method_detach(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Option<Result<PaymentMethodPayload>> {
        Some(detach(ctx, &id).await)
    }
}

async fn attach(
    ctx: &Context<'_>,
    input: PaymentMethodAttachInput,
) -> Result<PaymentMethodPayload> {
    scopes(ctx, &["payments:write"])?;
    let (command, key) = (input.command(), &input.idempotency_key);
    let done = method::attach(app(ctx), caller(ctx), command, key).await;
    payload(ctx, Outcome::of(done)?).await
}

async fn verify(
    ctx: &Context<'_>,
    id: &ID,
    cvc_token: Option<String>,
) -> Result<PaymentMethodPayload> {
    scopes(ctx, &["payments:write"])?;
    let done = match PaymentMethodId::parse(id) {
        Some(id) => method::reverify(app(ctx), caller(ctx), id, cvc_token).await,
        None => Err(Failure::from(Refusal::not_found("you have no such card", &["id"]))),
    };
    payload(ctx, Outcome::of(done)?).await
}

async fn detach(ctx: &Context<'_>, id: &ID) -> Result<PaymentMethodPayload> {
    scopes(ctx, &["payments:write"])?;
    let done = match PaymentMethodId::parse(id) {
        Some(id) => method::detach(app(ctx), caller(ctx), id).await,
        None => Err(Failure::from(Refusal::not_found("you have no such card", &["id"]))),
    };
    payload(ctx, Outcome::of_id(done)?).await
}

async fn payload(ctx: &Context<'_>, outcome: Outcome) -> Result<PaymentMethodPayload> {
    let payment_method = match outcome.subject {
        None => None,
        Some(id) => {
            let id = PaymentMethodId(id);
            let mut rows: HashMap<PaymentMethodId, Arc<Model>> = fresh(ctx).load(&[id]).await?;
            rows.remove(&id).map(|row| PaymentMethod { row, now: app(ctx).now() })
        }
    };
    Ok(PaymentMethodPayload { payment_method, errors: errors(ctx, outcome.refusals).await })
}
