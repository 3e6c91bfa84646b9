//! Reviews and everything that hangs on one review: revisions, votes, reports, the reply, the
//! moderation log and text fingerprints.
#![expect(elided_lifetimes_in_paths, reason = "the trait of sea-orm-migration elides them")]

use sea_orm_migration::prelude::*;

use super::dialect::{append_only, drop_append_only, drop_tables, run};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m2026_11_01_000101_reviews"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, TABLES).await?;
        run(manager, INDEXES).await?;
        append_only(manager, "review_revisions", Some(REDACTION)).await?;
        append_only(manager, "moderation_log", None).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "review_fingerprints",
                "moderation_log",
                "review_replies",
                "review_reports",
                "review_votes",
                "review_revisions",
                "reviews",
            ],
        )
        .await?;
        drop_append_only(manager, "review_revisions").await?;
        drop_append_only(manager, "moderation_log").await
    }
}

/// Erasing a person may blank the text of a revision; nothing else of it ever changes.
const REDACTION: &str = "NEW.title IS NULL AND NEW.body IS NULL
    AND NEW.review_id = OLD.review_id AND NEW.version = OLD.version
    AND NEW.rating = OLD.rating AND NEW.created_at = OLD.created_at";

const TABLES: &[&str] = &[
    "CREATE TABLE reviews (
        id {uuid} PRIMARY KEY NOT NULL,
        author_id {uuid},
        subject_type text NOT NULL CHECK (subject_type IN ('PRODUCT', 'RIDE')),
        subject_id {uuid} NOT NULL,
        driver_id {uuid},
        rating integer NOT NULL CHECK (rating BETWEEN 1 AND 5),
        title text,
        body text,
        locale text NOT NULL,
        status text NOT NULL
            CHECK (status IN ('PENDING', 'PUBLISHED', 'REJECTED', 'HIDDEN', 'DELETED')),
        verified boolean NOT NULL,
        incentivized boolean NOT NULL,
        replied boolean NOT NULL,
        helpful integer NOT NULL CHECK (helpful >= 0),
        unhelpful integer NOT NULL CHECK (unhelpful >= 0),
        helpfulness_ppm bigint NOT NULL CHECK (helpfulness_ppm BETWEEN 0 AND 1000000),
        edits integer NOT NULL CHECK (edits >= 0),
        verification text NOT NULL CHECK (verification IN ('DONE', 'WAITING')),
        verify_at bigint,
        verify_attempts integer NOT NULL,
        pending_version integer,
        queued_at bigint,
        text_hash bigint,
        created_at bigint NOT NULL,
        updated_at bigint NOT NULL,
        published_at bigint,
        edited_at bigint,
        deleted_at bigint,
        version integer NOT NULL CHECK (version > 0),
        CHECK ((status = 'DELETED') = (deleted_at IS NOT NULL)),
        CHECK (status <> 'PUBLISHED' OR published_at IS NOT NULL),
        CHECK ((verification = 'WAITING') = (verify_at IS NOT NULL)),
        CHECK (pending_version IS NULL OR status = 'PUBLISHED')
    )",
    "CREATE TABLE review_revisions (
        review_id {uuid} NOT NULL REFERENCES reviews (id),
        version integer NOT NULL,
        rating integer NOT NULL CHECK (rating BETWEEN 1 AND 5),
        title text,
        body text,
        created_at bigint NOT NULL,
        PRIMARY KEY (review_id, version)
    )",
    "CREATE TABLE review_votes (
        review_id {uuid} NOT NULL REFERENCES reviews (id),
        voter_id {uuid} NOT NULL,
        kind text NOT NULL CHECK (kind IN ('HELPFUL', 'UNHELPFUL')),
        voted_at bigint NOT NULL,
        PRIMARY KEY (review_id, voter_id)
    )",
    "CREATE TABLE review_reports (
        review_id {uuid} NOT NULL REFERENCES reviews (id),
        reporter_id {uuid} NOT NULL,
        reason text NOT NULL,
        note text,
        weight integer NOT NULL CHECK (weight > 0),
        state text NOT NULL CHECK (state IN ('OPEN', 'UPHELD', 'DISMISSED')),
        created_at bigint NOT NULL,
        PRIMARY KEY (review_id, reporter_id)
    )",
    "CREATE TABLE review_replies (
        review_id {uuid} PRIMARY KEY NOT NULL REFERENCES reviews (id),
        id {uuid} NOT NULL,
        author_id {uuid},
        body text NOT NULL,
        status text NOT NULL CHECK (status IN ('PUBLISHED', 'HIDDEN')),
        created_at bigint NOT NULL,
        edited_at bigint,
        version integer NOT NULL
    )",
    "CREATE TABLE moderation_log (
        id {uuid} PRIMARY KEY NOT NULL,
        review_id {uuid} NOT NULL REFERENCES reviews (id),
        from_status text,
        to_status text NOT NULL,
        reason text,
        note text,
        actor_id {uuid},
        automatic boolean NOT NULL,
        created_at bigint NOT NULL
    )",
    "CREATE TABLE review_fingerprints (
        review_id {uuid} PRIMARY KEY NOT NULL REFERENCES reviews (id),
        author_id {uuid},
        fingerprint bigint NOT NULL,
        band0 integer NOT NULL,
        band1 integer NOT NULL,
        band2 integer NOT NULL,
        band3 integer NOT NULL
    )",
];

const INDEXES: &[&str] = &[
    "CREATE UNIQUE INDEX reviews_one_per_author
        ON reviews (author_id, subject_type, subject_id) WHERE deleted_at IS NULL",
    "CREATE INDEX reviews_most_helpful
        ON reviews (subject_type, subject_id, status, helpfulness_ppm DESC, id DESC)",
    "CREATE INDEX reviews_newest
        ON reviews (subject_type, subject_id, status, published_at DESC, id DESC)",
    "CREATE INDEX reviews_highest
        ON reviews (subject_type, subject_id, status, rating DESC, id DESC)",
    "CREATE INDEX reviews_lowest
        ON reviews (subject_type, subject_id, status, rating, id DESC)",
    "CREATE INDEX reviews_latest ON reviews (status, published_at DESC, id DESC)",
    "CREATE INDEX reviews_created ON reviews (status, created_at)",
    "CREATE INDEX reviews_by_author ON reviews (author_id, status, published_at)",
    "CREATE INDEX reviews_queue ON reviews (queued_at, id) WHERE queued_at IS NOT NULL",
    "CREATE INDEX reviews_verify ON reviews (verify_at) WHERE verify_at IS NOT NULL",
    "CREATE INDEX review_votes_by_voter ON review_votes (voter_id)",
    "CREATE INDEX review_reports_by_reporter ON review_reports (reporter_id)",
    "CREATE INDEX review_replies_by_author ON review_replies (author_id)",
    "CREATE INDEX moderation_log_by_review ON moderation_log (review_id, created_at, id)",
    "CREATE INDEX review_fingerprints_band0 ON review_fingerprints (band0)",
    "CREATE INDEX review_fingerprints_band1 ON review_fingerprints (band1)",
    "CREATE INDEX review_fingerprints_band2 ON review_fingerprints (band2)",
    "CREATE INDEX review_fingerprints_band3 ON review_fingerprints (band3)",
];
