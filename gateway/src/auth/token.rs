//! Checks access tokens (RFC 9068) and remembers, for a short while, those that were good.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Validation, decode, decode_header};
use moka::sync::Cache;
use serde_json::Value;

use super::identity::{Claims, Identity};
use super::introspection::{Introspection, IntrospectionError};
use super::jwks::{JwksError, KeySet, Lookup, VerifyingKey};
use super::revocation::{RevocationError, Revocations};
use crate::config::AuthenticationConfig;
use crate::http::error::ClientError;
use crate::outbound::HttpClient;
use crate::telemetry::Gauge;

/// A good token is believed this long before its signature is checked again.
const REMEMBER: Duration = Duration::from_secs(30);
const REMEMBERED_TOKENS: u64 = 20_000;
/// Real tokens are well below; longer ones are not worth parsing.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Turns `Authorization` into an [`Identity`].
#[derive(Debug)]
pub(crate) struct Authenticator {
    key_sets: Vec<KeySet>,
    required: bool,
    leeway: Duration,
    token_types: Vec<String>,
    required_claims: Vec<String>,
    revocations: Option<Revocations>,
    introspection: Option<Introspection>,
    anonymous: Arc<Identity>,
    remembered: Cache<Box<str>, Arc<Identity>>,
}

/// Why a token is refused; the text goes to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("access token is malformed")]
    Malformed,
    #[error("access token is of the wrong type")]
    Type,
    #[error("access token is signed with an unknown key")]
    UnknownKey,
    #[error("access token's signature is wrong")]
    Signature,
    #[error("access token has expired")]
    Expired,
    #[error("access token is not valid yet")]
    NotYetValid,
    #[error("access token is for another audience")]
    Audience,
    #[error("access token is from another issuer")]
    Issuer,
    #[error("access token has been revoked")]
    Revoked,
    #[error("access token is not valid")]
    Inactive,
}

/// Why the configured authentication cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticationError {
    #[error(transparent)]
    Jwks { source: JwksError },
    #[error(transparent)]
    Revocations { source: RevocationError },
    #[error(transparent)]
    Introspection { source: IntrospectionError },
}

impl Authenticator {
    pub(crate) fn new(
        config: &AuthenticationConfig,
        client: &HttpClient,
    ) -> Result<Self, AuthenticationError> {
        let AuthenticationConfig {
            jwks,
            required,
            leeway,
            token_types,
            required_claims,
            revocations,
            introspection,
        } = config;
        let key_sets = jwks.iter().map(|entry| KeySet::new(entry, client));
        let revocations = revocations.as_ref().map(|it| Revocations::new(it, client));
        let introspection = introspection.as_ref().map(|it| Introspection::new(it, client));
        Ok(Self {
            key_sets: key_sets
                .collect::<Result<_, _>>()
                .map_err(|source| AuthenticationError::Jwks { source })?,
            required: *required,
            leeway: *leeway,
            token_types: token_types.clone(),
            required_claims: required_claims.clone(),
            revocations: revocations
                .transpose()
                .map_err(|source| AuthenticationError::Revocations { source })?,
            introspection: introspection
                .transpose()
                .map_err(|source| AuthenticationError::Introspection { source })?,
            anonymous: Arc::new(Identity::anonymous()),
            remembered: Cache::builder()
                .max_capacity(REMEMBERED_TOKENS)
                .time_to_live(REMEMBER)
                .build(),
        })
    }

    /// Loads remote key sets ahead of the first token.
    pub(crate) async fn warm_up(&self) {
        for key_set in &self.key_sets {
            key_set.warm_up().await;
        }
    }

    /// Keeps up with the issuer's revocations, if there are any to follow.
    pub(crate) async fn follow_revocations(&self, lag: &Gauge) {
        if let Some(revocations) = &self.revocations {
            revocations.follow(lag).await;
        }
    }

    /// Whether tokens mean anything here.
    pub(crate) fn is_configured(&self) -> bool {
        !self.key_sets.is_empty() || self.introspection.is_some()
    }

    pub(crate) async fn identify(
        &self,
        headers: &http::HeaderMap,
    ) -> Result<Arc<Identity>, ClientError> {
        if !self.is_configured() {
            return Ok(self.anonymous.clone());
        }
        match crate::http::request::bearer_token(headers)? {
            Some(token) => self.verify(token).await,
            None if self.required => {
                Err(ClientError::Unauthenticated { message: "an access token is required".into() })
            }
            None => Ok(self.anonymous.clone()),
        }
    }

    async fn verify(&self, token: &str) -> Result<Arc<Identity>, ClientError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(refused(TokenError::Malformed));
        }
        let identity = match &self.introspection {
            Some(introspection) if introspection.is_for(token) => {
                return self.ask_about(introspection, token).await;
            }
            _ => self.verify_jwt(token).await?,
        };
        let claims = identity.claims.as_ref().expect("a verified identity has claims");
        if self.revocations.as_ref().is_some_and(|revocations| revocations.is_revoked(claims)) {
            return Err(refused(TokenError::Revoked));
        }
        Ok(identity)
    }

    async fn ask_about(
        &self,
        introspection: &Introspection,
        token: &str,
    ) -> Result<Arc<Identity>, ClientError> {
        match introspection.identify(token, self.revocations.as_ref()).await {
            Ok(Some(identity)) => Ok(identity),
            Ok(None) => Err(refused(TokenError::Inactive)),
            Err(error) => {
                tracing::warn!(%error, "a token could not be looked up");
                Err(ClientError::AuthenticationUnavailable)
            }
        }
    }

    async fn verify_jwt(&self, token: &str) -> Result<Arc<Identity>, ClientError> {
        if let Some(identity) = self.remembered.get(token) {
            let claims = identity.claims.as_ref().expect("only verified identities are remembered");
            if claims.exp + self.leeway.as_secs() > jsonwebtoken::get_current_timestamp() {
                return Ok(identity);
            }
        }
        let identity = Arc::new(Identity::verified(self.check(token).await?));
        self.remembered.insert(token.into(), identity.clone());
        Ok(identity)
    }

    /// Every key set may try; the reason of the set that knows the key counts.
    async fn check(&self, token: &str) -> Result<Claims, ClientError> {
        let header = decode_header(token).map_err(|_| refused(TokenError::Malformed))?;
        if header.crit.is_some() {
            return Err(refused(TokenError::Malformed));
        }
        if !self.accepts_type(header.typ.as_deref()) {
            return Err(refused(TokenError::Type));
        }
        let mut reason = TokenError::UnknownKey;
        let mut unavailable = false;
        for key_set in &self.key_sets {
            match key_set.find(header.kid.as_deref()).await {
                Lookup::Unavailable => unavailable = true,
                Lookup::Unknown => {}
                Lookup::Keys(keys) => {
                    for key in keys.iter().filter(|key| key.algorithm == header.alg) {
                        match self.check_with(token, key, key_set) {
                            Ok(claims) => return Ok(claims),
                            Err(error) => reason = error,
                        }
                    }
                }
            }
        }
        if unavailable && reason == TokenError::UnknownKey {
            return Err(ClientError::AuthenticationUnavailable);
        }
        Err(refused(reason))
    }

    fn accepts_type(&self, header_type: Option<&str>) -> bool {
        if self.token_types.is_empty() {
            return true;
        }
        // RFC 7515, 4.1.9: `application/` may be left out.
        let Some(header_type) = header_type else { return false };
        let short = header_type.strip_prefix("application/").unwrap_or(header_type);
        self.token_types.iter().any(|accepted| accepted.eq_ignore_ascii_case(short))
    }

    fn check_with(
        &self,
        token: &str,
        key: &VerifyingKey,
        key_set: &KeySet,
    ) -> Result<Claims, TokenError> {
        use jsonwebtoken::errors::ErrorKind;
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = self.leeway.as_secs();
        validation.validate_nbf = true;
        validation.validate_aud = !key_set.audiences.is_empty();
        let mut required = vec!["exp", "sub"];
        if !key_set.audiences.is_empty() {
            validation.set_audience(&key_set.audiences);
            required.push("aud");
        }
        if let Some(issuer) = &key_set.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        validation.set_required_spec_claims(&required);
        match decode::<Value>(token, &key.key, &validation) {
            Ok(token) => self.read_claims(token.claims),
            Err(error) => Err(match error.kind() {
                ErrorKind::ExpiredSignature => TokenError::Expired,
                ErrorKind::ImmatureSignature => TokenError::NotYetValid,
                ErrorKind::InvalidAudience => TokenError::Audience,
                ErrorKind::InvalidIssuer => TokenError::Issuer,
                ErrorKind::InvalidSignature => TokenError::Signature,
                ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => TokenError::Audience,
                ErrorKind::MissingRequiredClaim(claim) if claim == "iss" => TokenError::Issuer,
                _ => TokenError::Malformed,
            }),
        }
    }

    fn read_claims(&self, claims: Value) -> Result<Claims, TokenError> {
        let given = |name: &String| claims.get(name).is_some_and(|value| !value.is_null());
        if !self.required_claims.iter().all(given) {
            return Err(TokenError::Malformed);
        }
        let claims: Claims = serde_json::from_value(claims).map_err(|_| TokenError::Malformed)?;
        let latest = jsonwebtoken::get_current_timestamp() + self.leeway.as_secs();
        if claims.iat.is_some_and(|issued| issued > latest) {
            return Err(TokenError::NotYetValid);
        }
        Ok(claims)
    }
}

fn refused(error: TokenError) -> ClientError {
    ClientError::Unauthenticated { message: error.to_string() }
}
