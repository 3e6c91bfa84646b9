//! Who else wrote nearly the same text.

use std::collections::BTreeSet;

use kit::Transaction;
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;

use super::sql::Sql;
use crate::domain::fingerprint::Fingerprint;
use crate::entity::review;

/// Candidates looked at; beyond that a text is surely a copy.
const MOST_CANDIDATES: i64 = 500;

/// How many other people wrote a text within a few bits of this one.
pub(crate) async fn by_others(
    tx: &Transaction<'_>,
    author: Option<Uuid>,
    fingerprint: Fingerprint,
) -> Result<u64, DbErr> {
    let [band0, band1, band2, band3] = fingerprint.bands();
    let sql = Sql::new(
        "SELECT author_id, fingerprint FROM review_fingerprints \
         WHERE (band0 = ? OR band1 = ? OR band2 = ? OR band3 = ?) LIMIT ?",
    )
    .bind(band0)
    .bind(band1)
    .bind(band2)
    .bind(band3)
    .bind(MOST_CANDIDATES);
    let rows = tx.query_all_raw(sql.on(tx.get_database_backend())).await?;
    let mut others = BTreeSet::new();
    for row in rows {
        let who: Option<Uuid> = row.try_get("", "author_id")?;
        let bits: i64 = row.try_get("", "fingerprint")?;
        if who.is_some() && who != author && fingerprint.is_near(bits.cast_unsigned()) {
            others.insert(who);
        }
    }
    Ok(u64::try_from(others.len()).unwrap_or(u64::MAX))
}

/// Remembers the fingerprint of the review's present text, or forgets it.
pub(crate) async fn remember(
    tx: &Transaction<'_>,
    review: &review::Model,
    fingerprint: Option<Fingerprint>,
) -> Result<(), DbErr> {
    let sql = match fingerprint {
        None => Sql::new("DELETE FROM review_fingerprints WHERE review_id = ?").bind(review.id),
        Some(fingerprint) => {
            let [band0, band1, band2, band3] = fingerprint.bands();
            Sql::new(
                "INSERT INTO review_fingerprints \
                 (review_id, author_id, fingerprint, band0, band1, band2, band3) \
                 VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (review_id) DO UPDATE SET \
                 fingerprint = excluded.fingerprint, band0 = excluded.band0, \
                 band1 = excluded.band1, band2 = excluded.band2, band3 = excluded.band3",
            )
            .bind(review.id)
            .bind(review.author_id)
            .bind(fingerprint.simhash.cast_signed())
            .bind(band0)
            .bind(band1)
            .bind(band2)
            .bind(band3)
        }
    };
    tx.execute_raw(sql.on(tx.get_database_backend())).await?;
    Ok(())
}
