//! The log of what happened to an account's security. Append-only; the owner can read it.

use std::time::Duration;

use async_graphql::Enum;
use kit::{RequestOrigin, Timestamp};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::entity::security_event;

/// How long events are kept.
const RETENTION: Duration = Duration::from_hours(24 * 90);
/// A user agent is somebody else's text: no more of it than this.
const MAX_USER_AGENT: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum SecurityEventKind {
    Registered,
    EmailVerified,
    Login,
    LoginFailed,
    LockedOut,
    MfaEnabled,
    MfaDisabled,
    PasswordChanged,
    PasswordReset,
    EmailChanged,
    TokenReuseDetected,
    SessionRevoked,
    AccessTokenCreated,
    AccessTokenRevoked,
    RoleGranted,
    RoleRevoked,
    Suspended,
    ErasureRequested,
    Erased,
}

const NAMES: [(SecurityEventKind, &str); 19] = [
    (SecurityEventKind::Registered, "REGISTERED"),
    (SecurityEventKind::EmailVerified, "EMAIL_VERIFIED"),
    (SecurityEventKind::Login, "LOGIN"),
    (SecurityEventKind::LoginFailed, "LOGIN_FAILED"),
    (SecurityEventKind::LockedOut, "LOCKED_OUT"),
    (SecurityEventKind::MfaEnabled, "MFA_ENABLED"),
    (SecurityEventKind::MfaDisabled, "MFA_DISABLED"),
    (SecurityEventKind::PasswordChanged, "PASSWORD_CHANGED"),
    (SecurityEventKind::PasswordReset, "PASSWORD_RESET"),
    (SecurityEventKind::EmailChanged, "EMAIL_CHANGED"),
    (SecurityEventKind::TokenReuseDetected, "TOKEN_REUSE_DETECTED"),
    (SecurityEventKind::SessionRevoked, "SESSION_REVOKED"),
    (SecurityEventKind::AccessTokenCreated, "ACCESS_TOKEN_CREATED"),
    (SecurityEventKind::AccessTokenRevoked, "ACCESS_TOKEN_REVOKED"),
    (SecurityEventKind::RoleGranted, "ROLE_GRANTED"),
    (SecurityEventKind::RoleRevoked, "ROLE_REVOKED"),
    (SecurityEventKind::Suspended, "SUSPENDED"),
    (SecurityEventKind::ErasureRequested, "ERASURE_REQUESTED"),
    (SecurityEventKind::Erased, "ERASED"),
];

impl SecurityEventKind {
    pub fn as_str(self) -> &'static str {
        NAMES.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

/// Adds a line to the log of `user`.
pub(crate) async fn record(
    tx: &impl ConnectionTrait,
    now: Timestamp,
    user: Uuid,
    kind: SecurityEventKind,
    origin: &RequestOrigin,
    detail: Option<String>,
) -> Result<(), DbErr> {
    security_event::Entity::insert(security_event::ActiveModel {
        id: Set(kit::id::new_id(now)),
        user_id: Set(user),
        kind: Set(kind.as_str().to_owned()),
        ip: Set(origin.ip.map(|ip| ip.to_string())),
        user_agent: Set(user_agent(origin)),
        detail: Set(detail),
        created_at: Set(now.0),
    })
    .exec_without_returning(tx)
    .await?;
    Ok(())
}

/// The user agent as far as it is kept.
pub(crate) fn user_agent(origin: &RequestOrigin) -> Option<String> {
    let agent = origin.user_agent.as_deref()?;
    Some(agent.chars().filter(|char| !char.is_control()).take(MAX_USER_AGENT).collect())
}

pub(crate) async fn sweep(tx: &impl ConnectionTrait, now: Timestamp) -> Result<(), DbErr> {
    security_event::Entity::delete_many()
        .filter(security_event::Column::CreatedAt.lt(now.minus(RETENTION).0))
        .exec(tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_the_name_of_the_contract() {
        for kind in <SecurityEventKind as async_graphql::resolver_utils::EnumType>::items() {
            assert_eq!(kind.value.as_str(), kind.name);
            assert_eq!(SecurityEventKind::parse(kind.name), Some(kind.value));
        }
    }
}
