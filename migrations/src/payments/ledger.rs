//! The double-entry ledger: transactions and entries that can only be added, and one row of
//! running sums per account and currency.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

use super::dialect::{append_only, drop_tables, run};

pub(super) async fn up<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    run(
        connection,
        &[
            "CREATE TABLE ledger_transactions (
                id {uuid} PRIMARY KEY,
                source_type TEXT NOT NULL,
                source_id {uuid} NOT NULL,
                kind TEXT NOT NULL,
                reverses {uuid} REFERENCES ledger_transactions (id),
                payment_id {uuid},
                at BIGINT NOT NULL
            )",
            "CREATE UNIQUE INDEX ledger_transactions_source
                ON ledger_transactions (source_type, source_id, kind)",
            "CREATE UNIQUE INDEX ledger_transactions_reverses ON ledger_transactions (reverses)",
            "CREATE INDEX ledger_transactions_payment ON ledger_transactions (payment_id, at)",
            "CREATE TABLE ledger_entries (
                id {uuid} PRIMARY KEY,
                tx_id {uuid} NOT NULL REFERENCES ledger_transactions (id),
                account TEXT NOT NULL,
                currency CHAR(3) NOT NULL,
                debit BIGINT NOT NULL CHECK (debit >= 0),
                credit BIGINT NOT NULL CHECK (credit >= 0),
                at BIGINT NOT NULL,
                CHECK ((debit = 0) <> (credit = 0))
            )",
            "CREATE INDEX ledger_entries_account ON ledger_entries (account, currency, id)",
            "CREATE INDEX ledger_entries_tx ON ledger_entries (tx_id)",
            "CREATE INDEX ledger_entries_at ON ledger_entries (currency, at)",
            "CREATE TABLE ledger_balances (
                account TEXT NOT NULL,
                currency CHAR(3) NOT NULL,
                debits BIGINT NOT NULL CHECK (debits >= 0),
                credits BIGINT NOT NULL CHECK (credits >= 0),
                PRIMARY KEY (account, currency)
            )",
        ],
    )
    .await?;
    append_only(connection, "ledger_transactions").await?;
    append_only(connection, "ledger_entries").await
}

pub(super) async fn down<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    drop_tables(connection, &["ledger_balances", "ledger_entries", "ledger_transactions"]).await
}
