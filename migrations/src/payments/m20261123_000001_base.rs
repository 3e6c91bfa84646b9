//! The first release's tables.
#![expect(elided_lifetimes_in_paths, reason = "the trait of sea-orm-migration elides them")]

use sea_orm_migration::prelude::*;

use super::{cards_and_payments, catalogue, ledger, orders, rides, sandbox};

#[derive(Debug)]
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261123_000001_payments_base"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        catalogue::up(connection).await?;
        orders::up(connection).await?;
        cards_and_payments::up(connection).await?;
        rides::up(connection).await?;
        ledger::up(connection).await?;
        sandbox::up(connection).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        sandbox::down(connection).await?;
        ledger::down(connection).await?;
        rides::down(connection).await?;
        cards_and_payments::down(connection).await?;
        orders::down(connection).await?;
        catalogue::down(connection).await
    }
}
