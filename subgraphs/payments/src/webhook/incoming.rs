//! `POST /webhooks/{connector}`: checked, stored, answered, and only then worked on.
//!
//! A message only says what to look at. The truth is fetched from the processor, so messages may
//! come twice or in any order.

use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use kit::{Timestamp, Uuid, database::is_unique_violation};
use sea_orm::{ActiveValue::Set, DbErr, QueryOrder, QuerySelect, entity::prelude::*};
use serde_json::json;

use crate::{
    app::App,
    connector::{ConnectorError, SignatureError, WebhookError, WebhookSubject},
    entity::webhook_event::{ActiveModel, Column, Entity, Model, WebhookState},
    failpoint,
    operation::{dispute, reconcile},
    refusal::Failure,
};

const BODY_LIMIT: usize = 256 * 1024;
const BATCH: u64 = 100;
/// After so many failures a message is left for a person to look at.
const MAX_ATTEMPTS: i64 = 12;

pub fn routes(app: App) -> Router {
    Router::new()
        .route("/webhooks/{connector}", post(receive))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(app)
}

/// Why a message was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    #[error("no processor has this name")]
    Unknown(#[source] ConnectorError),
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error(transparent)]
    Message(#[from] WebhookError),
    #[error("the message could not be stored")]
    Storage(#[from] DbErr),
}

async fn receive(
    State(app): State<App>,
    Path(connector): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = app.connectors.named(&connector).map(|connector| connector.signature_header());
    let signature =
        header.ok().and_then(|name| headers.get(name)).and_then(|value| value.to_str().ok());
    let (status, code, message) = match accept(&app, &connector, signature, &body).await {
        Ok(stored) => {
            if let Some(id) = stored {
                tokio::spawn(async move { work_on(&app, id).await });
            }
            return (StatusCode::OK, axum::Json(json!({ "received": true }))).into_response();
        }
        Err(error @ ReceiveError::Unknown(_)) => {
            (StatusCode::NOT_FOUND, "NOT_FOUND", error.to_string())
        }
        Err(error @ ReceiveError::Signature(_)) => {
            metrics::counter!("payments_webhooks_refused_total").increment(1);
            tracing::warn!(connector, %error, "a message was refused");
            (StatusCode::BAD_REQUEST, "INVALID_SIGNATURE", error.to_string())
        }
        Err(error @ ReceiveError::Message(_)) => {
            (StatusCode::BAD_REQUEST, "INVALID_INPUT", error.to_string())
        }
        Err(error @ ReceiveError::Storage(_)) => {
            tracing::error!(%error, "a message could not be stored");
            (StatusCode::SERVICE_UNAVAILABLE, "INTERNAL", "please send it again".to_owned())
        }
    };
    let body = json!({ "errors": [{ "code": code, "message": message, "path": [] }] });
    (status, axum::Json(body)).into_response()
}

/// Checks and stores a message; `None` when it has been stored before.
pub async fn accept(
    app: &App,
    connector: &str,
    signature: Option<&str>,
    body: &[u8],
) -> Result<Option<Uuid>, ReceiveError> {
    let processor = app.connectors.named(connector).map_err(ReceiveError::Unknown)?;
    let now = app.now();
    processor.check_signature(signature, body, now)?;
    let event = processor.parse_event(body)?;
    let id = kit::id::new_id(now);
    let row = ActiveModel {
        id: Set(id),
        connector: Set(connector.to_owned()),
        event_id: Set(event.id),
        body: Set(String::from_utf8_lossy(body).into_owned()),
        state: Set(WebhookState::Received),
        attempts: Set(0),
        next_attempt_at: Set(now),
        last_error: Set(None),
        received_at: Set(now),
        done_at: Set(None),
    };
    let row = &row;
    let stored: Result<(), DbErr> = app
        .database
        .write(|tx| {
            Box::pin(async move {
                Entity::insert(row.clone()).exec_without_returning(tx).await?;
                Ok(())
            })
        })
        .await;
    metrics::counter!("payments_webhooks_total", "connector" => connector.to_owned()).increment(1);
    match stored {
        Ok(()) => {
            failpoint::hit("after_webhook_stored");
            Ok(Some(id))
        }
        Err(error) if is_unique_violation(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Works on stored messages nobody has finished; returns how many.
pub async fn work(app: &App) -> Result<usize, DbErr> {
    let due: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::State.eq(WebhookState::Received))
        .filter(Column::NextAttemptAt.lte(app.now()))
        .order_by_asc(Column::NextAttemptAt)
        .limit(BATCH)
        .into_tuple()
        .all(app.database.read())
        .await?;
    for id in &due {
        work_on(app, *id).await;
    }
    Ok(due.len())
}

async fn work_on(app: &App, id: Uuid) {
    let done = match Entity::find_by_id(id).one(app.database.read()).await {
        Ok(Some(row)) if row.state == WebhookState::Received => {
            let outcome = act(app, &row).await;
            note(app, &row, outcome.err()).await
        }
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = done {
        tracing::error!(message = %id, %error, "a message could not be worked on");
    }
}

async fn act(app: &App, row: &Model) -> Result<(), Failure> {
    let broken = |error: &dyn std::fmt::Display| Failure::Broken(error.to_string());
    let processor = app.connectors.named(&row.connector).map_err(|error| broken(&error))?;
    let event = processor.parse_event(row.body.as_bytes()).map_err(|error| broken(&error))?;
    match event.about {
        WebhookSubject::Attempt(attempt) | WebhookSubject::Payout(attempt) => {
            reconcile::check(app, attempt).await
        }
        WebhookSubject::Dispute { dispute_ref } => {
            dispute::refresh(app, &row.connector, &dispute_ref).await
        }
        WebhookSubject::Other => Ok(()),
    }
}

async fn note(app: &App, row: &Model, failure: Option<Failure>) -> Result<(), DbErr> {
    let now = app.now();
    let attempts = row.attempts + 1;
    let change = match failure {
        None => ActiveModel {
            state: Set(WebhookState::Done),
            done_at: Set(Some(now)),
            attempts: Set(attempts),
            ..Default::default()
        },
        Some(failure) => {
            let dead = attempts >= MAX_ATTEMPTS;
            if dead {
                tracing::error!(message = %row.id, %failure, "a message was given up");
                metrics::counter!("payments_webhooks_dead_total").increment(1);
            }
            ActiveModel {
                state: Set(if dead { WebhookState::Dead } else { WebhookState::Received }),
                attempts: Set(attempts),
                next_attempt_at: Set(retry_at(now, attempts)),
                last_error: Set(Some(failure.to_string())),
                ..Default::default()
            }
        }
    };
    let (id, change) = (row.id, &change);
    app.database
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

fn retry_at(now: Timestamp, attempts: i64) -> Timestamp {
    let doublings = u32::try_from(attempts.clamp(0, 10)).unwrap_or(10);
    now.plus(Duration::from_secs(2_u64.pow(doublings)))
}
