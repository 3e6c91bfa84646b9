//! What the sandbox tells by webhook: written with the booking, delivered later, at least once.

use std::time::Duration;

use kit::{Timestamp, Uuid, id::PaymentAttemptId};
use sea_orm::{ActiveValue::Set, ConnectionTrait, QueryOrder, QuerySelect, entity::prelude::*};
use serde::{Deserialize, Serialize};

use super::Sandbox;
use crate::{
    connector::{WebhookError, WebhookEvent, WebhookSubject, signature},
    entity::sandbox_event::{ActiveModel, Column, Entity, Model},
};

pub(super) const ATTEMPT_UPDATED: &str = "attempt.updated";
pub(super) const DISPUTE_CREATED: &str = "dispute.created";
pub(super) const DISPUTE_UPDATED: &str = "dispute.updated";
const PAYOUT_UPDATED: &str = "payout.updated";

/// Where the signature of a message stands.
pub const WEBHOOK_HEADER: &str = "concord-signature";

/// How many messages are taken at a time.
const BATCH: u64 = 50;
const RETRY: Duration = Duration::from_secs(5);

pub(super) async fn enqueue(
    tx: &impl ConnectionTrait,
    kind: &str,
    subject: &str,
    now: Timestamp,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(kit::id::new_id(now)),
        kind: Set(kind.to_owned()),
        subject: Set(subject.to_owned()),
        delivered_at: Set(None),
        attempts: Set(0),
        next_attempt_at: Set(now),
        created_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

#[derive(Serialize, Deserialize)]
struct Body {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    subject: String,
}

/// Reads a message whose signature has been checked.
pub(crate) fn read_event(body: &[u8]) -> Result<WebhookEvent, WebhookError> {
    let Body { id, kind, subject } =
        serde_json::from_slice(body).map_err(|_| WebhookError::Malformed)?;
    if id.is_empty() || id.len() > 255 {
        return Err(WebhookError::Malformed);
    }
    let attempt =
        || Uuid::parse_str(&subject).map(PaymentAttemptId).map_err(|_| WebhookError::Malformed);
    let about = match kind.as_str() {
        ATTEMPT_UPDATED => WebhookSubject::Attempt(attempt()?),
        PAYOUT_UPDATED => WebhookSubject::Payout(attempt()?),
        DISPUTE_CREATED | DISPUTE_UPDATED => WebhookSubject::Dispute { dispute_ref: subject },
        _ => WebhookSubject::Other,
    };
    Ok(WebhookEvent { id, about })
}

/// A signed message, ready to be sent.
#[derive(Clone, Debug)]
pub struct OutgoingEvent {
    pub id: Uuid,
    pub body: Vec<u8>,
    pub signature: String,
}

impl Sandbox {
    /// Messages that have to go out now, oldest first.
    pub async fn due_events(&self) -> Result<Vec<OutgoingEvent>, DbErr> {
        let now = self.clock.now();
        let rows = Entity::find()
            .filter(Column::DeliveredAt.is_null())
            .filter(Column::NextAttemptAt.lte(now))
            .order_by_asc(Column::Id)
            .limit(BATCH)
            .all(self.database.read())
            .await?;
        Ok(rows.into_iter().map(|row| self.outgoing(row, now)).collect())
    }

    fn outgoing(&self, row: Model, now: Timestamp) -> OutgoingEvent {
        let body = Body {
            id: format!("sbxevt_{}", row.id.simple()),
            kind: row.kind,
            subject: row.subject,
        };
        let body = serde_json::to_vec(&body).expect("a message is plain data");
        let secrets: Vec<&[u8]> = self
            .rules
            .webhook_secrets
            .iter()
            .take(1)
            .map(|secret| secret.expose().as_bytes())
            .collect();
        let signature = signature::sign(&secrets, &body, now);
        OutgoingEvent { id: row.id, body, signature }
    }

    /// Notes whether a message was taken; one that was not is sent again later.
    pub async fn note_delivery(&self, id: Uuid, delivered: bool) -> Result<(), DbErr> {
        let now = self.clock.now();
        let change = if delivered {
            ActiveModel { delivered_at: Set(Some(now)), ..Default::default() }
        } else {
            ActiveModel { next_attempt_at: Set(now.plus(RETRY)), ..Default::default() }
        };
        let change = &change;
        self.database
            .write(|tx| {
                Box::pin(async move {
                    Entity::update_many()
                        .set(change.clone())
                        .filter(Column::Id.eq(id))
                        .exec(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }
}
