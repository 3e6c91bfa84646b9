//! Reading one's own feed, for `GET /internal/events` and for tests.

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};

use super::Event;
use crate::clock::Timestamp;
use crate::entity::event;
use crate::id::EventId;

/// A page of a feed. `next` is what to ask for `after` next time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeedPage {
    pub events: Vec<Event>,
    pub next: i64,
}

/// The events after `after`, at most `limit`.
pub async fn page(conn: &impl ConnectionTrait, after: i64, limit: u64) -> Result<FeedPage, DbErr> {
    let rows = event::Entity::find()
        .filter(event::Column::Seq.gt(after))
        .order_by_asc(event::Column::Seq)
        .limit(limit)
        .all(conn)
        .await?;
    let events = rows.into_iter().map(event_of).collect::<Result<Vec<_>, _>>()?;
    let next = events.last().map_or(after, |event| event.seq);
    Ok(FeedPage { events, next })
}

/// The number of the newest event; 0 when there is none.
pub async fn last_seq(conn: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let newest = event::Entity::find().order_by_desc(event::Column::Seq).limit(1).one(conn).await?;
    Ok(newest.map_or(0, |event| event.seq))
}

fn event_of(row: event::Model) -> Result<Event, DbErr> {
    let event::Model { seq, id, kind, key, payload, at } = row;
    let payload = serde_json::from_str(&payload).map_err(|error| DbErr::Json(error.to_string()))?;
    Ok(Event { seq, id: EventId(id), kind, key, payload, at: Timestamp(at) })
}
