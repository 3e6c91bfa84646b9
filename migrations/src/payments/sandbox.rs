//! The sandbox processor's own books. They stand in for a foreign company's database: nothing
//! but the sandbox connector reads or writes them, and no card number is in them.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

use super::dialect::{drop_tables, run};

pub(super) async fn up<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    run(
        connection,
        &[
            "CREATE TABLE sandbox_cards (
                token TEXT PRIMARY KEY,
                behaviour TEXT NOT NULL,
                postal_code_check TEXT NOT NULL,
                created_at BIGINT NOT NULL
            )",
            "CREATE TABLE sandbox_operations (
                reference {uuid} PRIMARY KEY,
                op TEXT NOT NULL,
                processor_ref TEXT NOT NULL,
                parent_ref TEXT,
                amount BIGINT NOT NULL,
                currency CHAR(3) NOT NULL,
                capture BOOLEAN NOT NULL,
                state TEXT NOT NULL CHECK (state IN
                    ('APPROVED', 'DECLINED', 'ACTION_REQUIRED', 'CAPTURED', 'VOIDED')),
                code TEXT,
                action_key TEXT,
                captured BIGINT NOT NULL,
                refunded BIGINT NOT NULL,
                created_at BIGINT NOT NULL,
                CHECK (refunded <= captured AND captured <= amount)
            )",
            "CREATE UNIQUE INDEX sandbox_operations_ref ON sandbox_operations (processor_ref)",
            "CREATE UNIQUE INDEX sandbox_operations_action ON sandbox_operations (action_key)",
        ],
    )
    .await
}

pub(super) async fn down<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    drop_tables(connection, &["sandbox_operations", "sandbox_cards"]).await
}
