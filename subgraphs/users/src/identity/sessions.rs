//! Sessions: one per log-in, at most twenty per person, and what ends them.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use kit::{
    RequestOrigin, Timestamp,
    id::{SessionId, UserId},
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait,
    QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Identity,
    failure::{Failure, Fault, Outcome},
    mailing,
    security_log::{self, SecurityEventKind},
};
use crate::{
    entity::{revocation, revocation_counter, session, token_family, user},
    token::{access, refresh::RefreshToken, signing_keys::SigningKey},
};

pub const IDLE: Duration = Duration::from_hours(24 * 7);
pub const ABSOLUTE: Duration = Duration::from_hours(24 * 30);
const MAX_SESSIONS: usize = 20;
/// A revocation matters until the last access token issued before it has expired.
const REVOCATION_LIFETIME: Duration = Duration::from_mins(10);

/// What a client gets after a log-in or a refresh.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    pub access_token: String,
    pub expires_in: i64,
    pub refresh_token: String,
    pub refresh_expires_in: i64,
    pub scope: String,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(..)")
    }
}

/// Everything that access and refresh token of a generation are made from. Plain rows: signing
/// happens after the commit.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub user: user::Model,
    pub session: session::Model,
    pub family: token_family::Model,
}

/// Which device logs in.
#[derive(Debug, Clone)]
pub(crate) struct Device<'a> {
    pub name: Option<&'a str>,
    pub origin: &'a RequestOrigin,
}

impl Device<'_> {
    /// What tells devices apart without a cookie: the user agent and the name it gave itself.
    fn key(&self) -> String {
        let agent = self.origin.user_agent.as_deref().unwrap_or_default();
        format!("{agent}\n{}", self.name.unwrap_or_default()).chars().take(400).collect()
    }

    /// The /24 or /48 it calls from.
    fn network(&self) -> Option<String> {
        Some(match self.origin.ip?.to_canonical() {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            IpAddr::V6(ip) => {
                let [a, b, c, ..] = ip.segments();
                format!("{a:x}:{b:x}:{c:x}::/48")
            }
        })
    }
}

/// Opens a session for a person who has just proved who they are.
pub(crate) async fn open(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
    device: &Device<'_>,
    mfa: bool,
) -> Result<Grant, DbErr> {
    let known = session::Entity::find()
        .filter(session::Column::UserId.eq(user.id))
        .order_by_asc(session::Column::LastSeenAt)
        .all(tx)
        .await?;
    let (device_key, network_key) = (device.key(), device.network());
    let new_device = !known.is_empty()
        && known.iter().all(|session| session.device_key != device_key)
        && known.iter().all(|session| session.network_key != network_key);
    let live: Vec<_> = known.iter().filter(|session| is_live(session, now)).collect();
    if live.len() >= MAX_SESSIONS {
        let surplus = live[..=live.len() - MAX_SESSIONS].iter().map(|session| session.id).collect();
        revoke(tx, now, surplus, "REPLACED").await?;
    }
    let id = kit::id::new_id(now);
    let session = session::Model {
        id,
        user_id: user.id,
        device_name: device.name.map(str::to_owned),
        ip: device.origin.ip.map(|ip| ip.to_string()),
        user_agent: security_log::user_agent(device.origin),
        device_key,
        network_key,
        mfa,
        auth_time: now.0,
        last_seen_at: now.0,
        idle_expires_at: now.plus(IDLE).0,
        expires_at: now.plus(ABSOLUTE).0,
        revoked_at: None,
        revoke_reason: None,
        version: 1,
        created_at: now.0,
        updated_at: now.0,
    };
    session::Entity::insert(session::ActiveModel::from(session.clone()).reset_all())
        .exec_without_returning(tx)
        .await?;
    let family = token_family::Model {
        id: kit::id::new_id(now),
        session_id: id,
        client_id: access::CLIENT_ID.to_owned(),
        scope: user.roles.scope(),
        generation: 0,
        rotated_at: now.0,
        generation_used_at: None,
        revoked_at: None,
        created_at: now.0,
    };
    token_family::Entity::insert(token_family::ActiveModel::from(family.clone()).reset_all())
        .exec_without_returning(tx)
        .await?;
    user::Entity::update_many()
        .col_expr(user::Column::LastLoginAt, Expr::value(now.0))
        .filter(user::Column::Id.eq(user.id))
        .exec(tx)
        .await?;
    security_log::record(tx, now, user.id, SecurityEventKind::Login, device.origin, None).await?;
    if new_device {
        mailing::new_device(tx, now, user, &session).await?;
    }
    Ok(Grant { user: user.clone(), session, family })
}

pub(crate) fn is_live(session: &session::Model, now: Timestamp) -> bool {
    session.revoked_at.is_none() && session.idle_expires_at > now.0 && session.expires_at > now.0
}

/// Ends these sessions: their refresh tokens at once, their access tokens when the gateway has
/// read the revocation. Returns how many were live.
pub(crate) async fn revoke(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    ids: Vec<Uuid>,
    reason: &str,
) -> Result<u64, DbErr> {
    if ids.is_empty() {
        return Ok(0);
    }
    let ended = session::Entity::update_many()
        .col_expr(session::Column::RevokedAt, Expr::value(now.0))
        .col_expr(session::Column::RevokeReason, Expr::value(reason))
        .col_expr(session::Column::UpdatedAt, Expr::value(now.0))
        .filter(session::Column::Id.is_in(ids))
        .filter(session::Column::RevokedAt.is_null())
        .exec_with_returning(tx)
        .await?;
    if ended.is_empty() {
        return Ok(0);
    }
    let ended: Vec<Uuid> = ended.into_iter().map(|session| session.id).collect();
    token_family::Entity::update_many()
        .col_expr(token_family::Column::RevokedAt, Expr::value(now.0))
        .filter(token_family::Column::SessionId.is_in(ended.clone()))
        .filter(token_family::Column::RevokedAt.is_null())
        .exec(tx)
        .await?;
    let count = ended.len() as u64;
    let last = next_revocations(tx, i64::try_from(ended.len()).unwrap_or(i64::MAX)).await?;
    let rows = ended.into_iter().rev().zip(0..).map(|(id, back)| revocation::ActiveModel {
        seq: Set(last - back),
        session_id: Set(Some(id)),
        user_id: Set(None),
        not_before: Set(now.0),
        expires_at: Set(now.plus(REVOCATION_LIFETIME).0),
        created_at: Set(now.0),
    });
    revocation::Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(count)
}

/// Makes every access token of `user` issued until now worthless without ending sessions: the
/// next refresh gets one with the new scopes.
pub(crate) async fn revoke_access_tokens(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: Uuid,
) -> Result<(), DbErr> {
    // Tokens count in seconds: everything issued within this second is meant, and the next one
    // is issued as of the next second.
    let epoch = Timestamp::from_seconds(now.seconds() + 1);
    let seq = next_revocations(tx, 1).await?;
    revocation::Entity::insert(revocation::ActiveModel {
        seq: Set(seq),
        session_id: Set(None),
        user_id: Set(Some(user)),
        not_before: Set(epoch.0),
        expires_at: Set(now.plus(REVOCATION_LIFETIME).0),
        created_at: Set(now.0),
    })
    .exec_without_returning(tx)
    .await?;
    user::Entity::update_many()
        .col_expr(user::Column::TokenEpoch, Expr::value(epoch.0))
        .filter(user::Column::Id.eq(user))
        .exec(tx)
        .await?;
    Ok(())
}

/// Tells whoever keeps answers about this person's tokens to ask again.
pub(crate) async fn announce_change(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: Uuid,
) -> Result<(), DbErr> {
    let seq = next_revocations(tx, 1).await?;
    revocation::Entity::insert(revocation::ActiveModel {
        seq: Set(seq),
        session_id: Set(None),
        user_id: Set(Some(user)),
        not_before: Set(0),
        expires_at: Set(now.plus(REVOCATION_LIFETIME).0),
        created_at: Set(now.0),
    })
    .exec_without_returning(tx)
    .await?;
    Ok(())
}

/// All live sessions of `user`, except one.
pub(crate) async fn revoke_all(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: Uuid,
    except: Option<Uuid>,
    reason: &str,
) -> Result<u64, DbErr> {
    let mut sessions: BTreeSet<Uuid> = session::Entity::find()
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::RevokedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now.0))
        .all(tx)
        .await?
        .into_iter()
        .map(|session| session.id)
        .collect();
    if let Some(except) = except {
        sessions.remove(&except);
    }
    revoke(tx, now, sessions.into_iter().collect(), reason).await
}

/// Forgets sessions that ended a while ago, with their families, and revocations that have
/// outlived every access token they were about.
pub(crate) async fn sweep(tx: &impl ConnectionTrait, now: Timestamp) -> Result<(), DbErr> {
    session::Entity::delete_many()
        .filter(session::Column::ExpiresAt.lt(now.minus(ABSOLUTE).0))
        .exec(tx)
        .await?;
    revocation::Entity::delete_many()
        .filter(revocation::Column::ExpiresAt.lt(now.0))
        .exec(tx)
        .await?;
    Ok(())
}

/// Takes `count` numbers of the revocation feed and returns the last. Holds the counter's row
/// until the commit, so that numbers follow the order of commits.
async fn next_revocations(tx: &impl ConnectionTrait, count: i64) -> Result<i64, DbErr> {
    let counters = revocation_counter::Entity::update_many()
        .col_expr(
            revocation_counter::Column::N,
            sea_orm::ExprTrait::add(Expr::col(revocation_counter::Column::N), count),
        )
        .filter(revocation_counter::Column::Id.eq(1))
        .exec_with_returning(tx)
        .await?;
    counters
        .first()
        .map(|counter| counter.n)
        .ok_or_else(|| DbErr::RecordNotFound("revocation_counter".to_owned()))
}

/// The session to revoke is not one of the caller's live ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSuchSession;

impl Identity {
    /// The revocation feed after `after` that still matters, and the newest number given out.
    pub async fn revocations(
        &self,
        after: i64,
        limit: u64,
    ) -> Result<(Vec<revocation::Model>, i64), DbErr> {
        let now = self.clock.now();
        let rows = revocation::Entity::find()
            .filter(revocation::Column::Seq.gt(after))
            .filter(revocation::Column::ExpiresAt.gt(now.0))
            .order_by_asc(revocation::Column::Seq)
            .limit(limit)
            .all(self.database.read())
            .await?;
        let head = revocation_counter::Entity::find_by_id(1).one(self.database.read()).await?;
        Ok((rows, head.map_or(0, |counter| counter.n)))
    }

    /// Ends one session of `user`.
    pub async fn revoke_session(
        &self,
        user: UserId,
        session: SessionId,
        origin: &RequestOrigin,
    ) -> Outcome<u64, NoSuchSession> {
        let now = self.clock.now();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let own = session::Entity::find_by_id(session.uuid())
                        .filter(session::Column::UserId.eq(user.uuid()))
                        .one(tx)
                        .await?
                        .is_some_and(|session| is_live(&session, now));
                    if !own {
                        return Err(Failure::Refused(NoSuchSession));
                    }
                    let count = revoke(tx, now, vec![session.uuid()], "REVOKED").await?;
                    log_revocation(tx, now, user, origin, session.to_string()).await?;
                    Ok(count)
                })
            })
            .await
    }

    /// Ends all sessions of `user`, except perhaps the one that asks.
    pub async fn revoke_sessions(
        &self,
        user: UserId,
        except: Option<SessionId>,
        origin: &RequestOrigin,
    ) -> Result<u64, Fault> {
        let now = self.clock.now();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let except = except.map(|session| session.uuid());
                    let count = revoke_all(tx, now, user.uuid(), except, "REVOKED").await?;
                    if count > 0 {
                        log_revocation(tx, now, user, origin, format!("{count} sessions")).await?;
                    }
                    Ok(count)
                })
            })
            .await
    }

    /// Signs the tokens of a grant.
    pub(crate) async fn tokens(&self, grant: &Grant) -> Result<Tokens, Fault> {
        let key = self.signing.active().await?;
        self.sign(&key, grant)
    }

    fn sign(&self, key: &SigningKey, grant: &Grant) -> Result<Tokens, Fault> {
        let Grant { user, session, family } = grant;
        let now = self.clock.now();
        let expires_in = access::lifetime_seconds();
        let issued_at = now.seconds().max(Timestamp(user.token_epoch).seconds());
        let mut amr = vec!["pwd".to_owned()];
        if session.mfa {
            amr.extend(["otp".to_owned(), "mfa".to_owned()]);
        }
        let scope = user.roles.scope();
        let claims = access::Claims {
            iss: self.issuer.clone(),
            exp: issued_at + expires_in,
            aud: self.audience.clone(),
            sub: UserId::from(user.id).to_string(),
            client_id: family.client_id.clone(),
            iat: issued_at,
            jti: Uuid::new_v4().simple().to_string(),
            sid: SessionId::from(session.id).to_string(),
            scope: scope.clone(),
            roles: user.roles.names().into_iter().map(str::to_owned).collect(),
            amr,
            auth_time: Timestamp(session.auth_time).seconds(),
            generation: family.generation,
        };
        let refresh = RefreshToken { family: family.id, generation: family.generation };
        let refresh_expires_at = session.idle_expires_at.min(session.expires_at);
        Ok(Tokens {
            access_token: access::sign(key, &claims)?,
            expires_in,
            refresh_token: refresh.print(&self.keys.refresh),
            refresh_expires_in: (refresh_expires_at - now.0).max(0) / 1000,
            scope,
        })
    }
}

async fn log_revocation(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: UserId,
    origin: &RequestOrigin,
    detail: String,
) -> Result<(), DbErr> {
    let kind = SecurityEventKind::SessionRevoked;
    security_log::record(tx, now, user.uuid(), kind, origin, Some(detail)).await
}
