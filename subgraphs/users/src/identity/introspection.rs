//! What a token is worth right now (RFC 7662), and ending one from outside (RFC 7009).

use kit::{
    RequestOrigin, Timestamp,
    id::{AccessTokenId, SessionId, UserId},
};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};
use serde::Serialize;
use uuid::Uuid;

use super::{
    Identity,
    failure::{Failure, Fault},
    sessions,
};
use crate::{
    account::status::UserStatus,
    entity::{session, token_family, user},
    token::{access, refresh::RefreshToken},
};

/// The answer for a token that is good; for any other there is nothing to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Introspection {
    pub active: bool,
    pub scope: String,
    pub client_id: String,
    pub token_type: &'static str,
    pub exp: i64,
    pub iat: i64,
    pub sub: String,
    pub aud: String,
    pub iss: String,
    pub jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    pub roles: Vec<String>,
}

impl Identity {
    /// `None` for a token that is malformed, expired, revoked, or whose owner may not use it.
    pub async fn introspect(&self, token: &str) -> Result<Option<Introspection>, Fault> {
        if token.starts_with("pat_") {
            return Ok(self.introspect_personal(token).await?);
        }
        if let Some(refresh) = RefreshToken::parse(&self.keys.refresh, token) {
            return Ok(self.introspect_refresh(refresh).await?);
        }
        self.introspect_access(token).await
    }

    /// Ends what the token stands for. Whether there was anything to end is not told.
    pub async fn revoke_token(&self, token: &str, origin: &RequestOrigin) -> Result<(), Fault> {
        if let Some(live) = self.live_personal_token(token).await? {
            let owner = UserId::from(live.owner.id);
            let id = AccessTokenId::from(live.token.id);
            return ignore_refusal(self.revoke_personal_token(owner, id, origin).await);
        }
        let session = match RefreshToken::parse(&self.keys.refresh, token) {
            Some(refresh) => token_family::Entity::find_by_id(refresh.family)
                .one(self.database.read())
                .await?
                .map(|family| family.session_id),
            None => self
                .signing
                .verify(token, &self.issuer, &self.audience)
                .await?
                .and_then(|claims| SessionId::parse(&claims.sid))
                .map(|session| session.uuid()),
        };
        let Some(session) = session else { return Ok(()) };
        let Some(row) = session::Entity::find_by_id(session).one(self.database.read()).await?
        else {
            return Ok(());
        };
        let owner = UserId::from(row.user_id);
        ignore_refusal(self.revoke_session(owner, SessionId::from(session), origin).await)
    }

    async fn introspect_personal(&self, token: &str) -> Result<Option<Introspection>, DbErr> {
        let Some(live) = self.live_personal_token(token).await? else { return Ok(None) };
        Ok(Some(Introspection {
            active: true,
            scope: live.scopes.into_iter().collect::<Vec<_>>().join(" "),
            client_id: access::CLIENT_ID.to_owned(),
            token_type: "Bearer",
            exp: Timestamp(live.token.expires_at).seconds(),
            iat: Timestamp(live.token.created_at).seconds(),
            sub: UserId::from(live.owner.id).to_string(),
            aud: self.audience.clone(),
            iss: self.issuer.clone(),
            jti: AccessTokenId::from(live.token.id).to_string(),
            sid: None,
            roles: live.owner.roles.names().into_iter().map(str::to_owned).collect(),
        }))
    }

    async fn introspect_refresh(
        &self,
        token: RefreshToken,
    ) -> Result<Option<Introspection>, DbErr> {
        let family = token_family::Entity::find_by_id(token.family)
            .filter(token_family::Column::Generation.eq(token.generation))
            .filter(token_family::Column::RevokedAt.is_null())
            .one(self.database.read())
            .await?;
        let Some(family) = family else { return Ok(None) };
        let Some((session, user)) = self.live(family.session_id).await? else { return Ok(None) };
        let expires_at = session.idle_expires_at.min(session.expires_at);
        Ok(Some(Introspection {
            active: true,
            scope: user.roles.scope(),
            client_id: family.client_id,
            token_type: "refresh_token",
            exp: Timestamp(expires_at).seconds(),
            iat: Timestamp(family.rotated_at).seconds(),
            sub: UserId::from(user.id).to_string(),
            aud: self.audience.clone(),
            iss: self.issuer.clone(),
            jti: format!("{}.{}", family.id.simple(), family.generation),
            sid: Some(SessionId::from(session.id).to_string()),
            roles: user.roles.names().into_iter().map(str::to_owned).collect(),
        }))
    }

    async fn introspect_access(&self, token: &str) -> Result<Option<Introspection>, Fault> {
        let Some(claims) = self.signing.verify(token, &self.issuer, &self.audience).await? else {
            return Ok(None);
        };
        let Some(session) = SessionId::parse(&claims.sid) else { return Ok(None) };
        let Some((_, user)) = self.live(session.uuid()).await? else { return Ok(None) };
        if claims.iat < Timestamp(user.token_epoch).seconds() {
            return Ok(None);
        }
        Ok(Some(Introspection {
            active: true,
            scope: claims.scope,
            client_id: claims.client_id,
            token_type: "Bearer",
            exp: claims.exp,
            iat: claims.iat,
            sub: claims.sub,
            aud: claims.aud,
            iss: claims.iss,
            jti: claims.jti,
            sid: Some(claims.sid),
            roles: claims.roles,
        }))
    }

    /// A session that goes on, and its owner, who is allowed to.
    async fn live(&self, id: Uuid) -> Result<Option<(session::Model, user::Model)>, DbErr> {
        let now = self.clock.now();
        let session = session::Entity::find_by_id(id).one(self.database.read()).await?;
        let Some(session) = session.filter(|session| sessions::is_live(session, now)) else {
            return Ok(None);
        };
        let user = user::Entity::find_by_id(session.user_id)
            .filter(user::Column::Status.eq(UserStatus::Active))
            .one(self.database.read())
            .await?;
        Ok(user.map(|user| (session, user)))
    }
}

fn ignore_refusal<T, R>(outcome: Result<T, Failure<R>>) -> Result<(), Fault> {
    match outcome {
        Ok(_) | Err(Failure::Refused(_)) => Ok(()),
        Err(Failure::Fault(fault)) => Err(fault),
    }
}
