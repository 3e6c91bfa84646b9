//! `accessTokenCreate`, `accessTokenRevoke`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use kit::{
    graphql::{ConflictError, InvalidInputError},
    id::AccessTokenId,
};

use crate::{
    account::text,
    graphql::{
        account::PersonalAccessToken,
        answer, person,
        user_error::{AccessTokenError, not_found},
    },
    identity::{
        Identity,
        personal_tokens::{MAX_DAYS, NewPersonalToken, PersonalTokenRefusal},
    },
};

#[derive(Debug, InputObject)]
pub(crate) struct AccessTokenCreateInput {
    name: String,
    scopes: Vec<String>,
    #[graphql(default_with = "Some(90)")]
    expires_in_days: Option<i32>,
}

#[derive(Debug, SimpleObject)]
pub(crate) struct AccessTokenCreatePayload {
    /// Shown once
    secret: Option<String>,
    access_token: Option<PersonalAccessToken>,
    errors: Vec<AccessTokenError>,
}

#[derive(Debug, SimpleObject)]
pub(crate) struct AccessTokenRevokePayload {
    access_token: Option<PersonalAccessToken>,
    errors: Vec<AccessTokenError>,
}

#[derive(Debug, Default)]
pub(crate) struct PersonalTokenMutation;

#[Object]
impl PersonalTokenMutation {
    #[graphql(requires_scopes = "session")]
    async fn access_token_create(
        &self,
        ctx: &Context<'_>,
        input: AccessTokenCreateInput,
    ) -> Option<Result<AccessTokenCreatePayload>> {
        let user = match person(kit::caller(ctx), &["session"]) {
            Ok(user) => user,
            Err(error) => return Some(Err(error)),
        };
        let refused = |error| AccessTokenCreatePayload {
            secret: None,
            access_token: None,
            errors: vec![error],
        };
        let new = match read(input) {
            Ok(new) => new,
            Err(error) => return Some(Ok(refused(error.into()))),
        };
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.create_personal_token(user, &new, kit::origin(ctx)).await,
            |(secret, row)| AccessTokenCreatePayload {
                secret: Some(secret),
                access_token: Some(row.into()),
                errors: Vec::new(),
            },
            |refusal| refused(worded(refusal)),
        )
    }

    #[graphql(requires_scopes = "session")]
    async fn access_token_revoke(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Option<Result<AccessTokenRevokePayload>> {
        let user = match person(kit::caller(ctx), &["session"]) {
            Ok(user) => user,
            Err(error) => return Some(Err(error)),
        };
        let refused = |error| AccessTokenRevokePayload { access_token: None, errors: vec![error] };
        let Some(id) = AccessTokenId::parse(&id) else {
            return Some(Ok(refused(not_found("access token", &["id"]).into())));
        };
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.revoke_personal_token(user, id, kit::origin(ctx)).await,
            |row| AccessTokenRevokePayload { access_token: Some(row.into()), errors: Vec::new() },
            |refusal| refused(worded(refusal)),
        )
    }
}

fn read(input: AccessTokenCreateInput) -> Result<NewPersonalToken, InvalidInputError> {
    let AccessTokenCreateInput { name, scopes, expires_in_days } = input;
    let name = text::line(&name, 1, 60).map_err(|error| {
        InvalidInputError::new(error.code(), error.to_string(), &["input", "name"])
    })?;
    if scopes.len() > 64 {
        let path = &["input", "scopes"];
        return Err(InvalidInputError::new("TOO_LONG", "has too many entries", path));
    }
    let days = i64::from(expires_in_days.unwrap_or(90));
    Ok(NewPersonalToken { name, scopes: scopes.into_iter().collect(), days })
}

fn worded(refusal: PersonalTokenRefusal) -> AccessTokenError {
    let scopes: &[&str] = &["input", "scopes"];
    match refusal {
        PersonalTokenRefusal::NotFound => not_found("access token", &["id"]).into(),
        PersonalTokenRefusal::Scope(_) => {
            let message = "a token can only have scopes of its owner, and never `session`";
            InvalidInputError::new("SCOPE_NOT_ALLOWED", message, scopes).into()
        }
        PersonalTokenRefusal::NoScopes => {
            InvalidInputError::new("TOO_SHORT", "a token has at least one scope", scopes).into()
        }
        PersonalTokenRefusal::Lifetime => {
            let message = format!("a token lives 1 to {MAX_DAYS} days");
            InvalidInputError::new("OUT_OF_RANGE", message, &["input", "expiresInDays"]).into()
        }
        PersonalTokenRefusal::TooMany => {
            ConflictError::new("TOO_MANY", "there are 50 tokens already; revoke one", &[]).into()
        }
    }
}
