//! A connector on a path to the processor that may fail.

use std::{fmt, sync::Arc};

use futures::future::BoxFuture;
use kit::{Timestamp, async_trait, id::PaymentAttemptId};
use payments::connector::{
    Asked, AuthorizeRequest, CardDetails, Connector, ConnectorError, Connectors, DisputeAnswer,
    DisputeReport, FollowUpRequest, Outcome, PayoutProgress, PayoutRequest, SettlementLine,
    SignatureError, StoredCard, Verification, WebhookError, WebhookEvent,
};

use crate::support::Shop;

/// What may become of a request under way.
#[async_trait]
pub(crate) trait Path: fmt::Debug + Send + Sync + 'static {
    /// A request that moves money.
    async fn carry(&self, request: BoxFuture<'_, Outcome>) -> Outcome;

    /// A question after the outcome of one.
    async fn ask(&self, question: BoxFuture<'_, Outcome>) -> Outcome {
        question.await
    }
}

/// Lets the shop reach its processor on this path only.
pub(crate) fn put_between<P: Path>(shop: &mut Shop, path: &Arc<P>) {
    let inner = shop.app.connectors.primary().unwrap().clone();
    let wrapped = Arc::new(Wrapped { inner, path: path.clone() });
    shop.app.connectors = Connectors::new(vec![wrapped], Vec::new());
    shop.service = payments::serve::service(&shop.app);
}

#[derive(Debug)]
struct Wrapped<P> {
    inner: Arc<dyn Connector>,
    path: Arc<P>,
}

#[async_trait]
impl<P: Path> Connector for Wrapped<P> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn store_card(&self, card: &CardDetails) -> Result<StoredCard, ConnectorError> {
        self.inner.store_card(card).await
    }

    async fn forget_card(&self, card_token: &str) -> Result<(), ConnectorError> {
        self.inner.forget_card(card_token).await
    }

    async fn verify(&self, attempt: PaymentAttemptId, card_token: &str) -> Verification {
        self.inner.verify(attempt, card_token).await
    }

    async fn authorize(&self, request: AuthorizeRequest) -> Outcome {
        self.path.carry(self.inner.authorize(request)).await
    }

    async fn capture(&self, request: FollowUpRequest) -> Outcome {
        self.path.carry(self.inner.capture(request)).await
    }

    async fn void(&self, request: FollowUpRequest) -> Outcome {
        self.path.carry(self.inner.void(request)).await
    }

    async fn refund(&self, request: FollowUpRequest) -> Outcome {
        self.path.carry(self.inner.refund(request)).await
    }

    async fn payout(&self, request: PayoutRequest) -> Outcome {
        self.path.carry(self.inner.payout(request)).await
    }

    async fn fetch(&self, asked: Asked) -> Outcome {
        self.path.ask(self.inner.fetch(asked)).await
    }

    async fn payout_progress(
        &self,
        attempt: PaymentAttemptId,
    ) -> Result<PayoutProgress, ConnectorError> {
        self.inner.payout_progress(attempt).await
    }

    async fn dispute(&self, dispute_ref: &str) -> Result<Option<DisputeReport>, ConnectorError> {
        self.inner.dispute(dispute_ref).await
    }

    async fn answer_dispute(
        &self,
        dispute_ref: &str,
        answer: DisputeAnswer,
    ) -> Result<(), ConnectorError> {
        self.inner.answer_dispute(dispute_ref, answer).await
    }

    fn signature_header(&self) -> &'static str {
        self.inner.signature_header()
    }

    fn check_signature(
        &self,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        self.inner.check_signature(signature, body, now)
    }

    fn parse_event(&self, body: &[u8]) -> Result<WebhookEvent, WebhookError> {
        self.inner.parse_event(body)
    }

    async fn settlement(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SettlementLine>, ConnectorError> {
        self.inner.settlement(from, to).await
    }
}
