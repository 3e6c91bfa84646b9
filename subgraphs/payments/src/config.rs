//! The service's configuration. Defaults are development's.

use std::{collections::BTreeMap, time::Duration};

use kit::{
    Settings,
    graphql::CountryCode,
    settings::{Environment, Period, Secret, development_credential},
};
use serde::Deserialize;

use crate::{address::Policy, connector::Route, fare::Tariff};

/// The master secret of development; production must set its own.
const DEVELOPMENT_SECRET: &str = "concord-development-payments-secret";

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What every service has; in a file its fields stand at the top level.
    pub kit: Settings,
    /// Seals processor tokens, fingerprints cards and signs quotes.
    pub master_secret: Secret,
    /// Where the users service is, to look up people's addresses when a mail is sent.
    pub users_url: String,
    /// The service credential it knows us by.
    pub users_credential: Secret,
    pub orders: OrderRules,
    /// What may be shipped where.
    pub shipping: Policy,
    /// What rides cost.
    pub tariff: Tariff,
    pub rides: RideRules,
    pub vault: VaultRules,
    pub processing: ProcessingRules,
    pub risk: RiskRules,
    pub payouts: PayoutRules,
    /// Payment processors, the preferred one first; the sandbox alone when empty.
    pub connectors: Vec<ConnectorSettings>,
    /// Which payments go to which processors; the first that fits counts.
    pub routes: Vec<Route>,
    /// After so many days an order's address is removed.
    pub retention_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            kit: Settings::default(),
            master_secret: Secret::from(DEVELOPMENT_SECRET),
            users_url: "http://127.0.0.1:4001".to_owned(),
            users_credential: development_credential(crate::serve::NAME),
            orders: OrderRules::default(),
            shipping: Policy::default(),
            tariff: Tariff::default(),
            rides: RideRules::default(),
            vault: VaultRules::default(),
            processing: ProcessingRules::default(),
            risk: RiskRules::default(),
            payouts: PayoutRules::default(),
            connectors: Vec::new(),
            routes: Vec::new(),
            retention_days: 3650,
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    #[error(
        "`master_secret` still has its development value; in production set your own (32 characters or more)"
    )]
    DevelopmentSecret,
    #[error("connector `{name}`: {problem}")]
    Connector { name: String, problem: &'static str },
    #[error("a route names the unknown connector `{name}`")]
    Route { name: String },
    #[error("{0}")]
    Kit(#[from] kit::settings::SettingsError),
}

impl Config {
    /// Refuses what is only good for development when this is production.
    pub fn check(&self) -> Result<(), ConfigurationError> {
        self.kit.check()?;
        let weak = self.master_secret.expose() == DEVELOPMENT_SECRET
            || self.master_secret.expose().len() < 32;
        if self.kit.environment == Environment::Production && weak {
            return Err(ConfigurationError::DevelopmentSecret);
        }
        for (index, connector) in self.connectors.iter().enumerate() {
            let twice = self.connectors[..index].iter().any(|other| other.name == connector.name);
            let problem = match connector.kind {
                _ if connector.name.is_empty() => "it needs a name",
                _ if twice => "its name is used twice",
                ConnectorKind::SandboxHttp | ConnectorKind::Stripe if connector.url.is_empty() => {
                    "it needs an `url`"
                }
                _ => continue,
            };
            return Err(ConfigurationError::Connector { name: connector.name.clone(), problem });
        }
        let known = |name: &String| {
            self.connectors.iter().any(|connector| connector.name == *name)
                || (self.connectors.is_empty() && name == crate::connector::sandbox::NAME)
        };
        let mut named = self.routes.iter().flat_map(|route| &route.connectors);
        match named.find(|name| !known(name)) {
            Some(name) => Err(ConfigurationError::Route { name: name.clone() }),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderRules {
    /// How long stock is held for an unpaid order.
    pub reservation: Period,
    /// Flat shipping, in hundredths of a major unit.
    pub shipping_hundredths: i64,
    /// Orders of at least this much ship free of charge.
    pub free_shipping_from_hundredths: i64,
    /// Tax on goods by country of destination, in basis points; none where not listed.
    pub tax_bps: BTreeMap<CountryCode, i64>,
    /// After this long a payment is no longer refunded.
    pub refund_window: Period,
}

impl Default for OrderRules {
    fn default() -> Self {
        Self {
            reservation: minutes(15),
            shipping_hundredths: 499,
            free_shipping_from_hundredths: 5000,
            tax_bps: BTreeMap::new(),
            refund_window: days(180),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RideRules {
    /// How long a quote holds.
    pub quote: Period,
    /// A rider cancels free of charge this long after the driver was assigned.
    pub free_cancellation: Period,
    /// How long after the ride a tip is possible.
    pub tip_window: Period,
}

impl Default for RideRules {
    fn default() -> Self {
        Self { quote: minutes(5), free_cancellation: minutes(2), tip_window: days(30) }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VaultRules {
    /// How long a card token can be used.
    pub token_lifetime: Period,
    /// Tokens one address may make in a minute; 0: ten in production, six hundred in
    /// development.
    pub per_minute: u32,
    /// Refused cards per person and hour, after which no card is attached; 0: three in
    /// production, sixty in development.
    pub failed_cards_per_hour: u32,
}

impl Default for VaultRules {
    fn default() -> Self {
        Self { token_lifetime: minutes(15), per_minute: 0, failed_cards_per_hour: 0 }
    }
}

impl VaultRules {
    pub(crate) fn tokens_per_minute(&self, environment: Environment) -> u32 {
        chosen(self.per_minute, 10, 600, environment)
    }

    pub(crate) fn failed_cards(&self, environment: Environment) -> u32 {
        chosen(self.failed_cards_per_hour, 3, 60, environment)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessingRules {
    /// How long a processor may take before the outcome counts as unknown.
    pub timeout: Period,
    /// An attempt that was never answered is looked into after this long.
    pub stale: Period,
    /// How long an authorisation can be captured.
    pub capture_window: Period,
    /// Declines after which a payment is canceled.
    pub max_declines: i64,
    /// How often reconciler and sweeper look for work.
    pub poll: Period,
}

impl Default for ProcessingRules {
    fn default() -> Self {
        Self {
            timeout: Period(Duration::from_secs(10)),
            stale: Period(Duration::from_secs(30)),
            capture_window: days(7),
            max_declines: 5,
            poll: Period(Duration::from_secs(5)),
        }
    }
}

/// One payment processor.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectorSettings {
    /// Stored with everything it did; never change it while there are payments.
    pub name: String,
    pub kind: ConnectorKind,
    /// Where its API is.
    pub url: String,
    /// What we show it as a bearer token.
    pub key: Secret,
    /// Secrets of its messages to us; several while they roll.
    pub webhook_secrets: Vec<Secret>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectorKind {
    /// The sandbox inside this process.
    #[default]
    Sandbox,
    /// A sandbox in a process of its own.
    SandboxHttp,
    /// Stripe, or what speaks its language.
    Stripe,
}

/// Limits per person. 0: production's or development's default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RiskRules {
    /// Five in production, sixty in development.
    pub declines_per_hour: u32,
    /// Ten in production, six hundred in development.
    pub payments_per_hour: u32,
    /// The most a person may pay in a day, in minor units by currency; none where not listed.
    pub per_day: BTreeMap<String, i64>,
}

/// The limits in force.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RiskLimits {
    pub(crate) declines_per_hour: u64,
    pub(crate) payments_per_hour: u64,
}

impl RiskRules {
    pub(crate) fn limits(&self, environment: Environment) -> RiskLimits {
        RiskLimits {
            declines_per_hour: chosen(self.declines_per_hour, 5, 60, environment).into(),
            payments_per_hour: chosen(self.payments_per_hour, 10, 600, environment).into(),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PayoutRules {
    /// How long earnings are held before they can be paid out.
    pub hold: Period,
    /// Are payouts made at all?
    pub enabled: bool,
}

impl Default for PayoutRules {
    fn default() -> Self {
        Self { hold: days(2), enabled: true }
    }
}

fn chosen(value: u32, production: u32, development: u32, environment: Environment) -> u32 {
    match (value, environment) {
        (0, Environment::Production) => production,
        (0, Environment::Development) => development,
        (value, _) => value,
    }
}

fn minutes(count: u64) -> Period {
    Period(Duration::from_mins(count))
}

fn days(count: u64) -> Period {
    Period(Duration::from_hours(count * 24))
}
