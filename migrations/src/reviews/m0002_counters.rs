//! Everything that is counted: rating summaries, drivers' summaries, daily analytics, the
//! catalogue's mean and the windows of the rate limits. All but the last two can be recounted
//! from the reviews; `reviews verify` does so.
#![expect(elided_lifetimes_in_paths, reason = "the trait of sea-orm-migration elides them")]

use sea_orm_migration::prelude::*;

use super::dialect::{drop_tables, run};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m2026_11_01_000102_reviews_counters"
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
        drop_tables(
            manager,
            &[
                "rate_windows",
                "catalogue_prior",
                "analytics_daily",
                "driver_summaries",
                "rating_summaries",
            ],
        )
        .await
    }
}

const TABLES: &[&str] = &[
    "CREATE TABLE rating_summaries (
        subject_type text NOT NULL CHECK (subject_type IN ('PRODUCT', 'RIDE')),
        subject_id {uuid} NOT NULL,
        n1 integer NOT NULL CHECK (n1 >= 0),
        n2 integer NOT NULL CHECK (n2 >= 0),
        n3 integer NOT NULL CHECK (n3 >= 0),
        n4 integer NOT NULL CHECK (n4 >= 0),
        n5 integer NOT NULL CHECK (n5 >= 0),
        verified_n integer NOT NULL CHECK (verified_n >= 0),
        updated_at bigint NOT NULL,
        PRIMARY KEY (subject_type, subject_id)
    )",
    "CREATE TABLE driver_summaries (
        user_id {uuid} PRIMARY KEY NOT NULL,
        n1 integer NOT NULL CHECK (n1 >= 0),
        n2 integer NOT NULL CHECK (n2 >= 0),
        n3 integer NOT NULL CHECK (n3 >= 0),
        n4 integer NOT NULL CHECK (n4 >= 0),
        n5 integer NOT NULL CHECK (n5 >= 0),
        verified_n integer NOT NULL CHECK (verified_n >= 0),
        updated_at bigint NOT NULL
    )",
    // The row of all subjects together has the type 'ALL' and the nil id.
    "CREATE TABLE analytics_daily (
        day integer NOT NULL,
        subject_type text NOT NULL CHECK (subject_type IN ('PRODUCT', 'RIDE', 'ALL')),
        subject_id {uuid} NOT NULL,
        submitted integer NOT NULL CHECK (submitted >= 0),
        pending integer NOT NULL CHECK (pending >= 0),
        rejected integer NOT NULL CHECK (rejected >= 0),
        n1 integer NOT NULL CHECK (n1 >= 0),
        n2 integer NOT NULL CHECK (n2 >= 0),
        n3 integer NOT NULL CHECK (n3 >= 0),
        n4 integer NOT NULL CHECK (n4 >= 0),
        n5 integer NOT NULL CHECK (n5 >= 0),
        verified integer NOT NULL CHECK (verified >= 0),
        replied integer NOT NULL CHECK (replied >= 0),
        h0 integer NOT NULL CHECK (h0 >= 0),
        h1 integer NOT NULL CHECK (h1 >= 0),
        h2 integer NOT NULL CHECK (h2 >= 0),
        h3 integer NOT NULL CHECK (h3 >= 0),
        h4 integer NOT NULL CHECK (h4 >= 0),
        h5 integer NOT NULL CHECK (h5 >= 0),
        h6 integer NOT NULL CHECK (h6 >= 0),
        h7 integer NOT NULL CHECK (h7 >= 0),
        h8 integer NOT NULL CHECK (h8 >= 0),
        h9 integer NOT NULL CHECK (h9 >= 0),
        PRIMARY KEY (subject_type, subject_id, day)
    )",
    "CREATE INDEX analytics_daily_by_day ON analytics_daily (subject_type, day)",
    "CREATE TABLE catalogue_prior (
        id integer PRIMARY KEY NOT NULL CHECK (id = 1),
        ratings bigint NOT NULL CHECK (ratings >= 0),
        stars bigint NOT NULL CHECK (stars >= 0),
        computed_at bigint NOT NULL
    )",
    "CREATE TABLE rate_windows (
        key text NOT NULL,
        window_end bigint NOT NULL,
        n integer NOT NULL,
        PRIMARY KEY (key, window_end)
    )",
    "CREATE INDEX rate_windows_end ON rate_windows (window_end)",
];
