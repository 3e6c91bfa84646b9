//! Rides: the agreed quote, the fare, and what is still owed.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

use super::dialect::{drop_tables, run};

pub(super) async fn up<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    run(
        connection,
        &[
            "CREATE TABLE rides (
                id {uuid} PRIMARY KEY,
                quote_id {uuid} NOT NULL,
                rider_id {uuid} NOT NULL,
                driver_id {uuid} NOT NULL,
                method_id {uuid} REFERENCES payment_methods (id),
                status TEXT NOT NULL CHECK (status IN ('QUOTED', 'AUTHORIZED', 'IN_PROGRESS',
                    'COMPLETED', 'CANCELED', 'PAYMENT_FAILED')),
                currency CHAR(3) NOT NULL,
                quote_minor BIGINT NOT NULL CHECK (quote_minor > 0),
                authorized_minor BIGINT NOT NULL,
                surge_percent BIGINT NOT NULL,
                distance_meters BIGINT NOT NULL,
                duration_seconds BIGINT NOT NULL,
                fare_base BIGINT,
                fare_distance BIGINT,
                fare_time BIGINT,
                fare_surge BIGINT,
                fare_tolls BIGINT,
                fare_tax BIGINT,
                fare_total BIGINT,
                platform_fee BIGINT,
                driver_earnings BIGINT,
                canceled_by TEXT,
                tip_minor BIGINT NOT NULL CHECK (tip_minor >= 0),
                debt_minor BIGINT NOT NULL CHECK (debt_minor >= 0),
                assigned_at BIGINT,
                pickup_at BIGINT,
                completed_at BIGINT,
                canceled_at BIGINT,
                created_at BIGINT NOT NULL,
                updated_at BIGINT NOT NULL,
                version BIGINT NOT NULL,
                CHECK (rider_id <> driver_id)
            )",
            "CREATE UNIQUE INDEX rides_quote ON rides (quote_id)",
            "CREATE INDEX rides_rider ON rides (rider_id, created_at, id)",
            "CREATE INDEX rides_driver ON rides (driver_id, created_at, id)",
        ],
    )
    .await
}

pub(super) async fn down<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    drop_tables(connection, &["rides"]).await
}
