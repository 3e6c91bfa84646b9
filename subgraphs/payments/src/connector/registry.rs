//! The processors in use and which payment goes to which of them.

use std::{collections::BTreeMap, sync::Arc};

use kit::{Timestamp, graphql::CountryCode};
use serde::Deserialize;

use super::{Breaker, Connector, ConnectorError, Outcome};
use crate::{card::CardBrand, money::Money};

/// Payments that fit all conditions go to these processors, in this order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// Currency code; any when empty.
    pub currency: String,
    pub brand: Option<CardBrand>,
    /// Country of the bank that issued the card.
    pub country: Option<CountryCode>,
    /// In minor units.
    pub min_amount: i64,
    pub max_amount: Option<i64>,
    pub connectors: Vec<String>,
}

impl Route {
    fn fits(&self, amount: Money, brand: CardBrand, country: Option<&str>) -> bool {
        let Self { currency, brand: wanted, country: from, min_amount, max_amount, connectors: _ } =
            self;
        (currency.is_empty() || currency == amount.currency.code())
            && wanted.is_none_or(|wanted| wanted == brand)
            && from.as_ref().is_none_or(|from| Some(from.as_str()) == country)
            && *min_amount <= amount.minor
            && max_amount.is_none_or(|max| amount.minor <= max)
    }
}

#[derive(Debug)]
struct Entry {
    connector: Arc<dyn Connector>,
    breaker: Breaker,
}

/// The processors in use, by name, in the order of the configuration.
#[derive(Clone, Debug)]
pub struct Connectors {
    entries: Arc<BTreeMap<String, Entry>>,
    order: Arc<[String]>,
    routes: Arc<[Route]>,
}

impl Connectors {
    /// New payments go to the first that can take them, unless a route says otherwise.
    pub fn new(connectors: Vec<Arc<dyn Connector>>, routes: Vec<Route>) -> Self {
        let order: Vec<String> =
            connectors.iter().map(|connector| connector.name().to_owned()).collect();
        let entries = connectors
            .into_iter()
            .map(|connector| {
                let entry = Entry { connector: connector.clone(), breaker: Breaker::default() };
                (connector.name().to_owned(), entry)
            })
            .collect();
        Self { entries: Arc::new(entries), order: order.into(), routes: routes.into() }
    }

    /// All of them, the preferred one first.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Connector>> {
        self.order.iter().filter_map(|name| Some(&self.entries.get(name)?.connector))
    }

    /// The first of the configuration.
    pub fn primary(&self) -> Result<&Arc<dyn Connector>, ConnectorError> {
        self.all().next().ok_or_else(|| not_configured(""))
    }

    pub fn named(&self, name: &str) -> Result<&Arc<dyn Connector>, ConnectorError> {
        self.entries.get(name).map(|entry| &entry.connector).ok_or_else(|| not_configured(name))
    }

    /// Where a payment may be tried, best first. `known` are the processors that have the card.
    pub fn route(
        &self,
        amount: Money,
        brand: CardBrand,
        country: Option<&str>,
        known: &[&str],
    ) -> Vec<String> {
        let route = self.routes.iter().find(|route| route.fits(amount, brand, country));
        let order: &[String] = route.map_or(&self.order, |route| &route.connectors);
        order
            .iter()
            .filter(|name| self.entries.contains_key(*name) && known.contains(&name.as_str()))
            .cloned()
            .collect()
    }

    /// Has this processor been unreachable so often that it is left alone for now?
    pub fn is_resting(&self, name: &str, now: Timestamp) -> bool {
        self.entries.get(name).is_some_and(|entry| entry.breaker.is_open(now))
    }

    /// Asks the processor's breaker for permission.
    pub(crate) fn may_call(&self, name: &str, now: Timestamp) -> bool {
        self.entries.get(name).is_none_or(|entry| entry.breaker.allows(now))
    }

    /// Tells the breaker how a call ended. An unknown outcome says nothing about the line.
    pub(crate) fn note(&self, name: &str, outcome: &Outcome, now: Timestamp) {
        let Some(entry) = self.entries.get(name) else { return };
        let reached = match outcome {
            Outcome::NotAttempted { .. } => false,
            Outcome::Unknown { .. } => return,
            Outcome::Approved { .. }
            | Outcome::ActionRequired { .. }
            | Outcome::Declined { .. }
            | Outcome::Conflicted { .. } => true,
        };
        entry.breaker.note(reached, now);
        let open = if entry.breaker.is_open(now) { 1.0 } else { 0.0 };
        metrics::gauge!("payments_connector_resting", "connector" => name.to_owned()).set(open);
    }
}

fn not_configured(name: &str) -> ConnectorError {
    ConnectorError::NotConfigured { name: name.to_owned() }
}
