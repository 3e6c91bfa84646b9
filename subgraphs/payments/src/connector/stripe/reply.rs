//! What the processor's answers mean for an attempt.

use std::time::Duration;

use kit::{Timestamp, id::PaymentAttemptId};
use serde_json::Value;

use crate::{
    connector::{
        DeclineCode, DisputeReport, DisputeVerdict, Outcome, PayoutProgress, SettlementLine,
        WebhookError, WebhookEvent, WebhookSubject, remote::Call,
    },
    entity::payment_attempt::AttemptOperation,
    money::{Currency, Money},
};

/// How long a cardholder may take to authenticate.
const ACTION_LIFETIME: Duration = Duration::from_mins(15);

/// An answer as far as every kind of object shares it.
pub(super) enum Answer {
    Object(Value),
    Error { status: u16, code: String, object_ref: Option<String> },
    NotSent { reason: String },
    Lost { reason: String },
}

impl Answer {
    pub(super) fn of(call: Call) -> Self {
        let (status, body) = match call {
            Call::NotSent { reason } => return Self::NotSent { reason },
            Call::Lost { reason } => return Self::Lost { reason },
            Call::Answered { status, body } => (status, body),
        };
        let Ok(value) = serde_json::from_slice::<Value>(&body) else {
            return Self::Lost { reason: "the answer is not readable".to_owned() };
        };
        if status < 300 && value["object"].is_string() {
            return Self::Object(value);
        }
        let error = &value["error"];
        let word = |name: &str| error[name].as_str().filter(|text| !text.is_empty());
        let code = word("decline_code").or_else(|| word("code")).or_else(|| word("type"));
        let object_ref = error["payment_intent"]["id"].as_str().map(str::to_owned);
        Self::Error { status, code: code.unwrap_or("unreadable").to_owned(), object_ref }
    }

    /// What an error says about whether anything happened: the processor validates before it
    /// acts, so a refused request did nothing; a failure of its own may have done something, and
    /// so may the request that still holds the idempotency key.
    fn failed(self) -> Outcome {
        match self {
            Self::NotSent { reason } => Outcome::NotAttempted { reason },
            Self::Lost { reason } => Outcome::Unknown { reason },
            Self::Error { status: 402, code, object_ref } => Outcome::Declined {
                processor_ref: object_ref,
                code: DeclineCode::from_raw(&code),
                raw_code: code,
            },
            Self::Error { status: 409 | 500.., code, .. } => Outcome::Unknown { reason: code },
            Self::Error { code, .. } => Outcome::NotAttempted { reason: code },
            Self::Object(_) => Outcome::Unknown { reason: "an unexpected object".to_owned() },
        }
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn money(value: &Value, field: &str) -> Option<Money> {
    let currency = Currency::parse(&value["currency"].as_str()?.to_uppercase())?;
    Some(Money::new(value[field].as_i64()?, currency))
}

/// The attempt an object was made for.
pub(super) fn attempt_of(object: &Value) -> Option<PaymentAttemptId> {
    PaymentAttemptId::parse(object["metadata"]["attempt"].as_str()?)
}

fn conflicted() -> Outcome {
    Outcome::Conflicted { reason: "another amount or currency was booked".to_owned() }
}

pub(super) fn authorization(answer: Answer, asked: Money) -> Outcome {
    let Answer::Object(intent) = answer else { return answer.failed() };
    let processor_ref = text(&intent, "id");
    if money(&intent, "amount") != Some(asked) {
        return conflicted();
    }
    match intent["status"].as_str() {
        Some("succeeded" | "requires_capture") => Outcome::Approved { processor_ref },
        Some("requires_action" | "requires_source_action") => {
            let url = intent["next_action"]["redirect_to_url"]["url"].as_str();
            let created = Timestamp::from_seconds(intent["created"].as_i64().unwrap_or(0));
            match url {
                Some(url) => Outcome::ActionRequired {
                    processor_ref,
                    key: url.to_owned(),
                    expires_at: created.plus(ACTION_LIFETIME),
                },
                None => Outcome::Unknown { reason: "an action without an address".to_owned() },
            }
        }
        Some("requires_payment_method" | "requires_source" | "canceled") => {
            let error = &intent["last_payment_error"];
            let code = error["decline_code"].as_str().or_else(|| error["code"].as_str());
            let code = code.unwrap_or("generic_decline").to_owned();
            Outcome::Declined {
                processor_ref: Some(processor_ref),
                code: DeclineCode::from_raw(&code),
                raw_code: code,
            }
        }
        _ => Outcome::Unknown { reason: "still processing".to_owned() },
    }
}

/// The answer to a capture or a void.
pub(super) fn operated(answer: Answer, operation: AttemptOperation, asked: Money) -> Outcome {
    match answer {
        Answer::Object(intent) => follow_up(&intent, operation, asked),
        answer => answer.failed(),
    }
}

/// What an authorisation's state says about a capture or a void of it.
pub(super) fn follow_up(intent: &Value, operation: AttemptOperation, asked: Money) -> Outcome {
    let processor_ref = text(intent, "id");
    let captures = operation == AttemptOperation::Capture;
    match intent["status"].as_str() {
        Some("succeeded") if captures => {
            if money(intent, "amount_received") == Some(asked) {
                Outcome::Approved { processor_ref }
            } else {
                conflicted()
            }
        }
        Some("canceled") if !captures => Outcome::Approved { processor_ref },
        Some("succeeded" | "canceled") => Outcome::Declined {
            processor_ref: Some(processor_ref),
            code: DeclineCode::ProcessingError,
            raw_code: "payment_intent_unexpected_state".to_owned(),
        },
        Some("processing") => Outcome::Unknown { reason: "still processing".to_owned() },
        _ => Outcome::NotAttempted { reason: "not done yet".to_owned() },
    }
}

pub(super) fn refund(answer: Answer, asked: Money) -> Outcome {
    let Answer::Object(refund) = answer else { return answer.failed() };
    if money(&refund, "amount") != Some(asked) {
        return conflicted();
    }
    match refund["status"].as_str() {
        Some("succeeded" | "pending") => Outcome::Approved { processor_ref: text(&refund, "id") },
        Some("failed" | "canceled") => Outcome::Declined {
            processor_ref: Some(text(&refund, "id")),
            code: DeclineCode::ProcessingError,
            raw_code: refund["failure_reason"].as_str().unwrap_or("refund_failed").to_owned(),
        },
        _ => Outcome::Unknown { reason: "the refund waits for something".to_owned() },
    }
}

pub(super) fn payout(answer: Answer, asked: Money) -> Outcome {
    let Answer::Object(payout) = answer else { return answer.failed() };
    if money(&payout, "amount") != Some(asked) {
        return conflicted();
    }
    Outcome::Approved { processor_ref: text(&payout, "id") }
}

pub(super) fn progress(payout: &Value) -> PayoutProgress {
    let processor_ref = text(payout, "id");
    match payout["status"].as_str() {
        Some("paid") => PayoutProgress::Paid { processor_ref },
        Some("failed" | "canceled") => {
            let reason = payout["failure_code"].as_str().unwrap_or("payout_failed").to_owned();
            PayoutProgress::Failed { processor_ref, reason }
        }
        _ => PayoutProgress::InTransit { processor_ref },
    }
}

pub(super) fn dispute(dispute: &Value) -> Option<DisputeReport> {
    let amount = money(dispute, "amount")?;
    let fees = dispute["balance_transactions"].as_array();
    let fee = fees.map_or(0, |lines| lines.iter().filter_map(|line| line["fee"].as_i64()).sum());
    Some(DisputeReport {
        dispute_ref: dispute["id"].as_str()?.to_owned(),
        processor_ref: dispute["payment_intent"].as_str()?.to_owned(),
        amount,
        fee: Money::new(fee, amount.currency),
        reason: text(dispute, "reason"),
        verdict: match dispute["status"].as_str()? {
            "needs_response" | "warning_needs_response" => DisputeVerdict::NeedsResponse,
            "under_review" | "warning_under_review" => DisputeVerdict::UnderReview,
            "won" | "warning_closed" => DisputeVerdict::Won,
            "lost" => DisputeVerdict::Lost,
            _ => return None,
        },
        evidence_due_by: dispute["evidence_details"]["due_by"]
            .as_i64()
            .map(Timestamp::from_seconds),
    })
}

/// Reads a message whose signature has been checked.
pub(super) fn event(body: &[u8]) -> Result<WebhookEvent, WebhookError> {
    let event: Value = serde_json::from_slice(body).map_err(|_| WebhookError::Malformed)?;
    let (Some(id), Some(kind)) = (event["id"].as_str(), event["type"].as_str()) else {
        return Err(WebhookError::Malformed);
    };
    let object = &event["data"]["object"];
    let about = if kind.starts_with("charge.dispute.") {
        WebhookSubject::Dispute { dispute_ref: text(object, "id") }
    } else {
        match (kind.split('.').next(), attempt_of(object)) {
            (Some("payment_intent" | "refund"), Some(attempt)) => WebhookSubject::Attempt(attempt),
            (Some("payout"), Some(attempt)) => WebhookSubject::Payout(attempt),
            _ => WebhookSubject::Other,
        }
    };
    Ok(WebhookEvent { id: id.to_owned(), about })
}

/// A line of the balance that moved money for us.
pub(super) fn settled(line: &Value) -> Option<SettlementLine> {
    let amount = money(line, "amount")?;
    Some(SettlementLine {
        attempt: attempt_of(&line["source"])?,
        kind: super::kind_of(line["type"].as_str()?)?,
        amount: Money::new(amount.minor.abs(), amount.currency),
    })
}
