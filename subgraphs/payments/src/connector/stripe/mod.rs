//! A processor with Stripe's API: forms in, JSON out, an idempotency key per attempt.
//!
//! Written from the public API reference. Our attempt id travels as the idempotency key and as
//! metadata, so that what became of an attempt can be asked later.

mod reply;

use std::time::Duration;

use kit::{Timestamp, async_trait, id::PaymentAttemptId, settings::Secret};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use super::{
    Asked, AuthorizeRequest, CardDetails, Checks, Connector, ConnectorError, DisputeAnswer,
    DisputeReport, FollowUpRequest, Outcome, PayoutProgress, PayoutRequest, SettlementKind,
    SettlementLine, SignatureError, StoredCard, Verification, WebhookError, WebhookEvent,
    remote::{self, Call},
    signature,
};
use crate::{card::CheckResult, entity::payment_attempt::AttemptOperation, money::Money};
use reply::Answer;

/// What is found by metadata may lag behind by this much.
const SEARCH_LAG: Duration = Duration::from_mins(2);
/// How many pages of a list are read.
const MAX_PAGES: usize = 100;

/// One account at the processor.
#[derive(Clone, Debug)]
pub struct Stripe {
    name: String,
    base_url: String,
    key: Secret,
    webhook_secrets: Vec<Secret>,
    client: Client,
}

type Form<'a> = Vec<(&'a str, String)>;

impl Stripe {
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

    fn post(&self, path: &str, form: &Form<'_>) -> RequestBuilder {
        let body: Vec<String> = form
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        self.request(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.join("&"))
    }

    /// Carries an attempt out; the processor does nothing twice for the same attempt.
    async fn operate(&self, path: &str, attempt: PaymentAttemptId, form: &Form<'_>) -> Call {
        let request = self.post(path, form).header("idempotency-key", attempt.to_string());
        remote::send(request).await
    }

    async fn get(&self, path: &str) -> Result<Option<Value>, ConnectorError> {
        self.ask(self.request(Method::GET, path)).await
    }

    async fn ask(&self, request: RequestBuilder) -> Result<Option<Value>, ConnectorError> {
        match Answer::of(remote::send(request).await) {
            Answer::Object(value) => Ok(Some(value)),
            Answer::Error { status: 404, .. } => Ok(None),
            Answer::Error { status: 400..=428, code, .. } => {
                Err(ConnectorError::Refused { reason: code })
            }
            Answer::Error { code, .. } => Err(ConnectorError::Unreachable { reason: code }),
            Answer::NotSent { reason } | Answer::Lost { reason } => {
                Err(ConnectorError::Unreachable { reason })
            }
        }
    }

    /// Everything of a list, page by page.
    async fn list(&self, path: &str) -> Result<Vec<Value>, ConnectorError> {
        let mut found = Vec::new();
        let mut after = String::new();
        for _ in 0..MAX_PAGES {
            let page = self.get(&format!("{path}{after}")).await?.unwrap_or_default();
            let Some(items) = page["data"].as_array() else { break };
            found.extend(items.iter().cloned());
            let last = items.last().and_then(|item| item["id"].as_str());
            match last {
                Some(last) if page["has_more"] == true => {
                    after = format!("&starting_after={}", encode(last));
                }
                _ => break,
            }
        }
        Ok(found)
    }

    async fn find_authorization(&self, asked: &Asked, now: Timestamp) -> Outcome {
        let query = format!("metadata['attempt']:'{}'", asked.attempt);
        let path = format!("/v1/payment_intents/search?query={}", encode(&query));
        let found = match self.get(&path).await {
            Ok(found) => found.unwrap_or_default(),
            Err(error) => return Outcome::Unknown { reason: error.to_string() },
        };
        match found["data"].as_array().and_then(|items| items.first()) {
            Some(intent) => reply::authorization(Answer::Object(intent.clone()), asked.amount),
            None if now < asked.started_at.plus(SEARCH_LAG) => {
                Outcome::Unknown { reason: "not found yet".to_owned() }
            }
            None => not_attempted(),
        }
    }

    /// Looks at the authorisation a capture or a void works on.
    async fn find_follow_up(&self, asked: &Asked) -> Outcome {
        let Some(processor_ref) = &asked.processor_ref else { return not_attempted() };
        match self.get(&format!("/v1/payment_intents/{processor_ref}")).await {
            Ok(Some(intent)) => reply::follow_up(&intent, asked.operation, asked.amount),
            Ok(None) => not_attempted(),
            Err(error) => Outcome::Unknown { reason: error.to_string() },
        }
    }

    async fn find_refund(&self, asked: &Asked) -> Outcome {
        let Some(processor_ref) = &asked.processor_ref else { return not_attempted() };
        let path = format!("/v1/refunds?limit=100&payment_intent={}", encode(processor_ref));
        match self.list(&path).await {
            Ok(refunds) => refunds
                .into_iter()
                .find(|refund| reply::attempt_of(refund) == Some(asked.attempt))
                .map_or_else(not_attempted, |refund| {
                    reply::refund(Answer::Object(refund), asked.amount)
                }),
            Err(error) => Outcome::Unknown { reason: error.to_string() },
        }
    }

    async fn find_payout(
        &self,
        attempt: PaymentAttemptId,
    ) -> Result<Option<Value>, ConnectorError> {
        let payouts = self.list("/v1/payouts?limit=100").await?;
        Ok(payouts.into_iter().find(|payout| reply::attempt_of(payout) == Some(attempt)))
    }
}

fn not_attempted() -> Outcome {
    Outcome::NotAttempted { reason: "the processor has no record".to_owned() }
}

/// Percent-encodes everything but the unreserved characters.
fn encode(text: &str) -> String {
    use std::fmt::Write;

    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes any text");
        }
    }
    encoded
}

fn amount_form<'a>(amount: Money, attempt: PaymentAttemptId) -> Form<'a> {
    vec![
        ("amount", amount.minor.to_string()),
        ("currency", amount.currency.code().to_lowercase()),
        ("metadata[attempt]", attempt.to_string()),
    ]
}

#[async_trait]
impl Connector for Stripe {
    fn name(&self) -> &str {
        &self.name
    }

    async fn store_card(&self, card: &CardDetails) -> Result<StoredCard, ConnectorError> {
        let mut form = vec![
            ("type", "card".to_owned()),
            ("card[number]", card.number.digits().to_owned()),
            ("card[exp_month]", card.exp_month.to_string()),
            ("card[exp_year]", card.exp_year.to_string()),
            ("card[cvc]", card.cvc.to_string()),
        ];
        if let Some(code) = &card.postal_code {
            form.push(("billing_details[address][postal_code]", code.clone()));
        }
        let request = self.post("/v1/payment_methods", &form);
        for (_, value) in &mut form {
            zeroize::Zeroize::zeroize(value);
        }
        let stored = self.ask(request).await?.unwrap_or_default();
        let refused = || ConnectorError::Refused { reason: "no card was stored".to_owned() };
        Ok(StoredCard {
            token: stored["id"].as_str().ok_or_else(refused)?.to_owned(),
            funding_country: stored["card"]["country"].as_str().map(str::to_owned),
        })
    }

    async fn forget_card(&self, card_token: &str) -> Result<(), ConnectorError> {
        let path = format!("/v1/payment_methods/{}/detach", encode(card_token));
        self.ask(self.post(&path, &Vec::new())).await.map(drop)
    }

    async fn verify(&self, attempt: PaymentAttemptId, card_token: &str) -> Verification {
        let form = vec![
            ("confirm", "true".to_owned()),
            ("payment_method", card_token.to_owned()),
            ("payment_method_types[]", "card".to_owned()),
            ("expand[]", "payment_method".to_owned()),
            ("metadata[attempt]", attempt.to_string()),
        ];
        match Answer::of(self.operate("/v1/setup_intents", attempt, &form).await) {
            Answer::Object(intent) => {
                let checks = &intent["payment_method"]["card"]["checks"];
                Verification::Verified(Checks {
                    cvc: check(&checks["cvc_check"]),
                    postal_code: check(&checks["address_postal_code_check"]),
                })
            }
            Answer::Error { status: 402, code, .. } => Verification::Declined {
                code: super::DeclineCode::from_raw(&code),
                raw_code: code,
                checks: Checks {
                    cvc: CheckResult::Unavailable,
                    postal_code: CheckResult::Unavailable,
                },
            },
            Answer::Error { code: reason, .. }
            | Answer::NotSent { reason }
            | Answer::Lost { reason } => Verification::Unavailable { reason },
        }
    }

    async fn authorize(&self, request: AuthorizeRequest) -> Outcome {
        let mut form = amount_form(request.amount, request.attempt);
        form.push(("payment_method", request.card_token));
        form.push(("payment_method_types[]", "card".to_owned()));
        form.push(("confirm", "true".to_owned()));
        let capture = if request.capture { "automatic" } else { "manual" };
        form.push(("capture_method", capture.to_owned()));
        if let Some(url) = request.return_url {
            form.push(("return_url", url));
        }
        let call = self.operate("/v1/payment_intents", request.attempt, &form).await;
        reply::authorization(Answer::of(call), request.amount)
    }

    async fn capture(&self, request: FollowUpRequest) -> Outcome {
        let form = vec![("amount_to_capture", request.amount.minor.to_string())];
        let path = format!("/v1/payment_intents/{}/capture", encode(&request.processor_ref));
        let answer = Answer::of(self.operate(&path, request.attempt, &form).await);
        reply::operated(answer, AttemptOperation::Capture, request.amount)
    }

    async fn void(&self, request: FollowUpRequest) -> Outcome {
        let path = format!("/v1/payment_intents/{}/cancel", encode(&request.processor_ref));
        let answer = Answer::of(self.operate(&path, request.attempt, &Vec::new()).await);
        reply::operated(answer, AttemptOperation::Void, request.amount)
    }

    async fn refund(&self, request: FollowUpRequest) -> Outcome {
        let form = vec![
            ("payment_intent", request.processor_ref),
            ("amount", request.amount.minor.to_string()),
            ("metadata[attempt]", request.attempt.to_string()),
        ];
        let call = self.operate("/v1/refunds", request.attempt, &form).await;
        reply::refund(Answer::of(call), request.amount)
    }

    async fn payout(&self, request: PayoutRequest) -> Outcome {
        let mut form = amount_form(request.amount, request.attempt);
        form.push(("metadata[payee]", request.payee.to_string()));
        let call = self.operate("/v1/payouts", request.attempt, &form).await;
        reply::payout(Answer::of(call), request.amount)
    }

    async fn fetch(&self, asked: Asked) -> Outcome {
        match asked.operation {
            AttemptOperation::Authorize => self.find_authorization(&asked, asked.now).await,
            AttemptOperation::Capture | AttemptOperation::Void => self.find_follow_up(&asked).await,
            AttemptOperation::Refund => self.find_refund(&asked).await,
            AttemptOperation::Payout => match self.find_payout(asked.attempt).await {
                Ok(Some(payout)) => reply::payout(Answer::Object(payout), asked.amount),
                Ok(None) => not_attempted(),
                Err(error) => Outcome::Unknown { reason: error.to_string() },
            },
            AttemptOperation::Verify => not_attempted(),
        }
    }

    async fn payout_progress(
        &self,
        attempt: PaymentAttemptId,
    ) -> Result<PayoutProgress, ConnectorError> {
        let payout = self.find_payout(attempt).await?;
        Ok(payout.map_or(PayoutProgress::NotFound, |payout| reply::progress(&payout)))
    }

    async fn dispute(&self, dispute_ref: &str) -> Result<Option<DisputeReport>, ConnectorError> {
        let dispute = self.get(&format!("/v1/disputes/{}", encode(dispute_ref))).await?;
        let unreadable = || ConnectorError::Refused { reason: "no readable dispute".to_owned() };
        dispute.map(|dispute| reply::dispute(&dispute).ok_or_else(unreadable)).transpose()
    }

    async fn answer_dispute(
        &self,
        dispute_ref: &str,
        answer: DisputeAnswer,
    ) -> Result<(), ConnectorError> {
        let path = format!("/v1/disputes/{}", encode(dispute_ref));
        let request = match answer {
            DisputeAnswer::Accept => self.post(&format!("{path}/close"), &Vec::new()),
            DisputeAnswer::Contest { evidence } => {
                let form =
                    vec![("evidence[uncategorized_text]", evidence), ("submit", "true".to_owned())];
                self.post(&path, &form)
            }
        };
        self.ask(request).await.map(drop)
    }

    fn signature_header(&self) -> &'static str {
        "stripe-signature"
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
        reply::event(body)
    }

    async fn settlement(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SettlementLine>, ConnectorError> {
        let path = format!(
            "/v1/balance_transactions?limit=100&expand[]=data.source&created[gte]={}&created[lt]={}",
            from.seconds(),
            to.seconds()
        );
        let lines = self.list(&path).await?;
        Ok(lines.iter().filter_map(reply::settled).collect())
    }
}

fn check(value: &Value) -> CheckResult {
    match value.as_str() {
        Some("pass") => CheckResult::Pass,
        Some("fail") => CheckResult::Fail,
        Some("unchecked") => CheckResult::Unchecked,
        _ => CheckResult::Unavailable,
    }
}

/// The kind of a line of the balance, where it concerns us.
fn kind_of(word: &str) -> Option<SettlementKind> {
    match word {
        "charge" | "payment" => Some(SettlementKind::Charge),
        "refund" | "payment_refund" => Some(SettlementKind::Refund),
        "payout" => Some(SettlementKind::Payout),
        _ => None,
    }
}
