//! The sandbox as a foreign company: the same processor in a process of its own, spoken to over
//! HTTP. What `payments sandbox` serves.

pub(crate) mod wire;

use kit::{Timestamp, Uuid, async_trait, id::PaymentAttemptId, settings::Secret};
use reqwest::{Client, Method, RequestBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{
    Asked, AuthorizeRequest, CardDetails, Connector, ConnectorError, DisputeAnswer, DisputeReport,
    FollowUpRequest, Outcome, PayoutProgress, PayoutRequest, SettlementLine, SignatureError,
    StoredCard, Verification, WebhookError, WebhookEvent,
    remote::{self, Call},
    sandbox::{WEBHOOK_HEADER, read_event},
    signature,
};
use crate::money::Money;
use wire::{
    AmountBody, AuthorizeBody, CardBody, DisputeAnswerBody, DisputeReply, FollowUpBody,
    OutcomeReply, PayoutBody, PayoutReply, SettlementReply, StoredReply, VerifyBody, VerifyReply,
};

/// One sandbox process.
#[derive(Clone, Debug)]
pub struct SandboxHttp {
    name: String,
    base_url: String,
    key: Secret,
    webhook_secrets: Vec<Secret>,
    client: Client,
}

impl SandboxHttp {
    pub fn new(name: &str, base_url: &str, key: Secret, webhook_secrets: Vec<Secret>) -> Self {
        Self {
            name: name.to_owned(),
            base_url: base_url.trim_end_matches('/').to_owned(),
            key,
            webhook_secrets,
            client: remote::client(),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.base_url);
        self.client.request(method, url).bearer_auth(self.key.expose())
    }

    async fn operate(&self, path: &str, body: &impl Serialize, amount: Money) -> Outcome {
        let call = remote::send(self.request(Method::POST, path).json(body)).await;
        outcome(call, amount)
    }

    async fn follow_up(&self, path: &str, request: &FollowUpRequest) -> Outcome {
        let body = FollowUpBody {
            attempt: request.attempt.uuid(),
            processor_ref: request.processor_ref.clone(),
            amount: AmountBody::of(request.amount),
        };
        self.operate(path, &body, request.amount).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<Option<T>, ConnectorError> {
        let unreachable = |reason: &str| ConnectorError::Unreachable { reason: reason.to_owned() };
        match remote::send(request).await {
            Call::NotSent { reason } | Call::Lost { reason } => {
                Err(ConnectorError::Unreachable { reason })
            }
            Call::Answered { status: 404, .. } => Ok(None),
            Call::Answered { status: 200 | 201, body } => serde_json::from_slice(&body)
                .map(Some)
                .map_err(|_| unreachable("the answer is not readable")),
            Call::Answered { status: 400..=499, .. } => {
                Err(ConnectorError::Refused { reason: "the request was not accepted".to_owned() })
            }
            Call::Answered { .. } => Err(unreachable("the processor is in trouble")),
        }
    }
}

/// What an answer means for an attempt. Only a processor that says so, or one that was never
/// reached, has certainly done nothing.
fn outcome(call: Call, amount: Money) -> Outcome {
    let unknown = |reason: &str| Outcome::Unknown { reason: reason.to_owned() };
    match call {
        Call::NotSent { reason } => Outcome::NotAttempted { reason },
        Call::Lost { reason } => Outcome::Unknown { reason },
        Call::Answered { status: 200 | 201, body } => {
            match serde_json::from_slice::<OutcomeReply>(&body) {
                Ok(reply) => reply.outcome(Some(amount)),
                Err(_) => unknown("the answer is not readable"),
            }
        }
        Call::Answered { status: 503, body } if wire::says_not_attempted(&body) => {
            Outcome::NotAttempted { reason: "the processor takes nothing right now".to_owned() }
        }
        Call::Answered { status: 400..=499, .. } => {
            Outcome::NotAttempted { reason: "the request was not accepted".to_owned() }
        }
        Call::Answered { .. } => unknown("the processor is in trouble"),
    }
}

fn missing(reason: &str) -> ConnectorError {
    ConnectorError::Refused { reason: reason.to_owned() }
}

#[async_trait]
impl Connector for SandboxHttp {
    fn name(&self) -> &str {
        &self.name
    }

    async fn store_card(&self, card: &CardDetails) -> Result<StoredCard, ConnectorError> {
        let body = CardBody::of(card);
        let request = self.request(Method::POST, "/v1/cards").json(&body);
        let stored: Option<StoredReply> = self.ask(request).await?;
        let stored = stored.ok_or_else(|| missing("cards are not taken"))?;
        Ok(StoredCard { token: stored.token, funding_country: stored.funding_country })
    }

    async fn forget_card(&self, card_token: &str) -> Result<(), ConnectorError> {
        let request = self.request(Method::DELETE, &format!("/v1/cards/{card_token}"));
        self.ask::<serde_json::Value>(request).await.map(drop)
    }

    async fn verify(&self, attempt: PaymentAttemptId, card_token: &str) -> Verification {
        let body = VerifyBody { attempt: attempt.uuid(), card: card_token.to_owned() };
        let request = self.request(Method::POST, "/v1/verify").json(&body);
        match self.ask::<VerifyReply>(request).await {
            Ok(Some(reply)) => reply.verification(),
            Ok(None) => Verification::Unavailable { reason: "cards are not checked".to_owned() },
            Err(error) => Verification::Unavailable { reason: error.to_string() },
        }
    }

    async fn authorize(&self, request: AuthorizeRequest) -> Outcome {
        let body = AuthorizeBody {
            attempt: request.attempt.uuid(),
            card: request.card_token,
            amount: AmountBody::of(request.amount),
            capture: request.capture,
            return_url: request.return_url,
        };
        self.operate("/v1/authorize", &body, request.amount).await
    }

    async fn capture(&self, request: FollowUpRequest) -> Outcome {
        self.follow_up("/v1/capture", &request).await
    }

    async fn void(&self, request: FollowUpRequest) -> Outcome {
        self.follow_up("/v1/void", &request).await
    }

    async fn refund(&self, request: FollowUpRequest) -> Outcome {
        self.follow_up("/v1/refund", &request).await
    }

    async fn payout(&self, request: PayoutRequest) -> Outcome {
        let body = PayoutBody {
            attempt: request.attempt.uuid(),
            payee: request.payee.to_string(),
            amount: AmountBody::of(request.amount),
        };
        self.operate("/v1/payout", &body, request.amount).await
    }

    async fn fetch(&self, asked: Asked) -> Outcome {
        let path = format!("/v1/attempts/{}", asked.attempt.uuid());
        match remote::send(self.request(Method::GET, &path)).await {
            Call::Answered { status: 404, .. } => {
                Outcome::NotAttempted { reason: "the processor has no record".to_owned() }
            }
            // That the question did not arrive says nothing about the attempt.
            Call::NotSent { reason } => Outcome::Unknown { reason },
            Call::Answered { status: 400.., .. } => {
                Outcome::Unknown { reason: "the processor is in trouble".to_owned() }
            }
            call => outcome(call, asked.amount),
        }
    }

    async fn payout_progress(
        &self,
        attempt: PaymentAttemptId,
    ) -> Result<PayoutProgress, ConnectorError> {
        let path = format!("/v1/payouts/{}", attempt.uuid());
        let reply: Option<PayoutReply> = self.ask(self.request(Method::GET, &path)).await?;
        Ok(reply.map_or(PayoutProgress::NotFound, PayoutReply::progress))
    }

    async fn dispute(&self, dispute_ref: &str) -> Result<Option<DisputeReport>, ConnectorError> {
        let request = self.request(Method::GET, &format!("/v1/disputes/{dispute_ref}"));
        let reply: Option<DisputeReply> = self.ask(request).await?;
        reply
            .map(|reply| reply.report().ok_or_else(|| missing("the dispute is not readable")))
            .transpose()
    }

    async fn answer_dispute(
        &self,
        dispute_ref: &str,
        answer: DisputeAnswer,
    ) -> Result<(), ConnectorError> {
        let body = DisputeAnswerBody::of(answer);
        let path = format!("/v1/disputes/{dispute_ref}/answer");
        let done = self.ask::<serde_json::Value>(self.request(Method::POST, &path).json(&body));
        done.await?.map(drop).ok_or_else(|| missing("there is no such dispute"))
    }

    fn signature_header(&self) -> &'static str {
        WEBHOOK_HEADER
    }

    fn check_signature(
        &self,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        let secrets: Vec<&[u8]> =
            self.webhook_secrets.iter().map(|secret| secret.expose().as_bytes()).collect();
        signature::verify(&secrets, signature, body, now)
    }

    fn parse_event(&self, body: &[u8]) -> Result<WebhookEvent, WebhookError> {
        read_event(body)
    }

    async fn settlement(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SettlementLine>, ConnectorError> {
        let path = format!("/v1/settlement?from={}&to={}", from.0, to.0);
        let reply: Option<SettlementReply> = self.ask(self.request(Method::GET, &path)).await?;
        let reply = reply.ok_or_else(|| missing("there is no settlement"))?;
        reply.lines().ok_or_else(|| missing("the settlement is not readable"))
    }
}

/// A reference in a path.
pub(crate) fn reference(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok()
}
