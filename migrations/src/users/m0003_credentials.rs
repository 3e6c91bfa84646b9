//! What people prove themselves with, besides the password, and the counters that slow guessing.
#![expect(elided_lifetimes_in_paths, reason = "the trait of sea-orm-migration elides them")]

use sea_orm_migration::prelude::*;

use super::shape::{
    belongs_to, bytes, create, drop_all, id, number, number_null, one_of, text, text_null, uuid,
};

#[derive(Debug)]
pub(super) struct Credentials;

impl MigrationName for Credentials {
    fn name(&self) -> &'static str {
        "users_0003_credentials"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Credentials {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        one_time_tokens(manager).await?;
        second_factors(manager).await?;
        access_tokens(manager).await?;
        login_counters(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(
            manager,
            &[
                "login_failures",
                "login_counters",
                "access_tokens",
                "passkeys",
                "recovery_codes",
                "totp",
                "one_time_tokens",
            ],
        )
        .await
    }
}

async fn one_time_tokens(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create(
        manager,
        Table::create()
            .table("one_time_tokens")
            .col(id())
            .col(uuid("user_id"))
            .col(one_of(
                "kind",
                &["VERIFY", "RESET", "EMAIL_CHANGE", "UNDO", "MFA", "EXPORT", "PASSKEY"],
            ))
            .col(bytes("hash"))
            .col(text_null("payload"))
            .col(number("tries"))
            .col(number("expires_at"))
            .col(number_null("used_at"))
            .col(number("created_at"))
            .foreign_key(&mut belongs_to("one_time_tokens", "user_id", "users")),
        vec![
            Index::create()
                .name("one_time_tokens_hash")
                .table("one_time_tokens")
                .col("hash")
                .unique()
                .take(),
            Index::create()
                .name("one_time_tokens_open")
                .table("one_time_tokens")
                .col("user_id")
                .col("kind")
                .unique()
                .and_where(Expr::col("used_at").is_null())
                .take(),
            Index::create()
                .name("one_time_tokens_expires")
                .table("one_time_tokens")
                .col("expires_at")
                .take(),
        ],
    )
    .await
}

async fn second_factors(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create(
        manager,
        Table::create()
            .table("totp")
            .col(ColumnDef::new("user_id").uuid().not_null().primary_key())
            .col(bytes("secret_enc"))
            .col(text("key_id"))
            .col(number_null("confirmed_at"))
            .col(number("last_step"))
            .col(number("created_at"))
            .foreign_key(&mut belongs_to("totp", "user_id", "users")),
        Vec::new(),
    )
    .await?;
    create(
        manager,
        Table::create()
            .table("recovery_codes")
            .col(id())
            .col(uuid("user_id"))
            .col(text("code_id"))
            .col(text("hash"))
            .col(number_null("used_at"))
            .col(number("created_at"))
            .foreign_key(&mut belongs_to("recovery_codes", "user_id", "users")),
        vec![
            Index::create()
                .name("recovery_codes_code")
                .table("recovery_codes")
                .col("user_id")
                .col("code_id")
                .unique()
                .take(),
        ],
    )
    .await?;
    create(
        manager,
        Table::create()
            .table("passkeys")
            .col(id())
            .col(uuid("user_id"))
            .col(bytes("credential_id"))
            .col(text("passkey"))
            .col(number("sign_count"))
            .col(number_null("last_used_at"))
            .col(number("created_at"))
            .foreign_key(&mut belongs_to("passkeys", "user_id", "users")),
        vec![
            Index::create()
                .name("passkeys_credential")
                .table("passkeys")
                .col("credential_id")
                .unique()
                .take(),
            Index::create().name("passkeys_user").table("passkeys").col("user_id").take(),
        ],
    )
    .await
}

async fn access_tokens(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create(
        manager,
        Table::create()
            .table("access_tokens")
            .col(id())
            .col(uuid("user_id"))
            .col(text("name"))
            .col(text("prefix"))
            .col(bytes("hash"))
            .col(text("scopes"))
            .col(number("expires_at"))
            .col(number_null("last_used_at"))
            .col(number_null("revoked_at"))
            .col(number("created_at"))
            .foreign_key(&mut belongs_to("access_tokens", "user_id", "users")),
        vec![
            Index::create()
                .name("access_tokens_hash")
                .table("access_tokens")
                .col("hash")
                .unique()
                .take(),
            Index::create()
                .name("access_tokens_user")
                .table("access_tokens")
                .col("user_id")
                .col("created_at")
                .take(),
        ],
    )
    .await
}

/// Counters are keyed by an HMAC of the address or network, known to us or not, so that they
/// tell nobody which addresses have an account.
async fn login_counters(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create(
        manager,
        Table::create()
            .table("login_counters")
            .col(one_of("kind", &["ACCOUNT", "IP", "RESET", "VERIFY", "VERIFY_AT_LOG_IN"]))
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
    create(
        manager,
        Table::create()
            .table("login_failures")
            .col(bytes("ip_key"))
            .col(bytes("account_key"))
            .col(number("at"))
            .primary_key(Index::create().col("ip_key").col("account_key")),
        vec![Index::create().name("login_failures_at").table("login_failures").col("at").take()],
    )
    .await
}
