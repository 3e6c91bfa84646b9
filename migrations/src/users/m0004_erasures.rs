//! Which services still have to say that they have erased a person.
#![expect(elided_lifetimes_in_paths, reason = "the trait of sea-orm-migration elides them")]

use sea_orm_migration::prelude::*;

use super::shape::{create, drop_all, number, number_null, text, uuid};

#[derive(Debug)]
pub(super) struct Erasures;

impl MigrationName for Erasures {
    fn name(&self) -> &'static str {
        "users_0004_erasures"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Erasures {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(
            manager,
            Table::create()
                .table("erasures")
                .col(uuid("user_id"))
                .col(text("service"))
                .col(number("requested_at"))
                .col(number_null("acknowledged_at"))
                .primary_key(Index::create().col("user_id").col("service")),
            vec![
                Index::create()
                    .name("erasures_open")
                    .table("erasures")
                    .col("requested_at")
                    .and_where(Expr::col("acknowledged_at").is_null())
                    .take(),
            ],
        )
        .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["erasures"]).await
    }
}
