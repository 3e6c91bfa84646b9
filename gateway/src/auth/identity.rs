//! The caller of one request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::HeaderValue;
use serde::{Deserialize, Deserializer, Serialize};

/// The parts of an access token that matter here. What else stands in it is not passed on.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct Claims {
    pub(crate) sub: String,
    pub(crate) exp: u64,
    #[serde(default)]
    pub(crate) iat: Option<u64>,
    #[serde(default)]
    pub(crate) sid: Option<String>,
    #[serde(default, deserialize_with = "scopes")]
    pub(crate) scope: BTreeSet<String>,
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    #[serde(default)]
    pub(crate) amr: Vec<String>,
    #[serde(default)]
    pub(crate) auth_time: Option<u64>,
    /// Which refresh the token came from: how the users service learns that it is in use.
    #[serde(default, rename = "gen")]
    pub(crate) generation: Option<u64>,
}

/// Scopes as RFC 9068 writes them (one string, separated by spaces), or as a list.
fn scopes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    match value {
        serde_json::Value::Null => Ok(BTreeSet::new()),
        serde_json::Value::String(text) => Ok(text.split_whitespace().map(str::to_owned).collect()),
        list => serde_json::from_value(list).map_err(serde::de::Error::custom),
    }
}

/// An anonymous caller, or one with verified claims. Shared by all requests with the same token.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    pub(crate) claims: Option<Claims>,
    /// Passports for queries, by subgraph.
    passports: Mutex<BTreeMap<Arc<str>, (HeaderValue, Instant)>>,
}

impl Identity {
    pub(crate) fn anonymous() -> Self {
        Self::default()
    }

    pub(crate) fn verified(claims: Claims) -> Self {
        Self { claims: Some(claims), passports: Mutex::default() }
    }

    pub(crate) fn is_authenticated(&self) -> bool {
        self.claims.is_some()
    }

    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.claims.as_ref().is_some_and(|claims| claims.scope.contains(scope))
    }

    /// What the subgraphs can tell this caller from another by.
    pub(crate) fn partition(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Partition<'c>(
            &'c str,
            Option<&'c str>,
            &'c BTreeSet<String>,
            &'c [String],
            &'c [String],
            [Option<u64>; 2],
        );
        let Some(Claims { sub, exp: _, iat: _, sid, scope, roles, amr, auth_time, generation }) =
            &self.claims
        else {
            return Vec::new();
        };
        serde_json::to_vec(&Partition(
            sub,
            sid.as_deref(),
            scope,
            roles,
            amr,
            [*auth_time, *generation],
        ))
        .expect("strings and numbers can always be written")
    }

    /// The passport for `subgraph`, made anew when the last one is older than `reuse`.
    pub(crate) fn passport<E>(
        &self,
        subgraph: &Arc<str>,
        reuse: Duration,
        sign: impl FnOnce() -> Result<HeaderValue, E>,
    ) -> Result<HeaderValue, E> {
        let mut passports =
            self.passports.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((passport, made)) = passports.get(subgraph)
            && made.elapsed() < reuse
        {
            return Ok(passport.clone());
        }
        let passport = sign()?;
        passports.insert(subgraph.clone(), (passport.clone(), Instant::now()));
        Ok(passport)
    }
}
