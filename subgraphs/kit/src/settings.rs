//! The settings that every service has. Plain data: read once by the `config` module,
//! passed down, never global. Defaults are those of development.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::connection::CursorKey;
use crate::database::{DatabaseOptions, Durability};

/// The cursor key of development; production must set its own.
const DEVELOPMENT_CURSOR_KEY: &str = "concord-development-cursor-key";

/// What a service needs to know about where it runs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `production` refuses development's mail inbox and secrets.
    pub environment: Environment,
    /// The address under which people reach this service, for links in mails. Empty:
    /// `http://localhost:<port>`.
    pub public_url: String,
    /// Address to listen on. Empty: this machine only, the service's usual port.
    pub listen: String,
    pub database: DatabaseSettings,
    pub passport: PassportSettings,
    /// Who may call without a passport.
    pub services: ServiceCredentials,
    pub mail: MailSettings,
    pub log: LogSettings,
    pub limits: LimitSettings,
    pub secrets: SecretSettings,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
}

impl Settings {
    /// Names of the fields, which in a configuration file stand at the top level.
    pub const FIELDS: [&'static str; 11] = [
        "environment",
        "public_url",
        "listen",
        "database",
        "passport",
        "services",
        "mail",
        "log",
        "limits",
        "secrets",
        "trusted_proxies",
    ];

    /// Refuses what is only good for development when this is production.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.mail.check(self.environment)?;
        if self.environment == Environment::Development {
            return Ok(());
        }
        if self.secrets.cursor_key.expose().len() < 16
            || self.secrets.cursor_key.expose() == DEVELOPMENT_CURSOR_KEY
        {
            return Err(SettingsError::DevelopmentSecret { key: "secrets.cursor_key" });
        }
        if self.services.0.iter().any(ServiceCredential::is_development) {
            return Err(SettingsError::DevelopmentSecret { key: "services" });
        }
        Ok(())
    }

    pub fn cursor_key(&self) -> CursorKey {
        CursorKey::new(self.secrets.cursor_key.expose().as_bytes())
    }
}

/// A setting that would be unsafe where the service runs.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error(
        "`mail.transport` = \"inbox\" shows mails to everybody; in production set it to \"smtp\" or \"file\""
    )]
    InboxInProduction,
    #[error(
        "`mail.smtp.security` = \"plaintext\" is only for a relay on this machine; set \"starttls\" or \"tls\""
    )]
    PlaintextMail,
    #[error(
        "`{key}` still has its development value; in production set your own (16 characters or more)"
    )]
    DevelopmentSecret { key: &'static str },
    #[error("`mail.smtp` cannot be used: {message}")]
    Smtp { message: String },
    #[error("`mail.dkim` cannot be used: {message}")]
    Dkim { message: String },
    #[error("`mail.from` is not an address: {from}")]
    InvalidSender { from: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    #[default]
    Development,
    Production,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite://FILE?mode=rwc` or `postgres://…`. Empty: `<service>.sqlite` in the working
    /// folder.
    pub url: String,
    /// SQLite: does a commit wait for the disk (`full`), or may a power cut lose the last ones
    /// (`normal`)?
    pub durability: Durability,
    /// SQLite: reading connections. PostgreSQL: all connections.
    pub max_readers: u32,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self { url: String::new(), durability: Durability::Full, max_readers: 8 }
    }
}

impl DatabaseSettings {
    /// The URL to open for this service.
    pub fn url_for(&self, service: &str) -> String {
        if self.url.is_empty() {
            format!("sqlite://{service}.sqlite?mode=rwc")
        } else {
            self.url.clone()
        }
    }

    pub fn options(&self) -> DatabaseOptions {
        DatabaseOptions {
            durability: self.durability,
            max_readers: self.max_readers,
            ..DatabaseOptions::default()
        }
    }
}

/// How passports are checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PassportSettings {
    /// The `iss` a passport must have.
    pub issuer: String,
    /// Where the gateway publishes its keys. Not asked when `keys` is given.
    pub jwks_url: String,
    /// Fixed Ed25519 keys, instead of fetching them.
    pub keys: Vec<PassportKey>,
}

impl Default for PassportSettings {
    fn default() -> Self {
        Self {
            issuer: "concord-gateway".to_owned(),
            jwks_url: "http://127.0.0.1:4000/.well-known/jwks.json".to_owned(),
            keys: Vec::new(),
        }
    }
}

/// An Ed25519 public key: the `kid` and `x` of its JWK.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassportKey {
    pub kid: String,
    pub x: String,
}

/// The list of service credentials; development's when not set.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct ServiceCredentials(pub Vec<ServiceCredential>);

impl Default for ServiceCredentials {
    fn default() -> Self {
        let development = |name: &str, scopes: &[&str]| ServiceCredential {
            name: name.to_owned(),
            secret: Some(Secret::from(DEVELOPMENT_SERVICE_SECRET)),
            sha256: None,
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        };
        Self(vec![
            development("gateway", &["events:read", "tokens:introspect", "revocations:read"]),
            development("users", &["events:read", "export:read", "purchases:read"]),
            development("payments", &["events:read", "contacts:read", "rides:operate"]),
            development("reviews", &["events:read", "contacts:read", "purchases:read"]),
            development(
                "operator",
                &[
                    "events:read",
                    "tokens:introspect",
                    "users:admin",
                    "rides:operate",
                    "mail:bounces",
                ],
            ),
        ])
    }
}

/// The secret part of all service credentials in development: `svc_<name>_development`.
pub const DEVELOPMENT_SERVICE_SECRET: &str = "development";

/// The bearer token of a development service credential.
pub fn development_credential(name: &str) -> Secret {
    Secret::from(format!("svc_{name}_{DEVELOPMENT_SERVICE_SECRET}").as_str())
}

/// A program that may call: `Authorization: Bearer svc_<name>_<secret>`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceCredential {
    pub name: String,
    /// The secret itself, from the environment …
    #[serde(default)]
    pub secret: Option<Secret>,
    /// … or its SHA-256 in hexadecimal.
    #[serde(default)]
    pub sha256: Option<String>,
    #[serde(default)]
    pub scopes: Vec<String>,
}

impl ServiceCredential {
    /// The SHA-256 to compare with; `None` when neither a secret nor a valid hash is set.
    pub(crate) fn digest(&self) -> Option<[u8; 32]> {
        match (&self.secret, &self.sha256) {
            (Some(secret), _) => Some(Sha256::digest(secret.expose().as_bytes()).into()),
            (None, Some(hex)) => {
                data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()?.try_into().ok()
            }
            (None, None) => None,
        }
    }

    fn is_development(&self) -> bool {
        let known: [u8; 32] = Sha256::digest(DEVELOPMENT_SERVICE_SECRET.as_bytes()).into();
        self.digest() == Some(known)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailSettings {
    pub transport: MailTransport,
    /// The sender; its domain is also that of the `Message-ID`s.
    pub from: String,
    /// Mails that are sent at the same time.
    pub workers: u32,
    /// Folder of the `file` transport.
    pub folder: PathBuf,
    pub smtp: SmtpSettings,
    pub dkim: DkimSettings,
    /// How often the outbox is looked at when nothing happens.
    pub poll: Period,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            transport: MailTransport::Inbox,
            from: "Concord <no-reply@concord.localhost>".to_owned(),
            workers: 2,
            folder: PathBuf::from("mail"),
            smtp: SmtpSettings::default(),
            dkim: DkimSettings::default(),
            poll: Period(Duration::from_millis(250)),
        }
    }
}

impl MailSettings {
    fn check(&self, environment: Environment) -> Result<(), SettingsError> {
        if self.from.parse::<lettre::message::Mailbox>().is_err() {
            return Err(SettingsError::InvalidSender { from: self.from.clone() });
        }
        if environment == Environment::Development {
            return Ok(());
        }
        if self.transport == MailTransport::Inbox {
            return Err(SettingsError::InboxInProduction);
        }
        let local = matches!(self.smtp.host.as_str(), "localhost" | "127.0.0.1" | "::1");
        if self.transport == MailTransport::Smtp
            && self.smtp.security == SmtpSecurity::Plaintext
            && !local
        {
            return Err(SettingsError::PlaintextMail);
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTransport {
    /// Kept in the database and shown at `/dev/inbox`; development only.
    #[default]
    Inbox,
    Smtp,
    /// One `.eml` file per mail.
    File,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmtpSettings {
    pub host: String,
    /// 0: the usual port of the chosen security.
    pub port: u16,
    pub username: String,
    pub password: Secret,
    pub security: SmtpSecurity,
    pub timeout: Period,
}

impl Default for SmtpSettings {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 0,
            username: String::new(),
            password: Secret::default(),
            security: SmtpSecurity::Starttls,
            timeout: Period(Duration::from_secs(20)),
        }
    }
}

/// The signature under each mail. Publish the public key as TXT record
/// `<selector>._domainkey.<domain>`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DkimSettings {
    pub selector: String,
    /// Empty: the domain of `mail.from`.
    pub domain: String,
    /// Ed25519 or RSA private key, PKCS#8 in PEM. Empty: mails are not signed.
    pub key_file: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpSecurity {
    /// Upgrades to TLS or fails.
    #[default]
    Starttls,
    Tls,
    /// No encryption at all.
    Plaintext,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// A filter as `RUST_LOG` has it.
    pub level: String,
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: "info,sqlx=warn,sea_orm_migration=warn".to_owned(), format: LogFormat::Json }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Json,
    Text,
}

/// What a request may ask for. Wider than the gateway's limits: one of its requests can stand
/// for many clients' objects.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    pub body_bytes: usize,
    pub document_bytes: usize,
    pub depth: usize,
    pub complexity: usize,
    pub recursive_depth: usize,
    pub directives: usize,
    pub introspection: bool,
    /// A request that takes longer is answered with 504.
    pub timeout: Period,
    /// How long requests in flight may take to finish when the service stops.
    pub shutdown: Period,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            body_bytes: 2 * 1024 * 1024,
            document_bytes: 128 * 1024,
            depth: 24,
            complexity: 200_000,
            recursive_depth: 64,
            directives: 64,
            introspection: true,
            timeout: Period(Duration::from_secs(10)),
            shutdown: Period(Duration::from_secs(10)),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretSettings {
    /// Signs pagination cursors.
    pub cursor_key: Secret,
}

impl Default for SecretSettings {
    fn default() -> Self {
        Self { cursor_key: Secret::from(DEVELOPMENT_CURSOR_KEY) }
    }
}

/// A secret text: wiped when dropped, never printed.
#[derive(Clone, Default)]
pub struct Secret(SecretString);

impl Secret {
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(SecretString::from(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretString::from(text)))
    }
}

/// A span of time, written `250ms`, `5s`, `10m`, `2h` or `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

impl Period {
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: u64 = digits.parse().ok()?;
        let millis = match &text[digits.len()..] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        number.checked_mul(millis).map(|millis| Self(Duration::from_millis(millis)))
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` is no period; write it like 250ms, 5s, 10m, 2h or 7d"
            ))
        })
    }
}
