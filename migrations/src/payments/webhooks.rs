//! Messages of processors that arrived, and messages of ours on their way to others.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

use super::dialect::{drop_tables, run};

pub(super) async fn up<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    run(
        connection,
        &[
            "CREATE TABLE webhook_events (
                id {uuid} PRIMARY KEY,
                connector TEXT NOT NULL,
                event_id TEXT NOT NULL,
                body TEXT NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('RECEIVED', 'DONE', 'DEAD')),
                attempts BIGINT NOT NULL,
                next_attempt_at BIGINT NOT NULL,
                last_error TEXT,
                received_at BIGINT NOT NULL,
                done_at BIGINT
            )",
            "CREATE UNIQUE INDEX webhook_events_event ON webhook_events (connector, event_id)",
            "CREATE INDEX webhook_events_due ON webhook_events (state, next_attempt_at)",
            "CREATE TABLE webhook_endpoints (
                id {uuid} PRIMARY KEY,
                url TEXT NOT NULL,
                events TEXT NOT NULL,
                secret_enc {bytes} NOT NULL,
                old_secret_enc {bytes},
                old_secret_until BIGINT,
                position BIGINT NOT NULL,
                disabled_at BIGINT,
                created_at BIGINT NOT NULL
            )",
            "CREATE TABLE webhook_deliveries (
                endpoint_id {uuid} NOT NULL REFERENCES webhook_endpoints (id),
                event_seq BIGINT NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('WAITING', 'DELIVERED', 'DEAD')),
                attempts BIGINT NOT NULL,
                next_attempt_at BIGINT NOT NULL,
                last_status BIGINT,
                created_at BIGINT NOT NULL,
                delivered_at BIGINT,
                PRIMARY KEY (endpoint_id, event_seq)
            )",
            "CREATE INDEX webhook_deliveries_due ON webhook_deliveries (state, next_attempt_at)",
        ],
    )
    .await
}

pub(super) async fn down<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    drop_tables(connection, &["webhook_deliveries", "webhook_endpoints", "webhook_events"]).await
}
