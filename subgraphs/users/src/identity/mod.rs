//! What this service does with accounts and credentials, one file per concern. Every change is
//! one transaction that also writes the mail, the feed event and the security event it causes.
//! Knows nothing of GraphQL or HTTP.

pub mod acknowledgements;
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

use std::{path::PathBuf, sync::Arc, time::Duration};

use kit::{Clock, CursorKey, Database};
use sea_orm::DbErr;
use secrecy::SecretString;
use uuid::Uuid;

use failure::Outcome;

use crate::{
    captcha::Captcha,
    password::{
        breach::BreachList,
        hashing::{HashingError, HashingSettings, PasswordHasher, Pepper},
    },
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
    pub(crate) breached: Option<BreachList>,
    pub(crate) captcha: Option<Arc<dyn Captcha>>,
    /// Who else has to erase a person.
    pub(crate) peers: Arc<[String]>,
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
    /// Empty: passwords are not looked up.
    pub breached_passwords: PathBuf,
    /// The services that have to erase a person too.
    pub peers: Vec<String>,
    pub captcha: Option<Arc<dyn Captcha>>,
}

#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error(transparent)]
    SigningKeys(#[from] SigningKeyError),
    #[error("`identity.breached_passwords`: {}: {source}", path.display())]
    BreachedPasswords { path: PathBuf, source: std::io::Error },
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
            breached_passwords,
            peers,
            captcha,
        } = options;
        let breached = if breached_passwords.as_os_str().is_empty() {
            None
        } else {
            let list = BreachList::open(&breached_passwords);
            let path = breached_passwords;
            Some(list.map_err(|source| IdentityError::BreachedPasswords { path, source })?)
        };
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
            breached,
            captcha,
            peers: peers.into(),
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

    /// As [`Identity::level`], for refusals only: who is let in need not wait.
    pub(crate) async fn level_refusals<T, R>(
        &self,
        work: impl Future<Output = Outcome<T, R>>,
    ) -> Outcome<T, R> {
        let floor = tokio::time::sleep(self.answer_floor);
        let outcome = work.await;
        if outcome.is_err() {
            floor.await;
        }
        outcome
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
