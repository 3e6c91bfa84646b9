//! Everything a load writes, and the pieces orders and rides share: cards, payments, attempts.

use std::collections::BTreeMap;

use kit::{
    Timestamp, Uuid,
    events::NewEvent,
    id::{PaymentAttemptId, PaymentId, PaymentMethodId, RefundId, UserId},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    card::{CardBrand, CardNumber, CheckResult},
    connector::sandbox::{Behaviour, BookingState, NAME, OperationKind, processor_ref},
    entity::{
        driver_earning, order, order_line,
        payment::{self, CaptureMethod, PaymentRole, PurposeType},
        payment_attempt::{self, AttemptOperation, AttemptStatus},
        payment_method, payment_split, product, refund, refund_line, refund_part, reservation,
        ride, sandbox_card, sandbox_operation, stock, stock_movement,
    },
    ledger::Posting,
    money::Currency,
    operation::{card_tokens::SEAL_PURPOSE, settle::Share},
    secrets::Secrets,
    state::PaymentStatus,
};

#[derive(Default)]
pub(super) struct Rows {
    pub(super) products: Vec<product::Model>,
    pub(super) stock: Vec<stock::Model>,
    pub(super) movements: Vec<stock_movement::Model>,
    pub(super) orders: Vec<order::Model>,
    pub(super) lines: Vec<order_line::Model>,
    pub(super) reservations: Vec<reservation::Model>,
    pub(super) cards: Vec<payment_method::Model>,
    pub(super) sandbox_cards: Vec<sandbox_card::Model>,
    pub(super) payments: Vec<payment::Model>,
    pub(super) attempts: Vec<payment_attempt::Model>,
    pub(super) splits: Vec<payment_split::Model>,
    pub(super) refunds: Vec<refund::Model>,
    pub(super) refund_lines: Vec<refund_line::Model>,
    pub(super) refund_parts: Vec<refund_part::Model>,
    pub(super) rides: Vec<ride::Model>,
    pub(super) bookings: Vec<sandbox_operation::Model>,
    pub(super) earnings: Vec<driver_earning::Model>,
    pub(super) postings: Vec<Posting>,
    pub(super) events: Vec<NewEvent>,
}

/// One approving test card per person who paid.
pub(super) struct Cards<'a> {
    secrets: &'a Secrets,
    fingerprint: Vec<u8>,
    first_use: BTreeMap<UserId, Timestamp>,
}

impl<'a> Cards<'a> {
    pub(super) fn new(secrets: &'a Secrets) -> Self {
        let number = CardNumber::parse(Zeroizing::new("4242424242424242".to_owned()))
            .expect("the public test number is valid");
        Self { secrets, fingerprint: secrets.fingerprint(&number), first_use: BTreeMap::new() }
    }

    /// The card this person paid with at that time.
    pub(super) fn of(&mut self, user: UserId, at: Timestamp) -> PaymentMethodId {
        let first = self.first_use.entry(user).or_insert(at);
        *first = (*first).min(at);
        PaymentMethodId(derived("card", user.uuid()))
    }

    pub(super) fn finish(self, rows: &mut Rows) {
        for (user, at) in self.first_use {
            let token = format!("sbxcard_demo_{}", user.uuid().simple());
            rows.cards.push(payment_method::Model {
                id: PaymentMethodId(derived("card", user.uuid())),
                user_id: user,
                connector: NAME.to_owned(),
                connector_token_enc: self.secrets.seal(SEAL_PURPOSE, &token),
                brand: CardBrand::Visa,
                last4: "4242".to_owned(),
                exp_month: 12,
                exp_year: 2034,
                fingerprint: self.fingerprint.clone(),
                funding_country: Some("US".to_owned()),
                cvc_check: CheckResult::Pass,
                postal_code_check: CheckResult::Unchecked,
                billing_address: None,
                verified_at: Some(at),
                is_default: true,
                detached_at: None,
                created_at: at,
                updated_at: at,
                version: 1,
            });
            rows.sandbox_cards.push(sandbox_card::Model {
                token,
                behaviour: Behaviour::Approve,
                postal_code_check: CheckResult::Unchecked,
                created_at: at,
            });
        }
    }
}

/// An id that depends on nothing but what it belongs to.
pub(super) fn derived(purpose: &str, of: Uuid) -> Uuid {
    let digest = Sha256::new().chain_update(purpose).chain_update(of.as_bytes()).finalize();
    let mut bytes = *of.as_bytes();
    bytes[8..].copy_from_slice(&digest[..8]);
    Uuid::from_bytes(bytes)
}

/// A payment that was made.
pub(super) struct Paid {
    pub(super) id: PaymentId,
    pub(super) payer: UserId,
    pub(super) purpose: (PurposeType, Uuid),
    pub(super) role: PaymentRole,
    pub(super) currency: Currency,
    pub(super) authorized: i64,
    pub(super) captured: i64,
    pub(super) refunded: i64,
    pub(super) method: PaymentMethodId,
    pub(super) opened_at: Timestamp,
    pub(super) captured_at: Timestamp,
}

impl Rows {
    /// Payment, attempts, the processor's booking, shares and posting.
    pub(super) fn paid(&mut self, paid: &Paid, shares: &[Share]) -> payment::Model {
        let authorization = PaymentAttemptId(derived("authorize", paid.id.uuid()));
        let manual = paid.role == PaymentRole::Fare;
        let status = match paid.refunded {
            0 => PaymentStatus::Succeeded,
            refunded if refunded == paid.captured => PaymentStatus::Refunded,
            _ => PaymentStatus::PartiallyRefunded,
        };
        let row = payment::Model {
            id: paid.id,
            payer_id: paid.payer,
            purpose_type: paid.purpose.0,
            purpose_id: paid.purpose.1,
            role: paid.role,
            currency: paid.currency,
            amount: paid.authorized,
            authorized: paid.authorized,
            captured: paid.captured,
            refund_reserved: paid.refunded,
            refunded: paid.refunded,
            status,
            capture_method: if manual { CaptureMethod::Manual } else { CaptureMethod::Automatic },
            method_id: Some(paid.method),
            connector: Some(NAME.to_owned()),
            processor_ref: Some(processor_ref(authorization.uuid())),
            last_decline: None,
            last_raw_code: None,
            declines: 0,
            cancel_reason: None,
            action_key: None,
            action_expires_at: None,
            return_url: None,
            capture_before: None,
            captured_at: Some(paid.captured_at),
            canceled_at: None,
            created_at: paid.opened_at,
            updated_at: paid.captured_at,
            version: 3,
        };
        let authorized_at = if manual { paid.opened_at } else { paid.captured_at };
        let attempt = Attempt { id: authorization, op: AttemptOperation::Authorize, seq: 1 };
        self.attempt(&row, attempt, paid.authorized, authorized_at, None);
        self.bookings.push(sandbox_operation::Model {
            capture: !manual,
            state: BookingState::Captured,
            captured: paid.captured,
            refunded: paid.refunded,
            ..booking(authorization, OperationKind::Authorize, paid.authorized, &row, authorized_at)
        });
        if manual {
            let id = PaymentAttemptId(derived("capture", paid.id.uuid()));
            let attempt = Attempt { id, op: AttemptOperation::Capture, seq: 2 };
            self.attempt(&row, attempt, paid.captured, paid.captured_at, None);
            let capture =
                booking(id, OperationKind::Capture, paid.captured, &row, paid.captured_at);
            self.bookings.push(sandbox_operation::Model {
                parent_ref: row.processor_ref.clone(),
                ..capture
            });
        }
        let posting = crate::operation::settle::capture_posting(&row, shares, paid.captured_at);
        self.postings.push(posting);
        self.splits.extend((1..).zip(shares).map(|(seq, share)| payment_split::Model {
            payment_id: paid.id,
            seq,
            payee: share.payee,
            user_id: share.user_id,
            account: share.account.to_string(),
            amount: share.amount,
        }));
        self.payments.push(row.clone());
        row
    }

    /// An attempt that succeeded.
    pub(super) fn attempt(
        &mut self,
        payment: &payment::Model,
        Attempt { id, op, seq }: Attempt,
        amount: i64,
        at: Timestamp,
        refund_id: Option<RefundId>,
    ) {
        self.attempts.push(payment_attempt::Model {
            id,
            payment_id: Some(payment.id),
            refund_id,
            payout_id: None,
            chain_id: None,
            user_id: payment.payer_id,
            seq,
            op,
            connector: NAME.to_owned(),
            connector_ref: Some(processor_ref(id.uuid())),
            amount,
            currency: payment.currency,
            status: AttemptStatus::Succeeded,
            decline: None,
            raw_code: None,
            checks: 1,
            next_check_at: None,
            waiting_owner: None,
            waiting_operation: None,
            waiting_key: None,
            started_at: at,
            finished_at: Some(at),
        });
    }
}

pub(super) struct Attempt {
    pub(super) id: PaymentAttemptId,
    pub(super) op: AttemptOperation,
    pub(super) seq: i64,
}

/// An approved entry of the processor's books.
pub(super) fn booking(
    id: PaymentAttemptId,
    op: OperationKind,
    amount: i64,
    payment: &payment::Model,
    at: Timestamp,
) -> sandbox_operation::Model {
    sandbox_operation::Model {
        reference: id.uuid(),
        op,
        processor_ref: processor_ref(id.uuid()),
        parent_ref: None,
        amount,
        currency: payment.currency,
        capture: false,
        state: BookingState::Approved,
        code: None,
        action_key: None,
        captured: 0,
        refunded: 0,
        created_at: at,
    }
}
