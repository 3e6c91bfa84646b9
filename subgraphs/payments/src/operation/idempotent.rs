//! Answering a repeated mutation with the first one's result.

use kit::{Timestamp, Uuid, idempotency};
use sea_orm::{ConnectionTrait, DbErr};
use serde::{Deserialize, Serialize};

use crate::refusal::{Failure, Refusal};

/// The lasting result of a mutation: what it made or changed, and what was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    pub subject: Option<Uuid>,
    pub refusal: Option<Refusal>,
}

impl Recorded {
    pub fn done(subject: impl Into<Uuid>) -> Self {
        Self { subject: Some(subject.into()), refusal: None }
    }

    pub fn refused(subject: impl Into<Uuid>, refusal: Refusal) -> Self {
        Self { subject: Some(subject.into()), refusal: Some(refusal) }
    }
}

/// A checked idempotency key together with what it was used for.
#[derive(Clone, Debug)]
pub struct Key {
    owner: Uuid,
    operation: &'static str,
    text: String,
    input_hash: [u8; 32],
}

/// What a key turned out to be.
#[derive(Debug)]
pub enum Claim {
    Fresh,
    Replay(Recorded),
}

impl Key {
    pub fn new(
        owner: Uuid,
        operation: &'static str,
        key: &str,
        input: &impl Serialize,
    ) -> Result<Self, Refusal> {
        if !idempotency::is_valid_key(key) {
            return Err(Refusal::invalid(
                "INVALID_IDEMPOTENCY_KEY",
                "an idempotency key has 1 to 255 characters",
                &["input", "idempotencyKey"],
            ));
        }
        let input_hash = idempotency::input_hash(input);
        Ok(Self { owner, operation, text: key.to_owned(), input_hash })
    }

    pub fn owner(&self) -> Uuid {
        self.owner
    }

    pub fn operation(&self) -> &'static str {
        self.operation
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes the key in this transaction, or finds out what became of it.
    pub async fn claim(&self, tx: &impl ConnectionTrait, now: Timestamp) -> Result<Claim, Failure> {
        let Self { owner, operation, text, input_hash } = self;
        match idempotency::begin(tx, *owner, operation, text, *input_hash, now).await? {
            idempotency::Begin::Fresh => Ok(Claim::Fresh),
            idempotency::Begin::Replay(stored) => {
                Ok(Claim::Replay(serde_json::from_value(stored)?))
            }
            idempotency::Begin::Reused => Err(Refusal::KeyReused.into()),
            idempotency::Begin::InUse => Err(Refusal::KeyInUse.into()),
        }
    }

    /// Stores the result in the transaction that made it.
    pub async fn finish(
        &self,
        tx: &impl ConnectionTrait,
        recorded: &Recorded,
    ) -> Result<(), Failure> {
        finish(tx, self.owner, self.operation, &self.text, recorded).await
    }
}

/// Stores the result of a mutation whose key only the attempt remembers.
pub async fn finish(
    tx: &impl ConnectionTrait,
    owner: Uuid,
    operation: &str,
    key: &str,
    recorded: &Recorded,
) -> Result<(), Failure> {
    let response = serde_json::to_value(recorded)?;
    match idempotency::finish(tx, owner, operation, key, &response).await {
        // The row may have been swept away after its retention; nobody can be waiting for it.
        Ok(()) | Err(DbErr::RecordNotUpdated) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
