//! Service credentials: `Authorization: Bearer svc_<name>_<secret>`, or, as OAuth clients send
//! them, `Basic` with the name and the secret.

use std::collections::BTreeMap;

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::caller::ServiceCaller;
use crate::settings::ServiceCredentials;

/// The programs that may call, with the hashes of their secrets.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    known: BTreeMap<String, Known>,
}

#[derive(Clone)]
struct Known {
    digest: [u8; 32],
    caller: ServiceCaller,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").field("caller", &self.caller).finish_non_exhaustive()
    }
}

impl Credentials {
    pub fn new(settings: &ServiceCredentials) -> Self {
        let known = settings.0.iter().filter_map(|credential| {
            let caller = ServiceCaller {
                name: credential.name.clone(),
                scopes: credential.scopes.iter().cloned().collect(),
            };
            let digest = credential.digest()?;
            Some((credential.name.clone(), Known { digest, caller }))
        });
        Self { known: known.collect() }
    }

    /// Who this bearer token belongs to. Takes the same time for a wrong secret wherever it
    /// differs, and compares also when the name is unknown.
    pub fn verify(&self, token: &str) -> Option<&ServiceCaller> {
        let (name, secret) = token.strip_prefix("svc_")?.split_once('_')?;
        self.check(name, secret)
    }

    /// Who this `Basic` header belongs to (RFC 6749, section 2.3.1). The password is the secret,
    /// or the whole credential.
    fn verify_basic(&self, header: &HeaderValue) -> Option<&ServiceCaller> {
        let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (name, password) = decoded.split_once(':')?;
        let prefix = format!("svc_{name}_");
        self.check(name, password.strip_prefix(&prefix).unwrap_or(password))
    }

    fn check(&self, name: &str, secret: &str) -> Option<&ServiceCaller> {
        let presented: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let known = self.known.get(name);
        let expected = known.map_or([0; 32], |known| known.digest);
        let equal = bool::from(presented.ct_eq(&expected));
        known.filter(|_| equal).map(|known| &known.caller)
    }

    /// The service that sent this request, if it holds the scope. For routes beside GraphQL.
    pub fn authorize(
        &self,
        headers: &HeaderMap,
        scope: &str,
    ) -> Result<&ServiceCaller, CredentialError> {
        let header = headers.get(AUTHORIZATION).ok_or(CredentialError::Missing)?;
        let caller = bearer(header)
            .map_or_else(|| self.verify_basic(header), |token| self.verify(token))
            .ok_or(CredentialError::Missing)?;
        if caller.scopes.contains(scope) { Ok(caller) } else { Err(CredentialError::Scope) }
    }
}

/// Why a route for services refused a request; turns into its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    #[error("a service credential is needed")]
    Missing,
    #[error("the service credential does not allow this")]
    Scope,
}

impl IntoResponse for CredentialError {
    fn into_response(self) -> Response {
        let message = self.to_string();
        match self {
            Self::Missing => {
                let mut response = refusal(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", &message);
                let headers = response.headers_mut();
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                headers
                    .append(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"services\""));
                response
            }
            Self::Scope => refusal(StatusCode::FORBIDDEN, "FORBIDDEN", &message),
        }
    }
}

/// An error of a route beside GraphQL: `{"errors":[{"code","message","path"}]}`.
pub fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "errors": [{ "code": code, "message": message, "path": [] }] });
    (status, axum::Json(body)).into_response()
}

/// The token of an `Authorization: Bearer …` header.
pub fn bearer(header: &HeaderValue) -> Option<&str> {
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::development_credential;

    #[test]
    fn only_the_right_secret_of_a_known_name_is_accepted() {
        let credentials = Credentials::new(&ServiceCredentials::default());
        let reviews = credentials.verify(development_credential("reviews").expose()).unwrap();
        assert_eq!(reviews.name, "reviews");
        assert!(reviews.scopes.contains("events:read"));
        for wrong in [
            "",
            "svc_",
            "svc_reviews",
            "svc_reviews_",
            "svc_reviews_wrong",
            "svc_nobody_development",
            "reviews_development",
        ] {
            assert!(credentials.verify(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn oauth_clients_send_name_and_secret() {
        let credentials = Credentials::new(&ServiceCredentials::default());
        let check = |user: &str, scope: &str| {
            let mut headers = HeaderMap::new();
            let header = format!("Basic {}", STANDARD.encode(user));
            headers.insert(AUTHORIZATION, HeaderValue::try_from(header).unwrap());
            credentials.authorize(&headers, scope).map(|caller| caller.name.clone())
        };
        for user in ["gateway:development", "gateway:svc_gateway_development"] {
            assert_eq!(check(user, "tokens:introspect").as_deref(), Ok("gateway"), "{user}");
        }
        assert_eq!(check("gateway:development", "users:admin"), Err(CredentialError::Scope));
        for user in ["", "gateway", "gateway:", "gateway:wrong", "nobody:development"] {
            assert_eq!(check(user, "tokens:introspect"), Err(CredentialError::Missing), "{user}");
        }
    }
}
