//! People pay; staff capture and refund.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use kit::{
    batch::Loader,
    caller,
    graphql::scopes,
    id::{PaymentId, RefundId},
};

use crate::{
    graphql::{
        context::{Outcome, app, fresh},
        error::{PaymentError, RefundError, errors},
        input::{PaymentCaptureInput, PaymentConfirmInput, PaymentCreateInput, RefundCreateInput},
        payment::Payment,
        reader::{PaymentRow, RefundRow},
        refund::Refund,
    },
    operation::{capture, payment, refund},
    refusal::{Failure, Refusal},
};

#[derive(Debug, Default)]
pub(crate) struct PaymentMutation;

#[derive(Debug, SimpleObject)]
struct PaymentPayload {
    payment: Option<Payment>,
    errors: Vec<PaymentError>,
}

#[derive(Debug, SimpleObject)]
struct RefundPayload {
    refund: Option<Refund>,
    errors: Vec<RefundError>,
}

#[Object]
impl PaymentMutation {
    #[graphql(requires_scopes = "payments:write")]
    async fn payment_create(
        &self,
        ctx: &Context<'_>,
        input: PaymentCreateInput,
    ) -> Option<Result<PaymentPayload>> {
        Some(create(ctx, input).await)
    }

    #[graphql(requires_scopes = "payments:write")]
    async fn payment_confirm(
        &self,
        ctx: &Context<'_>,
        input: PaymentConfirmInput,
    ) -> Option<Result<PaymentPayload>> {
        Some(confirm(ctx, input).await)
    }

    #[graphql(requires_scopes = "payments:capture")]
    async fn payment_capture(
        &self,
        ctx: &Context<'_>,
        input: PaymentCaptureInput,
    ) -> Option<Result<PaymentPayload>> {
        Some(capture(ctx, input).await)
    }

    #[graphql(requires_scopes = "payments:write")]
    async fn payment_cancel(
        &self,
        ctx: &Context<'_>,
        id: ID,
        idempotency_key: String,
    ) -> Option<Result<PaymentPayload>> {
        Some(cancel(ctx, &id, &idempotency_key).await)
    }

    /// Asks the processor for the truth about a PROCESSING/UNKNOWN payment now
    #[graphql(requires_scopes = "payments:write")]
    async fn payment_sync(&self, ctx: &Context<'_>, id: ID) -> Option<Result<PaymentPayload>> {
        Some(sync(ctx, &id).await)
    }

    #[graphql(requires_scopes = "payments:refund")]
    async fn refund_create(
        &self,
        ctx: &Context<'_>,
        input: RefundCreateInput,
    ) -> Option<Result<RefundPayload>> {
        Some(refund_create(ctx, input).await)
    }
}

async fn create(ctx: &Context<'_>, input: PaymentCreateInput) -> Result<PaymentPayload> {
    scopes(ctx, &["payments:write"])?;
    let done = match input.command() {
        Ok(command) => {
            payment::create(app(ctx), caller(ctx), command, &input.idempotency_key).await
        }
        Err(refusal) => Err(Failure::from(refusal)),
    };
    payload(ctx, Outcome::of(done)?).await
}

async fn confirm(ctx: &Context<'_>, input: PaymentConfirmInput) -> Result<PaymentPayload> {
    scopes(ctx, &["payments:write"])?;
    let done = match input.command() {
        Ok(command) => {
            payment::confirm(app(ctx), caller(ctx), command, &input.idempotency_key).await
        }
        Err(refusal) => Err(Failure::from(refusal)),
    };
    payload(ctx, Outcome::of(done)?).await
}

async fn capture(ctx: &Context<'_>, input: PaymentCaptureInput) -> Result<PaymentPayload> {
    scopes(ctx, &["payments:capture"])?;
    let done = match input.command() {
        Ok(command) => {
            capture::capture(app(ctx), caller(ctx), command, &input.idempotency_key).await
        }
        Err(refusal) => Err(Failure::from(refusal)),
    };
    payload(ctx, Outcome::of(done)?).await
}

async fn cancel(ctx: &Context<'_>, id: &ID, key: &str) -> Result<PaymentPayload> {
    scopes(ctx, &["payments:write"])?;
    let done = match PaymentId::parse(id) {
        Some(id) => payment::cancel(app(ctx), caller(ctx), id, key).await,
        None => Err(no_such_payment()),
    };
    payload(ctx, Outcome::of(done)?).await
}

async fn sync(ctx: &Context<'_>, id: &ID) -> Result<PaymentPayload> {
    scopes(ctx, &["payments:write"])?;
    let done = match PaymentId::parse(id) {
        Some(id) => payment::sync(app(ctx), caller(ctx), id).await,
        None => Err(no_such_payment()),
    };
    payload(ctx, Outcome::of_id(done)?).await
}

fn no_such_payment() -> Failure {
    Refusal::not_found("you have no such payment", &["id"]).into()
}

async fn payload(ctx: &Context<'_>, outcome: Outcome) -> Result<PaymentPayload> {
    let payment = match outcome.subject {
        None => None,
        Some(id) => {
            let id = PaymentId(id);
            let mut rows: HashMap<PaymentId, Arc<PaymentRow>> = fresh(ctx).load(&[id]).await?;
            rows.remove(&id).map(Payment)
        }
    };
    Ok(PaymentPayload { payment, errors: errors(ctx, outcome.refusals).await })
}

async fn refund_create(ctx: &Context<'_>, input: RefundCreateInput) -> Result<RefundPayload> {
    scopes(ctx, &["payments:refund"])?;
    let done = match input.command() {
        Ok(command) => refund::create(app(ctx), caller(ctx), command, &input.idempotency_key).await,
        Err(refusal) => Err(Failure::from(refusal)),
    };
    let outcome = Outcome::of(done)?;
    let refund = match outcome.subject {
        None => None,
        Some(id) => {
            let id = RefundId(id);
            let mut rows: HashMap<RefundId, Arc<RefundRow>> = fresh(ctx).load(&[id]).await?;
            rows.remove(&id).map(Refund)
        }
    };
    Ok(RefundPayload { refund, errors: errors(ctx, outcome.refusals).await })
}
