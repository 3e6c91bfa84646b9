//! A card's tokens at every processor that has it, sealed as one value.

use std::collections::BTreeMap;

use crate::{refusal::Failure, secrets::Secrets};

/// What processor tokens are sealed for.
pub(crate) const SEAL_PURPOSE: &str = "processor-token";

/// Tokens by the name of the processor.
#[derive(Clone, Default)]
pub(crate) struct CardTokens(BTreeMap<String, String>);

impl std::fmt::Debug for CardTokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

impl CardTokens {
    pub(crate) fn insert(&mut self, connector: &str, token: String) {
        self.0.insert(connector.to_owned(), token);
    }

    pub(crate) fn seal(&self, secrets: &Secrets) -> Vec<u8> {
        let text = serde_json::to_string(&self.0).expect("a map of texts is JSON");
        secrets.seal(SEAL_PURPOSE, &text)
    }

    /// Opens what was sealed; the bare token of `connector` stands for a map of one.
    pub(crate) fn open(secrets: &Secrets, connector: &str, sealed: &[u8]) -> Result<Self, Failure> {
        let text = secrets
            .open(SEAL_PURPOSE, sealed)
            .map_err(|error| Failure::Broken(error.to_string()))?;
        if text.starts_with('{') {
            return Ok(Self(serde_json::from_str(&text)?));
        }
        Ok(Self(BTreeMap::from([(connector.to_owned(), text)])))
    }

    pub(crate) fn at(&self, connector: &str) -> Option<&str> {
        self.0.get(connector).map(String::as_str)
    }

    pub(crate) fn connectors(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(connector, token)| (connector.as_str(), token.as_str()))
    }
}
