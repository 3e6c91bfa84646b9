//! `POST /mail/bounces`: a mail provider, or the script that reads its notices, says that an
//! address takes no mail. Nothing is sent there from then on.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use sea_orm::DbErr;
use serde::Deserialize;

use super::suppress;
use crate::clock::Clock;
use crate::credential::{Credentials, refusal};
use crate::database::Database;

/// The scope of a service credential that may report.
const SCOPE: &str = "mail:bounces";

#[derive(Debug, Clone)]
struct Bounces {
    database: Database,
    clock: Clock,
    credentials: Credentials,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notice {
    address: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// The mailbox does not exist.
    Permanent,
    /// It is full or away: tried again by itself.
    Transient,
    /// Its owner called our mail spam.
    Complaint,
}

pub(crate) fn routes(database: Database, clock: Clock, credentials: Credentials) -> Router {
    Router::new().route("/mail/bounces", post(report)).with_state(Bounces {
        database,
        clock,
        credentials,
    })
}

async fn report(State(bounces): State<Bounces>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(error) = bounces.credentials.authorize(&headers, SCOPE) {
        return error.into_response();
    }
    let notice = serde_json::from_slice::<Notice>(&body)
        .ok()
        .filter(|notice| notice.address.len() <= 254 && notice.address.contains('@'));
    let Some(Notice { address, kind }) = notice else {
        let message =
            "send {\"address\": …, \"kind\": \"permanent\" | \"transient\" | \"complaint\"}";
        return refusal(StatusCode::BAD_REQUEST, "BAD_REQUEST", message);
    };
    let reason = match kind {
        Kind::Permanent => "BOUNCED",
        Kind::Complaint => "COMPLAINED",
        Kind::Transient => return StatusCode::NO_CONTENT.into_response(),
    };
    let (now, address) = (bounces.clock.now(), address.as_str());
    let written: Result<(), DbErr> =
        bounces.database.write(|tx| Box::pin(suppress(tx, address, reason, now))).await;
    match written {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            tracing::error!(error = %error, "a bounce cannot be written down");
            refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "try again")
        }
    }
}
