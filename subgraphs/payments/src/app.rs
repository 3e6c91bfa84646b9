//! What every operation needs: the database, the clock, the processors, the keys and the rules.

use std::sync::Arc;

use kit::{Caller, Clock, CursorKey, Database, Timestamp, Uuid, id::UserId};
use sha2::{Digest, Sha256};

use crate::{
    config::{Config, ConnectorKind, ConnectorSettings},
    connector::{
        Connector, Connectors,
        sandbox::{Sandbox, SandboxRules},
        sandbox_http::SandboxHttp,
        stripe::Stripe,
    },
    refusal::Failure,
    secrets::Secrets,
    stock_watch::StockWatch,
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
    pub stock_watch: StockWatch,
    /// Where people reach this service, without a slash at the end.
    pub public_url: Arc<str>,
}

impl App {
    pub fn new(config: Config, database: Database, clock: Clock, public_url: &str) -> Self {
        let (sandbox, connectors) = connectors(&config, &database, &clock);
        Self {
            connectors: Connectors::new(connectors, config.routes.clone()),
            sandbox,
            secrets: Secrets::derive(config.master_secret.expose().as_bytes()),
            cursors: config.kit.cursor_key(),
            stock_watch: StockWatch::new(database.clone()),
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

/// The processors of the configuration. The sandbox always exists, for its page, but takes
/// payments only when it is among them.
fn connectors(
    config: &Config,
    database: &Database,
    clock: &Clock,
) -> (Sandbox, Vec<Arc<dyn Connector>>) {
    let of_kind = |kind| config.connectors.iter().find(move |connector| connector.kind == kind);
    let sandbox = match of_kind(ConnectorKind::Sandbox) {
        None => Sandbox::new(database.clone(), clock.clone()),
        Some(settings) => {
            let mut rules = SandboxRules::default();
            if !settings.webhook_secrets.is_empty() {
                rules.webhook_secrets.clone_from(&settings.webhook_secrets);
            }
            Sandbox::with(&settings.name, database.clone(), clock.clone(), rules)
        }
    };
    if config.connectors.is_empty() {
        let only: Arc<dyn Connector> = Arc::new(sandbox.clone());
        return (sandbox, vec![only]);
    }
    let connectors = config.connectors.iter().map(|settings| -> Arc<dyn Connector> {
        let ConnectorSettings { name, kind, url, key, webhook_secrets } = settings;
        let secrets = webhook_secrets.clone();
        match kind {
            ConnectorKind::Sandbox => Arc::new(sandbox.clone()),
            ConnectorKind::SandboxHttp => {
                Arc::new(SandboxHttp::new(name, url, key.clone(), secrets))
            }
            ConnectorKind::Stripe => Arc::new(Stripe::new(name, url, key.clone(), secrets)),
        }
    });
    let connectors = connectors.collect();
    (sandbox, connectors)
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
