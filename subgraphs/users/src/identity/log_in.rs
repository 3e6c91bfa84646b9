//! Logging in with a password.
//!
//! Unknown, wrong, suspended and erased are one answer and one amount of work. Only somebody who
//! knows the password learns that the address still has to be verified.

use kit::{RequestOrigin, Timestamp, database::is_unique_violation};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter,
    sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Identity,
    failure::{Failure, Fault, Outcome, RateLimited},
    lockout::{CounterKeys, Quota},
    registration::BUSY,
    second_factor::Challenge,
    security_log::{self, SecurityEventKind},
    sessions::{self, Device, Tokens},
};
use crate::{
    account::{email::Email, status::UserStatus},
    entity::user,
    password::{
        Password,
        hashing::{HashingError, Slot},
    },
};

#[derive(Debug, Clone)]
pub struct LogIn {
    /// As typed: an address that is none is just unknown.
    pub email: String,
    pub password: Password,
    pub device_name: Option<String>,
}

#[derive(Debug, Clone)]
pub struct LoggedIn {
    pub tokens: Tokens,
    pub user: user::Model,
}

/// What the right password leads to.
#[derive(Debug, Clone)]
pub enum FirstStep {
    LoggedIn(Box<LoggedIn>),
    Challenge(Challenge),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogInRefusal {
    InvalidCredentials,
    EmailNotVerified,
    RateLimited(RateLimited),
}

impl Identity {
    pub async fn log_in(
        &self,
        attempt: &LogIn,
        origin: &RequestOrigin,
    ) -> Outcome<FirstStep, LogInRefusal> {
        let address = match Email::parse(&attempt.email) {
            Ok(email) => email.normal().to_owned(),
            Err(_) => attempt.email.trim().to_lowercase(),
        };
        let keys = self.counter_keys(&address, origin.ip);
        self.refuse_locked(&keys).await?;
        let slot = match self.hasher.slot().await {
            Ok(slot) => slot,
            Err(HashingError::Busy) => {
                return Err(Failure::Refused(LogInRefusal::RateLimited(BUSY)));
            }
            Err(error) => return Err(error.into()),
        };
        // Others may have failed while we waited for the slot.
        self.refuse_locked(&keys).await?;
        let user = user::Entity::find()
            .filter(user::Column::EmailNorm.eq(address.as_str()))
            .one(self.database.read())
            .await?;
        let stored = user.as_ref().and_then(|user| user.password_hash.as_deref());
        let verdict = slot.verify(&attempt.password, stored).await?;
        match user {
            Some(user) if verdict.matches && may_log_in(&user) => {
                if verdict.outdated {
                    self.rehash(&slot, &user, &attempt.password).await?;
                }
                drop(slot);
                if user.mfa_enabled {
                    // The counters stay: the second step has its own guesses to count.
                    let device = attempt.device_name.as_deref();
                    return Ok(FirstStep::Challenge(self.challenge(&user, device).await?));
                }
                self.succeed(user, attempt, &keys, origin)
                    .await
                    .map(|done| FirstStep::LoggedIn(Box::new(done)))
            }
            Some(user) if verdict.matches && user.status == UserStatus::PendingVerification => {
                drop(slot);
                self.remind_to_verify(&user, &address).await?;
                Err(Failure::Refused(LogInRefusal::EmailNotVerified))
            }
            user => {
                self.fail(user.as_ref(), &keys, origin).await?;
                drop(slot);
                Err(Failure::Refused(LogInRefusal::InvalidCredentials))
            }
        }
    }

    async fn refuse_locked(&self, keys: &CounterKeys) -> Outcome<(), LogInRefusal> {
        match self.locked(keys).await? {
            Some(limited) => Err(Failure::Refused(LogInRefusal::RateLimited(limited))),
            None => Ok(()),
        }
    }

    async fn succeed(
        &self,
        user: user::Model,
        attempt: &LogIn,
        keys: &CounterKeys,
        origin: &RequestOrigin,
    ) -> Outcome<LoggedIn, LogInRefusal> {
        let now = self.clock.now();
        let device = Device { name: attempt.device_name.as_deref(), origin };
        let (user, device) = (&user, &device);
        let grant = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    self.clear_failures(tx, keys.account()).await?;
                    // The account may have been suspended since its row was read.
                    let user = came_back(tx, now, user.id)
                        .await?
                        .ok_or(Failure::Refused(LogInRefusal::InvalidCredentials))?;
                    Ok::<_, Failure<LogInRefusal>>(
                        sessions::open(tx, now, &user, device, false).await?,
                    )
                })
            })
            .await?;
        Ok(LoggedIn { tokens: self.tokens(&grant).await?, user: grant.user })
    }

    pub(crate) async fn fail(
        &self,
        user: Option<&user::Model>,
        keys: &CounterKeys,
        origin: &RequestOrigin,
    ) -> Result<(), DbErr> {
        let now = self.clock.now();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let locked = self.record_failure(tx, keys, now).await?;
                    if let Some(user) = user {
                        let kind = if locked {
                            SecurityEventKind::LockedOut
                        } else {
                            SecurityEventKind::LoginFailed
                        };
                        security_log::record(tx, now, user.id, kind, origin, None).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// At most one link in five minutes.
    async fn remind_to_verify(&self, user: &user::Model, address: &str) -> Result<(), DbErr> {
        let now = self.clock.now();
        let account = self.account_key(address);
        let account = &account;
        let sent: Result<(), DbErr> = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    if self.take(tx, Quota::VerifyAtLogIn, account, now).await?.is_ok() {
                        self.send_verification(tx, now, user).await?;
                    }
                    Ok(())
                })
            })
            .await;
        match sent {
            // Somebody else has just had a link sent to the same account.
            Err(error) if is_unique_violation(&error) => Ok(()),
            sent => sent,
        }
    }

    /// Brings the stored hash up to today's parameters, unless the password changed meanwhile.
    async fn rehash(
        &self,
        slot: &Slot,
        user: &user::Model,
        password: &Password,
    ) -> Result<(), Fault> {
        let hash = slot.hash(password).await?;
        let hash = hash.as_str();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    user::Entity::update_many()
                        .col_expr(user::Column::PasswordHash, Expr::value(hash))
                        .filter(user::Column::Id.eq(user.id))
                        .filter(user::Column::PasswordHash.eq(user.password_hash.clone()))
                        .exec(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }
}

/// Somebody who asked to be erased takes it back by logging in.
fn may_log_in(user: &user::Model) -> bool {
    user.status == UserStatus::Active
        || user.status == UserStatus::Deactivated && user.erase_after.is_some()
}

/// The account as it is now, if its owner may log in; an erasure that was asked for is off.
pub(crate) async fn came_back(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    id: Uuid,
) -> Result<Option<user::Model>, DbErr> {
    user::Entity::update_many()
        .set(user::ActiveModel {
            status: Set(UserStatus::Active),
            erase_after: Set(None),
            erase_content: Set(false),
            updated_at: Set(now.0),
            ..Default::default()
        })
        .filter(user::Column::Id.eq(id))
        .filter(user::Column::Status.eq(UserStatus::Deactivated))
        .filter(user::Column::EraseAfter.gt(now.0))
        .exec(tx)
        .await?;
    user::Entity::find_by_id(id).filter(user::Column::Status.eq(UserStatus::Active)).one(tx).await
}
