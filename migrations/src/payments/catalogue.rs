//! Products, their stock, and the append-only record of every movement of it.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr};

use super::dialect::{append_only, drop_tables, run};

pub(super) async fn up<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    run(
        connection,
        &[
            "CREATE TABLE products (
                id {uuid} PRIMARY KEY,
                sku TEXT NOT NULL,
                title TEXT NOT NULL,
                description TEXT,
                image_url TEXT,
                price_minor BIGINT NOT NULL CHECK (price_minor >= 0),
                currency CHAR(3) NOT NULL,
                seller_id {uuid} NOT NULL,
                active BOOLEAN NOT NULL,
                search_text TEXT NOT NULL,
                created_at BIGINT NOT NULL,
                updated_at BIGINT NOT NULL,
                version BIGINT NOT NULL
            )",
            "CREATE UNIQUE INDEX products_sku ON products (sku)",
            "CREATE INDEX products_newest ON products (active, created_at, id)",
            "CREATE INDEX products_price ON products (active, price_minor, id)",
            "CREATE INDEX products_title ON products (active, title, id)",
            "CREATE TABLE stock (
                product_id {uuid} PRIMARY KEY REFERENCES products (id),
                on_hand BIGINT NOT NULL,
                reserved BIGINT NOT NULL,
                updated_at BIGINT NOT NULL,
                CHECK (0 <= reserved AND reserved <= on_hand)
            )",
            "CREATE TABLE stock_movements (
                id {uuid} PRIMARY KEY,
                product_id {uuid} NOT NULL REFERENCES products (id),
                delta BIGINT NOT NULL,
                reserved_delta BIGINT NOT NULL,
                kind TEXT NOT NULL CHECK (kind IN
                    ('RECEIVED', 'RESERVED', 'RELEASED', 'SOLD', 'RETURNED', 'CORRECTION')),
                source_type TEXT NOT NULL,
                source_id {uuid} NOT NULL,
                created_at BIGINT NOT NULL
            )",
            "CREATE UNIQUE INDEX stock_movements_source
                ON stock_movements (kind, source_type, source_id, product_id)",
            "CREATE INDEX stock_movements_product ON stock_movements (product_id, created_at)",
        ],
    )
    .await?;
    append_only(connection, "stock_movements").await
}

pub(super) async fn down<C: ConnectionTrait>(connection: &C) -> Result<(), DbErr> {
    drop_tables(connection, &["stock_movements", "stock", "products"]).await
}
