//! Sums kept while money moves, so that a year of payments is read in a few rows: by hour, and
//! for products by day and by blocks of 32 days. Every number can be recounted from the rows it
//! sums up, and `payments ledger verify` does so.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

use super::dialect::{drop_tables, run};

pub(super) async fn up<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    run(connection, TABLES).await?;
    run(connection, BACKFILL).await
}

pub(super) async fn down<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    run(connection, &["DROP INDEX IF EXISTS payment_attempts_at"]).await?;
    drop_tables(connection, &["analytics_products", "analytics_declines", "analytics_hours"]).await
}

const TABLES: &[&str] = &[
    "CREATE TABLE analytics_hours (
        currency CHAR(3) NOT NULL,
        hour BIGINT NOT NULL,
        gross BIGINT NOT NULL,
        payments BIGINT NOT NULL,
        tips BIGINT NOT NULL,
        refunded BIGINT NOT NULL,
        approved BIGINT NOT NULL,
        declined BIGINT NOT NULL,
        platform_fees BIGINT NOT NULL,
        processor_fees BIGINT NOT NULL,
        disputed BIGINT NOT NULL,
        paid_out BIGINT NOT NULL,
        disputes BIGINT NOT NULL,
        PRIMARY KEY (currency, hour)
    )",
    "CREATE TABLE analytics_declines (
        currency CHAR(3) NOT NULL,
        hour BIGINT NOT NULL,
        code TEXT NOT NULL,
        n BIGINT NOT NULL,
        PRIMARY KEY (currency, hour, code)
    )",
    "CREATE TABLE analytics_products (
        currency CHAR(3) NOT NULL,
        days BIGINT NOT NULL,
        start BIGINT NOT NULL,
        product_id {uuid} NOT NULL,
        units BIGINT NOT NULL,
        revenue BIGINT NOT NULL,
        PRIMARY KEY (currency, days, start, product_id)
    )",
    // For the parts of hours at the edges of a range.
    "CREATE INDEX payment_attempts_at ON payment_attempts (currency, op, started_at)",
];

/// One statement per kind of row summed up; hours are 3,600,000 ms.
const BACKFILL: &[&str] = &[
    "INSERT INTO analytics_hours
        SELECT currency, hour, CAST(SUM(gross) AS BIGINT), CAST(SUM(payments) AS BIGINT),
               CAST(SUM(tips) AS BIGINT), CAST(SUM(refunded) AS BIGINT),
               CAST(SUM(approved) AS BIGINT), CAST(SUM(declined) AS BIGINT),
               CAST(SUM(platform_fees) AS BIGINT), CAST(SUM(processor_fees) AS BIGINT),
               CAST(SUM(disputed) AS BIGINT), CAST(SUM(paid_out) AS BIGINT), 0
          FROM (
            SELECT currency, (captured_at / 3600000) * 3600000 AS hour, captured AS gross,
                   1 AS payments, CASE WHEN role = 'TIP' THEN captured ELSE 0 END AS tips,
                   0 AS refunded, 0 AS approved, 0 AS declined, 0 AS platform_fees,
                   0 AS processor_fees, 0 AS disputed, 0 AS paid_out
              FROM payments WHERE captured_at IS NOT NULL
            UNION ALL
            SELECT currency, (settled_at / 3600000) * 3600000, 0, 0, 0, amount, 0, 0, 0, 0, 0, 0
              FROM refunds WHERE status = 'SUCCEEDED'
            UNION ALL
            SELECT currency, (started_at / 3600000) * 3600000, 0, 0, 0, 0,
                   CASE WHEN status = 'SUCCEEDED' THEN 1 ELSE 0 END,
                   CASE WHEN status = 'FAILED' THEN 1 ELSE 0 END, 0, 0, 0, 0
              FROM payment_attempts
             WHERE op = 'AUTHORIZE' AND seq = 1
               AND (status = 'SUCCEEDED' OR (status = 'FAILED' AND decline IS NOT NULL))
            UNION ALL
            SELECT currency, (at / 3600000) * 3600000, 0, 0, 0, 0, 0, 0,
                   CASE WHEN account = 'platform_fees' THEN credit - debit ELSE 0 END,
                   CASE WHEN account = 'processor_fees' THEN debit - credit ELSE 0 END, 0, 0
              FROM ledger_entries WHERE account IN ('platform_fees', 'processor_fees')
          ) AS parts
         GROUP BY currency, hour",
    "INSERT INTO analytics_declines
        SELECT currency, (started_at / 3600000) * 3600000, decline, COUNT(*)
          FROM payment_attempts
         WHERE op = 'AUTHORIZE' AND status = 'FAILED' AND decline IS NOT NULL
         GROUP BY 1, 2, 3",
    "INSERT INTO analytics_products
        SELECT o.currency, 1, (o.paid_at / 86400000) * 86400000, l.product_id,
               CAST(SUM(l.qty) AS BIGINT), CAST(SUM(l.qty * l.unit_minor) AS BIGINT)
          FROM orders o JOIN order_lines l ON l.order_id = o.id
         WHERE o.paid_at IS NOT NULL GROUP BY 1, 2, 3, 4",
    "INSERT INTO analytics_products
        SELECT o.currency, 32, (o.paid_at / 2764800000) * 2764800000, l.product_id,
               CAST(SUM(l.qty) AS BIGINT), CAST(SUM(l.qty * l.unit_minor) AS BIGINT)
          FROM orders o JOIN order_lines l ON l.order_id = o.id
         WHERE o.paid_at IS NOT NULL GROUP BY 1, 2, 3, 4",
];
