//! The bodies the sandbox process and its client exchange.

use kit::{Timestamp, Uuid, id::PaymentAttemptId};
use serde::{Deserialize, Serialize};

use crate::{
    card::CheckResult,
    connector::{
        CardDetails, Checks, DeclineCode, DisputeAnswer, DisputeReport, DisputeVerdict, Outcome,
        PayoutProgress, SettlementKind, SettlementLine, Verification,
    },
    money::{Currency, Money},
};

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct AmountBody {
    pub(crate) minor: i64,
    pub(crate) currency: Currency,
}

impl AmountBody {
    pub(crate) fn of(money: Money) -> Self {
        Self { minor: money.minor, currency: money.currency }
    }

    pub(crate) fn money(self) -> Money {
        Money::new(self.minor, self.currency)
    }
}

/// A card on its way; neither printable nor kept.
#[derive(Serialize)]
pub(crate) struct CardBody<'a> {
    number: &'a str,
    exp_month: i64,
    exp_year: i64,
    cvc: &'a str,
    postal_code: Option<&'a str>,
}

impl<'a> CardBody<'a> {
    pub(crate) fn of(card: &'a CardDetails) -> Self {
        Self {
            number: card.number.digits(),
            exp_month: card.exp_month,
            exp_year: card.exp_year,
            cvc: &card.cvc,
            postal_code: card.postal_code.as_deref(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredReply {
    pub(crate) token: String,
    pub(crate) funding_country: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VerifyBody {
    pub(crate) attempt: Uuid,
    pub(crate) card: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VerifyReply {
    declined: Option<String>,
    cvc: CheckResult,
    postal_code: CheckResult,
}

impl VerifyReply {
    pub(crate) fn of(verification: &Verification) -> Option<Self> {
        let (declined, checks) = match verification {
            Verification::Verified(checks) => (None, checks),
            Verification::Declined { raw_code, checks, .. } => (Some(raw_code.clone()), checks),
            Verification::Unavailable { .. } => return None,
        };
        Some(Self { declined, cvc: checks.cvc, postal_code: checks.postal_code })
    }

    pub(crate) fn verification(self) -> Verification {
        let checks = Checks { cvc: self.cvc, postal_code: self.postal_code };
        match self.declined {
            None => Verification::Verified(checks),
            Some(raw_code) => {
                Verification::Declined { code: DeclineCode::from_raw(&raw_code), raw_code, checks }
            }
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuthorizeBody {
    pub(crate) attempt: Uuid,
    pub(crate) card: String,
    pub(crate) amount: AmountBody,
    pub(crate) capture: bool,
    pub(crate) return_url: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FollowUpBody {
    pub(crate) attempt: Uuid,
    pub(crate) processor_ref: String,
    pub(crate) amount: AmountBody,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PayoutBody {
    pub(crate) attempt: Uuid,
    pub(crate) payee: String,
    pub(crate) amount: AmountBody,
}

/// How an operation ended at the processor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OutcomeReply {
    result: Word,
    processor_ref: Option<String>,
    amount: Option<AmountBody>,
    code: Option<String>,
    action: Option<String>,
    expires_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Approved,
    ActionRequired,
    Declined,
}

impl OutcomeReply {
    /// `None` for outcomes that are told by a status instead.
    pub(crate) fn of(outcome: Outcome, amount: Option<Money>) -> Option<Self> {
        let plain = |result, processor_ref| Self {
            result,
            processor_ref,
            amount: amount.map(AmountBody::of),
            code: None,
            action: None,
            expires_at: None,
        };
        match outcome {
            Outcome::Approved { processor_ref } => Some(plain(Word::Approved, Some(processor_ref))),
            Outcome::ActionRequired { processor_ref, key, expires_at } => Some(Self {
                action: Some(key),
                expires_at: Some(expires_at),
                ..plain(Word::ActionRequired, Some(processor_ref))
            }),
            Outcome::Declined { processor_ref, raw_code, .. } => {
                Some(Self { code: Some(raw_code), ..plain(Word::Declined, processor_ref) })
            }
            Outcome::NotAttempted { .. } | Outcome::Unknown { .. } | Outcome::Conflicted { .. } => {
                None
            }
        }
    }

    pub(crate) fn outcome(self, asked: Option<Money>) -> Outcome {
        let booked = self.amount.map(AmountBody::money);
        if self.result == Word::Approved && booked.is_some() && asked.is_some() && booked != asked {
            return Outcome::Conflicted { reason: "another amount was booked".to_owned() };
        }
        let unreadable = || Outcome::Unknown { reason: "the answer is incomplete".to_owned() };
        match (self.result, self.processor_ref) {
            (Word::Approved, Some(processor_ref)) => Outcome::Approved { processor_ref },
            (Word::ActionRequired, Some(processor_ref)) => match (self.action, self.expires_at) {
                (Some(key), Some(expires_at)) => {
                    Outcome::ActionRequired { processor_ref, key, expires_at }
                }
                _ => unreadable(),
            },
            (Word::Declined, processor_ref) => {
                let raw_code = self.code.unwrap_or_else(|| "generic_decline".to_owned());
                Outcome::Declined {
                    processor_ref,
                    code: DeclineCode::from_raw(&raw_code),
                    raw_code,
                }
            }
            (Word::Approved | Word::ActionRequired, None) => unreadable(),
        }
    }
}

/// The body of the one refusal that promises that nothing happened.
pub(crate) const NOT_ATTEMPTED: &str = r#"{"error":{"code":"not_attempted"}}"#;

pub(crate) fn says_not_attempted(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body)
        .is_ok_and(|body| body["error"]["code"] == "not_attempted")
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PayoutReply {
    state: PayoutWord,
    processor_ref: String,
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PayoutWord {
    InTransit,
    Paid,
    Failed,
}

impl PayoutReply {
    pub(crate) fn of(progress: PayoutProgress) -> Option<Self> {
        let (state, processor_ref, reason) = match progress {
            PayoutProgress::NotFound => return None,
            PayoutProgress::InTransit { processor_ref } => {
                (PayoutWord::InTransit, processor_ref, None)
            }
            PayoutProgress::Paid { processor_ref } => (PayoutWord::Paid, processor_ref, None),
            PayoutProgress::Failed { processor_ref, reason } => {
                (PayoutWord::Failed, processor_ref, Some(reason))
            }
        };
        Some(Self { state, processor_ref, reason })
    }

    pub(crate) fn progress(self) -> PayoutProgress {
        let Self { state, processor_ref, reason } = self;
        match state {
            PayoutWord::InTransit => PayoutProgress::InTransit { processor_ref },
            PayoutWord::Paid => PayoutProgress::Paid { processor_ref },
            PayoutWord::Failed => {
                PayoutProgress::Failed { processor_ref, reason: reason.unwrap_or_default() }
            }
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DisputeReply {
    dispute_ref: String,
    processor_ref: String,
    amount: AmountBody,
    fee: i64,
    reason: String,
    verdict: String,
    due_by: Option<Timestamp>,
}

const VERDICTS: [(DisputeVerdict, &str); 4] = [
    (DisputeVerdict::NeedsResponse, "needs_response"),
    (DisputeVerdict::UnderReview, "under_review"),
    (DisputeVerdict::Won, "won"),
    (DisputeVerdict::Lost, "lost"),
];

impl DisputeReply {
    pub(crate) fn of(report: DisputeReport) -> Self {
        let verdict = VERDICTS.iter().find(|(verdict, _)| *verdict == report.verdict);
        Self {
            dispute_ref: report.dispute_ref,
            processor_ref: report.processor_ref,
            amount: AmountBody::of(report.amount),
            fee: report.fee.minor,
            reason: report.reason,
            verdict: verdict.map_or("", |(_, word)| word).to_owned(),
            due_by: report.evidence_due_by,
        }
    }

    pub(crate) fn report(self) -> Option<DisputeReport> {
        let (verdict, _) = VERDICTS.iter().find(|(_, word)| *word == self.verdict)?;
        Some(DisputeReport {
            dispute_ref: self.dispute_ref,
            processor_ref: self.processor_ref,
            amount: self.amount.money(),
            fee: Money::new(self.fee, self.amount.currency),
            reason: self.reason,
            verdict: *verdict,
            evidence_due_by: self.due_by,
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DisputeAnswerBody {
    accept: bool,
    evidence: Option<String>,
}

impl DisputeAnswerBody {
    pub(crate) fn of(answer: DisputeAnswer) -> Self {
        match answer {
            DisputeAnswer::Accept => Self { accept: true, evidence: None },
            DisputeAnswer::Contest { evidence } => Self { accept: false, evidence: Some(evidence) },
        }
    }

    pub(crate) fn answer(self) -> DisputeAnswer {
        if self.accept {
            DisputeAnswer::Accept
        } else {
            DisputeAnswer::Contest { evidence: self.evidence.unwrap_or_default() }
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SettlementReply(Vec<SettledBody>);

#[derive(Debug, Serialize, Deserialize)]
struct SettledBody {
    attempt: Uuid,
    kind: String,
    amount: AmountBody,
}

const KINDS: [(SettlementKind, &str); 3] = [
    (SettlementKind::Charge, "charge"),
    (SettlementKind::Refund, "refund"),
    (SettlementKind::Payout, "payout"),
];

impl SettlementReply {
    pub(crate) fn of(lines: Vec<SettlementLine>) -> Self {
        let body = |line: SettlementLine| SettledBody {
            attempt: line.attempt.uuid(),
            kind: KINDS
                .iter()
                .find(|(kind, _)| *kind == line.kind)
                .map_or("", |(_, word)| word)
                .to_owned(),
            amount: AmountBody::of(line.amount),
        };
        Self(lines.into_iter().map(body).collect())
    }

    pub(crate) fn lines(self) -> Option<Vec<SettlementLine>> {
        let line = |body: SettledBody| {
            let (kind, _) = KINDS.iter().find(|(_, word)| *word == body.kind)?;
            Some(SettlementLine {
                attempt: PaymentAttemptId(body.attempt),
                kind: *kind,
                amount: body.amount.money(),
            })
        };
        self.0.into_iter().map(line).collect()
    }
}
