//! Which mails this service queues, and what each of them carries. Texts live in `crate::mail`.
//!
//! A mailed token is carried as the id it is derived from: the outbox holds no secret.

use kit::{
    Timestamp,
    mail::{NewMail, enqueue},
};
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::entity::{session, user};

pub(crate) async fn verify_email(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
    token: Uuid,
) -> Result<(), DbErr> {
    let data = json!({ "name": user.display_name, "token": token });
    queue(tx, now, "verify_email", user, (token, 1), data).await
}

/// Answers a registration with an address that has an account already.
pub(crate) async fn already_registered(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
) -> Result<(), DbErr> {
    let data = json!({ "name": user.display_name });
    queue(tx, now, "already_registered", user, (kit::id::new_id(now), 1), data).await
}

pub(crate) async fn password_reset(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
    token: Uuid,
) -> Result<(), DbErr> {
    let data = json!({ "name": user.display_name, "token": token });
    queue(tx, now, "password_reset", user, (token, 1), data).await
}

pub(crate) async fn password_changed(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
) -> Result<(), DbErr> {
    let data = json!({ "name": user.display_name, "at": now.0 });
    queue(tx, now, "password_changed", user, (user.id, user.version), data).await
}

pub(crate) async fn new_device(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
    session: &session::Model,
) -> Result<(), DbErr> {
    let data = json!({
        "name": user.display_name,
        "at": now.0,
        "device": session.device_name.as_ref().or(session.user_agent.as_ref()),
        "ip": session.ip,
    });
    queue(tx, now, "new_device", user, (session.id, 1), data).await
}

pub(crate) async fn token_reuse(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
    family: Uuid,
) -> Result<(), DbErr> {
    let data = json!({ "name": user.display_name, "at": now.0 });
    queue(tx, now, "token_reuse", user, (family, 1), data).await
}

/// To the new address: is it really theirs?
pub(crate) async fn email_change_confirm(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
    to: &str,
    token: Uuid,
) -> Result<(), DbErr> {
    let data = json!({ "name": user.display_name, "token": token });
    send(tx, now, "email_change_confirm", user, to, (token, 1), data).await
}

/// To the old address, with a way back.
pub(crate) async fn email_change_notice(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
    to: &str,
    token: Uuid,
) -> Result<(), DbErr> {
    let data = json!({
        "name": user.display_name,
        "at": now.0,
        "new_email": user.email,
        "token": token,
    });
    send(tx, now, "email_change_notice", user, to, (token, 1), data).await
}

pub(crate) async fn account_export(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
    token: Uuid,
) -> Result<(), DbErr> {
    let data = json!({ "name": user.display_name, "token": token });
    queue(tx, now, "account_export", user, (token, 1), data).await
}

pub(crate) async fn account_erased(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
) -> Result<(), DbErr> {
    let data = json!({ "name": user.display_name, "at": now.0 });
    queue(tx, now, "account_erased", user, (user.id, user.version), data).await
}

pub(crate) async fn mfa_changed(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
    detail: &str,
) -> Result<(), DbErr> {
    let data = json!({ "name": user.display_name, "at": now.0, "detail": detail });
    queue(tx, now, "mfa_changed", user, (user.id, user.version), data).await
}

async fn queue(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    template: &'static str,
    user: &user::Model,
    (entity, entity_version): (Uuid, i64),
    data: Value,
) -> Result<(), DbErr> {
    let Some(to) = user.email.as_deref() else { return Ok(()) };
    send(tx, now, template, user, to, (entity, entity_version), data).await
}

/// To an address that is not, or no longer, the account's own.
pub(crate) async fn send(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    template: &'static str,
    user: &user::Model,
    to: &str,
    (entity, entity_version): (Uuid, i64),
    data: Value,
) -> Result<(), DbErr> {
    let mail = NewMail {
        template,
        to,
        locale: &user.locale,
        entity,
        entity_version,
        data,
        user: Some(user.id),
    };
    enqueue(tx, now, mail).await?;
    Ok(())
}
