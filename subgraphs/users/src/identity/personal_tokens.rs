//! Personal access tokens: for scripts, with less than their owner may do, for a limited time.

use std::{collections::BTreeSet, time::Duration};

use kit::{
    RequestOrigin, Timestamp,
    connection::{Page, Slice},
    id::{AccessTokenId, UserId},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Identity,
    failure::{Failure, Outcome},
    security_log::{self, SecurityEventKind},
    sessions,
};
use crate::{
    account::status::UserStatus,
    entity::{access_token, user},
    token::personal,
};

pub const MAX_DAYS: i64 = 365;
const MAX_TOKENS: u64 = 50;
/// A log-in is not something a token may stand in for.
const NEVER: &str = "session";
/// The time of the last use is not worth a write per request.
const LAST_USED_EVERY: Duration = Duration::from_mins(1);

#[derive(Debug, Clone)]
pub struct NewPersonalToken {
    pub name: String,
    pub scopes: BTreeSet<String>,
    pub days: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonalTokenRefusal {
    NotFound,
    /// The owner does not have this scope, or no token may.
    Scope(String),
    NoScopes,
    Lifetime,
    TooMany,
}

/// A token that is good right now.
#[derive(Debug, Clone)]
pub struct LivePersonalToken {
    pub token: access_token::Model,
    pub owner: user::Model,
    /// Those of its scopes that its owner still has.
    pub scopes: BTreeSet<String>,
}

impl Identity {
    /// Returns the token, which is shown once, and its row.
    pub async fn create_personal_token(
        &self,
        user: UserId,
        new: &NewPersonalToken,
        origin: &RequestOrigin,
    ) -> Outcome<(String, access_token::Model), PersonalTokenRefusal> {
        if !(1..=MAX_DAYS).contains(&new.days) {
            return Err(Failure::Refused(PersonalTokenRefusal::Lifetime));
        }
        if new.scopes.is_empty() {
            return Err(Failure::Refused(PersonalTokenRefusal::NoScopes));
        }
        let now = self.clock.now();
        let token = personal::generate();
        let lifetime = Duration::from_hours(24 * new.days.unsigned_abs());
        let row = access_token::Model {
            id: kit::id::new_id(now),
            user_id: user.uuid(),
            name: new.name.clone(),
            prefix: personal::prefix(&token).to_owned(),
            hash: personal::hash(&token),
            scopes: new.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
            expires_at: now.plus(lifetime).0,
            last_used_at: None,
            revoked_at: None,
            created_at: now.0,
        };
        let stored = &row;
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let owner = user::Entity::find_by_id(user.uuid())
                        .filter(user::Column::Status.eq(UserStatus::Active))
                        .one(tx)
                        .await?
                        .ok_or(Failure::Refused(PersonalTokenRefusal::NotFound))?;
                    let held = owner.roles.scopes();
                    if let Some(scope) = new
                        .scopes
                        .iter()
                        .find(|scope| *scope == NEVER || !held.contains(scope.as_str()))
                    {
                        return Err(Failure::Refused(PersonalTokenRefusal::Scope(scope.clone())));
                    }
                    let live = access_token::Entity::find()
                        .filter(access_token::Column::UserId.eq(user.uuid()))
                        .filter(is_live(now))
                        .count(tx)
                        .await?;
                    if live >= MAX_TOKENS {
                        return Err(Failure::Refused(PersonalTokenRefusal::TooMany));
                    }
                    access_token::Entity::insert(
                        access_token::ActiveModel::from(stored.clone()).reset_all(),
                    )
                    .exec_without_returning(tx)
                    .await?;
                    let kind = SecurityEventKind::AccessTokenCreated;
                    let detail = Some(stored.prefix.clone());
                    security_log::record(tx, now, owner.id, kind, origin, detail).await?;
                    Ok(())
                })
            })
            .await?;
        Ok((token, row))
    }

    /// Revoking twice is fine.
    pub async fn revoke_personal_token(
        &self,
        user: UserId,
        token: AccessTokenId,
        origin: &RequestOrigin,
    ) -> Outcome<access_token::Model, PersonalTokenRefusal> {
        let now = self.clock.now();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let row = access_token::Entity::find_by_id(token.uuid())
                        .filter(access_token::Column::UserId.eq(user.uuid()))
                        .one(tx)
                        .await?
                        .ok_or(Failure::Refused(PersonalTokenRefusal::NotFound))?;
                    if row.revoked_at.is_some() {
                        return Ok(row);
                    }
                    access_token::Entity::update_many()
                        .col_expr(access_token::Column::RevokedAt, Expr::value(now.0))
                        .filter(access_token::Column::Id.eq(row.id))
                        .exec(tx)
                        .await?;
                    sessions::announce_change(tx, now, user.uuid()).await?;
                    let kind = SecurityEventKind::AccessTokenRevoked;
                    let detail = Some(row.prefix.clone());
                    security_log::record(tx, now, user.uuid(), kind, origin, detail).await?;
                    Ok(access_token::Model { revoked_at: Some(now.0), ..row })
                })
            })
            .await
    }

    /// Newest first.
    pub async fn personal_tokens_of(
        &self,
        user: Uuid,
        page: &Page,
        after: Option<Uuid>,
    ) -> Result<Slice<access_token::Model>, DbErr> {
        let mut query = access_token::Entity::find()
            .filter(access_token::Column::UserId.eq(user))
            .order_by_desc(access_token::Column::Id);
        if let Some(after) = after {
            query = query.filter(access_token::Column::Id.lt(after));
        }
        Ok(page.slice(query.limit(page.fetch()).all(self.database.read()).await?))
    }

    /// The token if it is good right now. Notes that it was used.
    pub async fn live_personal_token(
        &self,
        token: &str,
    ) -> Result<Option<LivePersonalToken>, DbErr> {
        if !personal::is_well_formed(token) {
            return Ok(None);
        }
        let now = self.clock.now();
        let found = access_token::Entity::find()
            .filter(access_token::Column::Hash.eq(personal::hash(token)))
            .filter(is_live(now))
            .one(self.database.read())
            .await?;
        let Some(token) = found else { return Ok(None) };
        let owner = user::Entity::find_by_id(token.user_id)
            .filter(user::Column::Status.eq(UserStatus::Active))
            .one(self.database.read())
            .await?;
        let Some(owner) = owner else { return Ok(None) };
        let held = owner.roles.scopes();
        let scopes = token
            .scopes
            .split(' ')
            .filter(|scope| held.contains(scope))
            .map(str::to_owned)
            .collect();
        self.note_use(&token, now).await?;
        Ok(Some(LivePersonalToken { token, owner, scopes }))
    }

    async fn note_use(&self, token: &access_token::Model, now: Timestamp) -> Result<(), DbErr> {
        let stale = now.minus(LAST_USED_EVERY).0;
        if token.last_used_at.is_some_and(|last| last > stale) {
            return Ok(());
        }
        self.database
            .write(|tx| {
                Box::pin(async move {
                    access_token::Entity::update_many()
                        .col_expr(access_token::Column::LastUsedAt, Expr::value(now.0))
                        .filter(access_token::Column::Id.eq(token.id))
                        .exec(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }
}

fn is_live(now: Timestamp) -> Condition {
    Condition::all()
        .add(access_token::Column::RevokedAt.is_null())
        .add(access_token::Column::ExpiresAt.gt(now.0))
}
