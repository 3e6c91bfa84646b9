//! What every operation needs: the database, the clock, the rules' numbers and the way to ask
//! payments. One value per service, shared by the schema, the jobs and the tests.

use std::sync::{Arc, RwLock};

use kit::{Clock, CursorKey, Database, Timestamp};
use sea_orm::DbErr;

use crate::command::verify_later::verify_due;
use crate::config::Rules;
use crate::domain::rating::Prior;
use crate::purchases::PurchaseCheck;
use crate::store::prior;

/// How long the catalogue's mean stands before it is computed again.
const PRIOR_LIFETIME_MS: i64 = 3_600_000;

/// The reviews service without HTTP and GraphQL.
#[derive(Clone)]
pub struct Core {
    pub database: Database,
    pub clock: Clock,
    pub cursors: CursorKey,
    pub rules: Rules,
    pub purchases: Arc<dyn PurchaseCheck>,
    prior: Arc<RwLock<Prior>>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl Core {
    pub fn new(
        database: Database,
        clock: Clock,
        cursors: CursorKey,
        rules: Rules,
        purchases: Arc<dyn PurchaseCheck>,
    ) -> Self {
        Self { database, clock, cursors, rules, purchases, prior: Arc::default() }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The catalogue's mean of the running hour.
    pub fn prior(&self) -> Prior {
        *self.prior.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes the stored mean, or computes it when it is older than an hour.
    pub async fn refresh_prior(&self) -> Result<(), DbErr> {
        let now = self.now();
        let stored = prior::load(self.database.read()).await?;
        let current = match stored {
            Some((prior, at)) if now.0 - at.0 < PRIOR_LIFETIME_MS => prior,
            _ => prior::recompute(&self.database, now).await?,
        };
        self.set_prior(current);
        Ok(())
    }

    /// Computes the mean now, however old the stored one is.
    pub async fn recompute_prior(&self) -> Result<(), DbErr> {
        let current = prior::recompute(&self.database, self.now()).await?;
        self.set_prior(current);
        Ok(())
    }

    /// Settles reviews that wait for payments' answer and whose time has come; returns how many.
    pub async fn verify_due(&self) -> Result<usize, DbErr> {
        verify_due(self).await
    }

    fn set_prior(&self, prior: Prior) {
        *self.prior.write().unwrap_or_else(std::sync::PoisonError::into_inner) = prior;
    }
}
