//! Orders, their lines and the stock held for them.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

use super::dialect::{drop_tables, run};

pub(super) async fn up<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    run(
        connection,
        &[
            "CREATE TABLE orders (
                id {uuid} PRIMARY KEY,
                number TEXT NOT NULL,
                buyer_id {uuid} NOT NULL,
                currency CHAR(3) NOT NULL,
                subtotal_minor BIGINT NOT NULL CHECK (subtotal_minor >= 0),
                shipping_minor BIGINT NOT NULL CHECK (shipping_minor >= 0),
                tax_minor BIGINT NOT NULL CHECK (tax_minor >= 0),
                total_minor BIGINT NOT NULL,
                address TEXT NOT NULL,
                status TEXT NOT NULL CHECK (status IN ('PENDING_PAYMENT', 'PAID', 'FULFILLED',
                    'PARTIALLY_REFUNDED', 'REFUNDED', 'CANCELED', 'EXPIRED')),
                saga_step TEXT NOT NULL,
                saga_attempts BIGINT NOT NULL,
                reservation_expires_at BIGINT,
                paid_at BIGINT,
                created_at BIGINT NOT NULL,
                updated_at BIGINT NOT NULL,
                version BIGINT NOT NULL,
                CHECK (total_minor = subtotal_minor + shipping_minor + tax_minor)
            )",
            "CREATE UNIQUE INDEX orders_number ON orders (number)",
            "CREATE INDEX orders_buyer ON orders (buyer_id, created_at, id)",
            "CREATE INDEX orders_saga ON orders (status, saga_step)",
            "CREATE INDEX orders_paid ON orders (currency, paid_at)",
            "CREATE TABLE order_lines (
                id {uuid} PRIMARY KEY,
                order_id {uuid} NOT NULL REFERENCES orders (id),
                position BIGINT NOT NULL,
                product_id {uuid} NOT NULL REFERENCES products (id),
                seller_id {uuid} NOT NULL,
                sku TEXT NOT NULL,
                title TEXT NOT NULL,
                unit_minor BIGINT NOT NULL CHECK (unit_minor >= 0),
                qty BIGINT NOT NULL CHECK (qty > 0),
                qty_refunded BIGINT NOT NULL CHECK (qty_refunded >= 0),
                CHECK (qty_refunded <= qty)
            )",
            "CREATE UNIQUE INDEX order_lines_product ON order_lines (order_id, product_id)",
            "CREATE INDEX order_lines_bought ON order_lines (product_id, order_id)",
            "CREATE TABLE reservations (
                id {uuid} PRIMARY KEY,
                order_id {uuid} NOT NULL REFERENCES orders (id),
                product_id {uuid} NOT NULL REFERENCES products (id),
                qty BIGINT NOT NULL CHECK (qty > 0),
                state TEXT NOT NULL CHECK (state IN ('HELD', 'COMMITTED', 'RELEASED')),
                hold_id {uuid} NOT NULL,
                expires_at BIGINT NOT NULL,
                created_at BIGINT NOT NULL,
                updated_at BIGINT NOT NULL
            )",
            "CREATE UNIQUE INDEX reservations_product ON reservations (order_id, product_id)",
            "CREATE INDEX reservations_due ON reservations (state, expires_at)",
        ],
    )
    .await
}

pub(super) async fn down<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    drop_tables(connection, &["reservations", "order_lines", "orders"]).await
}
