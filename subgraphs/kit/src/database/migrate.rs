//! Bringing a database to the schema that the running code expects.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, TransactionTrait};
use sea_orm_migration::{MigrationStatus, MigratorTrait};

use super::{Database, DatabaseError};

/// One lock for all migrations of one database; the number means nothing.
const LOCK: &str = "SELECT pg_advisory_xact_lock(5213377)";

impl Database {
    /// Applies what is pending. Replicas that start together take turns on PostgreSQL.
    pub async fn migrate_up<M: MigratorTrait>(&self) -> Result<(), DatabaseError> {
        self.migrate(async || M::up(&self.writer, None).await).await
    }

    /// Takes back the last `steps` migrations.
    pub async fn migrate_down<M: MigratorTrait>(&self, steps: u32) -> Result<(), DatabaseError> {
        self.migrate(async || M::down(&self.writer, Some(steps)).await).await
    }

    /// Every migration's name, and whether it has been applied.
    pub async fn migration_status<M: MigratorTrait>(
        &self,
    ) -> Result<Vec<(String, bool)>, DatabaseError> {
        M::get_migration_with_status(&self.writer)
            .await
            .map(|migrations| {
                migrations
                    .iter()
                    .map(|migration| {
                        let applied = migration.status() == MigrationStatus::Applied;
                        (migration.name().to_owned(), applied)
                    })
                    .collect()
            })
            .map_err(|source| DatabaseError::Migrate { source })
    }

    async fn migrate(
        &self,
        run: impl AsyncFnOnce() -> Result<(), DbErr>,
    ) -> Result<(), DatabaseError> {
        let migrated = async {
            if self.backend() != DbBackend::Postgres {
                return run().await;
            }
            let turn = self.writer.begin().await?;
            turn.execute_raw(Statement::from_string(DbBackend::Postgres, LOCK)).await?;
            run().await?;
            turn.commit().await
        };
        migrated.await.map_err(|source| DatabaseError::Migrate { source })
    }
}
