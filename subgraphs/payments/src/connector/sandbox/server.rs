//! The sandbox as a process of its own: the same books behind HTTP, with a door for tests
//! (`/control/…`) through which it is told to misbehave. `payments sandbox` runs it.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use kit::{
    Timestamp,
    id::{PaymentAttemptId, PaymentMethodId, UserId},
    settings::Secret,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use zeroize::{Zeroize, Zeroizing};

use super::{
    AuthenticationPage, Sandbox, WEBHOOK_HEADER,
    faults::{Fault, FaultKind, Faults},
    routes,
};
use crate::{
    card::CardNumber,
    connector::{
        AuthorizeRequest, CardDetails, Connector, FollowUpRequest, Outcome, PayoutRequest,
        sandbox_http::{reference, wire},
    },
    money::Money,
};

/// A sandbox process under construction.
#[derive(Clone, Debug)]
pub struct Server {
    pub sandbox: Sandbox,
    /// What clients must send as a bearer token.
    pub key: Secret,
    /// Where people reach this process, for the page of 3-D Secure.
    pub public_url: String,
    /// Where messages go; none are sent when empty.
    pub webhook_url: String,
    pub faults: Faults,
}

/// Serves until `shutdown`.
pub async fn serve(
    server: Server,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let server = Arc::new(server);
    let sender = tokio::spawn(send_events(server.clone(), shutdown.clone()));
    let page = AuthenticationPage {
        sandbox: server.sandbox.clone(),
        notify: Arc::new(|_| Box::pin(std::future::ready(()))),
    };
    let api = Router::new()
        .route("/v1/cards", post(store_card))
        .route("/v1/cards/{token}", delete(forget_card))
        .route("/v1/verify", post(verify))
        .route("/v1/authorize", post(authorize))
        .route("/v1/capture", post(capture))
        .route("/v1/void", post(void))
        .route("/v1/refund", post(refund))
        .route("/v1/payout", post(payout))
        .route("/v1/attempts/{reference}", get(attempt))
        .route("/v1/payouts/{reference}", get(payout_progress))
        .route("/v1/disputes/{reference}", get(dispute))
        .route("/v1/disputes/{reference}/answer", post(answer_dispute))
        .route("/v1/settlement", get(settlement))
        .layer(from_fn_with_state(server.clone(), misbehave))
        .route("/control/faults", post(set_faults))
        .layer(from_fn_with_state(server.clone(), authenticate))
        .with_state(server)
        .merge(routes(page));
    let served =
        axum::serve(listener, api).with_graceful_shutdown(shutdown.cancelled_owned()).await;
    sender.abort();
    served
}

async fn authenticate(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let expected = format!("Bearer {}", server.key.expose());
    let given = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes().to_vec());
    let known = given.is_some_and(|given| {
        bool::from(subtle::ConstantTimeEq::ct_eq(given.as_slice(), expected.as_bytes()))
    });
    if known { next.run(request).await } else { StatusCode::UNAUTHORIZED.into_response() }
}

/// Spoils the call if a fault was ordered for it.
async fn misbehave(
    State(server): State<Arc<Server>>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let path = request.uri().path().strip_prefix("/v1/").unwrap_or_default();
    let call = path.split('/').next().unwrap_or_default().to_owned();
    let Some((kind, pause)) = server.faults.strike(&call) else { return next.run(request).await };
    match kind {
        FaultKind::Delay => {
            tokio::time::sleep(pause).await;
            next.run(request).await
        }
        FaultKind::DropAnswer => {
            drop(next.run(request).await);
            let broken = futures::stream::once(async {
                Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
            });
            Body::from_stream(broken).into_response()
        }
        FaultKind::ErrorAfter => {
            drop(next.run(request).await);
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        FaultKind::ErrorBefore => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        FaultKind::Garbage => {
            drop(next.run(request).await);
            "<html>proxy error".into_response()
        }
        FaultKind::Refuse => (StatusCode::SERVICE_UNAVAILABLE, wire::NOT_ATTEMPTED).into_response(),
        FaultKind::WrongAmount => with_wrong_amount(request, next).await,
        FaultKind::DuplicateWebhooks | FaultKind::ReorderWebhooks | FaultKind::FailPayouts => {
            next.run(request).await
        }
    }
}

/// Books one minor unit more than was asked for.
async fn with_wrong_amount(request: axum::extract::Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, 1 << 16).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Ok(mut body) = serde_json::from_slice::<serde_json::Value>(&bytes) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let minor = body["amount"]["minor"].as_i64().unwrap_or(0);
    body["amount"]["minor"] = json!(minor + 1);
    let mut parts = parts;
    parts.headers.remove(header::CONTENT_LENGTH);
    let request = axum::extract::Request::from_parts(parts, Body::from(body.to_string()));
    next.run(request).await
}

async fn set_faults(State(server): State<Arc<Server>>, Json(faults): Json<Vec<Fault>>) -> Response {
    let failing = faults.iter().find(|fault| fault.kind == FaultKind::FailPayouts);
    server.sandbox.fail_payouts(failing.map_or(0, |fault| fault.times));
    server.faults.replace(faults);
    StatusCode::NO_CONTENT.into_response()
}

/// Wiped when dropped.
#[derive(Deserialize)]
struct Card {
    number: String,
    exp_month: i64,
    exp_year: i64,
    cvc: String,
    postal_code: Option<String>,
}

impl Drop for Card {
    fn drop(&mut self) {
        self.number.zeroize();
        self.cvc.zeroize();
    }
}

/// A body that is not what it should be is refused before anything happens.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, StatusCode> {
    serde_json::from_slice(body).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)
}

type Answer = Result<Response, StatusCode>;

async fn store_card(State(server): State<Arc<Server>>, body: Bytes) -> Answer {
    let mut card: Card = read(&body)?;
    let number = CardNumber::parse(Zeroizing::new(std::mem::take(&mut card.number)))
        .map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
    let details = CardDetails {
        number,
        exp_month: card.exp_month,
        exp_year: card.exp_year,
        cvc: Zeroizing::new(std::mem::take(&mut card.cvc)),
        postal_code: card.postal_code.take(),
    };
    let stored =
        server.sandbox.store_card(&details).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let reply = wire::StoredReply { token: stored.token, funding_country: stored.funding_country };
    Ok((StatusCode::CREATED, Json(reply)).into_response())
}

async fn forget_card(State(server): State<Arc<Server>>, Path(token): Path<String>) -> Answer {
    let forgotten = server.sandbox.forget_card(&token).await;
    forgotten.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(Json(json!({})).into_response())
}

async fn verify(State(server): State<Arc<Server>>, body: Bytes) -> Answer {
    let body: wire::VerifyBody = read(&body)?;
    let verification = server.sandbox.verify(PaymentAttemptId(body.attempt), &body.card).await;
    let reply = wire::VerifyReply::of(&verification).ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(Json(reply).into_response())
}

/// Answers with an outcome; what the client cannot rely on becomes a failure of the server.
fn reply(server: &Server, outcome: Outcome, amount: Option<Money>) -> Answer {
    let outcome = match outcome {
        Outcome::ActionRequired { processor_ref, key, expires_at } => Outcome::ActionRequired {
            processor_ref,
            key: format!("{}/sandbox/3ds/{key}", server.public_url),
            expires_at,
        },
        outcome => outcome,
    };
    if matches!(outcome, Outcome::NotAttempted { .. }) {
        return Ok((StatusCode::SERVICE_UNAVAILABLE, wire::NOT_ATTEMPTED).into_response());
    }
    wire::OutcomeReply::of(outcome, amount)
        .map(|reply| Json(reply).into_response())
        .ok_or(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn authorize(State(server): State<Arc<Server>>, body: Bytes) -> Answer {
    let body: wire::AuthorizeBody = read(&body)?;
    let amount = body.amount.money();
    let request = AuthorizeRequest {
        attempt: PaymentAttemptId(body.attempt),
        method: PaymentMethodId(body.attempt),
        card_token: body.card,
        amount,
        capture: body.capture,
        return_url: body.return_url,
    };
    reply(&server, server.sandbox.authorize(request).await, Some(amount))
}

fn follow_up(body: &Bytes) -> Result<FollowUpRequest, StatusCode> {
    let body: wire::FollowUpBody = read(body)?;
    Ok(FollowUpRequest {
        attempt: PaymentAttemptId(body.attempt),
        processor_ref: body.processor_ref,
        amount: body.amount.money(),
    })
}

async fn capture(State(server): State<Arc<Server>>, body: Bytes) -> Answer {
    let request = follow_up(&body)?;
    let amount = request.amount;
    reply(&server, server.sandbox.capture(request).await, Some(amount))
}

async fn void(State(server): State<Arc<Server>>, body: Bytes) -> Answer {
    let request = follow_up(&body)?;
    let amount = request.amount;
    reply(&server, server.sandbox.void(request).await, Some(amount))
}

async fn refund(State(server): State<Arc<Server>>, body: Bytes) -> Answer {
    let request = follow_up(&body)?;
    let amount = request.amount;
    reply(&server, server.sandbox.refund(request).await, Some(amount))
}

async fn payout(State(server): State<Arc<Server>>, body: Bytes) -> Answer {
    let body: wire::PayoutBody = read(&body)?;
    let amount = body.amount.money();
    let payee = UserId::parse(&body.payee).ok_or(StatusCode::UNPROCESSABLE_ENTITY)?;
    let request = PayoutRequest { attempt: PaymentAttemptId(body.attempt), payee, amount };
    reply(&server, server.sandbox.payout(request).await, Some(amount))
}

async fn attempt(State(server): State<Arc<Server>>, Path(text): Path<String>) -> Answer {
    let attempt = PaymentAttemptId(reference(&text).ok_or(StatusCode::NOT_FOUND)?);
    match server.sandbox.booked(attempt).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)? {
        Some((outcome, amount)) => reply(&server, outcome, Some(amount)),
        None => Err(StatusCode::NOT_FOUND),
    }
}

async fn payout_progress(State(server): State<Arc<Server>>, Path(text): Path<String>) -> Answer {
    let attempt = PaymentAttemptId(reference(&text).ok_or(StatusCode::NOT_FOUND)?);
    let progress = server.sandbox.payout_progress(attempt).await;
    let progress = progress.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let reply = wire::PayoutReply::of(progress).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(reply).into_response())
}

async fn dispute(State(server): State<Arc<Server>>, Path(text): Path<String>) -> Answer {
    let report = server.sandbox.dispute(&text).await;
    let report = report.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let report = report.ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(wire::DisputeReply::of(report)).into_response())
}

async fn answer_dispute(
    State(server): State<Arc<Server>>,
    Path(text): Path<String>,
    body: Bytes,
) -> Answer {
    let body: wire::DisputeAnswerBody = read(&body)?;
    let answered = server.sandbox.answer_dispute(&text, body.answer()).await;
    answered.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(json!({})).into_response())
}

#[derive(Deserialize)]
struct Span {
    from: i64,
    to: i64,
}

async fn settlement(State(server): State<Arc<Server>>, Query(span): Query<Span>) -> Answer {
    let lines = server.sandbox.settlement(Timestamp(span.from), Timestamp(span.to)).await;
    let lines = lines.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(wire::SettlementReply::of(lines)).into_response())
}

/// Posts messages to whoever wants them, until they are taken.
async fn send_events(server: Arc<Server>, shutdown: CancellationToken) {
    if server.webhook_url.is_empty() {
        return;
    }
    let client = crate::connector::remote::client();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
        }
        let Ok(mut events) = server.sandbox.due_events().await else { continue };
        if server.faults.has(FaultKind::ReorderWebhooks) {
            events.reverse();
        }
        let copies = if server.faults.has(FaultKind::DuplicateWebhooks) { 3 } else { 1 };
        for event in events {
            let mut taken = false;
            for _ in 0..copies {
                let sent = client
                    .post(&server.webhook_url)
                    .header(WEBHOOK_HEADER, &event.signature)
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(event.body.clone())
                    .timeout(Duration::from_secs(5))
                    .send()
                    .await;
                taken |= sent.is_ok_and(|response| response.status().is_success());
            }
            if let Err(error) = server.sandbox.note_delivery(event.id, taken).await {
                tracing::warn!(%error, "a delivery could not be noted");
            }
        }
    }
}
