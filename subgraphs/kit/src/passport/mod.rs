//! Passports: short-lived JWTs in which the gateway tells a service who is calling.
//!
//! Everything a careless verifier would wave through is refused here: another type of token,
//! another algorithm, missing claims, keys that the token itself brings along.

mod claims;
mod keys;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use moka::sync::Cache;

use crate::caller::{Caller, RequestOrigin};
use crate::clock::Clock;
use crate::settings::PassportSettings;

pub use claims::Claims;
pub use keys::{KeyError, Keys};

/// The header that carries a passport.
pub const HEADER: &str = "x-concord-passport";
/// The `typ` of a passport.
pub const TYPE: &str = "passport+jwt";
/// Clocks may differ by this much.
const LEEWAY_SECONDS: i64 = 5;
/// Longer than any passport we accept; protects the cache of verified ones.
const LONGEST: usize = 8 * 1024;

/// Why a passport was refused. The client only learns that it was.
#[derive(Debug, thiserror::Error)]
pub enum PassportError {
    #[error("malformed: {message}")]
    Malformed { message: String },
    #[error("not a passport but `{typ}`")]
    Type { typ: String },
    #[error("brings its own key or critical extension")]
    Header,
    #[error("has no key id")]
    NoKeyId,
    #[error("{source}")]
    Key { source: KeyError },
    #[error("refused: {message}")]
    Refused { message: String },
    #[error("{claim} lies outside the accepted time")]
    Time { claim: &'static str },
}

/// Who is calling, and from where, as a passport says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub caller: Caller,
    pub origin: RequestOrigin,
    expires: i64,
}

/// Checks passports for one service.
#[derive(Debug)]
pub struct Verifier {
    keys: Keys,
    validation: Validation,
    clock: Clock,
    /// Verified passports: the gateway uses one for several requests.
    verified: Cache<String, Arc<Verified>>,
}

impl Verifier {
    /// Accepts passports for `audience`.
    pub fn new(settings: &PassportSettings, audience: &str, clock: Clock) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&[audience]);
        // Times are checked below, by the service's own clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            keys: Keys::new(settings, clock.clone()),
            validation,
            clock,
            verified: Cache::builder()
                .max_capacity(20_000)
                .time_to_live(Duration::from_mins(1))
                .build(),
        }
    }

    /// Where keys come from, for readiness.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    pub async fn verify(&self, token: &str) -> Result<Arc<Verified>, PassportError> {
        if token.len() > LONGEST {
            return Err(PassportError::Malformed { message: "too long".to_owned() });
        }
        if let Some(known) = self.verified.get(token) {
            self.check_expiry(known.expires)?;
            return Ok(known);
        }
        let claims = self.decode(token).await?;
        self.check_times(&claims)?;
        let verified = Arc::new(claims.into_verified()?);
        self.verified.insert(token.to_owned(), Arc::clone(&verified));
        Ok(verified)
    }

    async fn decode(&self, token: &str) -> Result<Claims, PassportError> {
        let malformed = |error: jsonwebtoken::errors::Error| PassportError::Malformed {
            message: error.to_string(),
        };
        let header = decode_header(token).map_err(malformed)?;
        match header.typ.as_deref() {
            Some(typ) if typ.eq_ignore_ascii_case(TYPE) => {}
            typ => {
                return Err(PassportError::Type { typ: typ.unwrap_or_default().to_owned() });
            }
        }
        if header.jwk.is_some()
            || header.jku.is_some()
            || header.x5u.is_some()
            || header.x5c.is_some()
            || header.crit.is_some()
        {
            return Err(PassportError::Header);
        }
        let kid = header.kid.ok_or(PassportError::NoKeyId)?;
        let key = self.keys.get(&kid).await.map_err(|source| PassportError::Key { source })?;
        let data = decode::<Claims>(token, &key, &self.validation)
            .map_err(|error| PassportError::Refused { message: error.to_string() })?;
        Ok(data.claims)
    }

    fn check_times(&self, claims: &Claims) -> Result<(), PassportError> {
        let latest = self.clock.now().seconds() + LEEWAY_SECONDS;
        self.check_expiry(claims.exp)?;
        if claims.iat > latest {
            return Err(PassportError::Time { claim: "iat" });
        }
        if claims.nbf.is_some_and(|not_before| not_before > latest) {
            return Err(PassportError::Time { claim: "nbf" });
        }
        Ok(())
    }

    fn check_expiry(&self, expires: i64) -> Result<(), PassportError> {
        if expires + LEEWAY_SECONDS <= self.clock.now().seconds() {
            return Err(PassportError::Time { claim: "exp" });
        }
        Ok(())
    }
}
