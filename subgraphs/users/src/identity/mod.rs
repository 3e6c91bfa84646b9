//! What this service does with accounts and credentials, one file per concern. Every change is
//! one transaction that also writes the mail, the feed event and the security event it causes.
//! Knows nothing of GraphQL or HTTP.

pub mod addresses;
pub mod administration;
pub mod directory;
pub mod email_change;
pub mod erasure;
pub mod failure;
pub mod feed;
pub mod introspection;
pub mod lockout;
pub mod log_in;
pub mod mailing;
pub mod one_time;
pub mod passwords;
pub mod personal_tokens;
pub mod profile;
pub mod refreshing;
pub mod registration;
pub mod second_factor;
pub mod security_log;
pub mod sessions;

use std::time::Duration;

use kit::{Clock, CursorKey, Database};
use sea_orm::DbErr;
use secrecy::SecretString;
use uuid::Uuid;

use crate::{
    password::hashing::{HashingError, HashingSettings, PasswordHasher, Pepper},
    token::{
        secrets::Keys,
        signing_keys::{SigningKeyError, SigningKeys, SigningSettings},
    },
};

/// Everything the operations need. Clones share it.
#[derive(Debug, Clone)]
pub struct Identity {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
    pub(crate) keys: Keys,
    pub(crate) hasher: PasswordHasher,
    pub(crate) signing: SigningKeys,
    /// `iss` of access tokens.
    pub(crate) issuer: String,
    /// `aud` of access tokens.
    pub(crate) audience: String,
    pub(crate) cursors: CursorKey,
    /// No answer about an address that may or may not have an account comes sooner.
    answer_floor: Duration,
    /// Generations whose use has been written down, so that it is done once. Only saves work.
    noted: moka::sync::Cache<(Uuid, i64), ()>,
}

/// What [`Identity::start`] is made from.
#[derive(Debug, Clone)]
pub struct IdentityOptions {
    pub root_secret: SecretString,
    pub peppers: Vec<Pepper>,
    pub hashing: HashingSettings,
    pub signing: SigningSettings,
    pub issuer: String,
    pub audience: String,
    pub cursors: CursorKey,
    pub answer_floor: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error(transparent)]
    SigningKeys(#[from] SigningKeyError),
}

impl Identity {
    /// The database must be migrated.
    pub async fn start(
        database: Database,
        clock: Clock,
        options: IdentityOptions,
    ) -> Result<Self, IdentityError> {
        let IdentityOptions {
            root_secret,
            peppers,
            hashing,
            signing,
            issuer,
            audience,
            cursors,
            answer_floor,
        } = options;
        let keys = Keys::derive(&root_secret);
        let hasher = PasswordHasher::new(&hashing, peppers)?;
        let signing =
            SigningKeys::start(database.clone(), clock.clone(), keys.clone(), signing).await?;
        Ok(Self {
            database,
            clock,
            keys,
            hasher,
            signing,
            issuer,
            audience,
            cursors,
            answer_floor,
            noted: moka::sync::Cache::builder()
                .max_capacity(100_000)
                .time_to_live(Duration::from_mins(10))
                .build(),
        })
    }

    pub fn signing_keys(&self) -> &SigningKeys {
        &self.signing
    }

    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Answers no sooner than the floor, so that looking an address up and finding nobody
    /// takes as long as finding somebody and writing to them.
    pub(crate) async fn level<T>(&self, work: impl Future<Output = T>) -> T {
        let (answer, ()) = tokio::join!(work, tokio::time::sleep(self.answer_floor));
        answer
    }

    /// Forgets what has run its time: counters, used and expired tokens, old log lines.
    pub async fn sweep(&self) -> Result<(), DbErr> {
        let now = self.clock.now();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    self.sweep_counters(tx, now).await?;
                    one_time::sweep(tx, now).await?;
                    sessions::sweep(tx, now).await?;
                    security_log::sweep(tx, now).await
                })
            })
            .await
    }
}
