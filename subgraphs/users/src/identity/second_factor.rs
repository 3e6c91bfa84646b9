//! The second step of a log-in: authenticator apps and recovery codes.
//!
//! Every code works once: an app's code because the step it belongs to is remembered, a recovery
//! code because it is crossed out. Wrong codes count like wrong passwords, so knowing the
//! password buys nobody unlimited guesses at the code.

use std::time::Duration;

use kit::{
    RequestOrigin, Timestamp,
    id::{SessionId, UserId},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    Identity,
    failure::{Failure, Fault, Outcome, RateLimited},
    lockout::CounterKeys,
    log_in::{LogInRefusal, LoggedIn, came_back},
    mailing, one_time,
    passwords::ProofRefusal,
    registration::BUSY,
    security_log::{self, SecurityEventKind},
    sessions::{self, Device},
};
use crate::{
    account::status::UserStatus,
    entity::{one_time_token, recovery_code, totp, user},
    password::{Password, hashing::HashingError},
    token::{one_time::Kind, sealing, totp::TotpSecret},
};

pub const CHALLENGE_LIFETIME: Duration = Duration::from_mins(5);
const CHALLENGE_TRIES: i64 = 5;
const RECOVERY_CODES: usize = 10;
/// Crockford's letters: none that looks like another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ISSUER: &str = "Concord";

/// The ways to take the second step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "MfaMethod")]
pub enum SecondFactor {
    Totp,
    Webauthn,
    RecoveryCode,
}

/// What the first step of a log-in gives somebody who has to take a second one.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    pub token: String,
    pub methods: Vec<SecondFactor>,
    pub expires_in: i64,
}

impl std::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Challenge(..)")
    }
}

/// What an account has set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecondFactors {
    pub methods: Vec<SecondFactor>,
    pub recovery_codes_left: u64,
}

/// The secret of a new authenticator; shown once.
#[derive(Debug)]
pub struct Enrollment {
    pub secret: String,
    pub uri: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactorRefusal {
    InvalidCredentials,
    InvalidCode,
    /// There is one already.
    AlreadyEnabled,
    /// There is none to confirm or switch off.
    NotEnrolled,
    RateLimited(RateLimited),
}

impl From<ProofRefusal> for SecondFactorRefusal {
    fn from(refusal: ProofRefusal) -> Self {
        match refusal {
            ProofRefusal::InvalidCredentials => Self::InvalidCredentials,
            ProofRefusal::RateLimited(limited) => Self::RateLimited(limited),
        }
    }
}

impl Identity {
    /// A new secret, worth nothing until a code of it is confirmed.
    pub async fn enroll_totp(&self, user: UserId) -> Outcome<Enrollment, SecondFactorRefusal> {
        let now = self.clock.now();
        let secret = TotpSecret::generate();
        let row = totp::ActiveModel {
            user_id: Set(user.uuid()),
            secret_enc: Set(sealing::seal(
                &self.keys.sealing,
                &row_name(user.uuid()),
                secret.bytes(),
            )),
            key_id: Set(self.keys.sealing_id.clone()),
            confirmed_at: Set(None),
            last_step: Set(0),
            created_at: Set(now.0),
        };
        let row = &row;
        let account = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    let account = active(tx, user)
                        .await?
                        .ok_or(Failure::Refused(SecondFactorRefusal::InvalidCredentials))?;
                    if account.mfa_enabled {
                        return Err(Failure::Refused(SecondFactorRefusal::AlreadyEnabled));
                    }
                    totp::Entity::insert(row.clone())
                        .on_conflict(
                            OnConflict::column(totp::Column::UserId)
                                .update_columns([
                                    totp::Column::SecretEnc,
                                    totp::Column::KeyId,
                                    totp::Column::CreatedAt,
                                ])
                                .to_owned(),
                        )
                        .exec_without_returning(tx)
                        .await?;
                    Ok(account)
                })
            })
            .await?;
        let name = account.email.unwrap_or_default();
        Ok(Enrollment { secret: secret.base32(), uri: secret.uri(ISSUER, &name) })
    }

    /// Switches the second step on. Returns the recovery codes; they are shown once.
    pub async fn confirm_totp(
        &self,
        user: UserId,
        session: Option<SessionId>,
        code: &str,
        origin: &RequestOrigin,
    ) -> Outcome<Vec<String>, SecondFactorRefusal> {
        let now = self.clock.now();
        let account = active(self.database.read(), user)
            .await?
            .ok_or(Failure::Refused(SecondFactorRefusal::InvalidCredentials))?;
        if account.mfa_enabled {
            return Err(Failure::Refused(SecondFactorRefusal::AlreadyEnabled));
        }
        let keys = self.refuse_locked_account(&account, origin).await?;
        let row = totp::Entity::find_by_id(user.uuid())
            .one(self.database.read())
            .await?
            .ok_or(Failure::Refused(SecondFactorRefusal::NotEnrolled))?;
        let Some(step) = self.unseal(&row)?.matching_step(code, now) else {
            self.count_failure(&keys, &account, origin).await?;
            return Err(Failure::Refused(SecondFactorRefusal::InvalidCode));
        };
        let (codes, hashes) = self.recovery_codes().await?;
        let hashes = &hashes;
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let confirmed = totp::Entity::update_many()
                        .col_expr(totp::Column::ConfirmedAt, Expr::value(now.0))
                        .col_expr(totp::Column::LastStep, Expr::value(step))
                        .filter(totp::Column::UserId.eq(user.uuid()))
                        .filter(totp::Column::ConfirmedAt.is_null())
                        .exec(tx)
                        .await?;
                    if confirmed.rows_affected == 0 {
                        return Err(Failure::Refused(SecondFactorRefusal::AlreadyEnabled));
                    }
                    store_codes(tx, now, user.uuid(), hashes).await?;
                    let account = set_enabled(tx, now, user.uuid(), true).await?;
                    let except = session.map(|session| session.uuid());
                    sessions::revoke_all(tx, now, account.id, except, "MFA_CHANGED").await?;
                    let kind = SecurityEventKind::MfaEnabled;
                    security_log::record(tx, now, account.id, kind, origin, None).await?;
                    mailing::mfa_changed(tx, now, &account, "on").await?;
                    Ok(())
                })
            })
            .await?;
        Ok(codes)
    }

    /// Switches the second step off; needs both factors once more.
    pub async fn disable_totp(
        &self,
        user: UserId,
        session: Option<SessionId>,
        current: &Password,
        code: &str,
        origin: &RequestOrigin,
    ) -> Outcome<user::Model, SecondFactorRefusal> {
        let account = self
            .prove(user, current, origin)
            .await
            .map_err(|failure| failure.map_refusal(SecondFactorRefusal::from))?;
        if !account.mfa_enabled {
            return Err(Failure::Refused(SecondFactorRefusal::NotEnrolled));
        }
        let method =
            if is_recovery_code(code) { SecondFactor::RecoveryCode } else { SecondFactor::Totp };
        let keys = self.refuse_locked_account(&account, origin).await?;
        if !self.use_code(&account, method, code).await? {
            self.count_failure(&keys, &account, origin).await?;
            return Err(Failure::Refused(SecondFactorRefusal::InvalidCode));
        }
        let now = self.clock.now();
        let account = &account;
        self.database
            .write(|tx| {
                Box::pin(async move {
                    forget(tx, account.id).await?;
                    let account = set_enabled(tx, now, account.id, false).await?;
                    let except = session.map(|session| session.uuid());
                    sessions::revoke_all(tx, now, account.id, except, "MFA_CHANGED").await?;
                    let kind = SecurityEventKind::MfaDisabled;
                    security_log::record(tx, now, account.id, kind, origin, None).await?;
                    mailing::mfa_changed(tx, now, &account, "off").await?;
                    Ok(account)
                })
            })
            .await
    }

    /// What the account has set up. Two statements.
    pub async fn second_factors(&self, user: Uuid) -> Result<SecondFactors, DbErr> {
        let connection = self.database.read();
        let totp = totp::Entity::find_by_id(user)
            .filter(totp::Column::ConfirmedAt.is_not_null())
            .one(connection)
            .await?;
        let left = recovery_code::Entity::find()
            .filter(recovery_code::Column::UserId.eq(user))
            .filter(recovery_code::Column::UsedAt.is_null())
            .count(connection)
            .await?;
        let mut methods = Vec::new();
        if totp.is_some() {
            methods.push(SecondFactor::Totp);
        }
        if left > 0 {
            methods.push(SecondFactor::RecoveryCode);
        }
        Ok(SecondFactors { methods, recovery_codes_left: left })
    }

    /// After the right password of an account with a second step.
    pub(crate) async fn challenge(
        &self,
        user: &user::Model,
        device_name: Option<&str>,
    ) -> Result<Challenge, DbErr> {
        let now = self.clock.now();
        let methods = self.second_factors(user.id).await?.methods;
        let payload = json!({ "device": device_name }).to_string();
        let payload = payload.as_str();
        let id = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    let (key, life) = (&self.keys.one_time, CHALLENGE_LIFETIME);
                    let payload = Some(payload.to_owned());
                    one_time::issue(tx, key, now, user.id, Kind::Mfa, life, payload).await
                })
            })
            .await?;
        let token = crate::token::one_time::token(&self.keys.one_time, Kind::Mfa, id);
        let expires_in = i64::try_from(CHALLENGE_LIFETIME.as_secs()).unwrap_or_default();
        Ok(Challenge { token, methods, expires_in })
    }

    /// Takes the second step.
    pub async fn complete_log_in(
        &self,
        token: &str,
        method: SecondFactor,
        code: &str,
        origin: &RequestOrigin,
    ) -> Outcome<LoggedIn, LogInRefusal> {
        let invalid = || Failure::Refused(LogInRefusal::InvalidCredentials);
        let challenge = self.take_try(token).await?.ok_or_else(invalid)?;
        let account = user::Entity::find_by_id(challenge.user_id)
            .one(self.database.read())
            .await?
            .ok_or_else(invalid)?;
        let keys = self.account_counters(&account, origin);
        if let Some(limited) = self.locked(&keys).await? {
            return Err(Failure::Refused(LogInRefusal::RateLimited(limited)));
        }
        let used = self.use_code(&account, method, code).await.map_err(|failure| {
            failure.map_refusal(|refusal| match refusal {
                SecondFactorRefusal::RateLimited(limited) => LogInRefusal::RateLimited(limited),
                _ => LogInRefusal::InvalidCredentials,
            })
        })?;
        if !used {
            self.count_failure(&keys, &account, origin).await?;
            return Err(invalid());
        }
        let now = self.clock.now();
        let device = challenge.device();
        let device = &Device { name: device.as_deref(), origin };
        let (account, keys) = (&account, &keys);
        let grant = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    let redeemed = one_time::redeem(tx, now, Kind::Mfa, token).await?;
                    redeemed.ok_or_else(invalid)?;
                    self.clear_failures(tx, keys.account()).await?;
                    let account = came_back(tx, now, account.id).await?.ok_or_else(invalid)?;
                    Ok::<_, Failure<LogInRefusal>>(
                        sessions::open(tx, now, &account, device, true).await?,
                    )
                })
            })
            .await?;
        Ok(LoggedIn { tokens: self.tokens(&grant).await?, user: grant.user })
    }

    /// Takes one of the challenge's five tries before anything is compared.
    async fn take_try(&self, token: &str) -> Result<Option<one_time_token::Model>, DbErr> {
        let now = self.clock.now();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let taken = one_time_token::Entity::update_many()
                        .col_expr(
                            one_time_token::Column::Tries,
                            Expr::col(one_time_token::Column::Tries).add(1i64),
                        )
                        .filter(
                            one_time_token::Column::Hash.eq(crate::token::one_time::hash(token)),
                        )
                        .filter(one_time_token::Column::Kind.eq(Kind::Mfa.as_str()))
                        .filter(one_time_token::Column::UsedAt.is_null())
                        .filter(one_time_token::Column::ExpiresAt.gt(now.0))
                        .filter(one_time_token::Column::Tries.lt(CHALLENGE_TRIES))
                        .exec_with_returning(tx)
                        .await?;
                    Ok(taken.into_iter().next())
                })
            })
            .await
    }

    /// Uses a code up. Of two who present it at the same time one succeeds.
    async fn use_code(
        &self,
        account: &user::Model,
        method: SecondFactor,
        code: &str,
    ) -> Outcome<bool, SecondFactorRefusal> {
        match method {
            SecondFactor::Totp => Ok(self.use_totp(account.id, code).await?),
            SecondFactor::RecoveryCode => self.use_recovery_code(account.id, code).await,
            SecondFactor::Webauthn => Ok(false),
        }
    }

    async fn use_totp(&self, user: Uuid, code: &str) -> Result<bool, Fault> {
        let now = self.clock.now();
        let row = totp::Entity::find_by_id(user)
            .filter(totp::Column::ConfirmedAt.is_not_null())
            .one(self.database.read())
            .await?;
        let Some(row) = row else { return Ok(false) };
        let Some(step) = self.unseal(&row)?.matching_step(code, now) else { return Ok(false) };
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let used = totp::Entity::update_many()
                        .col_expr(totp::Column::LastStep, Expr::value(step))
                        .filter(totp::Column::UserId.eq(user))
                        .filter(totp::Column::LastStep.lt(step))
                        .exec(tx)
                        .await?;
                    Ok(used.rows_affected == 1)
                })
            })
            .await
    }

    async fn use_recovery_code(
        &self,
        user: Uuid,
        code: &str,
    ) -> Outcome<bool, SecondFactorRefusal> {
        let now = self.clock.now();
        let code = code.trim().to_lowercase();
        let Some(secret) = Password::new(&code) else { return Ok(false) };
        let code_id = code.split('-').next().unwrap_or_default().to_owned();
        let row = recovery_code::Entity::find()
            .filter(recovery_code::Column::UserId.eq(user))
            .filter(recovery_code::Column::CodeId.eq(code_id))
            .filter(recovery_code::Column::UsedAt.is_null())
            .one(self.database.read())
            .await?;
        let slot = match self.hasher.slot().await {
            Ok(slot) => slot,
            Err(HashingError::Busy) => {
                return Err(Failure::Refused(SecondFactorRefusal::RateLimited(BUSY)));
            }
            Err(error) => return Err(error.into()),
        };
        let stored = row.as_ref().map(|row| row.hash.as_str());
        let matches = slot.verify(&secret, stored).await?.matches;
        drop(slot);
        let Some(row) = row.filter(|_| matches) else { return Ok(false) };
        let used: Result<bool, DbErr> = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    let used = recovery_code::Entity::update_many()
                        .col_expr(recovery_code::Column::UsedAt, Expr::value(now.0))
                        .filter(recovery_code::Column::Id.eq(row.id))
                        .filter(recovery_code::Column::UsedAt.is_null())
                        .exec(tx)
                        .await?;
                    Ok(used.rows_affected == 1)
                })
            })
            .await;
        Ok(used?)
    }

    fn account_counters(&self, account: &user::Model, origin: &RequestOrigin) -> CounterKeys {
        self.counter_keys(account.email_norm.as_deref().unwrap_or_default(), origin.ip)
    }

    async fn refuse_locked_account(
        &self,
        account: &user::Model,
        origin: &RequestOrigin,
    ) -> Outcome<CounterKeys, SecondFactorRefusal> {
        let keys = self.account_counters(account, origin);
        match self.locked(&keys).await? {
            Some(limited) => Err(Failure::Refused(SecondFactorRefusal::RateLimited(limited))),
            None => Ok(keys),
        }
    }

    async fn count_failure(
        &self,
        keys: &CounterKeys,
        account: &user::Model,
        origin: &RequestOrigin,
    ) -> Result<(), DbErr> {
        self.fail(Some(account), keys, origin).await
    }

    fn unseal(&self, row: &totp::Model) -> Result<TotpSecret, Fault> {
        let bytes = sealing::open(&self.keys.sealing, &row_name(row.user_id), &row.secret_enc)?;
        Ok(TotpSecret::from_bytes(bytes))
    }

    /// Ten fresh codes and their hashes, all in one slot.
    async fn recovery_codes(
        &self,
    ) -> Outcome<(Vec<String>, Vec<(String, String)>), SecondFactorRefusal> {
        let slot = match self.hasher.slot().await {
            Ok(slot) => slot,
            Err(HashingError::Busy) => {
                return Err(Failure::Refused(SecondFactorRefusal::RateLimited(BUSY)));
            }
            Err(error) => return Err(error.into()),
        };
        let mut codes = Vec::with_capacity(RECOVERY_CODES);
        let mut hashes = Vec::with_capacity(RECOVERY_CODES);
        for number in 0..RECOVERY_CODES {
            let code = recovery_code(number);
            if let Some(secret) = Password::new(&code) {
                hashes.push((code[..2].to_owned(), slot.hash(&secret).await?));
                codes.push(code);
            }
        }
        Ok((codes, hashes))
    }
}

impl one_time_token::Model {
    /// The device name given with the first step.
    fn device(&self) -> Option<String> {
        let payload: serde_json::Value = serde_json::from_str(self.payload.as_deref()?).ok()?;
        payload.get("device")?.as_str().map(str::to_owned)
    }
}

fn row_name(user: Uuid) -> String {
    format!("totp/{user}")
}

/// `xx-xxxxxxxxxx`: two characters that find the row, fifty random bits.
fn recovery_code(number: usize) -> String {
    let letter = |index: usize| char::from(ALPHABET[index % ALPHABET.len()]);
    let mut code = String::from_iter([letter(number), letter(usize::from(rand::random::<u8>()))]);
    code.push('-');
    code.extend((0..10).map(|_| letter(usize::from(rand::random::<u8>()))));
    code
}

fn is_recovery_code(code: &str) -> bool {
    code.contains('-')
}

async fn active(
    connection: &impl ConnectionTrait,
    user: UserId,
) -> Result<Option<user::Model>, DbErr> {
    user::Entity::find_by_id(user.uuid())
        .filter(user::Column::Status.eq(UserStatus::Active))
        .one(connection)
        .await
}

async fn store_codes(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: Uuid,
    hashed: &[(String, String)],
) -> Result<(), DbErr> {
    recovery_code::Entity::delete_many()
        .filter(recovery_code::Column::UserId.eq(user))
        .exec(tx)
        .await?;
    let rows = hashed.iter().map(|(code_id, hash)| recovery_code::ActiveModel {
        id: Set(kit::id::new_id(now)),
        user_id: Set(user),
        code_id: Set(code_id.clone()),
        hash: Set(hash.clone()),
        used_at: Set(None),
        created_at: Set(now.0),
    });
    recovery_code::Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(())
}

/// Everything about second factors of `user`.
pub(crate) async fn forget(tx: &impl ConnectionTrait, user: Uuid) -> Result<(), DbErr> {
    totp::Entity::delete_by_id(user).exec(tx).await?;
    recovery_code::Entity::delete_many()
        .filter(recovery_code::Column::UserId.eq(user))
        .exec(tx)
        .await?;
    Ok(())
}

async fn set_enabled(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: Uuid,
    enabled: bool,
) -> Result<user::Model, DbErr> {
    user::Entity::update_many()
        .col_expr(user::Column::MfaEnabled, Expr::value(enabled))
        .col_expr(user::Column::UpdatedAt, Expr::value(now.0))
        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1i64))
        .filter(user::Column::Id.eq(user))
        .exec_with_returning(tx)
        .await?
        .into_iter()
        .next()
        .ok_or(DbErr::RecordNotUpdated)
}
