//! Argon2id hashing with a bounded number of hashes at a time.
//!
//! One hash takes tens of mebibytes and a core; a flood of log-ins must neither exhaust the
//! memory nor starve everything else. So there are as many slots as cores, a short queue before
//! them, and `Busy` beyond. Parameters and the pepper's id live in the PHC string: a stored
//! hash says itself how to verify it and whether it is out of date.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::available_parallelism,
};

use argon2::{
    Algorithm, Argon2, KeyId, Params, ParamsBuilder, PasswordHash, PasswordHasher as _,
    PasswordVerifier as _, Version,
};
use secrecy::{ExposeSecret, SecretSlice};
use serde::Deserialize;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use super::Password;

/// `[hashing]`: what a hash costs and how many run at a time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HashingSettings {
    /// Memory per hash, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
    /// Hashes at a time; 0 means one per core, fewer if they would not fit into the memory.
    pub slots: usize,
    /// Log-ins that may wait for a slot before others are turned away.
    pub queue: usize,
}

impl Default for HashingSettings {
    fn default() -> Self {
        Self { memory_kib: 46 * 1024, iterations: 1, parallelism: 1, slots: 0, queue: 64 }
    }
}

/// A secret that is mixed into every hash and is not in the database.
#[derive(Debug, Clone)]
pub struct Pepper {
    pub id: String,
    pub secret: SecretSlice<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum HashingError {
    #[error("every hashing slot is taken and the queue is full")]
    Busy,
    #[error("hashing parameters are out of range: {0}")]
    Parameters(argon2::Error),
    #[error("stored password hash cannot be read: {0}")]
    Stored(argon2::password_hash::Error),
    #[error("stored password hash needs a pepper that is not configured")]
    UnknownPepper,
    #[error("hashing thread ended early")]
    Thread(#[source] tokio::task::JoinError),
}

/// What verifying found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub matches: bool,
    /// The stored hash was made with other parameters than today's.
    pub outdated: bool,
}

#[derive(Debug, Clone)]
pub struct PasswordHasher(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    params: Params,
    /// The first one is mixed into new hashes; the others verify old ones.
    peppers: Vec<Pepper>,
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
    dummy: OnceCell<String>,
}

/// The right to hash now. Held while the answer is recorded too, so that no more guesses than
/// slots can be in flight past a lock-out.
#[derive(Debug)]
pub struct Slot {
    hasher: PasswordHasher,
    _permit: OwnedSemaphorePermit,
}

impl PasswordHasher {
    pub fn new(settings: &HashingSettings, peppers: Vec<Pepper>) -> Result<Self, HashingError> {
        let mut builder = ParamsBuilder::new();
        builder
            .m_cost(settings.memory_kib)
            .t_cost(settings.iterations)
            .p_cost(settings.parallelism);
        if let Some(pepper) = peppers.first() {
            builder.keyid(KeyId::new(pepper.id.as_bytes()).map_err(HashingError::Parameters)?);
        }
        let params = builder.build().map_err(HashingError::Parameters)?;
        let slots = match settings.slots {
            0 => available_parallelism()
                .map_or(1, std::num::NonZero::get)
                .min(memory_slots(settings.memory_kib)),
            slots => slots,
        };
        Ok(Self(Arc::new(Inner {
            params,
            peppers,
            slots: Arc::new(Semaphore::new(slots)),
            waiting: AtomicUsize::new(0),
            queue: settings.queue,
            dummy: OnceCell::new(),
        })))
    }

    /// Waits for a slot, or says at once that too many wait already.
    pub async fn slot(&self) -> Result<Slot, HashingError> {
        let permit = if let Ok(permit) = Arc::clone(&self.0.slots).try_acquire_owned() {
            permit
        } else {
            let place = Waiting::enter(&self.0)?;
            let permit = Arc::clone(&self.0.slots).acquire_owned().await;
            drop(place);
            permit.map_err(|_| HashingError::Busy)?
        };
        Ok(Slot { hasher: self.clone(), _permit: permit })
    }
}

/// How many hashes fit into the memory there is, for this process or the machine.
fn memory_slots(memory_kib: u32) -> usize {
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|bytes| Some(bytes.trim().parse::<u64>().ok()? / 1024));
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    let Some(kib) = [limit, machine].into_iter().flatten().min() else { return usize::MAX };
    usize::try_from(kib / u64::from(memory_kib.max(1))).unwrap_or(usize::MAX).max(1)
}

/// A place in the queue; left on drop, also when the caller goes away.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(inner: &'a Inner) -> Result<Self, HashingError> {
        let place = Self(&inner.waiting);
        if inner.waiting.fetch_add(1, Ordering::AcqRel) >= inner.queue {
            return Err(HashingError::Busy);
        }
        Ok(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Slot {
    pub async fn hash(&self, password: &Password) -> Result<String, HashingError> {
        let (hasher, password) = (self.hasher.clone(), password.clone());
        tokio::task::spawn_blocking(move || hasher.0.hash(&password))
            .await
            .map_err(HashingError::Thread)?
    }

    /// The same work whether there is a stored hash or not: without one, a dummy is verified.
    pub async fn verify(
        &self,
        password: &Password,
        stored: Option<&str>,
    ) -> Result<Verdict, HashingError> {
        let (phc, known) = match stored {
            Some(stored) => (stored.to_owned(), true),
            None => (self.dummy().await?, false),
        };
        let (hasher, password) = (self.hasher.clone(), password.clone());
        let verdict = tokio::task::spawn_blocking(move || hasher.0.verify(&password, &phc))
            .await
            .map_err(HashingError::Thread)??;
        Ok(Verdict { matches: verdict.matches && known, outdated: verdict.outdated && known })
    }

    /// A hash of nothing anybody can type, made with today's parameters.
    async fn dummy(&self) -> Result<String, HashingError> {
        let make = || async {
            let random: [u8; 32] = rand::random();
            let password = random.map(|byte| char::from(byte >> 1)).iter().collect::<String>();
            let hasher = self.hasher.clone();
            tokio::task::spawn_blocking(move || {
                hasher.0.hash(&Password(secrecy::SecretString::from(password)))
            })
            .await
            .map_err(HashingError::Thread)?
        };
        self.hasher.0.dummy.get_or_try_init(make).await.cloned()
    }
}

impl Inner {
    fn hash(&self, password: &Password) -> Result<String, HashingError> {
        let pepper = self.peppers.first();
        let hash = argon2(self.params.clone(), pepper)?
            .hash_password(password.expose().as_bytes())
            .map_err(HashingError::Stored)?;
        Ok(hash.to_string())
    }

    /// A hash cheaper than today's is topped up with a full one, right or wrong, so that time
    /// does not tell which accounts have an old hash.
    fn verify(&self, password: &Password, phc: &str) -> Result<Verdict, HashingError> {
        let stored = PasswordHash::new(phc).map_err(|error| HashingError::Stored(error.into()))?;
        let params = Params::try_from(&stored).map_err(HashingError::Stored)?;
        let pepper = match params.keyid() {
            [] => None,
            id => Some(
                self.peppers
                    .iter()
                    .find(|pepper| pepper.id.as_bytes() == id)
                    .ok_or(HashingError::UnknownPepper)?,
            ),
        };
        let matches = argon2(params.clone(), pepper)?
            .verify_password(password.expose().as_bytes(), &stored)
            .is_ok();
        let outdated = cost(&params) != cost(&self.params) || params.keyid() != self.params.keyid();
        if outdated && !matches {
            self.hash(password)?;
        }
        Ok(Verdict { matches, outdated })
    }
}

fn cost(params: &Params) -> (u32, u32, u32) {
    (params.m_cost(), params.t_cost(), params.p_cost())
}

fn argon2(params: Params, pepper: Option<&Pepper>) -> Result<Argon2<'_>, HashingError> {
    match pepper {
        None => Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params)),
        Some(pepper) => Argon2::new_with_secret(
            pepper.secret.expose_secret(),
            Algorithm::Argon2id,
            Version::V0x13,
            params,
        )
        .map_err(HashingError::Parameters),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(memory_kib: u32, peppers: &[&str]) -> PasswordHasher {
        let settings = HashingSettings { memory_kib, slots: 1, queue: 1, ..Default::default() };
        let peppers = peppers
            .iter()
            .map(|id| Pepper { id: (*id).to_owned(), secret: vec![7; 32].into() })
            .collect();
        PasswordHasher::new(&settings, peppers).unwrap()
    }

    async fn check(made_by: &PasswordHasher, verified_by: &PasswordHasher, expected: Verdict) {
        let password = Password::new("violet tractor humming").unwrap();
        let stored = made_by.slot().await.unwrap().hash(&password).await.unwrap();
        let slot = verified_by.slot().await.unwrap();
        assert_eq!(slot.verify(&password, Some(&stored)).await.unwrap(), expected);
        let other = Password::new("violet tractor hummed").unwrap();
        assert!(!slot.verify(&other, Some(&stored)).await.unwrap().matches);
    }

    #[tokio::test]
    async fn hashes_verify_and_say_when_they_are_outdated() {
        let (cheap, dear) = (hasher(64, &[]), hasher(128, &[]));
        check(&cheap, &cheap, Verdict { matches: true, outdated: false }).await;
        check(&cheap, &dear, Verdict { matches: true, outdated: true }).await;
    }

    #[tokio::test]
    async fn peppers_can_be_added_and_rolled() {
        let (old, new) = (hasher(64, &["p1"]), hasher(64, &["p2", "p1"]));
        check(&hasher(64, &[]), &old, Verdict { matches: true, outdated: true }).await;
        check(&old, &new, Verdict { matches: true, outdated: true }).await;
        let stored = old.slot().await.unwrap().hash(&Password::new("x").unwrap()).await.unwrap();
        let without = hasher(64, &[]);
        let verdict =
            without.slot().await.unwrap().verify(&Password::new("x").unwrap(), Some(&stored)).await;
        assert!(matches!(verdict, Err(HashingError::UnknownPepper)));
    }

    #[tokio::test]
    async fn nobody_matches_an_account_that_is_not_there() {
        let verdict = hasher(64, &[])
            .slot()
            .await
            .unwrap()
            .verify(&Password::new("").unwrap(), None)
            .await
            .unwrap();
        assert_eq!(verdict, Verdict { matches: false, outdated: false });
    }

    #[tokio::test]
    async fn f29_beyond_slots_and_queue_callers_are_turned_away() {
        let hasher = hasher(64, &[]);
        let held = hasher.slot().await.unwrap();
        let mut queued = Box::pin(hasher.slot());
        assert!(futures::poll!(queued.as_mut()).is_pending());
        assert!(matches!(hasher.slot().await, Err(HashingError::Busy)));
        drop(held);
        assert!(queued.await.is_ok());
    }
}
