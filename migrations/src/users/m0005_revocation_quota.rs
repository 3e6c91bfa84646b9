//! Tokens may be ended without a credential, so often per network: one more kind of counter.
#![expect(elided_lifetimes_in_paths, reason = "the trait of sea-orm-migration elides them")]

use sea_orm_migration::prelude::*;

use super::shape::{bytes, create, number, one_of};

#[derive(Debug)]
pub(super) struct RevocationQuota;

const BEFORE: [&str; 5] = ["ACCOUNT", "IP", "RESET", "VERIFY", "VERIFY_AT_LOG_IN"];
const AFTER: [&str; 6] = ["ACCOUNT", "IP", "RESET", "VERIFY", "VERIFY_AT_LOG_IN", "REVOKE"];

impl MigrationName for RevocationQuota {
    fn name(&self) -> &'static str {
        "users_0005_revocation_quota"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for RevocationQuota {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        rebuild(manager, &AFTER).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        rebuild(manager, &BEFORE).await
    }
}

/// SQLite cannot change a CHECK, so the table is made again; PostgreSQL takes the same statements.
async fn rebuild(manager: &SchemaManager<'_>, kinds: &[&str]) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    for statement in [
        "DROP INDEX login_counters_locked",
        "ALTER TABLE login_counters RENAME TO login_counters_before",
    ] {
        connection.execute_unprepared(statement).await?;
    }
    create(
        manager,
        Table::create()
            .table("login_counters")
            .col(one_of("kind", kinds))
            .col(bytes("key"))
            .col(number("failures"))
            .col(number("window_start"))
            .col(number("locked_until"))
            .primary_key(Index::create().col("kind").col("key")),
        vec![
            Index::create()
                .name("login_counters_locked")
                .table("login_counters")
                .col("locked_until")
                .take(),
        ],
    )
    .await?;
    let known: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
    let copy = format!(
        "INSERT INTO login_counters (kind, key, failures, window_start, locked_until) \
         SELECT kind, key, failures, window_start, locked_until FROM login_counters_before \
         WHERE kind IN ({})",
        known.join(", ")
    );
    connection.execute_unprepared(&copy).await?;
    connection.execute_unprepared("DROP TABLE login_counters_before").await?;
    Ok(())
}
