//! Telling others of our events: signed, in order of their numbers, retried for three days.
//!
//! Endpoints are added by operators. Every event of the feed that an endpoint wants becomes a
//! delivery in the transaction that moves the endpoint's position, so none is lost or doubled
//! here; the receiver may see one twice and knows it by its id.

use std::time::Duration;

use kit::{Timestamp, Uuid, events};
use sea_orm::{ActiveValue::Set, DbErr, QueryOrder, QuerySelect, entity::prelude::*};
use serde_json::json;

use crate::{
    app::App,
    connector::signature,
    entity::{
        webhook_delivery::{self, DeliveryState},
        webhook_endpoint,
    },
    secrets::new_token,
};

/// Where our signature stands.
pub const SIGNATURE_HEADER: &str = "concord-signature";
/// What an endpoint's secrets are sealed for.
const SEAL_PURPOSE: &str = "webhook-secret";
const RETRIED_FOR: Duration = Duration::from_hours(72);
const LEASE: Duration = Duration::from_mins(1);
const PAGE: u64 = 200;
const BATCH: u64 = 50;

/// Why an endpoint was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error("there is no such endpoint")]
    NotFound,
    #[error("an endpoint has an http or https address")]
    InvalidUrl,
    #[error("the database failed")]
    Storage(#[from] DbErr),
}

/// Adds an endpoint that is told of everything from now on; returns its id and its secret, which
/// is shown only here.
pub async fn add(app: &App, url: &str, kinds: &[String]) -> Result<(Uuid, String), EndpointError> {
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return Err(EndpointError::InvalidUrl);
    }
    let now = app.now();
    let (id, secret) = (kit::id::new_id(now), new_token("whsec"));
    let sealed = app.secrets.seal(SEAL_PURPOSE, &secret);
    let events = if kinds.is_empty() { "*".to_owned() } else { kinds.join(" ") };
    let row = webhook_endpoint::ActiveModel {
        id: Set(id),
        url: Set(url.to_owned()),
        events: Set(events),
        secret_enc: Set(sealed),
        old_secret_enc: Set(None),
        old_secret_until: Set(None),
        position: Set(last_event(app).await?),
        disabled_at: Set(None),
        created_at: Set(now),
    };
    let row = &row;
    app.database
        .write(|tx| {
            Box::pin(async move {
                webhook_endpoint::Entity::insert(row.clone()).exec_without_returning(tx).await?;
                Ok::<_, DbErr>(())
            })
        })
        .await?;
    Ok((id, secret))
}

async fn last_event(app: &App) -> Result<i64, DbErr> {
    let mut position = 0;
    loop {
        let page = events::page(app.database.read(), position, 1000).await?;
        if page.events.is_empty() {
            return Ok(position);
        }
        position = page.next;
    }
}

/// Gives an endpoint a new secret; messages are signed with both until `grace` is over.
pub async fn rotate(app: &App, id: Uuid, grace: Duration) -> Result<String, EndpointError> {
    let now = app.now();
    let secret = new_token("whsec");
    let sealed = app.secrets.seal(SEAL_PURPOSE, &secret);
    let known = webhook_endpoint::Entity::find_by_id(id).one(app.database.read()).await?;
    let known = known.ok_or(EndpointError::NotFound)?;
    let change = webhook_endpoint::ActiveModel {
        secret_enc: Set(sealed),
        old_secret_enc: Set(Some(known.secret_enc)),
        old_secret_until: Set(Some(now.plus(grace))),
        ..Default::default()
    };
    update(app, id, change).await?;
    Ok(secret)
}

/// Tells an endpoint nothing any more.
pub async fn disable(app: &App, id: Uuid) -> Result<(), EndpointError> {
    let change =
        webhook_endpoint::ActiveModel { disabled_at: Set(Some(app.now())), ..Default::default() };
    update(app, id, change).await
}

async fn update(
    app: &App,
    id: Uuid,
    change: webhook_endpoint::ActiveModel,
) -> Result<(), EndpointError> {
    let change = &change;
    let updated: Result<u64, DbErr> = app
        .database
        .write(|tx| {
            Box::pin(async move {
                let updated = webhook_endpoint::Entity::update_many()
                    .set(change.clone())
                    .filter(webhook_endpoint::Column::Id.eq(id))
                    .exec(tx)
                    .await?;
                Ok(updated.rows_affected)
            })
        })
        .await;
    if updated? == 1 { Ok(()) } else { Err(EndpointError::NotFound) }
}

pub async fn endpoints(app: &App) -> Result<Vec<webhook_endpoint::Model>, DbErr> {
    webhook_endpoint::Entity::find()
        .filter(webhook_endpoint::Column::DisabledAt.is_null())
        .order_by_asc(webhook_endpoint::Column::Id)
        .all(app.database.read())
        .await
}

/// Makes deliveries of new events and sends what is due; returns how many were sent.
pub async fn deliver(app: &App, client: &reqwest::Client) -> Result<usize, DbErr> {
    let endpoints = endpoints(app).await?;
    let mut sent = 0;
    for endpoint in &endpoints {
        queue_events(app, endpoint).await?;
        for delivery in due(app, endpoint.id).await? {
            if lease(app, &delivery).await? {
                let status = send(app, client, endpoint, delivery.event_seq).await?;
                note(app, &delivery, status).await?;
                sent += 1;
            }
        }
    }
    Ok(sent)
}

async fn queue_events(app: &App, endpoint: &webhook_endpoint::Model) -> Result<(), DbErr> {
    let page = events::page(app.database.read(), endpoint.position, PAGE).await?;
    if page.events.is_empty() {
        return Ok(());
    }
    let now = app.now();
    let wanted =
        |kind: &str| endpoint.events.split(' ').any(|wanted| wanted == "*" || wanted == kind);
    let rows: Vec<_> = page
        .events
        .iter()
        .filter(|event| wanted(&event.kind))
        .map(|event| webhook_delivery::ActiveModel {
            endpoint_id: Set(endpoint.id),
            event_seq: Set(event.seq),
            state: Set(DeliveryState::Waiting),
            attempts: Set(0),
            next_attempt_at: Set(now),
            last_status: Set(None),
            created_at: Set(now),
            delivered_at: Set(None),
        })
        .collect();
    let (rows, next) = (&rows, page.next);
    app.database
        .write(|tx| {
            Box::pin(async move {
                let moved = webhook_endpoint::Entity::update_many()
                    .col_expr(webhook_endpoint::Column::Position, Expr::value(next))
                    .filter(webhook_endpoint::Column::Id.eq(endpoint.id))
                    .filter(webhook_endpoint::Column::Position.eq(endpoint.position))
                    .exec(tx)
                    .await?;
                // Another replica was faster.
                if moved.rows_affected == 1 && !rows.is_empty() {
                    webhook_delivery::Entity::insert_many(rows.clone())
                        .exec_without_returning(tx)
                        .await?;
                }
                Ok(())
            })
        })
        .await
}

async fn due(app: &App, endpoint: Uuid) -> Result<Vec<webhook_delivery::Model>, DbErr> {
    webhook_delivery::Entity::find()
        .filter(webhook_delivery::Column::EndpointId.eq(endpoint))
        .filter(webhook_delivery::Column::State.eq(DeliveryState::Waiting))
        .filter(webhook_delivery::Column::NextAttemptAt.lte(app.now()))
        .order_by_asc(webhook_delivery::Column::EventSeq)
        .limit(BATCH)
        .all(app.database.read())
        .await
}

/// Takes a delivery for a minute; only one replica gets it.
async fn lease(app: &App, delivery: &webhook_delivery::Model) -> Result<bool, DbErr> {
    let until = app.now().plus(LEASE);
    app.database
        .write(|tx| {
            Box::pin(async move {
                let taken = webhook_delivery::Entity::update_many()
                    .col_expr(webhook_delivery::Column::NextAttemptAt, Expr::value(until))
                    .filter(webhook_delivery::Column::EndpointId.eq(delivery.endpoint_id))
                    .filter(webhook_delivery::Column::EventSeq.eq(delivery.event_seq))
                    .filter(webhook_delivery::Column::State.eq(DeliveryState::Waiting))
                    .filter(webhook_delivery::Column::NextAttemptAt.eq(delivery.next_attempt_at))
                    .exec(tx)
                    .await?;
                Ok(taken.rows_affected == 1)
            })
        })
        .await
}

/// The status of the answer; `None` when there was none.
async fn send(
    app: &App,
    client: &reqwest::Client,
    endpoint: &webhook_endpoint::Model,
    seq: i64,
) -> Result<Option<u16>, DbErr> {
    let page = events::page(app.database.read(), seq - 1, 1).await?;
    let Some(event) = page.events.into_iter().find(|event| event.seq == seq) else {
        // Redacted or gone; there is nothing to tell.
        return Ok(Some(200));
    };
    let now = app.now();
    let body = json!({
        "id": event.id,
        "seq": event.seq,
        "type": event.kind,
        "at": event.at,
        "data": event.payload,
    })
    .to_string();
    let old = endpoint.old_secret_until.is_some_and(|until| until > now);
    let sealed = [Some(&endpoint.secret_enc), endpoint.old_secret_enc.as_ref().filter(|_| old)];
    let secrets: Vec<String> = sealed
        .into_iter()
        .flatten()
        .filter_map(|sealed| app.secrets.open(SEAL_PURPOSE, sealed).ok())
        .collect();
    let keys: Vec<&[u8]> = secrets.iter().map(String::as_bytes).collect();
    let answer = client
        .post(&endpoint.url)
        .header("content-type", "application/json")
        .header(SIGNATURE_HEADER, signature::sign(&keys, body.as_bytes(), now))
        .timeout(Duration::from_secs(10))
        .body(body)
        .send()
        .await;
    Ok(answer.ok().map(|response| response.status().as_u16()))
}

async fn note(
    app: &App,
    delivery: &webhook_delivery::Model,
    status: Option<u16>,
) -> Result<(), DbErr> {
    let now = app.now();
    let delivered = status.is_some_and(|status| (200..300).contains(&status));
    let attempts = delivery.attempts + 1;
    let state = if delivered {
        DeliveryState::Delivered
    } else if delivery.created_at.plus(RETRIED_FOR) < now {
        DeliveryState::Dead
    } else {
        DeliveryState::Waiting
    };
    metrics::counter!("payments_webhooks_sent_total", "delivered" => delivered.to_string())
        .increment(1);
    let change = webhook_delivery::ActiveModel {
        state: Set(state),
        attempts: Set(attempts),
        next_attempt_at: Set(retry_at(now, attempts)),
        last_status: Set(status.map(i64::from)),
        delivered_at: Set(delivered.then_some(now)),
        ..Default::default()
    };
    let change = &change;
    app.database
        .write(|tx| {
            Box::pin(async move {
                webhook_delivery::Entity::update_many()
                    .set(change.clone())
                    .filter(webhook_delivery::Column::EndpointId.eq(delivery.endpoint_id))
                    .filter(webhook_delivery::Column::EventSeq.eq(delivery.event_seq))
                    .exec(tx)
                    .await?;
                Ok(())
            })
        })
        .await
}

fn retry_at(now: Timestamp, attempts: i64) -> Timestamp {
    let doublings = u32::try_from(attempts.clamp(0, 9)).unwrap_or(9);
    let pause = Duration::from_secs(10 * 2_u64.pow(doublings));
    now.plus(pause.min(Duration::from_hours(1)))
}
