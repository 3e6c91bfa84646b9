//! The event feed between services: an append-only table that others poll.
//!
//! Numbers have no gaps and follow the order of commits, because the counter's row is locked
//! until the transaction ends; a reader that has seen number n can never miss a smaller one.

mod consumer;
mod feed;
#[cfg(test)]
mod tests;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, Set,
};
use serde::{Deserialize, Serialize};

use crate::async_trait;
use crate::clock::Timestamp;
use crate::database::Transaction;
use crate::entity::{event, feed_counter};
use crate::id::{EventId, new_id};

pub use consumer::{Consumer, FollowError, Progress};
pub use feed::{FeedPage, last_seq, page};

/// The scope a service credential needs to read a feed.
pub const READ_SCOPE: &str = "events:read";

/// The payload of a redacted event, to the byte: the table's triggers allow no other change.
const REDACTED: &str = r#"{"redacted":true}"#;

/// An event as it travels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub seq: i64,
    pub id: EventId,
    /// `order.paid`, `user.erased`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The id of what it is about.
    pub key: String,
    pub payload: serde_json::Value,
    /// RFC 3339.
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
}

impl Event {
    /// Has the payload been removed?
    pub fn is_redacted(&self) -> bool {
        self.payload == serde_json::json!({ "redacted": true })
    }

    /// The payload as a type.
    pub fn decode<T: serde::de::DeserializeOwned>(&self) -> Result<T, DbErr> {
        T::deserialize(&self.payload)
            .map_err(|error| DbErr::Json(format!("payload of {} {}: {error}", self.kind, self.id)))
    }
}

mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::clock::Timestamp;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(
        at: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 instant"))
    }
}

/// What a service does with the events of another one.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Applies one event in the transaction that also moves the cursor. Events the service does
    /// not care about are `Ok(())`. An error stops the feed at this event; it is tried again.
    async fn apply(&self, tx: &Transaction<'_>, event: &Event) -> Result<(), DbErr>;
}

/// Appends an event in the transaction of the change it tells about; returns its number. Do this
/// late in the transaction: other writers of events wait from here to the commit.
pub async fn append(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    kind: &str,
    key: &str,
    payload: &impl Serialize,
) -> Result<i64, DbErr> {
    let payload = serde_json::to_string(payload).map_err(|error| DbErr::Json(error.to_string()))?;
    let seq = next_numbers(tx, 1).await?;
    event::ActiveModel {
        seq: Set(seq),
        id: Set(new_id(now)),
        kind: Set(kind.to_owned()),
        key: Set(key.to_owned()),
        payload: Set(payload),
        at: Set(now.0),
    }
    .insert(tx)
    .await?;
    Ok(seq)
}

/// An event to be appended with others.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub at: Timestamp,
    pub kind: String,
    pub key: String,
    pub payload: serde_json::Value,
}

/// [`append`] for many at once, as bulk loading needs it; returns the number of the last.
pub async fn append_all(tx: &impl ConnectionTrait, events: Vec<NewEvent>) -> Result<i64, DbErr> {
    let count = i64::try_from(events.len()).map_err(|error| DbErr::Custom(error.to_string()))?;
    let last = next_numbers(tx, count).await?;
    let mut seq = last - count;
    let rows: Vec<event::ActiveModel> = events
        .into_iter()
        .map(|event| {
            seq += 1;
            event::ActiveModel {
                seq: Set(seq),
                id: Set(new_id(event.at)),
                kind: Set(event.kind),
                key: Set(event.key),
                payload: Set(event.payload.to_string()),
                at: Set(event.at.0),
            }
        })
        .collect();
    for batch in rows.chunks(500) {
        event::Entity::insert_many(batch.to_vec()).exec_without_returning(tx).await?;
    }
    Ok(last)
}

/// Removes the payloads of all events about `key` so far: they named a person who was erased.
/// Consumers that have not seen them yet skip them.
pub async fn redact(tx: &impl ConnectionTrait, key: &str) -> Result<u64, DbErr> {
    let redacted = event::Entity::update_many()
        .col_expr(event::Column::Payload, Expr::value(REDACTED))
        .filter(event::Column::Key.eq(key))
        .exec(tx)
        .await?;
    Ok(redacted.rows_affected)
}

/// Takes `count` numbers and returns the last of them; holds the counter until the commit.
async fn next_numbers(tx: &impl ConnectionTrait, count: i64) -> Result<i64, DbErr> {
    let counters = feed_counter::Entity::update_many()
        .col_expr(feed_counter::Column::N, Expr::col(feed_counter::Column::N).add(count))
        .filter(feed_counter::Column::Id.eq(1))
        .exec_with_returning(tx)
        .await?;
    counters
        .first()
        .map(|counter| counter.n)
        .ok_or_else(|| DbErr::RecordNotFound("feed_counter".to_owned()))
}
