//! What reviews knows of the other services' world: names, purchases, products and rides.
//! All of it is rebuilt from their event feeds.
#![expect(elided_lifetimes_in_paths, reason = "the trait of sea-orm-migration elides them")]

use sea_orm_migration::prelude::*;

use super::dialect::{drop_tables, run};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m2026_11_01_000103_reviews_projections"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, TABLES).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["subject_replica", "user_replica", "purchases"]).await
    }
}

const TABLES: &[&str] = &[
    "CREATE TABLE purchases (
        user_id {uuid} NOT NULL,
        kind text NOT NULL CHECK (kind IN ('PRODUCT', 'RIDE')),
        subject_id {uuid} NOT NULL,
        order_id {uuid} NOT NULL,
        paid_at bigint NOT NULL,
        refunded_at bigint,
        PRIMARY KEY (user_id, kind, subject_id, order_id)
    )",
    "CREATE INDEX purchases_by_order ON purchases (order_id)",
    "CREATE TABLE user_replica (
        user_id {uuid} PRIMARY KEY NOT NULL,
        display_name text NOT NULL,
        status text NOT NULL,
        seq bigint NOT NULL
    )",
    "CREATE TABLE subject_replica (
        subject_type text NOT NULL CHECK (subject_type IN ('PRODUCT', 'RIDE')),
        subject_id {uuid} NOT NULL,
        seller_id {uuid},
        rider_id {uuid},
        driver_id {uuid},
        title text,
        active boolean NOT NULL,
        completed_at bigint,
        seq bigint NOT NULL,
        PRIMARY KEY (subject_type, subject_id)
    )",
];
