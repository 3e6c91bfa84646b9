//! Loading many reviews at once, as the demo data needs it.
//!
//! Reviews come with ids, times and votes; nothing is moderated and nobody gets mail. Counters
//! are computed by the recount's own SQL at the end, and each published review gets its event,
//! so everything is as if the reviews had been written one by one.

use std::collections::BTreeMap;

use kit::events::{NewEvent, append_all};
use kit::id::{ReviewId, UserId};
use kit::{Database, Timestamp};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, Value};
use uuid::Uuid;

use crate::command::event_payload;
use crate::domain::contribution::{Daily, Difference, Ratings};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::search::fold;
use crate::domain::status::Status;
use crate::domain::subject::Subject;
use crate::domain::wilson::lower_bound_ppm;
use crate::entity::{moderation_entry, reply, review, revision};
use crate::store::counters;
use crate::store::sql::Sql;

/// A published review to be loaded.
#[derive(Clone, Debug)]
pub struct ImportedReview {
    pub id: ReviewId,
    pub author: UserId,
    pub subject: Subject,
    /// Of a ride: its driver.
    pub driver: Option<UserId>,
    pub rating: i32,
    pub title: Option<String>,
    pub body: Option<String>,
    pub locale: String,
    pub verified: bool,
    pub created_at: Timestamp,
    /// Voters and whether they found it helpful; nobody twice, not the author.
    pub votes: Vec<(UserId, bool)>,
    pub reply: Option<ImportedReply>,
}

/// A reply to be loaded with its review.
#[derive(Clone, Debug)]
pub struct ImportedReply {
    pub author: UserId,
    pub body: String,
    pub created_at: Timestamp,
}

/// Loads the reviews in one transaction; all or none.
pub async fn import(database: &Database, reviews: &[ImportedReview]) -> Result<(), DbErr> {
    database
        .write(|tx| {
            Box::pin(async move {
                let rows: Vec<review::Model> = reviews.iter().map(row).collect();
                insert_reviews(tx, &rows).await?;
                insert_votes(tx, reviews).await?;
                insert_replies(tx, reviews).await?;
                insert_texts(tx, &rows).await?;
                count(tx, &rows).await?;
                announce(tx, &rows).await
            })
        })
        .await
}

fn row(imported: &ImportedReview) -> review::Model {
    let helpful = imported.votes.iter().filter(|(_, helpful)| *helpful).count();
    let small = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let unhelpful = small(imported.votes.len() - helpful);
    let helpful = small(helpful);
    let at = imported.created_at.0;
    let fingerprint = Fingerprint::of(imported.title.as_deref(), imported.body.as_deref());
    review::Model {
        id: imported.id.uuid(),
        author_id: Some(imported.author.uuid()),
        subject_type: imported.subject.kind.as_str().to_owned(),
        subject_id: imported.subject.id,
        driver_id: imported.driver.map(|driver| driver.uuid()),
        rating: imported.rating,
        title: imported.title.clone(),
        body: imported.body.clone(),
        locale: imported.locale.clone(),
        status: Status::Published.as_str().to_owned(),
        verified: imported.verified,
        incentivized: false,
        replied: imported.reply.is_some(),
        helpful,
        unhelpful,
        helpfulness_ppm: lower_bound_ppm(helpful, unhelpful),
        edits: 0,
        verification: review::DONE.to_owned(),
        verify_at: None,
        verify_attempts: 0,
        pending_version: None,
        queued_at: None,
        text_hash: fingerprint.map(|fingerprint| fingerprint.exact),
        created_at: at,
        updated_at: at,
        published_at: Some(at),
        edited_at: None,
        deleted_at: None,
        version: 1,
    }
}

async fn insert_reviews(tx: &kit::Transaction<'_>, rows: &[review::Model]) -> Result<(), DbErr> {
    for chunk in rows.chunks(500) {
        let models = chunk.iter().map(|row| row.clone().into_active_model());
        review::Entity::insert_many(models).exec_without_returning(tx).await?;
        let revisions = chunk.iter().map(|row| {
            revision::Model {
                review_id: row.id,
                version: row.version,
                rating: row.rating,
                title: row.title.clone(),
                body: row.body.clone(),
                created_at: row.created_at,
            }
            .into_active_model()
        });
        revision::Entity::insert_many(revisions).exec_without_returning(tx).await?;
        let entries = chunk.iter().map(|row| {
            moderation_entry::Model {
                id: kit::id::new_id(Timestamp(row.created_at)),
                review_id: row.id,
                from_status: None,
                to_status: row.status.clone(),
                reason: None,
                note: None,
                actor_id: None,
                automatic: true,
                created_at: row.created_at,
            }
            .into_active_model()
        });
        moderation_entry::Entity::insert_many(entries).exec_without_returning(tx).await?;
    }
    Ok(())
}

async fn insert_votes(tx: &kit::Transaction<'_>, reviews: &[ImportedReview]) -> Result<(), DbErr> {
    let votes: Vec<[Value; 4]> = reviews
        .iter()
        .flat_map(|review| {
            review.votes.iter().map(|(voter, helpful)| {
                let kind = if *helpful { "HELPFUL" } else { "UNHELPFUL" };
                [
                    review.id.uuid().into(),
                    voter.uuid().into(),
                    kind.into(),
                    review.created_at.0.into(),
                ]
            })
        })
        .collect();
    insert_rows(tx, "review_votes (review_id, voter_id, kind, voted_at)", &votes).await
}

async fn insert_replies(
    tx: &kit::Transaction<'_>,
    reviews: &[ImportedReview],
) -> Result<(), DbErr> {
    let replies: Vec<reply::ActiveModel> = reviews
        .iter()
        .filter_map(|review| {
            let reply = review.reply.as_ref()?;
            let model = reply::Model {
                review_id: review.id.uuid(),
                id: kit::id::new_id(reply.created_at),
                author_id: Some(reply.author.uuid()),
                body: reply.body.clone(),
                status: Status::Published.as_str().to_owned(),
                created_at: reply.created_at.0,
                edited_at: None,
                version: 1,
            };
            Some(model.into_active_model())
        })
        .collect();
    for chunk in replies.chunks(500) {
        reply::Entity::insert_many(chunk.to_vec()).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Search index and fingerprints.
async fn insert_texts(tx: &kit::Transaction<'_>, rows: &[review::Model]) -> Result<(), DbErr> {
    let texts: Vec<[Value; 2]> = rows
        .iter()
        .map(|row| {
            let (title, body) = (row.title.as_deref(), row.body.as_deref());
            fold(&format!("{} {}", title.unwrap_or_default(), body.unwrap_or_default()))
        })
        .zip(rows)
        .filter(|(text, _)| !text.is_empty())
        .map(|(text, row)| [row.id.into(), text.into()])
        .collect();
    insert_rows(tx, "review_search (review_id, text)", &texts).await?;
    let prints: Vec<[Value; 7]> = rows
        .iter()
        .filter_map(|row| {
            let print = Fingerprint::of(row.title.as_deref(), row.body.as_deref())?;
            let [band0, band1, band2, band3] = print.bands();
            let bits = print.simhash.cast_signed();
            Some([
                row.id.into(),
                row.author_id.into(),
                bits.into(),
                band0.into(),
                band1.into(),
                band2.into(),
                band3.into(),
            ])
        })
        .collect();
    let table = "review_fingerprints \
        (review_id, author_id, fingerprint, band0, band1, band2, band3)";
    insert_rows(tx, table, &prints).await
}

async fn insert_rows<const N: usize>(
    tx: &kit::Transaction<'_>,
    table: &str,
    rows: &[[Value; N]],
) -> Result<(), DbErr> {
    for chunk in rows.chunks(500) {
        let place = format!("({})", vec!["?"; N].join(", "));
        let places = vec![place; chunk.len()].join(", ");
        let sql = Sql::new(&format!("INSERT INTO {table} VALUES {places}"));
        let sql = chunk.iter().flatten().fold(sql, |sql, value| sql.bind(value.clone()));
        tx.execute_raw(sql.on(tx.get_database_backend())).await?;
    }
    Ok(())
}

/// Sums all contributions first, so that each counter is touched once.
async fn count(tx: &kit::Transaction<'_>, rows: &[review::Model]) -> Result<(), DbErr> {
    let mut summaries: BTreeMap<Subject, (Ratings, i64)> = BTreeMap::new();
    let mut drivers: BTreeMap<Uuid, (Ratings, i64)> = BTreeMap::new();
    let mut days: BTreeMap<(i32, Subject), Daily> = BTreeMap::new();
    for row in rows {
        let difference = Difference::between(None, Some(&row.counted()));
        for (subject, ratings) in &difference.summaries {
            let entry = summaries.entry(*subject).or_default();
            entry.0.add(ratings);
            entry.1 = entry.1.max(row.updated_at);
        }
        for (driver, ratings) in &difference.drivers {
            let entry = drivers.entry(*driver).or_default();
            entry.0.add(ratings);
            entry.1 = entry.1.max(row.updated_at);
        }
        for (day, subject, daily) in &difference.days {
            days.entry((*day, *subject)).or_default().add(daily);
        }
    }
    counters::add(tx, &summaries, &drivers, &days).await
}

async fn announce(tx: &kit::Transaction<'_>, rows: &[review::Model]) -> Result<(), DbErr> {
    let events = rows
        .iter()
        .map(|row| NewEvent {
            at: Timestamp(row.created_at),
            kind: "review.published".to_owned(),
            key: ReviewId(row.id).to_string(),
            payload: event_payload(row),
        })
        .collect();
    append_all(tx, events).await?;
    Ok(())
}
