//! What every operation needs: the database, the clock, the processors, the keys and the rules.

use std::sync::Arc;

use kit::{Caller, Clock, CursorKey, Database, Timestamp, Uuid, id::UserId};
use sha2::{Digest, Sha256};

use crate::{
    config::Config, connector::Connectors, connector::sandbox::Sandbox, refusal::Failure,
    secrets::Secrets,
};

/// The service's parts, cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    pub database: Database,
    pub clock: Clock,
    pub config: Arc<Config>,
    pub connectors: Connectors,
    pub sandbox: Sandbox,
    pub secrets: Secrets,
    pub cursors: CursorKey,
    /// Where people reach this service, without a slash at the end.
    pub public_url: Arc<str>,
}

impl App {
    pub fn new(config: Config, database: Database, clock: Clock, public_url: &str) -> Self {
        let sandbox = Sandbox::new(database.clone(), clock.clone());
        Self {
            connectors: Connectors::new(Arc::new(sandbox.clone()), Vec::new()),
            sandbox,
            secrets: Secrets::derive(config.master_secret.expose().as_bytes()),
            cursors: config.kit.cursor_key(),
            public_url: public_url.trim_end_matches('/').into(),
            config: Arc::new(config),
            database,
            clock,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// The person behind a mutation.
pub fn person(caller: &Caller) -> Result<UserId, Failure> {
    match caller {
        Caller::User(user) => Ok(user.id),
        Caller::Service(_) => Err(Failure::Forbidden),
        Caller::Anonymous => Err(Failure::Unauthenticated),
    }
}

/// Whose idempotency keys a caller uses: a person's own, or one set per program.
pub fn key_owner(caller: &Caller) -> Result<Uuid, Failure> {
    match caller {
        Caller::User(user) => Ok(user.id.uuid()),
        Caller::Service(service) => {
            let digest = Sha256::digest(format!("svc:{}", service.name).as_bytes());
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&digest[..16]);
            Ok(Uuid::from_bytes(bytes))
        }
        Caller::Anonymous => Err(Failure::Unauthenticated),
    }
}

/// May this caller see everybody's orders and payments?
pub fn sees_everything(caller: &Caller) -> bool {
    caller.has_role("SUPPORT")
        || caller.has_role("ADMIN")
        || caller.has_scope("payments:admin")
        || caller.has_scope("payments:refund")
}

/// Must `caller` be refused what belongs to `owner`?
pub fn owner_only(caller: &Caller, owner: &UserId) -> Result<(), Failure> {
    if caller.is(owner) {
        Ok(())
    } else if caller.is_anonymous() {
        Err(Failure::Unauthenticated)
    } else {
        Err(Failure::Forbidden)
    }
}
