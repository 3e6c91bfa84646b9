//! Forgetting what the feeds have told, so that a running service reads them again from the
//! start: after a restore of another service's database, or when a projection is in doubt.

use kit::Database;
use sea_orm::{ConnectionTrait, DbErr};

use crate::store::sql::Sql;

/// A feed and the tables that are made from nothing else.
const PROJECTIONS: [(&str, &[&str]); 2] =
    [("users", &["user_replica"]), ("payments", &["purchases", "subject_replica"])];

/// Empties the projections and sets both cursors back. Reviews and counters are not touched:
/// they are our own.
pub async fn replay(database: &Database) -> Result<(), DbErr> {
    database
        .write(|tx| {
            Box::pin(async move {
                let backend = tx.get_database_backend();
                for (source, tables) in PROJECTIONS {
                    for sql in [
                        "DELETE FROM cursors WHERE source = ?",
                        "DELETE FROM inbox WHERE source = ?",
                    ] {
                        tx.execute_raw(Sql::new(sql).bind(source).on(backend)).await?;
                    }
                    for table in tables {
                        tx.execute_unprepared(&format!("DELETE FROM {table}")).await?;
                    }
                }
                Ok(())
            })
        })
        .await
}
