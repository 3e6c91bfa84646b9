//! Cards on file: attach with a zero-amount verification, detach.

use std::time::Duration;

use kit::{
    Caller, Timestamp, Transaction,
    database::is_unique_violation,
    graphql::AddressInput,
    id::{PaymentAttemptId, PaymentMethodId, UserId},
};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, PaginatorTrait, entity::prelude::*};
use serde::Serialize;

use super::{
    card_tokens::CardTokens,
    idempotent::{Claim, Key, Recorded},
};
use crate::{
    address::validate,
    app::{App, key_owner, person},
    card::CheckResult,
    connector::{Checks, DeclineCode, Verification},
    entity::{
        payment_attempt::{self, AttemptOperation, AttemptStatus},
        payment_method, vault_token,
    },
    money::Currency,
    refusal::{Failure, Refusal},
    secrets::token_hash,
};

#[derive(Clone, Debug, Serialize)]
pub struct Attach {
    pub token: String,
    pub billing_address: Option<AddressInput>,
    pub make_default: bool,
}

/// Turns a card token into a card on file, after the card's bank has seen it.
pub async fn attach(
    app: &App,
    caller: &Caller,
    command: Attach,
    idempotency_key: &str,
) -> Result<Recorded, Failure> {
    let user = person(caller)?;
    let key = Key::new(key_owner(caller)?, "paymentMethodAttach", idempotency_key, &command)?;
    let billing = billing_address(app, &command)?;
    let now = app.now();
    refuse_card_testing(app, user, now).await?;
    let (begun, attempt) =
        (begin(app, user, &key, &command, now).await?, PaymentAttemptId::new(now));
    let token = match begun {
        Begun::Replay(recorded) => return Ok(recorded),
        Begun::Token(token) => token,
    };
    let verification = verify(app, &token.connector, &token.connector_token_enc, attempt).await?;
    let finished = Attached { user, attempt, token, billing, make_default: command.make_default };
    finish(app, &key, &finished, &verification).await
}

enum Begun {
    Replay(Recorded),
    Token(Box<vault_token::Model>),
}

/// Claims the key and spends the token; both hold before the processor is asked.
async fn begin(
    app: &App,
    user: UserId,
    key: &Key,
    command: &Attach,
    now: Timestamp,
) -> Result<Begun, Failure> {
    app.database
        .write(|tx| {
            Box::pin(async move {
                if let Claim::Replay(recorded) = key.claim(tx, now).await? {
                    return Ok(Begun::Replay(recorded));
                }
                tracing::debug!(user = %user, "attaching a card");
                spend(tx, &command.token, now).await.map(|token| Begun::Token(Box::new(token)))
            })
        })
        .await
}

async fn spend(
    tx: &Transaction<'_>,
    token: &str,
    now: Timestamp,
) -> Result<vault_token::Model, Failure> {
    let hash = token_hash(token);
    let spent = vault_token::Entity::update_many()
        .col_expr(vault_token::Column::UsedAt, Expr::value(now))
        .filter(vault_token::Column::TokenHash.eq(hash.clone()))
        .filter(vault_token::Column::UsedAt.is_null())
        .filter(vault_token::Column::ExpiresAt.gt(now))
        .exec(tx)
        .await?;
    let row =
        vault_token::Entity::find().filter(vault_token::Column::TokenHash.eq(hash)).one(tx).await?;
    match (spent.rows_affected, row) {
        (1, Some(row)) => Ok(row),
        (_, Some(_)) => Err(Refusal::invalid(
            "TOKEN_USED_OR_EXPIRED",
            "the card token has been used or has expired",
            &["input", "token"],
        )
        .into()),
        (_, None) => {
            Err(Refusal::not_found("there is no such card token", &["input", "token"]).into())
        }
    }
}

/// Has a card's bank look at it, without moving money.
async fn verify(
    app: &App,
    connector: &str,
    sealed: &[u8],
    attempt: PaymentAttemptId,
) -> Result<Verification, Failure> {
    let unavailable = |reason: &str| Verification::Unavailable { reason: reason.to_owned() };
    let tokens = CardTokens::open(&app.secrets, connector, sealed)?;
    let (Ok(processor), Some(token)) = (app.connectors.named(connector), tokens.at(connector))
    else {
        return Ok(unavailable("the processor is gone"));
    };
    let call = processor.verify(attempt, token);
    Ok(match tokio::time::timeout(app.config.processing.timeout.0, call).await {
        Ok(verification) => verification,
        Err(_) => unavailable("the processor did not answer"),
    })
}

struct Attached {
    user: UserId,
    attempt: PaymentAttemptId,
    token: Box<vault_token::Model>,
    billing: Option<String>,
    make_default: bool,
}

async fn finish(
    app: &App,
    key: &Key,
    attached: &Attached,
    verification: &Verification,
) -> Result<Recorded, Failure> {
    let now = app.now();
    app.database
        .write(|tx| {
            Box::pin(async move {
                let verified = Verified {
                    user: attached.user,
                    attempt: attached.attempt,
                    connector: &attached.token.connector,
                };
                record_attempt(tx, verified, verification, now).await?;
                let recorded = match verification {
                    Verification::Verified(checks) if checks.cvc != CheckResult::Fail => {
                        let id = keep(tx, attached, *checks, now).await?;
                        Recorded::done(id)
                    }
                    Verification::Verified(_) => {
                        declined(DeclineCode::IncorrectCvc, "incorrect_cvc")
                    }
                    Verification::Declined { code, raw_code, .. } => declined(*code, raw_code),
                    // The token is spent; the person makes a new one and tries again.
                    Verification::Unavailable { .. } => {
                        declined(DeclineCode::IssuerUnavailable, "processor_unavailable")
                    }
                };
                key.finish(tx, &recorded).await?;
                Ok(recorded)
            })
        })
        .await
}

fn declined(decline: DeclineCode, raw_code: &str) -> Recorded {
    let refusal = Refusal::CardDeclined { decline, raw_code: Some(raw_code.to_owned()) };
    Recorded { subject: None, refusal: Some(refusal) }
}

/// A verification that was made.
struct Verified<'a> {
    user: UserId,
    attempt: PaymentAttemptId,
    connector: &'a str,
}

async fn record_attempt(
    tx: &Transaction<'_>,
    verified: Verified<'_>,
    verification: &Verification,
    now: Timestamp,
) -> Result<(), DbErr> {
    let (status, decline, raw_code) = match verification {
        Verification::Verified(_) => (AttemptStatus::Succeeded, None, None),
        Verification::Declined { code, raw_code, .. } => {
            (AttemptStatus::Failed, Some(*code), Some(raw_code.clone()))
        }
        Verification::Unavailable { .. } => (AttemptStatus::Failed, None, None),
    };
    let row = payment_attempt::ActiveModel {
        id: Set(verified.attempt),
        payment_id: Set(None),
        refund_id: Set(None),
        payout_id: Set(None),
        chain_id: Set(None),
        user_id: Set(verified.user),
        seq: Set(0),
        op: Set(AttemptOperation::Verify),
        connector: Set(verified.connector.to_owned()),
        connector_ref: Set(None),
        amount: Set(0),
        currency: Set(Currency::parse("USD").expect("USD is a currency")),
        status: Set(status),
        decline: Set(decline),
        raw_code: Set(raw_code),
        checks: Set(0),
        next_check_at: Set(None),
        waiting_owner: Set(None),
        waiting_operation: Set(None),
        waiting_key: Set(None),
        started_at: Set(now),
        finished_at: Set(Some(now)),
    };
    payment_attempt::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Keeps the card; a card the person already has is renewed instead of doubled.
async fn keep(
    tx: &Transaction<'_>,
    attached: &Attached,
    checks: Checks,
    now: Timestamp,
) -> Result<PaymentMethodId, Failure> {
    let Attached { user, token, billing, make_default, .. } = attached;
    let mine = || {
        payment_method::Entity::find()
            .filter(payment_method::Column::UserId.eq(*user))
            .filter(payment_method::Column::DetachedAt.is_null())
    };
    let known = mine()
        .filter(payment_method::Column::Fingerprint.eq(token.fingerprint.clone()))
        .one(tx)
        .await?;
    let first = mine().count(tx).await? == 0;
    let is_default = *make_default || first || known.as_ref().is_some_and(|card| card.is_default);
    if is_default {
        no_default(tx, *user, now).await?;
    }
    let fields = payment_method::ActiveModel {
        user_id: Set(*user),
        connector: Set(token.connector.clone()),
        connector_token_enc: Set(token.connector_token_enc.clone()),
        brand: Set(token.brand),
        last4: Set(token.last4.clone()),
        exp_month: Set(token.exp_month),
        exp_year: Set(token.exp_year),
        fingerprint: Set(token.fingerprint.clone()),
        funding_country: Set(token.funding_country.clone()),
        cvc_check: Set(checks.cvc),
        postal_code_check: Set(checks.postal_code),
        billing_address: Set(billing.clone()),
        verified_at: Set(Some(now)),
        is_default: Set(is_default),
        updated_at: Set(now),
        ..Default::default()
    };
    if let Some(known) = known {
        let fields = payment_method::ActiveModel { version: Set(known.version + 1), ..fields };
        payment_method::Entity::update_many()
            .set(fields)
            .filter(payment_method::Column::Id.eq(known.id))
            .exec(tx)
            .await?;
        return Ok(known.id);
    }
    let id = PaymentMethodId::new(now);
    let row = payment_method::ActiveModel {
        id: Set(id),
        detached_at: Set(None),
        created_at: Set(now),
        version: Set(1),
        ..fields
    };
    match payment_method::Entity::insert(row).exec_without_returning(tx).await {
        Ok(_) => Ok(id),
        Err(error) if is_unique_violation(&error) => {
            Err(Refusal::conflict("CONFLICT", "this card is being attached already").into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn no_default(tx: &impl ConnectionTrait, user: UserId, now: Timestamp) -> Result<(), DbErr> {
    payment_method::Entity::update_many()
        .col_expr(payment_method::Column::IsDefault, Expr::value(false))
        .col_expr(payment_method::Column::UpdatedAt, Expr::value(now))
        .filter(payment_method::Column::UserId.eq(user))
        .filter(payment_method::Column::IsDefault.eq(true))
        .filter(payment_method::Column::DetachedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Somebody who tries card after card is stopped.
async fn refuse_card_testing(app: &App, user: UserId, now: Timestamp) -> Result<(), Failure> {
    const HOUR: Duration = Duration::from_hours(1);
    let limit = app.config.vault.failed_cards(app.config.kit.environment);
    let failed = payment_attempt::Entity::find()
        .filter(payment_attempt::Column::UserId.eq(user))
        .filter(payment_attempt::Column::Op.eq(AttemptOperation::Verify))
        .filter(payment_attempt::Column::Status.eq(AttemptStatus::Failed))
        .filter(payment_attempt::Column::StartedAt.gt(now.minus(HOUR)))
        .count(app.database.read())
        .await?;
    if failed < u64::from(limit) {
        return Ok(());
    }
    Err(Refusal::RateLimited { retry_after_seconds: 3600 }.into())
}

fn billing_address(app: &App, command: &Attach) -> Result<Option<String>, Failure> {
    let Some(input) = &command.billing_address else { return Ok(None) };
    // Where a bill goes is not a question of shipping; only the form is checked.
    let validation = validate(input, &crate::address::Policy::default());
    tracing::debug!(verdict = ?validation.verdict, rules = app.config.shipping.refuse_po_boxes, "billing address");
    match validation.normalized {
        Some(address) => Ok(Some(serde_json::to_string(&address)?)),
        None => Err(Refusal::invalid(
            "INVALID_ADDRESS",
            "the billing address is incomplete or invalid",
            &["input", "billingAddress"],
        )
        .into()),
    }
}

/// Has the bank look at a card on file again. With a fresh token of the same card its security
/// code is checked too, and the card is renewed.
pub async fn reverify(
    app: &App,
    caller: &Caller,
    id: PaymentMethodId,
    cvc_token: Option<String>,
) -> Result<Recorded, Failure> {
    let user = person(caller)?;
    let now = app.now();
    refuse_card_testing(app, user, now).await?;
    let reader = app.database.read();
    let method = payment_method::Entity::find_by_id(id)
        .one(reader)
        .await?
        .filter(|row| row.user_id == user && row.detached_at.is_none())
        .ok_or_else(|| Refusal::not_found("you have no such card", &["id"]))?;
    let token = match cvc_token {
        Some(text) => Some(spend_for(app, &method, text, now).await?),
        None => None,
    };
    let (connector, sealed) = token.as_ref().map_or_else(
        || (&method.connector, &method.connector_token_enc),
        |token| (&token.connector, &token.connector_token_enc),
    );
    let attempt = PaymentAttemptId::new(now);
    let verification = verify(app, connector, sealed, attempt).await?;
    let (method, token, verification) = (&method, &token, &verification);
    app.database
        .write(|tx| {
            Box::pin(async move {
                let verified = Verified { user, attempt, connector };
                record_attempt(tx, verified, verification, now).await?;
                match verification {
                    Verification::Verified(checks) if checks.cvc != CheckResult::Fail => {
                        renew(tx, method, token.as_ref(), *checks, now).await?;
                        Ok(Recorded::done(id))
                    }
                    Verification::Verified(_) => Ok(Recorded {
                        subject: Some(id.into()),
                        ..declined(DeclineCode::IncorrectCvc, "incorrect_cvc")
                    }),
                    Verification::Declined { code, raw_code, .. } => {
                        Ok(Recorded { subject: Some(id.into()), ..declined(*code, raw_code) })
                    }
                    Verification::Unavailable { .. } => Ok(Recorded {
                        subject: Some(id.into()),
                        ..declined(DeclineCode::IssuerUnavailable, "processor_unavailable")
                    }),
                }
            })
        })
        .await
}

/// Spends a token that must be of the same card.
async fn spend_for(
    app: &App,
    method: &payment_method::Model,
    token: String,
    now: Timestamp,
) -> Result<vault_token::Model, Failure> {
    const PATH: &[&str] = &["cvcToken"];
    let token = &token;
    let spent = app
        .database
        .write(|tx| Box::pin(async move { spend(tx, token, now).await }))
        .await
        .map_err(|failure| match failure {
            Failure::Refused(refusal) => Failure::from(at_path(*refusal, PATH)),
            failure => failure,
        })?;
    if spent.fingerprint != method.fingerprint {
        let message = "the token is of another card";
        return Err(Refusal::invalid("CARD_MISMATCH", message, PATH).into());
    }
    Ok(spent)
}

fn at_path(refusal: Refusal, path: &[&'static str]) -> Refusal {
    let path = path.iter().map(|part| (*part).into()).collect();
    match refusal {
        Refusal::InvalidInput { code, message, .. } => {
            Refusal::InvalidInput { code, message, path }
        }
        Refusal::NotFound { code, message, .. } => Refusal::NotFound { code, message, path },
        refusal => refusal,
    }
}

async fn renew(
    tx: &impl ConnectionTrait,
    method: &payment_method::Model,
    token: Option<&vault_token::Model>,
    checks: Checks,
    now: Timestamp,
) -> Result<(), DbErr> {
    let mut change = payment_method::ActiveModel {
        verified_at: Set(Some(now)),
        updated_at: Set(now),
        version: Set(method.version + 1),
        ..Default::default()
    };
    if checks.cvc != CheckResult::Unchecked {
        change.cvc_check = Set(checks.cvc);
    }
    if checks.postal_code != CheckResult::Unchecked {
        change.postal_code_check = Set(checks.postal_code);
    }
    if let Some(token) = token {
        change.connector = Set(token.connector.clone());
        change.connector_token_enc = Set(token.connector_token_enc.clone());
        change.exp_month = Set(token.exp_month);
        change.exp_year = Set(token.exp_year);
    }
    payment_method::Entity::update_many()
        .set(change)
        .filter(payment_method::Column::Id.eq(method.id))
        .filter(payment_method::Column::DetachedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Takes a card off file. Payments made with it keep showing it.
pub async fn detach(
    app: &App,
    caller: &Caller,
    id: PaymentMethodId,
) -> Result<PaymentMethodId, Failure> {
    let user = person(caller)?;
    let now = app.now();
    let detached: Result<u64, Failure> = app
        .database
        .write(|tx| {
            Box::pin(async move {
                let updated = payment_method::Entity::update_many()
                    .col_expr(payment_method::Column::DetachedAt, Expr::value(now))
                    .col_expr(payment_method::Column::IsDefault, Expr::value(false))
                    .col_expr(payment_method::Column::UpdatedAt, Expr::value(now))
                    .filter(payment_method::Column::Id.eq(id))
                    .filter(payment_method::Column::UserId.eq(user))
                    .filter(payment_method::Column::DetachedAt.is_null())
                    .exec(tx)
                    .await?;
                Ok(updated.rows_affected)
            })
        })
        .await;
    if detached? == 1 {
        Ok(id)
    } else {
        Err(Refusal::not_found("you have no such card", &["id"]).into())
    }
}

/// A card the person may pay with now.
pub(crate) async fn usable(
    tx: &impl ConnectionTrait,
    user: UserId,
    id: PaymentMethodId,
    now: Timestamp,
) -> Result<payment_method::Model, Failure> {
    const PATH: &[&str] = &["input", "paymentMethodId"];
    let method = payment_method::Entity::find_by_id(id)
        .one(tx)
        .await?
        .filter(|row| row.user_id == user && row.detached_at.is_none())
        .ok_or_else(|| Refusal::not_found("you have no such card", PATH))?;
    if is_expired(&method, now) {
        return Err(Refusal::invalid("EXPIRED_CARD", "the card has expired", PATH).into());
    }
    Ok(method)
}

/// Is the card past its last month?
pub(crate) fn is_expired(method: &payment_method::Model, now: Timestamp) -> bool {
    let (year, month) = year_and_month(now);
    crate::card::check_expiry(method.exp_month, method.exp_year, year, month).is_err()
}

/// The calendar month of an instant in UTC.
pub(crate) fn year_and_month(at: Timestamp) -> (i64, i64) {
    time::OffsetDateTime::from_unix_timestamp(at.seconds())
        .map_or((1970, 1), |date| (i64::from(date.year()), i64::from(u8::from(date.month()))))
}
