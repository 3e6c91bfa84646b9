//! Cards on file, payments, the attempts made at the processor, and refunds.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

use super::dialect::{drop_tables, run};

pub(super) async fn up<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    run(connection, CARDS).await?;
    run(connection, PAYMENTS).await?;
    run(connection, REFUNDS).await
}

pub(super) async fn down<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    drop_tables(
        connection,
        &[
            "refund_parts",
            "refund_lines",
            "payment_attempts",
            "refunds",
            "payment_splits",
            "payments",
            "vault_tokens",
            "payment_methods",
        ],
    )
    .await
}

const CARDS: &[&str] = &[
    "CREATE TABLE payment_methods (
        id {uuid} PRIMARY KEY,
        user_id {uuid} NOT NULL,
        connector TEXT NOT NULL,
        connector_token_enc {bytes} NOT NULL,
        brand TEXT NOT NULL,
        last4 CHAR(4) NOT NULL,
        exp_month BIGINT NOT NULL CHECK (exp_month BETWEEN 1 AND 12),
        exp_year BIGINT NOT NULL,
        fingerprint {bytes} NOT NULL,
        funding_country CHAR(2),
        cvc_check TEXT NOT NULL CHECK (cvc_check IN ('PASS', 'FAIL', 'UNAVAILABLE', 'UNCHECKED')),
        postal_code_check TEXT NOT NULL
            CHECK (postal_code_check IN ('PASS', 'FAIL', 'UNAVAILABLE', 'UNCHECKED')),
        billing_address TEXT,
        verified_at BIGINT,
        is_default BOOLEAN NOT NULL,
        detached_at BIGINT,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL,
        version BIGINT NOT NULL
    )",
    "CREATE UNIQUE INDEX payment_methods_card ON payment_methods (user_id, fingerprint)
        WHERE detached_at IS NULL",
    "CREATE UNIQUE INDEX payment_methods_default ON payment_methods (user_id)
        WHERE is_default AND detached_at IS NULL",
    "CREATE TABLE vault_tokens (
        id {uuid} PRIMARY KEY,
        token_hash {bytes} NOT NULL,
        connector TEXT NOT NULL,
        connector_token_enc {bytes} NOT NULL,
        brand TEXT NOT NULL,
        last4 CHAR(4) NOT NULL,
        exp_month BIGINT NOT NULL,
        exp_year BIGINT NOT NULL,
        fingerprint {bytes} NOT NULL,
        funding_country CHAR(2),
        expires_at BIGINT NOT NULL,
        used_at BIGINT,
        created_at BIGINT NOT NULL
    )",
    "CREATE UNIQUE INDEX vault_tokens_hash ON vault_tokens (token_hash)",
    "CREATE INDEX vault_tokens_expiry ON vault_tokens (expires_at)",
];

const PAYMENTS: &[&str] = &[
    "CREATE TABLE payments (
        id {uuid} PRIMARY KEY,
        payer_id {uuid} NOT NULL,
        purpose_type TEXT NOT NULL CHECK (purpose_type IN ('ORDER', 'RIDE')),
        purpose_id {uuid} NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('ORDER', 'FARE', 'FARE_REST', 'TIP')),
        currency CHAR(3) NOT NULL,
        amount BIGINT NOT NULL CHECK (amount > 0),
        authorized BIGINT NOT NULL,
        captured BIGINT NOT NULL,
        refund_reserved BIGINT NOT NULL,
        refunded BIGINT NOT NULL CHECK (refunded >= 0),
        status TEXT NOT NULL CHECK (status IN ('REQUIRES_PAYMENT_METHOD',
            'REQUIRES_CONFIRMATION', 'REQUIRES_ACTION', 'PROCESSING', 'REQUIRES_CAPTURE',
            'SUCCEEDED', 'PARTIALLY_REFUNDED', 'REFUNDED', 'CANCELED', 'FAILED', 'UNKNOWN')),
        capture_method TEXT NOT NULL CHECK (capture_method IN ('AUTOMATIC', 'MANUAL')),
        method_id {uuid} REFERENCES payment_methods (id),
        connector TEXT,
        processor_ref TEXT,
        last_decline TEXT,
        last_raw_code TEXT,
        declines BIGINT NOT NULL,
        cancel_reason TEXT,
        action_key TEXT,
        action_expires_at BIGINT,
        return_url TEXT,
        capture_before BIGINT,
        captured_at BIGINT,
        canceled_at BIGINT,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL,
        version BIGINT NOT NULL,
        CHECK (refunded <= refund_reserved AND refund_reserved <= captured
            AND captured <= authorized)
    )",
    "CREATE UNIQUE INDEX payments_order ON payments (purpose_type, purpose_id)
        WHERE status NOT IN ('CANCELED', 'FAILED') AND purpose_type = 'ORDER'",
    "CREATE INDEX payments_purpose ON payments (purpose_id, created_at)",
    "CREATE INDEX payments_payer ON payments (payer_id, created_at, id)",
    "CREATE INDEX payments_due ON payments (status, updated_at)",
    "CREATE INDEX payments_captured ON payments (currency, captured_at)",
    "CREATE UNIQUE INDEX payments_action ON payments (action_key)",
    "CREATE TABLE payment_splits (
        payment_id {uuid} NOT NULL REFERENCES payments (id),
        seq BIGINT NOT NULL,
        payee TEXT NOT NULL CHECK (payee IN ('PLATFORM', 'DRIVER', 'SELLER', 'TAX')),
        user_id {uuid},
        account TEXT NOT NULL,
        amount BIGINT NOT NULL CHECK (amount > 0),
        PRIMARY KEY (payment_id, seq)
    )",
];

const REFUNDS: &[&str] = &[
    "CREATE TABLE refunds (
        id {uuid} PRIMARY KEY,
        payment_id {uuid} NOT NULL REFERENCES payments (id),
        amount BIGINT NOT NULL CHECK (amount > 0),
        currency CHAR(3) NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('PENDING', 'SUCCEEDED', 'FAILED', 'CANCELED')),
        reason TEXT NOT NULL,
        note TEXT,
        restock BOOLEAN NOT NULL,
        failure TEXT,
        connector TEXT NOT NULL,
        connector_ref TEXT,
        created_at BIGINT NOT NULL,
        settled_at BIGINT,
        updated_at BIGINT NOT NULL,
        version BIGINT NOT NULL
    )",
    "CREATE INDEX refunds_payment ON refunds (payment_id, created_at)",
    "CREATE INDEX refunds_settled ON refunds (currency, settled_at)",
    "CREATE UNIQUE INDEX refunds_reference ON refunds (connector, connector_ref)",
    "CREATE TABLE refund_lines (
        refund_id {uuid} NOT NULL REFERENCES refunds (id),
        order_line_id {uuid} NOT NULL REFERENCES order_lines (id),
        qty BIGINT NOT NULL CHECK (qty > 0),
        PRIMARY KEY (refund_id, order_line_id)
    )",
    "CREATE TABLE refund_parts (
        refund_id {uuid} NOT NULL REFERENCES refunds (id),
        split_seq BIGINT NOT NULL,
        amount BIGINT NOT NULL CHECK (amount > 0),
        PRIMARY KEY (refund_id, split_seq)
    )",
    "CREATE TABLE payment_attempts (
        id {uuid} PRIMARY KEY,
        payment_id {uuid} REFERENCES payments (id),
        refund_id {uuid} REFERENCES refunds (id),
        user_id {uuid} NOT NULL,
        seq BIGINT NOT NULL,
        op TEXT NOT NULL
            CHECK (op IN ('VERIFY', 'AUTHORIZE', 'CAPTURE', 'VOID', 'REFUND', 'PAYOUT')),
        connector TEXT NOT NULL,
        connector_ref TEXT,
        amount BIGINT NOT NULL,
        currency CHAR(3) NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('PENDING', 'SUCCEEDED', 'FAILED', 'UNKNOWN')),
        decline TEXT,
        raw_code TEXT,
        checks BIGINT NOT NULL,
        next_check_at BIGINT,
        waiting_owner {uuid},
        waiting_operation TEXT,
        waiting_key TEXT,
        started_at BIGINT NOT NULL,
        finished_at BIGINT
    )",
    "CREATE UNIQUE INDEX payment_attempts_seq ON payment_attempts (payment_id, seq)",
    "CREATE UNIQUE INDEX payment_attempts_reference
        ON payment_attempts (connector, op, connector_ref)",
    "CREATE UNIQUE INDEX payment_attempts_in_flight ON payment_attempts (payment_id)
        WHERE status IN ('PENDING', 'UNKNOWN') AND op NOT IN ('REFUND', 'VOID')",
    "CREATE INDEX payment_attempts_due ON payment_attempts (status, next_check_at)",
    "CREATE INDEX payment_attempts_refund ON payment_attempts (refund_id)",
    "CREATE INDEX payment_attempts_user ON payment_attempts (user_id, op, started_at)",
];
