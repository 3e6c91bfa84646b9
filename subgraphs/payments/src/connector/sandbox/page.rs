//! The page where a cardholder authenticates, as a bank would show it: two buttons, and the same
//! URL for scripts.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use futures::future::BoxFuture;
use kit::id::PaymentAttemptId;
use serde_json::json;

use super::{Authentication, Sandbox};

/// Told when a cardholder has answered, as a processor's webhook would.
pub type Notify = Arc<dyn Fn(PaymentAttemptId) -> BoxFuture<'static, ()> + Send + Sync>;

/// What the page needs.
#[derive(Clone)]
pub struct AuthenticationPage {
    pub sandbox: Sandbox,
    pub notify: Notify,
}

impl std::fmt::Debug for AuthenticationPage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("AuthenticationPage").finish_non_exhaustive()
    }
}

/// `GET|POST /sandbox/3ds/{key}`, and `POST /sandbox/disputes/{reference}` for the bank's verdict.
pub fn routes(page: AuthenticationPage) -> Router {
    Router::new()
        .route("/sandbox/3ds/{key}", get(show).post(answer))
        .route("/sandbox/disputes/{reference}", post(decide))
        .with_state(page)
}

/// `{"verdict":"won"}` or `{"verdict":"lost"}` for a dispute under review.
async fn decide(
    State(page): State<AuthenticationPage>,
    Path(reference): Path<String>,
    Json(body): Json<serde_json::Value>,
) -> Response {
    let won = match body["verdict"].as_str() {
        Some("won") => true,
        Some("lost") => false,
        _ => return refuse(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_RESULT"),
    };
    match page.sandbox.decide_dispute(&reference, won).await {
        Ok(true) => Json(body).into_response(),
        Ok(false) => refuse(StatusCode::NOT_FOUND, "NOT_FOUND"),
        Err(_) => refuse(StatusCode::SERVICE_UNAVAILABLE, "INTERNAL"),
    }
}

async fn show(State(page): State<AuthenticationPage>, Path(key): Path<String>) -> Response {
    match page.sandbox.action(&key).await {
        Ok(Some((_, amount))) => html(
            StatusCode::OK,
            &format!(
                "<p>Do you confirm the payment of <strong>{amount}</strong>?</p>\
                 <form method=\"post\">\
                 <button name=\"result\" value=\"authenticated\">Confirm</button> \
                 <button name=\"result\" value=\"failed\">Refuse</button></form>"
            ),
        ),
        Ok(None) => html(StatusCode::NOT_FOUND, "<p>There is nothing to confirm here.</p>"),
        Err(_) => html(StatusCode::SERVICE_UNAVAILABLE, "<p>Please try again.</p>"),
    }
}

async fn answer(
    State(page): State<AuthenticationPage>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let from_browser = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    let Some(result) = read_answer(&body, from_browser) else {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_RESULT");
    };
    let attempt = match page.sandbox.action(&key).await {
        Ok(Some((attempt, _))) => attempt,
        Ok(None) => return refuse(StatusCode::NOT_FOUND, "NOT_FOUND"),
        Err(_) => return refuse(StatusCode::SERVICE_UNAVAILABLE, "INTERNAL"),
    };
    match page.sandbox.authenticate(&key, result).await {
        Ok(true) => {
            (page.notify)(attempt).await;
            if from_browser {
                html(StatusCode::OK, "<p>Thank you. You may close this page.</p>")
            } else {
                Json(json!({ "result": result_name(result) })).into_response()
            }
        }
        Ok(false) => refuse(StatusCode::CONFLICT, "ALREADY_ANSWERED"),
        Err(_) => refuse(StatusCode::SERVICE_UNAVAILABLE, "INTERNAL"),
    }
}

fn read_answer(body: &[u8], from_browser: bool) -> Option<Authentication> {
    if from_browser {
        return match body {
            b"result=authenticated" => Some(Authentication::Authenticated),
            b"result=failed" => Some(Authentication::Failed),
            _ => None,
        };
    }
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    serde_json::from_value(value.get("result")?.clone()).ok()
}

fn result_name(result: Authentication) -> &'static str {
    match result {
        Authentication::Authenticated => "authenticated",
        Authentication::Failed => "failed",
    }
}

fn refuse(status: StatusCode, code: &str) -> Response {
    let body = json!({ "errors": [{ "code": code, "message": "the authentication was not accepted", "path": [] }] });
    (status, Json(body)).into_response()
}

fn html(status: StatusCode, content: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <title>Sandbox bank</title><h1>Sandbox bank</h1>{content}</html>"
    );
    (status, Html(page)).into_response()
}
