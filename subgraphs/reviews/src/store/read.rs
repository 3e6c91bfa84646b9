//! Reads by key, in batches: one statement however many keys.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, Select,
};
use uuid::Uuid;

use super::sql::Sql;
use crate::domain::status::Status;
use crate::domain::subject::{Subject, SubjectType};
use crate::entity::{moderation_entry, rating_summary, reply, review, revision, subject};

pub(crate) async fn review(
    conn: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<review::Model>, DbErr> {
    review::Entity::find_by_id(id).one(conn).await
}

pub(crate) async fn reviews(
    conn: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, review::Model>, DbErr> {
    let rows =
        review::Entity::find().filter(review::Column::Id.is_in(ids.to_vec())).all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The author's own reviews of these subjects that are not deleted.
pub(crate) async fn own_reviews(
    conn: &impl ConnectionTrait,
    author: Uuid,
    subjects: &[Subject],
) -> Result<HashMap<Subject, review::Model>, DbErr> {
    let ids = subjects.iter().map(|subject| subject.id);
    let rows = review::Entity::find()
        .filter(review::Column::AuthorId.eq(author))
        .filter(review::Column::SubjectId.is_in(ids))
        .filter(review::Column::DeletedAt.is_null())
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.subject(), row)).collect())
}

pub(crate) async fn summaries(
    conn: &impl ConnectionTrait,
    subjects: &[Subject],
) -> Result<HashMap<Subject, rating_summary::Model>, DbErr> {
    let rows = of_summaries(subjects).all(conn).await?;
    let keyed = rows.into_iter().filter_map(|row| {
        let kind = SubjectType::from_word(&row.subject_type)?;
        Some((Subject { kind, id: row.subject_id }, row))
    });
    Ok(keyed.collect())
}

pub(super) fn of_summaries(subjects: &[Subject]) -> Select<rating_summary::Entity> {
    let ids = subjects.iter().map(|subject| subject.id);
    // Both types are named, and not left out, so that the primary key's index is used.
    rating_summary::Entity::find()
        .filter(
            rating_summary::Column::SubjectType
                .is_in([SubjectType::Product.as_str(), SubjectType::Ride.as_str()]),
        )
        .filter(rating_summary::Column::SubjectId.is_in(ids))
}

#[derive(Clone, Copy, Debug, FromQueryResult)]
pub(crate) struct DriverSummary {
    pub user_id: Uuid,
    pub n1: i32,
    pub n2: i32,
    pub n3: i32,
    pub n4: i32,
    pub n5: i32,
    pub verified_n: i32,
    pub updated_at: i64,
}

pub(crate) async fn driver_summaries(
    conn: &impl ConnectionTrait,
    drivers: &[Uuid],
) -> Result<HashMap<Uuid, DriverSummary>, DbErr> {
    let sql = Sql::new("SELECT * FROM driver_summaries WHERE user_id IN ")
        .list(drivers.iter().copied())
        .on(conn.get_database_backend());
    let rows = DriverSummary::find_by_statement(sql).all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row)).collect())
}

/// The published rating of each ride.
pub(crate) async fn ride_ratings(
    conn: &impl ConnectionTrait,
    rides: &[Uuid],
) -> Result<HashMap<Uuid, (i32, Option<Uuid>)>, DbErr> {
    let sql = Sql::new("SELECT subject_id, rating, driver_id FROM reviews WHERE subject_type = ?")
        .bind(SubjectType::Ride.as_str())
        .text(" AND status = ?")
        .bind(Status::Published.as_str())
        .text(" AND subject_id IN ")
        .list(rides.iter().copied())
        .on(conn.get_database_backend());
    let rows = conn.query_all_raw(sql).await?;
    rows.iter()
        .map(|row| {
            let rating = (row.try_get("", "rating")?, row.try_get("", "driver_id")?);
            Ok((row.try_get("", "subject_id")?, rating))
        })
        .collect()
}

/// What is known of a person.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Person {
    pub user_id: Uuid,
    pub display_name: String,
    pub status: String,
}

pub(crate) async fn people(
    conn: &impl ConnectionTrait,
    users: &[Uuid],
) -> Result<HashMap<Uuid, Person>, DbErr> {
    let sql = Sql::new("SELECT user_id, display_name, status FROM user_replica WHERE user_id IN ")
        .list(users.iter().copied())
        .on(conn.get_database_backend());
    let rows = Person::find_by_statement(sql).all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row)).collect())
}

/// Published reviews of an author, and helpful votes on them.
#[derive(Clone, Copy, Debug, Default, FromQueryResult)]
pub(crate) struct AuthorTotals {
    pub published: i64,
    pub helpful: i64,
}

pub(crate) async fn author_totals(
    conn: &impl ConnectionTrait,
    authors: &[Uuid],
) -> Result<HashMap<Uuid, AuthorTotals>, DbErr> {
    let sql = Sql::new(
        "SELECT author_id, COUNT(*) AS published, \
         CAST(COALESCE(SUM(helpful), 0) AS bigint) AS helpful FROM reviews WHERE author_id IN ",
    )
    .list(authors.iter().copied())
    .text(" AND status = ? GROUP BY author_id")
    .bind(Status::Published.as_str())
    .on(conn.get_database_backend());
    let rows = conn.query_all_raw(sql).await?;
    rows.iter()
        .map(|row| {
            let totals = AuthorTotals::from_query_result(row, "")?;
            Ok((row.try_get("", "author_id")?, totals))
        })
        .collect()
}

/// Which of the subjects the person has bought (or ridden).
pub(crate) async fn purchased(
    conn: &impl ConnectionTrait,
    user: Uuid,
    subjects: &[Subject],
) -> Result<Vec<Subject>, DbErr> {
    let sql = Sql::new("SELECT DISTINCT kind, subject_id FROM purchases WHERE user_id = ?")
        .bind(user)
        .text(" AND kind IN ('PRODUCT', 'RIDE') AND subject_id IN ")
        .list(subjects.iter().map(|subject| subject.id))
        .on(conn.get_database_backend());
    let rows = conn.query_all_raw(sql).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let word: String = row.try_get("", "kind")?;
        if let Some(kind) = SubjectType::from_word(&word) {
            found.push(Subject { kind, id: row.try_get("", "subject_id")? });
        }
    }
    Ok(found)
}

pub(crate) async fn subjects(
    conn: &impl ConnectionTrait,
    subjects: &[Subject],
) -> Result<HashMap<Subject, subject::Model>, DbErr> {
    let rows = subject::Entity::find()
        .filter(
            subject::Column::SubjectType
                .is_in([SubjectType::Product.as_str(), SubjectType::Ride.as_str()]),
        )
        .filter(subject::Column::SubjectId.is_in(subjects.iter().map(|subject| subject.id)))
        .all(conn)
        .await?;
    let keyed = rows.into_iter().filter_map(|row| {
        let kind = SubjectType::from_word(&row.subject_type)?;
        Some((Subject { kind, id: row.subject_id }, row))
    });
    Ok(keyed.collect())
}

/// The person's votes on these reviews, as stored words.
pub(crate) async fn votes(
    conn: &impl ConnectionTrait,
    voter: Uuid,
    reviews: &[Uuid],
) -> Result<HashMap<Uuid, String>, DbErr> {
    let sql = Sql::new("SELECT review_id, kind FROM review_votes WHERE voter_id = ?")
        .bind(voter)
        .text(" AND review_id IN ")
        .list(reviews.iter().copied())
        .on(conn.get_database_backend());
    let rows = conn.query_all_raw(sql).await?;
    rows.iter().map(|row| Ok((row.try_get("", "review_id")?, row.try_get("", "kind")?))).collect()
}

/// The published replies to these reviews.
pub(crate) async fn replies(
    conn: &impl ConnectionTrait,
    reviews: &[Uuid],
) -> Result<HashMap<Uuid, reply::Model>, DbErr> {
    let rows = reply::Entity::find()
        .filter(reply::Column::ReviewId.is_in(reviews.to_vec()))
        .filter(reply::Column::Status.eq(Status::Published.as_str()))
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.review_id, row)).collect())
}

/// The latest decision about each of these reviews.
pub(crate) async fn decisions(
    conn: &impl ConnectionTrait,
    reviews: &[Uuid],
) -> Result<HashMap<Uuid, moderation_entry::Model>, DbErr> {
    let sql = Sql::new(
        "SELECT * FROM (SELECT l.*, ROW_NUMBER() OVER (PARTITION BY l.review_id \
         ORDER BY l.created_at DESC, l.id DESC) AS latest FROM moderation_log l \
         WHERE l.review_id IN ",
    )
    .list(reviews.iter().copied())
    .text(") AS l WHERE l.latest = 1")
    .on(conn.get_database_backend());
    let rows = moderation_entry::Model::find_by_statement(sql).all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.review_id, row)).collect())
}

/// Versions of each of these reviews behind `after`, oldest first, at most `fetch` of each.
pub(crate) async fn revisions(
    conn: &impl ConnectionTrait,
    reviews: &[Uuid],
    after: Option<i32>,
    fetch: u64,
) -> Result<HashMap<Uuid, Vec<revision::Model>>, DbErr> {
    let sql = Sql::new(
        "SELECT * FROM (SELECT v.*, ROW_NUMBER() OVER (PARTITION BY v.review_id \
         ORDER BY v.version) AS place FROM review_revisions v WHERE v.version > ?",
    )
    .bind(after.unwrap_or_default())
    .text(" AND v.review_id IN ")
    .list(reviews.iter().copied())
    .text(") AS v WHERE v.place <= ? ORDER BY v.review_id, v.version")
    .bind(i64::try_from(fetch).unwrap_or(i64::MAX))
    .on(conn.get_database_backend());
    let mut lists: HashMap<Uuid, Vec<revision::Model>> = HashMap::new();
    for row in revision::Model::find_by_statement(sql).all(conn).await? {
        lists.entry(row.review_id).or_default().push(row);
    }
    Ok(lists)
}

pub(crate) async fn revision(
    conn: &impl ConnectionTrait,
    review: Uuid,
    version: i32,
) -> Result<Option<revision::Model>, DbErr> {
    revision::Entity::find_by_id((review, version)).one(conn).await
}
