//! Full-text search over titles and bodies: FTS5 on SQLite, a `tsvector` column on PostgreSQL.
//! Both fold case and accents the same way: the application writes the folded text into
//! `review_search.text`, so that the engines only split it into words.
#![expect(elided_lifetimes_in_paths, reason = "the trait of sea-orm-migration elides them")]

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

use super::dialect::{drop_tables, run};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m2026_11_01_000104_reviews_search"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DatabaseBackend::Postgres => run(manager, POSTGRES).await,
            _ => run(manager, SQLITE).await,
        }
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DatabaseBackend::Postgres {
            drop_tables(manager, &["review_search_index"]).await?;
        }
        drop_tables(manager, &["review_search"]).await
    }
}

const POSTGRES: &[&str] = &[
    "CREATE TABLE review_search (
        review_id uuid PRIMARY KEY NOT NULL REFERENCES reviews (id),
        text text NOT NULL,
        words tsvector GENERATED ALWAYS AS (to_tsvector('simple', text)) STORED
    )",
    "CREATE INDEX review_search_words ON review_search USING gin (words)",
];

const SQLITE: &[&str] = &[
    "CREATE TABLE review_search (
        docid integer PRIMARY KEY AUTOINCREMENT,
        review_id blob NOT NULL UNIQUE REFERENCES reviews (id),
        text text NOT NULL
    )",
    "CREATE VIRTUAL TABLE review_search_index USING fts5 (
        text, content = 'review_search', content_rowid = 'docid', tokenize = 'ascii')",
    "CREATE TRIGGER review_search_insert AFTER INSERT ON review_search BEGIN
        INSERT INTO review_search_index (rowid, text) VALUES (NEW.docid, NEW.text);
     END",
    "CREATE TRIGGER review_search_delete AFTER DELETE ON review_search BEGIN
        INSERT INTO review_search_index (review_search_index, rowid, text)
        VALUES ('delete', OLD.docid, OLD.text);
     END",
    "CREATE TRIGGER review_search_update AFTER UPDATE ON review_search BEGIN
        INSERT INTO review_search_index (review_search_index, rowid, text)
        VALUES ('delete', OLD.docid, OLD.text);
        INSERT INTO review_search_index (rowid, text) VALUES (NEW.docid, NEW.text);
     END",
];
