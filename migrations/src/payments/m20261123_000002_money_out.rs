//! Payouts, disputes, webhooks and kept sums.
#![expect(elided_lifetimes_in_paths, reason = "the trait of sea-orm-migration elides them")]

use sea_orm_migration::prelude::*;

use super::{analytics, disputes_and_payouts, webhooks};

#[derive(Debug)]
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261123_000002_payments_money_out"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        disputes_and_payouts::up(connection).await?;
        webhooks::up(connection).await?;
        analytics::up(connection).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        analytics::down(connection).await?;
        webhooks::down(connection).await?;
        disputes_and_payouts::down(connection).await
    }
}
