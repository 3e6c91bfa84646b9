//! What other services learn about people, through the event feed.

use kit::{Timestamp, events, id::UserId};
use sea_orm::{ConnectionTrait, DbErr};
use serde::Serialize;

use crate::entity::user;

/// The public part of an account: what other services may keep a copy of.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PublicUser<'a> {
    id: UserId,
    display_name: &'a str,
    avatar_url: Option<&'a str>,
    status: &'static str,
    roles: Vec<&'static str>,
    member_since: i64,
    version: i64,
}

/// A person can be seen by others from now on.
pub(crate) async fn registered(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
) -> Result<(), DbErr> {
    append(tx, now, "user.registered", user).await
}

pub(crate) async fn updated(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
) -> Result<(), DbErr> {
    append(tx, now, "user.updated", user).await
}

pub(crate) async fn suspended(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
) -> Result<(), DbErr> {
    append(tx, now, "user.suspended", user).await
}

/// Carries no name: whoever reads the feed later must not learn what was erased.
pub(crate) async fn erased(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
) -> Result<(), DbErr> {
    let id = UserId::from(user.id);
    let payload = serde_json::json!({
        "id": id,
        "displayName": user.display_name,
        "status": user.status.as_str(),
        "deleteContent": user.erase_content,
    });
    events::append(tx, now, "user.erased", &id.to_string(), &payload).await?;
    Ok(())
}

/// The payload of `user.registered` and `user.updated`.
pub(crate) fn public(user: &user::Model) -> Result<serde_json::Value, serde_json::Error> {
    serde_json::to_value(PublicUser {
        id: UserId::from(user.id),
        display_name: &user.display_name,
        avatar_url: user.avatar_url.as_deref(),
        status: user.status.as_str(),
        roles: user.roles.names(),
        member_since: user.created_at,
        version: user.version,
    })
}

async fn append(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    kind: &str,
    user: &user::Model,
) -> Result<(), DbErr> {
    let payload = public(user).map_err(|error| DbErr::Json(error.to_string()))?;
    events::append(tx, now, kind, &UserId::from(user.id).to_string(), &payload).await?;
    Ok(())
}
