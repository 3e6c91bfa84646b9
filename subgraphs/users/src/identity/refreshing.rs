//! Trading a refresh token for the next one.
//!
//! A family remembers only its current generation. The current token moves it on. The one before
//! it gets the same successor again, as long as that is unused and 30 seconds have not passed:
//! its owner lost the answer. Any other genuine old token has been stolen, or its successor
//! has: the session ends for both.

use std::time::Duration;

use kit::{RequestOrigin, Timestamp, id::SessionId};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, sea_query::Expr};
use uuid::Uuid;

use super::{
    Identity,
    failure::{Failure, Fault, Outcome},
    mailing,
    security_log::{self, SecurityEventKind},
    sessions::{self, Grant, Tokens},
};
use crate::{
    account::status::UserStatus,
    entity::{session, token_family, user},
    token::refresh::RefreshToken,
};

/// How long after a rotation a lost answer may be asked for again.
const GRACE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshRefusal {
    Invalid,
    Reused,
}

impl Identity {
    pub async fn refresh(
        &self,
        token: &str,
        origin: &RequestOrigin,
    ) -> Outcome<Tokens, RefreshRefusal> {
        let invalid = || Failure::Refused(RefreshRefusal::Invalid);
        let token = RefreshToken::parse(&self.keys.refresh, token).ok_or_else(invalid)?;
        let now = self.clock.now();
        // A refusal must not undo what theft detection writes, so it is a value in here.
        let decided = self
            .database
            .write(|tx| Box::pin(async move { decide(tx, now, token, origin).await }))
            .await
            .map_err(Failure::<RefreshRefusal>::Fault)?;
        match decided {
            Ok(grant) => Ok(self.tokens(&grant).await?),
            Err(refusal) => Err(Failure::Refused(refusal)),
        }
    }

    /// An access token of this generation was presented: the answer that carried it has
    /// arrived, so its predecessor has no lost answer to ask for any more.
    pub async fn saw_access_token(&self, session: SessionId, generation: i64) -> Result<(), DbErr> {
        let session = session.uuid();
        // The first generation has no predecessor.
        if generation == 0 || self.noted.contains_key(&(session, generation)) {
            return Ok(());
        }
        self.mark_generation_used(session, generation).await?;
        self.noted.insert((session, generation), ());
        Ok(())
    }

    async fn mark_generation_used(&self, session: Uuid, generation: i64) -> Result<(), DbErr> {
        let now = self.clock.now();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    token_family::Entity::update_many()
                        .col_expr(token_family::Column::GenerationUsedAt, Expr::value(now.0))
                        .filter(token_family::Column::SessionId.eq(session))
                        .filter(token_family::Column::Generation.eq(generation))
                        .filter(token_family::Column::GenerationUsedAt.is_null())
                        .exec(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }
}

async fn decide(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    token: RefreshToken,
    origin: &RequestOrigin,
) -> Result<Result<Grant, RefreshRefusal>, Fault> {
    let Some(family) = token_family::Entity::find_by_id(token.family).one(tx).await? else {
        return Ok(Err(RefreshRefusal::Invalid));
    };
    let Some((session, user)) = live_session(tx, now, family.session_id).await? else {
        return Ok(Err(RefreshRefusal::Invalid));
    };
    if family.revoked_at.is_some() {
        return Ok(Err(RefreshRefusal::Invalid));
    }
    let rotated = token_family::Entity::update_many()
        .col_expr(token_family::Column::Generation, Expr::value(token.successor().generation))
        .col_expr(token_family::Column::RotatedAt, Expr::value(now.0))
        .col_expr(token_family::Column::GenerationUsedAt, Expr::value(Option::<i64>::None))
        .col_expr(token_family::Column::Scope, Expr::value(user.roles.scope()))
        .filter(token_family::Column::Id.eq(family.id))
        .filter(token_family::Column::Generation.eq(token.generation))
        .filter(token_family::Column::RevokedAt.is_null())
        .exec_with_returning(tx)
        .await?;
    if let Some(family) = rotated.into_iter().next() {
        let session = touch(tx, now, session).await?;
        return Ok(Ok(Grant { user, session, family }));
    }
    // Read again: on PostgreSQL another refresh may have committed since.
    let family = token_family::Entity::find_by_id(token.family)
        .one(tx)
        .await?
        .ok_or(Fault::Missing { what: "token_families" })?;
    if family.revoked_at.is_some() || token.generation > family.generation {
        return Ok(Err(RefreshRefusal::Invalid));
    }
    let answer_was_lost = token.successor().generation == family.generation
        && family.generation_used_at.is_none()
        && now.since(Timestamp(family.rotated_at)) <= GRACE;
    if answer_was_lost {
        return Ok(Ok(Grant { user, session, family }));
    }
    report_theft(tx, now, &user, &family, origin).await?;
    Ok(Err(RefreshRefusal::Reused))
}

async fn live_session(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    id: Uuid,
) -> Result<Option<(session::Model, user::Model)>, DbErr> {
    let Some(session) = session::Entity::find_by_id(id).one(tx).await? else { return Ok(None) };
    if !sessions::is_live(&session, now) {
        return Ok(None);
    }
    let user = user::Entity::find_by_id(session.user_id)
        .filter(user::Column::Status.eq(UserStatus::Active))
        .one(tx)
        .await?;
    Ok(user.map(|user| (session, user)))
}

/// A refresh is a sign of life: the idle time starts again.
async fn touch(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    session: session::Model,
) -> Result<session::Model, DbErr> {
    let idle_expires_at = now.plus(sessions::IDLE).0.min(session.expires_at);
    session::Entity::update_many()
        .col_expr(session::Column::LastSeenAt, Expr::value(now.0))
        .col_expr(session::Column::IdleExpiresAt, Expr::value(idle_expires_at))
        .col_expr(session::Column::UpdatedAt, Expr::value(now.0))
        .filter(session::Column::Id.eq(session.id))
        .exec(tx)
        .await?;
    Ok(session::Model { last_seen_at: now.0, idle_expires_at, ..session })
}

async fn report_theft(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
    family: &token_family::Model,
    origin: &RequestOrigin,
) -> Result<(), DbErr> {
    sessions::revoke(tx, now, vec![family.session_id], "TOKEN_REUSE").await?;
    let kind = SecurityEventKind::TokenReuseDetected;
    security_log::record(tx, now, user.id, kind, origin, None).await?;
    mailing::token_reuse(tx, now, user, family.id).await
}
