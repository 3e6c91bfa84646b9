//! Changing and resetting passwords. Either ends every other session and tells the owner.
//!
//! A reset link proves the mailbox: it works through lock-outs, logs nobody in, skips no second
//! factor, and asking for one says nothing about whether the address has an account.

use std::time::Duration;

use kit::{
    RequestOrigin, Timestamp,
    id::{SessionId, UserId},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, QueryFilter,
    sea_query::{Expr, SimpleExpr},
};
use uuid::Uuid;

use super::{
    Identity,
    failure::{Failure, Fault, Outcome, RateLimited},
    feed,
    lockout::Quota,
    mailing, one_time,
    registration::BUSY,
    security_log::{self, SecurityEventKind},
    sessions,
};
use crate::{
    account::{email::Email, status::UserStatus},
    entity::user,
    password::{
        Password,
        hashing::HashingError,
        policy::{Context, WeakPassword},
    },
    token::one_time::Kind,
};

pub const RESET_LIFETIME: Duration = Duration::from_mins(30);

#[derive(Debug)]
pub enum PasswordRefusal {
    /// The current password is wrong.
    InvalidCredentials,
    Weak(WeakPassword),
    /// The reset link does not work (any more).
    InvalidToken,
    RateLimited(RateLimited),
}

impl Identity {
    /// Sends a reset link if there is somebody to send it to.
    pub async fn request_reset(&self, email: &Email) -> Outcome<(), RateLimited> {
        let now = self.clock.now();
        let account = self.account_key(email.normal());
        let account = &account;
        let taken = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    let taken = self.take(tx, Quota::Reset, account, now).await?;
                    if taken.is_ok()
                        && let Some(user) = resettable(tx, email).await?
                    {
                        let (key, life) = (&self.keys.one_time, RESET_LIFETIME);
                        let token =
                            one_time::issue(tx, key, now, user.id, Kind::Reset, life, None).await?;
                        mailing::password_reset(tx, now, &user, token).await?;
                    }
                    Ok::<_, DbErr>(taken)
                })
            })
            .await?;
        taken.map_err(Failure::Refused)
    }

    /// Sets a new password for the owner of the link.
    pub async fn reset_password(
        &self,
        token: &str,
        new: &Password,
        origin: &RequestOrigin,
    ) -> Outcome<(), PasswordRefusal> {
        let now = self.clock.now();
        let invalid = || Failure::Refused(PasswordRefusal::InvalidToken);
        let found = one_time::find(self.database.read(), now, Kind::Reset, token)
            .await?
            .ok_or_else(invalid)?;
        let user = user::Entity::find_by_id(found.user_id)
            .one(self.database.read())
            .await?
            .ok_or_else(invalid)?;
        let hash = self.new_hash(&user, new).await?;
        let hash = hash.as_str();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let redeemed =
                        one_time::redeem(tx, now, Kind::Reset, token).await?.ok_or_else(invalid)?;
                    // The link went to the mailbox: whoever followed it owns the address.
                    let verified = (user::Column::Status, Expr::value(UserStatus::Active));
                    let user = set_password(tx, now, redeemed.user_id, hash, verified)
                        .await?
                        .ok_or_else(invalid)?;
                    mark_verified(tx, now, &user).await?;
                    sessions::revoke_all(tx, now, user.id, None, "PASSWORD_RESET").await?;
                    if let Some(address) = &user.email_norm {
                        self.clear_failures(tx, &self.account_key(address)).await?;
                    }
                    let kind = SecurityEventKind::PasswordReset;
                    security_log::record(tx, now, user.id, kind, origin, None).await?;
                    mailing::password_changed(tx, now, &user).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Changes the caller's password; the session that asks goes on.
    pub async fn change_password(
        &self,
        user: UserId,
        session: Option<SessionId>,
        current: &Password,
        new: &Password,
        origin: &RequestOrigin,
    ) -> Outcome<(), PasswordRefusal> {
        let user = self.prove(user, current, origin).await.map_err(|failure| {
            failure.map_refusal(|refusal| match refusal {
                ProofRefusal::InvalidCredentials => PasswordRefusal::InvalidCredentials,
                ProofRefusal::RateLimited(limited) => PasswordRefusal::RateLimited(limited),
            })
        })?;
        let hash = self.new_hash(&user, new).await?;
        let hash = hash.as_str();
        let now = self.clock.now();
        let id = user.id;
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let unchanged = (user::Column::UpdatedAt, Expr::value(now.0));
                    let user = set_password(tx, now, id, hash, unchanged)
                        .await?
                        .ok_or(Failure::Refused(PasswordRefusal::InvalidCredentials))?;
                    one_time::withdraw(tx, now, user.id, Kind::Reset).await?;
                    let except = session.map(|session| session.uuid());
                    sessions::revoke_all(tx, now, user.id, except, "PASSWORD_CHANGED").await?;
                    let kind = SecurityEventKind::PasswordChanged;
                    security_log::record(tx, now, user.id, kind, origin, None).await?;
                    mailing::password_changed(tx, now, &user).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Checks the current password of somebody who is logged in, under the same counters as a
    /// log-in: a stolen session must not become an oracle.
    pub(crate) async fn prove(
        &self,
        user: UserId,
        current: &Password,
        origin: &RequestOrigin,
    ) -> Outcome<user::Model, ProofRefusal> {
        let invalid = || Failure::Refused(ProofRefusal::InvalidCredentials);
        let user = user::Entity::find_by_id(user.uuid())
            .filter(user::Column::Status.eq(UserStatus::Active))
            .one(self.database.read())
            .await?
            .ok_or_else(invalid)?;
        let keys = self.counter_keys(user.email_norm.as_deref().unwrap_or_default(), origin.ip);
        let slot = match self.hasher.slot().await {
            Ok(slot) => slot,
            Err(HashingError::Busy) => {
                return Err(Failure::Refused(ProofRefusal::RateLimited(BUSY)));
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(limited) = self.locked(&keys).await? {
            return Err(Failure::Refused(ProofRefusal::RateLimited(limited)));
        }
        let verdict = slot.verify(current, user.password_hash.as_deref()).await?;
        let now = self.clock.now();
        let keys = &keys;
        if verdict.matches {
            return Ok(user);
        }
        self.database
            .write(|tx| {
                Box::pin(
                    async move { self.record_failure(tx, keys, now).await.map_err(Fault::from) },
                )
            })
            .await
            .map_err(Failure::<ProofRefusal>::Fault)?;
        Err(invalid())
    }

    async fn new_hash(
        &self,
        user: &user::Model,
        new: &Password,
    ) -> Outcome<String, PasswordRefusal> {
        let local = user.email_norm.as_deref().and_then(|it| it.rsplit_once('@')).map(|it| it.0);
        let context = Context {
            email_local_part: local.unwrap_or_default(),
            display_name: &user.display_name,
            mfa_enabled: user.mfa_enabled,
        };
        self.check_password(new, context)
            .await?
            .map_err(|weak| Failure::Refused(PasswordRefusal::Weak(weak)))?;
        self.hash(new).await?.map_err(|busy| Failure::Refused(PasswordRefusal::RateLimited(busy)))
    }
}

/// Why somebody who is logged in could not prove to know the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofRefusal {
    InvalidCredentials,
    RateLimited(RateLimited),
}

/// Accounts that a reset link can bring back into use. A pending one too: the link proves the
/// address as well as the first one did.
async fn resettable(
    tx: &impl ConnectionTrait,
    email: &Email,
) -> Result<Option<user::Model>, DbErr> {
    user::Entity::find()
        .filter(user::Column::EmailNorm.eq(email.normal()))
        .filter(user::Column::Status.is_in([UserStatus::Active, UserStatus::PendingVerification]))
        .one(tx)
        .await
}

async fn set_password(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: Uuid,
    hash: &str,
    also: (user::Column, SimpleExpr),
) -> Result<Option<user::Model>, DbErr> {
    let rows = user::Entity::update_many()
        .col_expr(user::Column::PasswordHash, Expr::value(hash))
        .col_expr(user::Column::PasswordChangedAt, Expr::value(now.0))
        .col_expr(also.0, also.1)
        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1i64))
        .filter(user::Column::Id.eq(user))
        .filter(user::Column::Status.is_in([UserStatus::Active, UserStatus::PendingVerification]))
        .exec_with_returning(tx)
        .await?;
    Ok(rows.into_iter().next())
}

/// A pending account becomes a person that others can see.
async fn mark_verified(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: &user::Model,
) -> Result<(), DbErr> {
    if user.email_verified_at.is_some() {
        return Ok(());
    }
    user::Entity::update_many()
        .col_expr(user::Column::EmailVerifiedAt, Expr::value(now.0))
        .filter(user::Column::Id.eq(user.id))
        .exec(tx)
        .await?;
    one_time::withdraw(tx, now, user.id, Kind::Verify).await?;
    feed::registered(tx, now, user).await
}
