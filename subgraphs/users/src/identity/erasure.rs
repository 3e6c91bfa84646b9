//! Leaving: a copy of one's data, and erasure.
//!
//! Erasure waits three days, in which logging in takes it back. Then the row becomes a tombstone
//! that other services' ids can still point at, everything else about the person is deleted,
//! old events lose their payload, and `user.erased` tells the other services to do the same.

use std::time::Duration;

use kit::{RequestOrigin, Timestamp, entity::outbox, events, id::UserId, mail};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait,
    ExprTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Identity, acknowledgements,
    failure::{Failure, Fault, Outcome},
    feed, mailing, one_time,
    passwords::ProofRefusal,
    registration::{InvalidToken, blank_user},
    security_log::{self, SecurityEventKind},
    sessions,
};
use crate::{
    account::status::UserStatus,
    entity::{access_token, one_time_token, security_event, session, user, user_address},
    password::Password,
    token::one_time::Kind,
};

const GRACE: Duration = Duration::from_hours(72);
const EXPORT_LIFETIME: Duration = Duration::from_hours(24);
const BATCH: u64 = 50;

impl Identity {
    /// Sends a link to a copy of everything this service holds about the person.
    pub async fn request_export(&self, user: UserId) -> Result<(), Fault> {
        let now = self.clock.now();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let Some(user) = user::Entity::find_by_id(user.uuid())
                        .filter(user::Column::Status.eq(UserStatus::Active))
                        .one(tx)
                        .await?
                    else {
                        return Ok(());
                    };
                    let (key, life) = (&self.keys.one_time, EXPORT_LIFETIME);
                    let kind = Kind::Export;
                    let token = one_time::issue(tx, key, now, user.id, kind, life, None).await?;
                    mailing::account_export(tx, now, &user, token).await?;
                    Ok(())
                })
            })
            .await
    }

    /// What the link leads to, and whose it is; it may be followed again until it expires.
    pub async fn export(&self, token: &str) -> Outcome<(UserId, Value), InvalidToken> {
        let now = self.clock.now();
        let connection = self.database.read();
        let found = one_time::find(connection, now, Kind::Export, token)
            .await?
            .ok_or(Failure::Refused(InvalidToken))?;
        let id = found.user_id;
        let user = user::Entity::find_by_id(id)
            .one(connection)
            .await?
            .ok_or(Failure::Refused(InvalidToken))?;
        let addresses = self.addresses_of(&[id]).await?;
        let sessions = session::Entity::find()
            .filter(session::Column::UserId.eq(id))
            .order_by_asc(session::Column::Id)
            .all(connection)
            .await?;
        let log = security_event::Entity::find()
            .filter(security_event::Column::UserId.eq(id))
            .order_by_asc(security_event::Column::Id)
            .all(connection)
            .await?;
        let tokens = access_token::Entity::find()
            .filter(access_token::Column::UserId.eq(id))
            .order_by_asc(access_token::Column::Id)
            .all(connection)
            .await?;
        let mails = outbox::Entity::find()
            .filter(outbox::Column::UserId.eq(id))
            .order_by_asc(outbox::Column::Id)
            .all(connection)
            .await?;
        let time = |at: i64| Timestamp(at).to_string();
        let export = json!({
            "exportedAt": now.to_string(),
            "account": {
                "id": UserId::from(user.id).to_string(),
                "email": user.email,
                "emailVerifiedAt": user.email_verified_at.map(time),
                "displayName": user.display_name,
                "givenName": user.given_name,
                "familyName": user.family_name,
                "phone": user.phone,
                "locale": user.locale,
                "timeZone": user.time_zone,
                "avatarUrl": user.avatar_url,
                "roles": user.roles.names(),
                "memberSince": time(user.created_at),
                "lastLoginAt": user.last_login_at.map(time),
            },
            "addresses": addresses.iter().map(|row| json!({
                "label": row.label,
                "address": serde_json::from_str::<Value>(&row.address).unwrap_or_default(),
                "savedAt": time(row.created_at),
            })).collect::<Vec<_>>(),
            "sessions": sessions.iter().map(|row| json!({
                "createdAt": time(row.created_at),
                "lastSeenAt": time(row.last_seen_at),
                "ipAddress": row.ip,
                "userAgent": row.user_agent,
                "deviceName": row.device_name,
            })).collect::<Vec<_>>(),
            "securityEvents": log.iter().map(|row| json!({
                "kind": row.kind,
                "at": time(row.created_at),
                "ipAddress": row.ip,
                "userAgent": row.user_agent,
                "detail": row.detail,
            })).collect::<Vec<_>>(),
            "personalAccessTokens": tokens.iter().map(|row| json!({
                "name": row.name,
                "prefix": row.prefix,
                "scopes": row.scopes,
                "createdAt": time(row.created_at),
                "expiresAt": time(row.expires_at),
                "lastUsedAt": row.last_used_at.map(time),
                "revokedAt": row.revoked_at.map(time),
            })).collect::<Vec<_>>(),
            "mails": mails.iter().map(|row| json!({
                "template": row.template,
                "to": row.recipient,
                "status": row.status,
                "queuedAt": time(row.created_at),
                "sentAt": row.sent_at.map(time),
            })).collect::<Vec<_>>(),
        });
        Ok((UserId::from(id), export))
    }

    /// Closes the account; it is erased in three days unless its owner logs in.
    pub async fn request_erasure(
        &self,
        user: UserId,
        current: &Password,
        delete_content: bool,
        origin: &RequestOrigin,
    ) -> Outcome<(), ProofRefusal> {
        let user = self.prove(user, current, origin).await?;
        let now = self.clock.now();
        let user = &user;
        self.database
            .write(|tx| {
                Box::pin(async move {
                    user::Entity::update_many()
                        .set(user::ActiveModel {
                            status: Set(UserStatus::Deactivated),
                            erase_after: Set(Some(now.plus(GRACE).0)),
                            erase_content: Set(delete_content),
                            updated_at: Set(now.0),
                            ..Default::default()
                        })
                        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1i64))
                        .filter(user::Column::Id.eq(user.id))
                        .exec(tx)
                        .await?;
                    sessions::revoke_all(tx, now, user.id, None, "ERASURE").await?;
                    let kind = SecurityEventKind::ErasureRequested;
                    security_log::record(tx, now, user.id, kind, origin, None).await?;
                    mailing::account_erased(tx, now, user).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Erases a person without the three days, by an operator's hand. False when there is nobody
    /// to erase.
    pub async fn erase_now(&self, id: UserId, delete_content: bool) -> Result<bool, DbErr> {
        let now = self.clock.now();
        let found = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    user::Entity::update_many()
                        .col_expr(user::Column::EraseAfter, Expr::value(now.0))
                        .col_expr(user::Column::EraseContent, Expr::value(delete_content))
                        .filter(user::Column::Id.eq(id.uuid()))
                        .filter(user::Column::Status.ne(UserStatus::Erased))
                        .filter(user::Column::IsAdmin.eq(false))
                        .exec(tx)
                        .await
                })
            })
            .await?;
        if found.rows_affected == 0 {
            return Ok(false);
        }
        self.erase_due().await?;
        Ok(true)
    }

    /// Erases everybody whose three days are over. Returns how many.
    pub async fn erase_due(&self) -> Result<u64, DbErr> {
        let now = self.clock.now();
        let due = user::Entity::find()
            .filter(user::Column::EraseAfter.lte(now.0))
            .order_by_asc(user::Column::EraseAfter)
            .limit(BATCH)
            .all(self.database.read())
            .await?;
        let mut erased = 0;
        for user in &due {
            let peers = &self.peers;
            erased += self
                .database
                .write(|tx| Box::pin(async move { erase(tx, now, user, peers).await }))
                .await?;
        }
        Ok(erased)
    }
}

/// Of two replicas, or of this and a log-in at the last moment, one comes first.
async fn erase(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
    peers: &[String],
) -> Result<u64, DbErr> {
    let tombstone = user::Model {
        id: user.id,
        display_name: "Deleted user".to_owned(),
        status: UserStatus::Erased,
        erase_content: user.erase_content,
        erased_at: Some(now.0),
        created_at: user.created_at,
        version: user.version + 1,
        ..blank_user(now)
    };
    let mut change = user::ActiveModel::from(tombstone.clone()).reset_all();
    change.id = sea_orm::ActiveValue::NotSet;
    let changed = user::Entity::update_many()
        .set(change)
        .filter(user::Column::Id.eq(user.id))
        .filter(user::Column::EraseAfter.lte(now.0))
        .exec(tx)
        .await?;
    if changed.rows_affected == 0 {
        return Ok(0);
    }
    sessions::revoke_all(tx, now, user.id, None, "ERASED").await?;
    forget(tx, user.id).await?;
    mail::erase_user(tx, user.id, now).await?;
    let origin = RequestOrigin::default();
    let kind = SecurityEventKind::Erased;
    security_log::record(tx, now, user.id, kind, &origin, None).await?;
    events::redact(tx, &UserId::from(user.id).to_string()).await?;
    acknowledgements::expect(tx, now, user.id, peers).await?;
    feed::erased(tx, now, &tombstone).await?;
    Ok(1)
}

async fn forget(tx: &impl ConnectionTrait, user: Uuid) -> Result<(), DbErr> {
    user_address::Entity::delete_many()
        .filter(user_address::Column::UserId.eq(user))
        .exec(tx)
        .await?;
    session::Entity::delete_many().filter(session::Column::UserId.eq(user)).exec(tx).await?;
    one_time_token::Entity::delete_many()
        .filter(one_time_token::Column::UserId.eq(user))
        .exec(tx)
        .await?;
    access_token::Entity::delete_many()
        .filter(access_token::Column::UserId.eq(user))
        .exec(tx)
        .await?;
    security_event::Entity::delete_many()
        .filter(security_event::Column::UserId.eq(user))
        .exec(tx)
        .await?;
    super::second_factor::forget(tx, user).await
}
