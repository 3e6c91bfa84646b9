//! Money that leaves: drivers' earnings and when they are released, payouts, disputes; and what
//! the sandbox processor knows of them.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

use super::dialect::{drop_tables, run};

pub(super) async fn up<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    run(connection, EARNINGS).await?;
    run(connection, PAYOUTS_AND_DISPUTES).await?;
    run(connection, SANDBOX).await?;
    run(connection, BACKFILL).await
}

pub(super) async fn down<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    run(
        connection,
        &[
            "DROP INDEX IF EXISTS payment_attempts_payout",
            "DROP INDEX IF EXISTS stock_changed",
            "ALTER TABLE payment_attempts DROP COLUMN payout_id",
            "ALTER TABLE payment_attempts DROP COLUMN chain_id",
        ],
    )
    .await?;
    drop_tables(
        connection,
        &[
            "sandbox_events",
            "sandbox_disputes",
            "sandbox_payouts",
            "disputes",
            "payouts",
            "driver_earnings",
        ],
    )
    .await
}

const EARNINGS: &[&str] = &[
    "CREATE TABLE driver_earnings (
        payment_id {uuid} PRIMARY KEY REFERENCES payments (id),
        driver_id {uuid} NOT NULL,
        currency CHAR(3) NOT NULL,
        amount BIGINT NOT NULL CHECK (amount > 0),
        reversed BIGINT NOT NULL CHECK (reversed >= 0),
        available_at BIGINT NOT NULL,
        released_at BIGINT,
        CHECK (reversed <= amount)
    )",
    "CREATE INDEX driver_earnings_due ON driver_earnings (released_at, available_at)",
    "CREATE INDEX driver_earnings_driver ON driver_earnings (driver_id, currency)",
];

const PAYOUTS_AND_DISPUTES: &[&str] = &[
    "CREATE TABLE payouts (
        id {uuid} PRIMARY KEY,
        payee_id {uuid} NOT NULL,
        amount BIGINT NOT NULL CHECK (amount > 0),
        currency CHAR(3) NOT NULL,
        status TEXT NOT NULL
            CHECK (status IN ('PENDING', 'IN_TRANSIT', 'PAID', 'FAILED', 'CANCELED')),
        failure TEXT,
        connector TEXT NOT NULL,
        connector_ref TEXT,
        created_at BIGINT NOT NULL,
        arrived_at BIGINT,
        next_check_at BIGINT,
        updated_at BIGINT NOT NULL,
        version BIGINT NOT NULL
    )",
    "CREATE UNIQUE INDEX payouts_reference ON payouts (connector, connector_ref)",
    "CREATE INDEX payouts_payee ON payouts (payee_id, created_at, id)",
    "CREATE INDEX payouts_due ON payouts (status, next_check_at)",
    "ALTER TABLE payment_attempts ADD COLUMN payout_id {uuid}",
    "ALTER TABLE payment_attempts ADD COLUMN chain_id {uuid}",
    "CREATE INDEX payment_attempts_payout ON payment_attempts (payout_id)",
    "CREATE TABLE disputes (
        id {uuid} PRIMARY KEY,
        payment_id {uuid} NOT NULL REFERENCES payments (id),
        connector TEXT NOT NULL,
        connector_ref TEXT NOT NULL,
        amount BIGINT NOT NULL CHECK (amount > 0),
        currency CHAR(3) NOT NULL,
        fee BIGINT NOT NULL CHECK (fee >= 0),
        status TEXT NOT NULL CHECK (status IN
            ('NEEDS_RESPONSE', 'UNDER_REVIEW', 'WON', 'LOST', 'ACCEPTED', 'EXPIRED')),
        reason TEXT NOT NULL,
        evidence TEXT,
        evidence_due_by BIGINT,
        next_check_at BIGINT,
        opened_at BIGINT NOT NULL,
        closed_at BIGINT,
        updated_at BIGINT NOT NULL,
        version BIGINT NOT NULL
    )",
    "CREATE UNIQUE INDEX disputes_reference ON disputes (connector, connector_ref)",
    "CREATE INDEX disputes_payment ON disputes (payment_id, opened_at)",
    "CREATE INDEX disputes_due ON disputes (status, next_check_at)",
    "CREATE INDEX stock_changed ON stock (updated_at)",
];

const SANDBOX: &[&str] = &[
    "CREATE TABLE sandbox_payouts (
        reference {uuid} PRIMARY KEY,
        amount BIGINT NOT NULL,
        currency CHAR(3) NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('IN_TRANSIT', 'PAID', 'FAILED')),
        failure TEXT,
        created_at BIGINT NOT NULL
    )",
    "CREATE TABLE sandbox_disputes (
        dispute_ref TEXT PRIMARY KEY,
        payment_ref TEXT NOT NULL,
        amount BIGINT NOT NULL,
        currency CHAR(3) NOT NULL,
        fee BIGINT NOT NULL,
        reason TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('NEEDS_RESPONSE', 'UNDER_REVIEW', 'WON', 'LOST')),
        due_by BIGINT NOT NULL,
        created_at BIGINT NOT NULL
    )",
    "CREATE UNIQUE INDEX sandbox_disputes_payment ON sandbox_disputes (payment_ref)",
    "CREATE TABLE sandbox_events (
        id {uuid} PRIMARY KEY,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        delivered_at BIGINT,
        attempts BIGINT NOT NULL,
        next_attempt_at BIGINT NOT NULL,
        created_at BIGINT NOT NULL
    )",
    "CREATE INDEX sandbox_events_due ON sandbox_events (delivered_at, next_attempt_at)",
];

/// Earnings of rides that were paid before there was this table. Two days of hold, as everybody
/// has been promised.
const BACKFILL: &[&str] = &["INSERT INTO driver_earnings
        (payment_id, driver_id, currency, amount, reversed, available_at, released_at)
     SELECT s.payment_id, s.user_id, p.currency, s.amount,
            CAST(COALESCE((SELECT SUM(r.amount) FROM refund_parts r
                             JOIN refunds f ON f.id = r.refund_id
                            WHERE f.payment_id = s.payment_id AND r.split_seq = s.seq
                              AND f.status IN ('PENDING', 'SUCCEEDED')), 0) AS BIGINT),
            COALESCE(p.captured_at, p.updated_at) + 172800000, NULL
       FROM payment_splits s JOIN payments p ON p.id = s.payment_id
      WHERE s.payee = 'DRIVER'
        AND (p.captured > 0 OR EXISTS
            (SELECT 1 FROM ledger_transactions t
              WHERE t.source_type = 'PAYMENT' AND t.source_id = p.id AND t.kind = 'debt'))"];
