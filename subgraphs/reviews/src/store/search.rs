//! The search index: folded text of each review that has any.

use kit::Transaction;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use uuid::Uuid;

use super::sql::Sql;
use crate::domain::search::{fold, fts5_query, tsquery};

/// Makes the review findable by its present text, or unfindable when there is none.
pub(crate) async fn index(
    tx: &Transaction<'_>,
    review: Uuid,
    title: Option<&str>,
    body: Option<&str>,
) -> Result<(), DbErr> {
    let text = fold(&format!("{} {}", title.unwrap_or_default(), body.unwrap_or_default()));
    let sql = if text.is_empty() {
        Sql::new("DELETE FROM review_search WHERE review_id = ?").bind(review)
    } else {
        Sql::new(
            "INSERT INTO review_search (review_id, text) VALUES (?, ?) \
             ON CONFLICT (review_id) DO UPDATE SET text = excluded.text",
        )
        .bind(review)
        .bind(text)
    };
    tx.execute_raw(sql.on(tx.get_database_backend())).await?;
    Ok(())
}

/// Appends the condition that the review `x` holds all the words.
pub(crate) fn condition(sql: Sql, backend: DbBackend, words: &[String]) -> Sql {
    if backend == DbBackend::Postgres {
        sql.text(
            " AND EXISTS (SELECT 1 FROM review_search d WHERE d.review_id = x.id \
             AND d.words @@ to_tsquery('simple', ?))",
        )
        .bind(tsquery(words))
    } else {
        sql.text(
            " AND x.id IN (SELECT d.review_id FROM review_search_index i \
             JOIN review_search d ON d.docid = i.rowid WHERE review_search_index MATCH ?)",
        )
        .bind(fts5_query(words))
    }
}
