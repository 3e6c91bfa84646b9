//! The catalogue's mean, on which every Bayesian average rests.
//!
//! It is taken from all summaries once an hour and kept in the database, so that replicas
//! agree and rankings hold still between two computations.

use kit::{Database, Timestamp};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};

use super::sql::Sql;
use crate::domain::rating::Prior;

#[derive(Debug, FromQueryResult)]
struct Row {
    ratings: i64,
    stars: i64,
    computed_at: i64,
}

/// The stored mean and when it was computed.
pub(crate) async fn load(conn: &impl ConnectionTrait) -> Result<Option<(Prior, Timestamp)>, DbErr> {
    let sql = Sql::new("SELECT ratings, stars, computed_at FROM catalogue_prior WHERE id = 1");
    let row = Row::find_by_statement(sql.on(conn.get_database_backend())).one(conn).await?;
    Ok(row
        .map(|row| (Prior { ratings: row.ratings, stars: row.stars }, Timestamp(row.computed_at))))
}

/// Computes the mean from the products' summaries and stores it.
pub(crate) async fn recompute(database: &Database, now: Timestamp) -> Result<Prior, DbErr> {
    database
        .write(|tx| {
            Box::pin(async move {
                let backend = tx.get_database_backend();
                let sql = Sql::new(
                    "INSERT INTO catalogue_prior (id, ratings, stars, computed_at) \
                     SELECT 1, COALESCE(SUM(n1 + n2 + n3 + n4 + n5), 0), \
                     COALESCE(SUM(n1 + 2 * n2 + 3 * n3 + 4 * n4 + 5 * n5), 0), ? \
                     FROM rating_summaries WHERE subject_type = 'PRODUCT' \
                     ON CONFLICT (id) DO UPDATE SET ratings = excluded.ratings, \
                     stars = excluded.stars, computed_at = excluded.computed_at",
                )
                .bind(now.0);
                tx.execute_raw(sql.on(backend)).await?;
                Ok::<_, DbErr>(load(tx).await?.map(|(prior, _)| prior).unwrap_or_default())
            })
        })
        .await
}
