//! Registering and verifying an address.
//!
//! Whether an address has an account is nobody's business: the answer, the work (one hash, one
//! transaction, one mail) and so the time are the same either way. Only the mailbox learns more.

use std::time::Duration;

use kit::{RequestOrigin, Timestamp, database::is_unique_violation};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait,
    ExprTrait, QueryFilter, sea_query::Expr,
};

use super::{
    Identity,
    failure::{Failure, Fault, Outcome, RateLimited},
    feed,
    lockout::Quota,
    mailing, one_time,
    security_log::{self, SecurityEventKind},
};
use crate::{
    account::{
        display_name::DisplayName,
        email::Email,
        roles::{Role, Roles},
        status::UserStatus,
    },
    entity::user,
    password::{
        Password,
        hashing::HashingError,
        policy::{self, Context, WeakPassword},
    },
    token::one_time::Kind,
};

pub const VERIFY_LIFETIME: Duration = Duration::from_hours(24);

/// A registration whose parts are all well-formed.
#[derive(Debug, Clone)]
pub struct Registration {
    pub email: Email,
    pub password: Password,
    pub display_name: DisplayName,
    pub locale: String,
    pub captcha_token: Option<String>,
}

#[derive(Debug)]
pub enum RegistrationRefusal {
    /// The captcha was not solved, or nobody could say whether it was.
    Captcha,
    Weak(WeakPassword),
    RateLimited(RateLimited),
}

/// The link is unknown, used, replaced or expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidToken;

impl Identity {
    pub async fn register(
        &self,
        registration: &Registration,
        origin: &RequestOrigin,
    ) -> Outcome<(), RegistrationRefusal> {
        self.check_captcha(registration, origin).await?;
        let Registration { email, password, display_name, .. } = registration;
        let context = Context {
            email_local_part: email.local_part(),
            display_name: display_name.as_str(),
            mfa_enabled: false,
        };
        self.check_password(password, context)
            .await?
            .map_err(|weak| Failure::Refused(RegistrationRefusal::Weak(weak)))?;
        let hash = self
            .hash(password)
            .await?
            .map_err(|busy| Failure::Refused(RegistrationRefusal::RateLimited(busy)))?;
        // Another registration of the same address may win between our look and our insert:
        // then ours is one of a taken address.
        loop {
            match self.store(registration, &hash, origin).await {
                Err(error) if is_unique_violation(&error) => {}
                stored => return Ok(stored?),
            }
        }
    }

    async fn check_captcha(
        &self,
        registration: &Registration,
        origin: &RequestOrigin,
    ) -> Outcome<(), RegistrationRefusal> {
        let Some(captcha) = &self.captcha else { return Ok(()) };
        let refused = Failure::Refused(RegistrationRefusal::Captcha);
        let Some(token) = registration.captcha_token.as_deref() else { return Err(refused) };
        match captcha.check(token, origin.ip).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(refused),
            Err(error) => {
                tracing::error!(%error, "a registration is refused");
                Err(refused)
            }
        }
    }

    async fn store(
        &self,
        registration: &Registration,
        hash: &str,
        origin: &RequestOrigin,
    ) -> Result<(), DbErr> {
        let now = self.clock.now();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let known = user::Entity::find()
                        .filter(user::Column::EmailNorm.eq(registration.email.normal()))
                        .one(tx)
                        .await?;
                    match known {
                        None => {
                            let user = new_user(registration, hash, now);
                            user::Entity::insert(user::ActiveModel::from(user.clone()).reset_all())
                                .exec_without_returning(tx)
                                .await?;
                            let kind = SecurityEventKind::Registered;
                            security_log::record(tx, now, user.id, kind, origin, None).await?;
                            self.send_verification(tx, now, &user).await
                        }
                        Some(user) if user.status == UserStatus::PendingVerification => {
                            let user = replace(tx, &user, registration, hash, now).await?;
                            self.send_verification(tx, now, &user).await
                        }
                        Some(user) => mailing::already_registered(tx, now, &user).await,
                    }
                })
            })
            .await
    }

    /// A fresh link; older ones are dead.
    pub(crate) async fn send_verification(
        &self,
        tx: &impl ConnectionTrait,
        now: Timestamp,
        user: &user::Model,
    ) -> Result<(), DbErr> {
        let key = &self.keys.one_time;
        let token =
            one_time::issue(tx, key, now, user.id, Kind::Verify, VERIFY_LIFETIME, None).await?;
        mailing::verify_email(tx, now, user, token).await
    }

    /// Turns a pending account into an active one.
    pub async fn verify_email(
        &self,
        token: &str,
        origin: &RequestOrigin,
    ) -> Outcome<user::Model, InvalidToken> {
        let now = self.clock.now();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let redeemed = one_time::redeem(tx, now, Kind::Verify, token)
                        .await?
                        .ok_or(Failure::Refused(InvalidToken))?;
                    let user = user::Entity::update_many()
                        .col_expr(user::Column::Status, Expr::value(UserStatus::Active))
                        .col_expr(user::Column::EmailVerifiedAt, Expr::value(now.0))
                        .col_expr(user::Column::UpdatedAt, Expr::value(now.0))
                        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1i64))
                        .filter(user::Column::Id.eq(redeemed.user_id))
                        .filter(user::Column::Status.eq(UserStatus::PendingVerification))
                        .exec_with_returning(tx)
                        .await?
                        .into_iter()
                        .next()
                        .ok_or(Failure::Refused(InvalidToken))?;
                    let kind = SecurityEventKind::EmailVerified;
                    security_log::record(tx, now, user.id, kind, origin, None).await?;
                    feed::registered(tx, now, &user).await?;
                    Ok(user)
                })
            })
            .await
    }

    /// A new link for a pending account. The same answer for every address.
    pub async fn resend_verification(&self, email: &Email) -> Outcome<(), RateLimited> {
        let now = self.clock.now();
        let account = self.account_key(email.normal());
        let account = &account;
        let taken = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    let taken = self.take(tx, Quota::Verify, account, now).await?;
                    if taken.is_ok()
                        && let Some(user) = pending(tx, email).await?
                    {
                        self.send_verification(tx, now, &user).await?;
                    }
                    Ok::<_, DbErr>(taken)
                })
            })
            .await?;
        taken.map_err(Failure::Refused)
    }

    /// Runs the policy off the async threads.
    pub(crate) async fn check_password(
        &self,
        password: &Password,
        context: Context<'_>,
    ) -> Result<Result<(), WeakPassword>, Fault> {
        let password = password.clone();
        let (local, name) = (context.email_local_part.to_owned(), context.display_name.to_owned());
        let mfa_enabled = context.mfa_enabled;
        let breached = self.breached.clone();
        let check = move || {
            let context = Context { email_local_part: &local, display_name: &name, mfa_enabled };
            policy::check(&password, context)?;
            match breached.map(|list| list.contains(&password)) {
                Some(Ok(true)) => Err(policy::leaked()),
                None | Some(Ok(false)) => Ok(()),
                Some(Err(error)) => {
                    // A list that cannot be read must not stop everybody.
                    metrics::counter!("breached_password_lookups_failed_total").increment(1);
                    tracing::error!(%error, "the list of leaked passwords cannot be read");
                    Ok(())
                }
            }
        };
        tokio::task::spawn_blocking(check).await.map_err(|error| HashingError::Thread(error).into())
    }

    /// Hashes in a slot, or says that all are taken.
    pub(crate) async fn hash(
        &self,
        password: &Password,
    ) -> Result<Result<String, RateLimited>, Fault> {
        let slot = match self.hasher.slot().await {
            Ok(slot) => slot,
            Err(HashingError::Busy) => return Ok(Err(BUSY)),
            Err(error) => return Err(error.into()),
        };
        Ok(Ok(slot.hash(password).await?))
    }
}

/// The answer when every hashing slot is taken.
pub(crate) const BUSY: RateLimited = RateLimited { retry_after_seconds: 1 };

async fn pending(tx: &impl ConnectionTrait, email: &Email) -> Result<Option<user::Model>, DbErr> {
    user::Entity::find()
        .filter(user::Column::EmailNorm.eq(email.normal()))
        .filter(user::Column::Status.eq(UserStatus::PendingVerification))
        .one(tx)
        .await
}

fn new_user(registration: &Registration, hash: &str, now: Timestamp) -> user::Model {
    let Registration { email, password: _, display_name, locale, captcha_token: _ } = registration;
    user::Model {
        email: Some(email.written().to_owned()),
        email_norm: Some(email.normal().to_owned()),
        password_hash: Some(hash.to_owned()),
        password_changed_at: Some(now.0),
        display_name: display_name.as_str().to_owned(),
        locale: locale.clone(),
        ..blank_user(now)
    }
}

/// An account with nothing in it, not yet verified.
pub(crate) fn blank_user(now: Timestamp) -> user::Model {
    user::Model {
        id: kit::id::new_id(now),
        email: None,
        email_norm: None,
        email_verified_at: None,
        pending_email: None,
        password_hash: None,
        password_changed_at: None,
        display_name: String::new(),
        given_name: None,
        family_name: None,
        phone: None,
        locale: "en".to_owned(),
        time_zone: "UTC".to_owned(),
        avatar_url: None,
        status: UserStatus::PendingVerification,
        roles: Roles::new([Role::Customer]),
        is_admin: false,
        mfa_enabled: false,
        token_epoch: 0,
        last_login_at: None,
        erase_after: None,
        erase_content: false,
        erased_at: None,
        version: 1,
        created_at: now.0,
        updated_at: now.0,
    }
}

/// Whoever registers an unverified address last sets its password: otherwise somebody could
/// register another person's address first and wait for them to verify it.
async fn replace(
    tx: &impl ConnectionTrait,
    known: &user::Model,
    registration: &Registration,
    hash: &str,
    now: Timestamp,
) -> Result<user::Model, DbErr> {
    let fresh = new_user(registration, hash, now);
    let rows = user::Entity::update_many()
        .set(user::ActiveModel {
            email: Set(fresh.email),
            password_hash: Set(fresh.password_hash),
            password_changed_at: Set(fresh.password_changed_at),
            display_name: Set(fresh.display_name),
            locale: Set(fresh.locale),
            updated_at: Set(now.0),
            ..Default::default()
        })
        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1i64))
        .filter(user::Column::Id.eq(known.id))
        .filter(user::Column::Status.eq(UserStatus::PendingVerification))
        .exec_with_returning(tx)
        .await?;
    rows.into_iter().next().ok_or(DbErr::RecordNotUpdated)
}
