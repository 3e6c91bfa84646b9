//! Refunds.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use kit::{
    connection,
    graphql::{DateTime, EmailDelivery},
};

use super::{
    context::{loaders, owner_or_support},
    payment::Payment,
    reader::{Email, RefundRow},
    value::MoneyValue,
};
use crate::{
    entity::refund::RefundReason, mail::REFUND_RECEIPT, money::Money, state::RefundStatus,
};

#[derive(Clone, Debug)]
pub(crate) struct Refund(pub(super) Arc<RefundRow>);

#[Object]
impl Refund {
    pub(super) async fn id(&self) -> ID {
        self.0.refund.id.into()
    }

    async fn payment(&self) -> Payment {
        Payment(self.0.payment.clone())
    }

    async fn amount(&self) -> MoneyValue {
        Money::new(self.0.refund.amount, self.0.refund.currency).into()
    }

    async fn status(&self) -> RefundStatus {
        self.0.refund.status
    }

    async fn reason(&self) -> RefundReason {
        self.0.refund.reason
    }

    async fn note(&self) -> Option<&str> {
        self.0.refund.note.as_deref()
    }

    async fn restock(&self) -> bool {
        self.0.refund.restock
    }

    async fn failure(&self) -> Option<&str> {
        self.0.refund.failure.as_deref()
    }

    async fn created_at(&self) -> DateTime {
        self.0.refund.created_at
    }

    async fn settled_at(&self) -> Option<DateTime> {
        self.0.refund.settled_at
    }

    #[graphql(tag = "private")]
    async fn confirmation_email(&self, ctx: &Context<'_>) -> Option<Result<EmailDelivery>> {
        if let Err(error) = owner_or_support(ctx, &self.0.payment.payment.payer_id) {
            return Some(Err(error));
        }
        let key = Email(REFUND_RECEIPT, self.0.refund.id.uuid());
        loaders(ctx).load(key).await.map_err(Into::into).transpose()
    }
}

connection!(RefundConnection, RefundEdge, Refund);
