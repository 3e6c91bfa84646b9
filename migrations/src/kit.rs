//! Tables of the chassis that every service has in its own database: outbox, event feed, what was
//! consumed of other services' feeds, idempotency, suppressed addresses and the development inbox.
//!
//! Each service's `Migrator` puts [`migrations`] before its own. This module knows no service and
//! no SeaORM entity: a migration must keep meaning the same when the code has moved on.
#![expect(elided_lifetimes_in_paths, reason = "the trait of sea-orm-migration elides them")]

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// The chassis' migrations, oldest first.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Mail), Box::new(Feed), Box::new(Idempotency)]
}

/// Makes a table append-only: `UPDATE` and `DELETE` fail on both engines.
pub async fn forbid_changes(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let statements = match connection.get_database_backend() {
        DbBackend::Sqlite => vec![
            format!(
                "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} \
                 BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            ),
            format!(
                "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} \
                 BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            ),
        ],
        _ => vec![
            "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger AS $$ \
             BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$ LANGUAGE plpgsql"
                .to_owned(),
            format!(
                "CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} \
                 FOR EACH ROW EXECUTE FUNCTION append_only()"
            ),
        ],
    };
    for statement in statements {
        connection.execute_unprepared(&statement).await?;
    }
    Ok(())
}

/// Takes back what [`forbid_changes`] did, so that the table can be dropped.
pub async fn allow_changes(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let statements = match connection.get_database_backend() {
        DbBackend::Sqlite => vec![
            format!("DROP TRIGGER IF EXISTS {table}_no_update"),
            format!("DROP TRIGGER IF EXISTS {table}_no_delete"),
        ],
        _ => vec![format!("DROP TRIGGER IF EXISTS {table}_append_only ON {table}")],
    };
    for statement in statements {
        connection.execute_unprepared(&statement).await?;
    }
    Ok(())
}

/// Events may not be deleted, and of their columns only the payload may change, to the text that
/// says it was removed: an erased person's name must not stay in the feed.
async fn only_redaction(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    const CHANGED: &str = "NEW.payload <> '{\"redacted\":true}' OR NEW.seq <> OLD.seq \
        OR NEW.id <> OLD.id OR NEW.type <> OLD.type OR NEW.key <> OLD.key OR NEW.at <> OLD.at";
    forbid_changes(manager, "events").await?;
    let connection = manager.get_connection();
    let statements = match connection.get_database_backend() {
        DbBackend::Sqlite => [
            "DROP TRIGGER events_no_update".to_owned(),
            format!(
                "CREATE TRIGGER events_no_update BEFORE UPDATE ON events WHEN {CHANGED} \
                 BEGIN SELECT RAISE(ABORT, 'events is append-only'); END"
            ),
        ],
        _ => [
            "DROP TRIGGER events_append_only ON events; \
             CREATE TRIGGER events_append_only BEFORE DELETE ON events \
             FOR EACH ROW EXECUTE FUNCTION append_only()"
                .to_owned(),
            format!(
                "CREATE TRIGGER events_no_update BEFORE UPDATE ON events \
                 FOR EACH ROW WHEN ({CHANGED}) EXECUTE FUNCTION append_only()"
            ),
        ],
    };
    for statement in statements {
        connection.execute_unprepared(&statement).await?;
    }
    Ok(())
}

async fn index(
    manager: &SchemaManager<'_>,
    name: &str,
    table: &'static str,
    column: &'static str,
) -> Result<(), DbErr> {
    let index =
        Index::create().name(name).table(Alias::new(table)).col(Alias::new(column)).to_owned();
    manager.create_index(index).await
}

async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(Alias::new(*table)).to_owned()).await?;
    }
    Ok(())
}

fn id(name: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).uuid().not_null().take()
}

fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).text().not_null().take()
}

fn text_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).text().null().take()
}

fn long(name: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).big_integer().not_null().take()
}

fn long_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).big_integer().null().take()
}

struct Mail;

impl MigrationName for Mail {
    fn name(&self) -> &'static str {
        "m2026_11_01_000001_kit_mail"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Mail {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Alias::new("outbox"))
                    .col(id("id").primary_key())
                    .col(text("template"))
                    .col(text("recipient"))
                    .col(text("locale"))
                    .col(id("entity_id"))
                    .col(long("entity_version"))
                    .col(ColumnDef::new(Alias::new("user_id")).uuid().null())
                    .col(text("data"))
                    .col(text("status").check(Expr::col(Alias::new("status")).is_in([
                        "QUEUED",
                        "SENT",
                        "DEAD",
                        "SUPPRESSED",
                    ])))
                    .col(ColumnDef::new(Alias::new("attempts")).integer().not_null().default(0))
                    .col(long("next_attempt_at"))
                    .col(text_null("lease_owner"))
                    .col(long_null("lease_until"))
                    .col(long_null("sent_at"))
                    .col(text_null("failure"))
                    .col(text_null("last_error"))
                    .col(long("created_at"))
                    .col(long("updated_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("outbox_once")
                    .table(Alias::new("outbox"))
                    .col(Alias::new("template"))
                    .col(Alias::new("entity_id"))
                    .col(Alias::new("entity_version"))
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("outbox_due")
                    .table(Alias::new("outbox"))
                    .col(Alias::new("next_attempt_at"))
                    .col(Alias::new("id"))
                    .and_where(Expr::col(Alias::new("status")).eq("QUEUED"))
                    .to_owned(),
            )
            .await?;
        index(manager, "outbox_entity", "outbox", "entity_id").await?;
        index(manager, "outbox_recipient", "outbox", "recipient").await?;
        manager
            .create_index(
                Index::create()
                    .name("outbox_user")
                    .table(Alias::new("outbox"))
                    .col(Alias::new("user_id"))
                    .col(Alias::new("id"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Alias::new("suppressions"))
                    .col(text("address").primary_key())
                    .col(text("reason"))
                    .col(long("created_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Alias::new("dev_mails"))
                    .col(id("id").primary_key())
                    .col(text("recipient"))
                    .col(text("subject"))
                    .col(text("template"))
                    .col(text("text"))
                    .col(text("html"))
                    .col(long("at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("dev_mails_recipient")
                    .table(Alias::new("dev_mails"))
                    .col(Alias::new("recipient"))
                    .col(Alias::new("at"))
                    .to_owned(),
            )
            .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["dev_mails", "suppressions", "outbox"]).await
    }
}

struct Feed;

impl MigrationName for Feed {
    fn name(&self) -> &'static str {
        "m2026_11_01_000002_kit_feed"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Feed {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Alias::new("events"))
                    .col(long("seq").primary_key())
                    .col(id("id").unique_key())
                    .col(text("type"))
                    .col(text("key"))
                    .col(text("payload"))
                    .col(long("at"))
                    .to_owned(),
            )
            .await?;
        index(manager, "events_key", "events", "key").await?;
        only_redaction(manager).await?;
        manager
            .create_table(
                Table::create()
                    .table(Alias::new("feed_counter"))
                    .col(ColumnDef::new(Alias::new("id")).integer().not_null().primary_key())
                    .col(long("n"))
                    .to_owned(),
            )
            .await?;
        manager
            .exec_stmt(
                Query::insert()
                    .into_table(Alias::new("feed_counter"))
                    .columns([Alias::new("id"), Alias::new("n")])
                    .values_panic([1.into(), 0_i64.into()])
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Alias::new("inbox"))
                    .col(id("event_id").primary_key())
                    .col(text("source"))
                    .col(long("at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Alias::new("cursors"))
                    .col(text("source").primary_key())
                    .col(long("seq"))
                    .col(long("updated_at"))
                    .to_owned(),
            )
            .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        allow_changes(manager, "events").await?;
        drop_tables(manager, &["cursors", "inbox", "feed_counter", "events"]).await
    }
}

struct Idempotency;

impl MigrationName for Idempotency {
    fn name(&self) -> &'static str {
        "m2026_11_01_000003_kit_idempotency"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Idempotency {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Alias::new("idempotency"))
                    .col(id("user_id"))
                    .col(text("operation"))
                    .col(text("key"))
                    .col(ColumnDef::new(Alias::new("input_hash")).blob().not_null())
                    .col(
                        text("state")
                            .check(Expr::col(Alias::new("state")).is_in(["IN_PROGRESS", "DONE"])),
                    )
                    .col(text_null("response"))
                    .col(long("created_at"))
                    .col(long("expires_at"))
                    .primary_key(
                        Index::create()
                            .col(Alias::new("user_id"))
                            .col(Alias::new("operation"))
                            .col(Alias::new("key")),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("idempotency_expiry")
                    .table(Alias::new("idempotency"))
                    .col(Alias::new("expires_at"))
                    .to_owned(),
            )
            .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["idempotency"]).await
    }
}
