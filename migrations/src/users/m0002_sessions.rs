//! What proves a log-in: sessions, refresh-token families, signing keys, and the feed of
//! revocations that the gateway follows.
#![expect(elided_lifetimes_in_paths, reason = "the trait of sea-orm-migration elides them")]

use sea_orm_migration::prelude::*;

use super::shape::{
    belongs_to, bytes, create, drop_all, flag, id, number, number_null, one_of, text, text_null,
    uuid, uuid_null,
};

#[derive(Debug)]
pub(super) struct Sessions;

impl MigrationName for Sessions {
    fn name(&self) -> &'static str {
        "users_0002_sessions"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Sessions {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(
            manager,
            Table::create()
                .table("sessions")
                .col(id())
                .col(uuid("user_id"))
                .col(text_null("device_name"))
                .col(text_null("ip"))
                .col(text_null("user_agent"))
                .col(text("device_key"))
                .col(text_null("network_key"))
                .col(flag("mfa"))
                .col(number("auth_time"))
                .col(number("last_seen_at"))
                .col(number("idle_expires_at"))
                .col(number("expires_at"))
                .col(number_null("revoked_at"))
                .col(text_null("revoke_reason"))
                .col(number("version"))
                .col(number("created_at"))
                .col(number("updated_at"))
                .foreign_key(&mut belongs_to("sessions", "user_id", "users")),
            vec![
                Index::create()
                    .name("sessions_user")
                    .table("sessions")
                    .col("user_id")
                    .col("revoked_at")
                    .take(),
                Index::create().name("sessions_expires").table("sessions").col("expires_at").take(),
            ],
        )
        .await?;
        create(
            manager,
            Table::create()
                .table("token_families")
                .col(id())
                .col(uuid("session_id"))
                .col(text("client_id"))
                .col(text("scope"))
                .col(number("generation"))
                .col(number("rotated_at"))
                .col(number_null("generation_used_at"))
                .col(number_null("revoked_at"))
                .col(number("created_at"))
                .foreign_key(&mut belongs_to("token_families", "session_id", "sessions")),
            vec![
                Index::create()
                    .name("token_families_session")
                    .table("token_families")
                    .col("session_id")
                    .take(),
            ],
        )
        .await?;
        create(
            manager,
            Table::create()
                .table("signing_keys")
                .col(id())
                .col(text("kid"))
                .col(one_of("alg", &["EdDSA", "RS256"]))
                .col(one_of("state", &["PENDING", "ACTIVE", "RETIRING"]))
                .col(bytes("private_enc"))
                .col(text("kek_id"))
                .col(text("public_jwk"))
                .col(number("publish_at"))
                .col(number("activate_at"))
                .col(number_null("retire_at"))
                .col(number_null("remove_at"))
                .col(number("created_at")),
            vec![
                Index::create()
                    .name("signing_keys_kid")
                    .table("signing_keys")
                    .col("kid")
                    .unique()
                    .take(),
                Index::create()
                    .name("signing_keys_active")
                    .table("signing_keys")
                    .col("alg")
                    .unique()
                    .and_where(Expr::col("state").eq("ACTIVE"))
                    .take(),
                Index::create()
                    .name("signing_keys_pending")
                    .table("signing_keys")
                    .col("alg")
                    .unique()
                    .and_where(Expr::col("state").eq("PENDING"))
                    .take(),
            ],
        )
        .await?;
        create(
            manager,
            Table::create()
                .table("revocations")
                .col(ColumnDef::new("seq").big_integer().not_null().primary_key())
                .col(uuid_null("session_id"))
                .col(uuid_null("user_id"))
                .col(number("not_before"))
                .col(number("expires_at"))
                .col(number("created_at"))
                .check(Expr::cust("(session_id IS NULL) <> (user_id IS NULL)")),
            vec![
                Index::create()
                    .name("revocations_expires")
                    .table("revocations")
                    .col("expires_at")
                    .take(),
            ],
        )
        .await?;
        // One row: the number of the last revocation. Taken by `n = n + 1 RETURNING n` in the
        // transaction that revokes, so that a reader never skips a late commit.
        create(
            manager,
            Table::create()
                .table("revocation_counter")
                .col(ColumnDef::new("id").big_integer().not_null().primary_key())
                .col(number("n")),
            Vec::new(),
        )
        .await?;
        manager
            .execute(
                Query::insert()
                    .into_table("revocation_counter")
                    .columns(["id", "n"])
                    .values_panic([1i64.into(), 0i64.into()])
                    .take(),
            )
            .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(
            manager,
            &["revocation_counter", "revocations", "signing_keys", "token_families", "sessions"],
        )
        .await
    }
}
