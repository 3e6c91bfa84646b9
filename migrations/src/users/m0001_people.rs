//! Who people are: accounts, saved addresses, and the log of what happened to their security.
#![expect(elided_lifetimes_in_paths, reason = "the trait of sea-orm-migration elides them")]

use sea_orm_migration::prelude::*;

use super::shape::{
    belongs_to, create, drop_all, drop_update_guard, flag, forbid_updates, id, number, number_null,
    one_of, text, text_null, uuid,
};

#[derive(Debug)]
pub(super) struct People;

impl MigrationName for People {
    fn name(&self) -> &'static str {
        "users_0001_people"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for People {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(
            manager,
            Table::create()
                .table("users")
                .col(id())
                .col(text_null("email"))
                .col(text_null("email_norm"))
                .col(number_null("email_verified_at"))
                .col(text_null("pending_email"))
                .col(text_null("password_hash"))
                .col(number_null("password_changed_at"))
                .col(text("display_name"))
                .col(text_null("given_name"))
                .col(text_null("family_name"))
                .col(text_null("phone"))
                .col(text("locale"))
                .col(text("time_zone"))
                .col(text_null("avatar_url"))
                .col(one_of(
                    "status",
                    &["PENDING_VERIFICATION", "ACTIVE", "SUSPENDED", "DEACTIVATED", "ERASED"],
                ))
                .col(text("roles"))
                .col(flag("is_admin"))
                .col(flag("mfa_enabled"))
                .col(number("token_epoch"))
                .col(number_null("last_login_at"))
                .col(number_null("erase_after"))
                .col(flag("erase_content"))
                .col(number_null("erased_at"))
                .col(number("version"))
                .col(number("created_at"))
                .col(number("updated_at")),
            vec![
                Index::create()
                    .name("users_email_norm")
                    .table("users")
                    .col("email_norm")
                    .unique()
                    .and_where(Expr::col("email_norm").is_not_null())
                    .take(),
                Index::create()
                    .name("users_status_created")
                    .table("users")
                    .col("status")
                    .col("created_at")
                    .take(),
                Index::create()
                    .name("users_admins")
                    .table("users")
                    .col("id")
                    .and_where(Expr::cust("is_admin"))
                    .take(),
                Index::create()
                    .name("users_erase_after")
                    .table("users")
                    .col("erase_after")
                    .and_where(Expr::col("erase_after").is_not_null())
                    .take(),
            ],
        )
        .await?;
        create(
            manager,
            Table::create()
                .table("user_addresses")
                .col(id())
                .col(uuid("user_id"))
                .col(text_null("label"))
                .col(text("address"))
                .col(flag("is_default"))
                .col(number("version"))
                .col(number("created_at"))
                .col(number("updated_at"))
                .foreign_key(&mut belongs_to("user_addresses", "user_id", "users")),
            vec![
                Index::create()
                    .name("user_addresses_user")
                    .table("user_addresses")
                    .col("user_id")
                    .take(),
                Index::create()
                    .name("user_addresses_default")
                    .table("user_addresses")
                    .col("user_id")
                    .unique()
                    .and_where(Expr::cust("is_default"))
                    .take(),
            ],
        )
        .await?;
        create(
            manager,
            Table::create()
                .table("security_events")
                .col(id())
                .col(uuid("user_id"))
                .col(text("kind"))
                .col(text_null("ip"))
                .col(text_null("user_agent"))
                .col(text_null("detail"))
                .col(number("created_at")),
            vec![
                Index::create()
                    .name("security_events_user")
                    .table("security_events")
                    .col("user_id")
                    .col("created_at")
                    .take(),
                Index::create()
                    .name("security_events_created")
                    .table("security_events")
                    .col("created_at")
                    .take(),
            ],
        )
        .await?;
        forbid_updates(manager, "security_events").await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_update_guard(manager, "security_events").await?;
        drop_all(manager, &["security_events", "user_addresses", "users"]).await
    }
}
