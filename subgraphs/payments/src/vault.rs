//! The one place that sees card numbers: `POST /vault/v1/tokens`.
//!
//! The number goes to the processor and is wiped; what stays is the processor's token (sealed),
//! brand, last four digits, expiry and a keyed fingerprint. Nothing here logs a body, and no
//! error repeats what was sent.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use kit::{Timestamp, service::client_ip};
use sea_orm::{ActiveValue::Set, DbErr, EntityTrait};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    app::App,
    card::{CardBrand, CardError, CardNumber, check_expiry},
    connector::{CardDetails, ConnectorError},
    entity::vault_token,
    operation::{card_tokens::CardTokens, method::year_and_month},
    secrets::{new_token, token_hash},
};

const BODY_LIMIT: usize = 4096;
const MINUTE: Duration = Duration::from_mins(1);

pub fn routes(app: App) -> Router {
    let vault = Arc::new(Vault { app, seen: Mutex::new(HashMap::new()) });
    Router::new()
        .route("/vault/v1/tokens", post(create))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(vault)
}

struct Vault {
    app: App,
    /// Start of the running minute and tokens asked for in it, by address.
    seen: Mutex<HashMap<IpAddr, (Timestamp, u32)>>,
}

/// What a form sends. Wiped when dropped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CardForm {
    number: String,
    exp_month: i64,
    exp_year: i64,
    cvc: String,
    postal_code: Option<String>,
}

impl Drop for CardForm {
    fn drop(&mut self) {
        self.number.zeroize();
        self.cvc.zeroize();
    }
}

/// A token that stands for a card, usable once.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CardToken {
    pub token: String,
    pub brand: CardBrand,
    pub last4: String,
    pub exp_month: i64,
    pub exp_year: i64,
    #[serde(serialize_with = "as_text")]
    pub expires_at: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn as_text<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("the body is not the JSON of a card")]
    Malformed,
    #[error("{0}")]
    Card(CardError),
    #[error("too many cards from this address; try again in a minute")]
    RateLimited,
    #[error("cards cannot be taken right now")]
    Unavailable,
}

async fn create(
    State(vault): State<Arc<Vault>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let ip = client_ip(&vault.app.config.kit.trusted_proxies, peer, &headers);
    match vault.answer(ip, &body).await {
        Ok(response) => response,
        Err(error) => refuse(&error),
    }
}

/// Hands a card to the processor and makes a token for it.
pub async fn tokenise(app: &App, card: CardDetails) -> Result<CardToken, VaultError> {
    let now = app.now();
    let (brand, last4) = (card.number.brand(), card.number.last4());
    let (exp_month, exp_year) = (card.exp_month, card.exp_year);
    let fingerprint = app.secrets.fingerprint(&card.number);
    let stored = store(app, &card).await?;
    drop(card);
    let token = new_token("tok");
    let expires_at = now.plus(app.config.vault.token_lifetime.0);
    let row = vault_token::ActiveModel {
        id: Set(kit::id::new_id(now)),
        token_hash: Set(token_hash(&token)),
        connector: Set(stored.connector),
        connector_token_enc: Set(stored.tokens.seal(&app.secrets)),
        brand: Set(brand),
        last4: Set(last4.clone()),
        exp_month: Set(exp_month),
        exp_year: Set(exp_year),
        fingerprint: Set(fingerprint),
        funding_country: Set(stored.funding_country),
        expires_at: Set(expires_at),
        used_at: Set(None),
        created_at: Set(now),
    };
    insert(app, &row).await.map_err(|error| {
        tracing::error!(%error, "a card token could not be stored");
        VaultError::Unavailable
    })?;
    Ok(CardToken { token, brand, last4, exp_month, exp_year, expires_at })
}

/// A card in the vaults of processors.
struct Stored {
    /// The most preferred processor that has it.
    connector: String,
    tokens: CardTokens,
    funding_country: Option<String>,
}

/// Hands the card to every processor, so that a payment can go to any of them later. One that
/// cannot be reached now is left out.
async fn store(app: &App, card: &CardDetails) -> Result<Stored, VaultError> {
    let mut stored: Option<Stored> = None;
    for connector in app.connectors.all() {
        let call = connector.store_card(card);
        let answer = match tokio::time::timeout(app.config.processing.timeout.0, call).await {
            Ok(answer) => answer,
            Err(_) => Err(ConnectorError::Unreachable { reason: "no answer in time".to_owned() }),
        };
        match answer {
            Ok(card) => {
                let stored = stored.get_or_insert_with(|| Stored {
                    connector: connector.name().to_owned(),
                    tokens: CardTokens::default(),
                    funding_country: card.funding_country.clone(),
                });
                stored.tokens.insert(connector.name(), card.token);
            }
            Err(error) => {
                tracing::warn!(connector = connector.name(), %error, "the processor takes no cards");
            }
        }
    }
    stored.ok_or(VaultError::Unavailable)
}

async fn insert(app: &App, row: &vault_token::ActiveModel) -> Result<(), DbErr> {
    app.database
        .write(|tx| {
            Box::pin(async move {
                vault_token::Entity::insert(row.clone()).exec_without_returning(tx).await?;
                Ok(())
            })
        })
        .await
}

impl Vault {
    async fn answer(&self, ip: IpAddr, body: &[u8]) -> Result<Response, VaultError> {
        self.count(ip)?;
        let mut form: CardForm = serde_json::from_slice(body).map_err(|_| VaultError::Malformed)?;
        let now = self.app.now();
        let number = CardNumber::parse(Zeroizing::new(std::mem::take(&mut form.number)))
            .map_err(VaultError::Card)?;
        let (year, month) = year_and_month(now);
        // Two digits are this century's, as cards print them.
        let exp_year = if form.exp_year < 100 { form.exp_year + 2000 } else { form.exp_year };
        check_expiry(form.exp_month, exp_year, year, month).map_err(VaultError::Card)?;
        let cvc = Zeroizing::new(std::mem::take(&mut form.cvc));
        number.accepts_cvc(&cvc).map_err(VaultError::Card)?;
        let details = CardDetails {
            number,
            exp_month: form.exp_month,
            exp_year,
            cvc,
            postal_code: form.postal_code.take(),
        };
        let token = tokenise(&self.app, details).await?;
        let mut response = (StatusCode::CREATED, Json(token)).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }

    /// Counts a request and refuses those beyond the limit.
    fn count(&self, ip: IpAddr) -> Result<(), VaultError> {
        let config = &self.app.config;
        let limit = config.vault.tokens_per_minute(config.kit.environment);
        let now = self.app.now();
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if seen.len() > 10_000 {
            seen.retain(|_, (start, _)| start.plus(MINUTE) > now);
        }
        let (start, count) = seen.entry(ip).or_insert((now, 0));
        if start.plus(MINUTE) <= now {
            (*start, *count) = (now, 0);
        }
        *count += 1;
        if *count > limit { Err(VaultError::RateLimited) } else { Ok(()) }
    }
}

fn refuse(error: &VaultError) -> Response {
    let (status, code, path) = match error {
        VaultError::Malformed => (StatusCode::BAD_REQUEST, "INVALID_INPUT", Vec::new()),
        VaultError::Card(card) => {
            (StatusCode::UNPROCESSABLE_ENTITY, card.code(), vec![card.field()])
        }
        VaultError::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", Vec::new()),
        VaultError::Unavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, "PROCESSOR_UNAVAILABLE", Vec::new())
        }
    };
    let body = json!({ "errors": [{ "code": code, "message": error.to_string(), "path": path }] });
    let mut response = (status, Json(body)).into_response();
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}
