//! The service's configuration: what every service has, and what only identity needs.
//!
//! Read from a TOML file; each value can be set by the environment too, by its path:
//! `identity.root_secret` is `USERS__IDENTITY__ROOT_SECRET`.

use std::{path::PathBuf, time::Duration};

use kit::{
    Settings,
    settings::{Environment, Period, Secret, development_credential},
};
use serde::Deserialize;

use crate::{
    captcha::CaptchaSettings,
    identity::IdentityOptions,
    password::hashing::{HashingSettings, Pepper},
    token::signing_keys::SigningSettings,
};

/// The root secret of development. Everybody knows it: production refuses it.
const DEVELOPMENT_ROOT_SECRET: &str = "concord-users-development-root-secret";
/// Below this a secret is a word.
const MIN_SECRET: usize = 32;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What every service has; in the file these stand at the top level.
    pub kit: Settings,
    pub identity: IdentitySettings,
    pub hashing: HashingSettings,
    pub signing: SigningSettings,
    pub peers: PeerSettings,
    pub captcha: CaptchaSettings,
}

/// The other services: who has to erase a person too, and holds a part of their data.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PeerSettings {
    /// Empty: there is no such service.
    pub reviews_url: String,
    /// Empty: there is no such service.
    pub payments_url: String,
    /// What this service shows the others: scopes `events:read export:read` there.
    pub credential: Secret,
}

impl Default for PeerSettings {
    fn default() -> Self {
        Self {
            reviews_url: "http://127.0.0.1:4002".to_owned(),
            payments_url: "http://127.0.0.1:4003".to_owned(),
            credential: development_credential("users"),
        }
    }
}

impl PeerSettings {
    /// Name and address of each service there is.
    pub(crate) fn services(&self) -> Vec<(&'static str, String)> {
        [("reviews", &self.reviews_url), ("payments", &self.payments_url)]
            .into_iter()
            .filter(|(_, url)| !url.is_empty())
            .map(|(name, url)| (name, url.clone()))
            .collect()
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentitySettings {
    /// All keys are derived from it. Changing it ends every session and makes sealed secrets
    /// unreadable.
    pub root_secret: Secret,
    /// Mixed into password hashes; the first one into new ones. Never remove one that a stored
    /// hash still needs.
    pub peppers: Vec<PepperSettings>,
    /// `iss` of access tokens. Empty: `public_url`, or `http://localhost:4001`.
    pub issuer: String,
    /// `aud` of access tokens.
    pub audience: String,
    /// Where links in mails lead: the address of the application.
    pub links: String,
    /// No answer about an address that may have no account comes sooner.
    pub answer_floor: Period,
    /// File of leaked passwords' SHA-1 hashes, sorted. Empty: passwords are not looked up.
    pub breached_passwords: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PepperSettings {
    /// At most 8 characters; stored with each hash.
    pub id: String,
    pub secret: Secret,
}

impl Default for IdentitySettings {
    fn default() -> Self {
        Self {
            root_secret: Secret::from(DEVELOPMENT_ROOT_SECRET),
            peppers: Vec::new(),
            issuer: String::new(),
            audience: "concord".to_owned(),
            links: "http://localhost:4000".to_owned(),
            answer_floor: Period(Duration::from_millis(150)),
            breached_passwords: PathBuf::new(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigCheckError {
    #[error(
        "`identity.root_secret` still has its development value; set USERS__IDENTITY__ROOT_SECRET \
         to 32 or more random characters"
    )]
    DevelopmentRootSecret,
    #[error("`identity.root_secret` has fewer than 32 characters; set a longer one")]
    ShortRootSecret,
    #[error(
        "`peers.credential` still has its development value; set USERS__PEERS__CREDENTIAL, or leave \
         `peers.reviews_url` and `peers.payments_url` empty"
    )]
    DevelopmentCredential,
    #[error("`identity.links` is no http address; set it to the address of the application")]
    Links,
}

impl Config {
    /// Refuses what is only good for development when this is production.
    pub fn check(&self) -> Result<(), ConfigCheckError> {
        let links = url::Url::parse(&self.identity.links).map_err(|_| ConfigCheckError::Links)?;
        if !matches!(links.scheme(), "http" | "https") {
            return Err(ConfigCheckError::Links);
        }
        if self.kit.environment == Environment::Production {
            let secret = self.identity.root_secret.expose();
            if secret == DEVELOPMENT_ROOT_SECRET {
                return Err(ConfigCheckError::DevelopmentRootSecret);
            }
            if secret.len() < MIN_SECRET {
                return Err(ConfigCheckError::ShortRootSecret);
            }
            let development = development_credential("users");
            if !self.peers.services().is_empty()
                && self.peers.credential.expose() == development.expose()
            {
                return Err(ConfigCheckError::DevelopmentCredential);
            }
        }
        Ok(())
    }

    pub fn issuer(&self) -> String {
        let issuer = [&self.identity.issuer, &self.kit.public_url]
            .into_iter()
            .find(|issuer| !issuer.is_empty())
            .map_or("http://localhost:4001", String::as_str);
        issuer.trim_end_matches('/').to_owned()
    }

    pub(crate) fn identity_options(&self) -> IdentityOptions {
        let peppers = self.identity.peppers.iter().map(|pepper| Pepper {
            id: pepper.id.clone(),
            secret: pepper.secret.expose().as_bytes().to_vec().into(),
        });
        IdentityOptions {
            root_secret: self.identity.root_secret.expose().into(),
            peppers: peppers.collect(),
            hashing: self.hashing.clone(),
            signing: self.signing.clone(),
            issuer: self.issuer(),
            audience: self.identity.audience.clone(),
            cursors: self.kit.cursor_key(),
            answer_floor: self.identity.answer_floor.0,
            breached_passwords: self.identity.breached_passwords.clone(),
            peers: self.peers.services().into_iter().map(|(name, _)| name.to_owned()).collect(),
            captcha: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_refuses_the_secrets_of_development() {
        let mut config = Config::default();
        assert!(config.check().is_ok());
        config.kit.environment = Environment::Production;
        assert!(matches!(config.check(), Err(ConfigCheckError::DevelopmentRootSecret)));
        config.identity.root_secret = Secret::from("short");
        assert!(matches!(config.check(), Err(ConfigCheckError::ShortRootSecret)));
        config.identity.root_secret = Secret::from("0123456789abcdef0123456789abcdef");
        assert!(matches!(config.check(), Err(ConfigCheckError::DevelopmentCredential)));
        config.peers.credential = Secret::from("svc_users_0123456789abcdef");
        assert!(config.check().is_ok());
    }

    #[test]
    fn links_are_http_addresses() {
        let mut config = Config::default();
        config.identity.links = "javascript:alert(1)".to_owned();
        assert!(matches!(config.check(), Err(ConfigCheckError::Links)));
    }

    #[test]
    fn values_come_from_file_and_environment() {
        let variable = ("USERS__HASHING__MEMORY_KIB".to_owned(), "64".to_owned());
        let config: Config = kit::config::load_from("users", None, [variable]).unwrap();
        assert_eq!(config.hashing.memory_kib, 64);
    }
    #[test]
    fn every_setting_of_the_readme_exists() {
        let readme = include_str!("../README.md");
        let names: Vec<_> = readme.split('`').filter(|word| word.starts_with("USERS__")).collect();
        assert_eq!(names.len(), 16);
        for name in names {
            let value = match name {
                "USERS__IDENTITY__ANSWER_FLOOR" => "1s",
                "USERS__SIGNING__ALGORITHM" => "RS256",
                name if name.starts_with("USERS__IDENTITY__") => "https://a.example",
                _ => "7",
            };
            let variable = (name.to_owned(), value.to_owned());
            let config = kit::config::load_from::<Config>("users", None, [variable]);
            assert!(config.is_ok(), "{name}: {config:?}");
        }
    }
}
