//! What a passport says.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{PassportError, Verified};
use crate::caller::{Caller, RequestOrigin, UserCaller};
use crate::clock::Timestamp;
use crate::id::UserId;

const ANONYMOUS: &str = "anonymous";

/// The claims, as signed by the gateway. Times are in seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// `usr_…` or `anonymous`.
    pub sub: String,
    pub iat: i64,
    pub exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Separated by spaces.
    #[serde(default)]
    pub scope: String,
    #[serde(default)]
    pub roles: Vec<String>,
    #[serde(default)]
    pub amr: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// Which refresh of the session the access token came from.
    #[serde(default, rename = "gen", skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// The client's address; mutations only, as the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ua: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rid: Option<String>,
}

impl Claims {
    pub(super) fn into_verified(self) -> Result<Verified, PassportError> {
        let caller = if self.sub == ANONYMOUS {
            Caller::Anonymous
        } else {
            let id = UserId::parse(&self.sub).ok_or_else(|| PassportError::Malformed {
                message: "the subject is not a person".to_owned(),
            })?;
            Caller::User(UserCaller {
                id,
                session: self.sid,
                scopes: self.scope.split_whitespace().map(str::to_owned).collect(),
                roles: self.roles,
                amr: self.amr,
                auth_time: self.auth_time.map(Timestamp::from_seconds),
                generation: self.generation,
            })
        };
        let origin = RequestOrigin {
            ip: self.ip,
            user_agent: self.ua,
            request_id: self.rid.unwrap_or_default(),
        };
        Ok(Verified { caller, origin, expires: self.exp })
    }
}
