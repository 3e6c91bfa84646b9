//! `sessionCreate`, `sessionRefresh`, `sessionRevoke`, `sessionRevokeAll`.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use kit::id::SessionId;

use crate::{
    account::text,
    graphql::{
        answer, person,
        user::User,
        user_error::{
            InvalidCredentialsError, SessionCreateError, SessionRefreshError, SessionRevokeError,
            email_not_verified, invalid_code, invalid_credentials, invalid_input, not_found,
            rate_limited, token_invalid, token_reused,
        },
    },
    identity::{
        Identity,
        failure::{Failure, InvalidInput},
        log_in::{FirstStep, LogIn, LogInRefusal, LoggedIn},
        refreshing::RefreshRefusal,
        second_factor::{Challenge, SecondFactor},
        sessions::Tokens,
    },
    password::{Password, policy},
};

#[derive(Debug, InputObject)]
pub(crate) struct SessionCreateInput {
    email: String,
    password: String,
    device_name: Option<String>,
}

#[derive(Debug, SimpleObject)]
pub(crate) struct SessionCreatePayload {
    tokens: Option<TokenSet>,
    mfa_challenge: Option<MfaChallenge>,
    user: Option<User>,
    errors: Vec<SessionCreateError>,
}

impl SessionCreatePayload {
    fn logged_in(logged_in: LoggedIn) -> Self {
        Self {
            tokens: Some(logged_in.tokens.into()),
            mfa_challenge: None,
            user: Some(logged_in.user.into()),
            errors: Vec::new(),
        }
    }

    fn challenged(challenge: Challenge) -> Self {
        Self { tokens: None, mfa_challenge: Some(challenge.into()), user: None, errors: Vec::new() }
    }

    fn refused(error: SessionCreateError) -> Self {
        Self { tokens: None, mfa_challenge: None, user: None, errors: vec![error] }
    }

    fn from_refusal(refusal: LogInRefusal, wrong: InvalidCredentialsError) -> Self {
        Self::refused(match refusal {
            LogInRefusal::InvalidCredentials => wrong.into(),
            LogInRefusal::EmailNotVerified => email_not_verified().into(),
            LogInRefusal::RateLimited(limited) => rate_limited(limited).into(),
        })
    }
}

#[derive(Debug, InputObject)]
pub(crate) struct SessionCompleteMfaInput {
    challenge_token: String,
    method: SecondFactor,
    code: String,
}

#[derive(Debug, SimpleObject)]
pub(crate) struct MfaChallenge {
    token: String,
    methods: Vec<SecondFactor>,
    expires_in: i32,
}

impl From<Challenge> for MfaChallenge {
    fn from(challenge: Challenge) -> Self {
        let Challenge { token, methods, expires_in } = challenge;
        Self { token, methods, expires_in: i32::try_from(expires_in).unwrap_or(i32::MAX) }
    }
}

#[derive(Debug, SimpleObject)]
pub(crate) struct TokenSet {
    access_token: String,
    token_type: &'static str,
    expires_in: i32,
    refresh_token: String,
    refresh_expires_in: i32,
    scope: String,
}

impl From<Tokens> for TokenSet {
    fn from(tokens: Tokens) -> Self {
        let Tokens { access_token, expires_in, refresh_token, refresh_expires_in, scope } = tokens;
        Self {
            access_token,
            token_type: "Bearer",
            expires_in: i32::try_from(expires_in).unwrap_or(i32::MAX),
            refresh_token,
            refresh_expires_in: i32::try_from(refresh_expires_in).unwrap_or(i32::MAX),
            scope,
        }
    }
}

#[derive(Debug, SimpleObject)]
pub(crate) struct SessionRefreshPayload {
    tokens: Option<TokenSet>,
    errors: Vec<SessionRefreshError>,
}

#[derive(Debug, SimpleObject)]
pub(crate) struct SessionRevokePayload {
    revoked: i32,
    errors: Vec<SessionRevokeError>,
}

#[derive(Debug, Default)]
pub(crate) struct SessionMutation;

#[Object]
impl SessionMutation {
    async fn session_create(
        &self,
        ctx: &Context<'_>,
        input: SessionCreateInput,
    ) -> Option<Result<SessionCreatePayload>> {
        let attempt = match read(input) {
            Ok(attempt) => attempt,
            Err(invalid) => {
                return Some(Ok(SessionCreatePayload::refused(invalid_input(invalid).into())));
            }
        };
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.level_refusals(identity.log_in(&attempt, kit::origin(ctx))).await,
            |step| match step {
                FirstStep::LoggedIn(done) => SessionCreatePayload::logged_in(*done),
                FirstStep::Challenge(challenge) => SessionCreatePayload::challenged(challenge),
            },
            |refusal| SessionCreatePayload::from_refusal(refusal, invalid_credentials(&["input"])),
        )
    }

    async fn session_complete_mfa(
        &self,
        ctx: &Context<'_>,
        input: SessionCompleteMfaInput,
    ) -> Option<Result<SessionCreatePayload>> {
        let SessionCompleteMfaInput { challenge_token, method, code } = input;
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.complete_log_in(&challenge_token, method, &code, kit::origin(ctx)).await,
            SessionCreatePayload::logged_in,
            |refusal| SessionCreatePayload::from_refusal(refusal, invalid_code(&["input"])),
        )
    }

    async fn session_refresh(
        &self,
        ctx: &Context<'_>,
        refresh_token: String,
    ) -> Option<Result<SessionRefreshPayload>> {
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.refresh(&refresh_token, kit::origin(ctx)).await,
            |tokens| SessionRefreshPayload { tokens: Some(tokens.into()), errors: Vec::new() },
            |refusal| SessionRefreshPayload {
                tokens: None,
                errors: vec![match refusal {
                    RefreshRefusal::Invalid => token_invalid(&["refreshToken"]).into(),
                    RefreshRefusal::Reused => token_reused().into(),
                }],
            },
        )
    }

    /// Ends one session; without an id, the one that asks
    #[graphql(requires_scopes = "session")]
    async fn session_revoke(
        &self,
        ctx: &Context<'_>,
        id: Option<ID>,
    ) -> Option<Result<SessionRevokePayload>> {
        let user = match person(kit::caller(ctx), &["session"]) {
            Ok(user) => user,
            Err(error) => return Some(Err(error)),
        };
        let session = match id {
            Some(id) => SessionId::parse(&id),
            None => current(ctx),
        };
        let identity = ctx.data_unchecked::<Identity>();
        let outcome = match session {
            Some(session) => identity
                .revoke_session(user, session, kit::origin(ctx))
                .await
                .map_err(|failure| failure.map_refusal(|_| ())),
            None => Err(Failure::Refused(())),
        };
        answer(
            outcome,
            |count| SessionRevokePayload { revoked: saturated(count), errors: Vec::new() },
            |()| SessionRevokePayload {
                revoked: 0,
                errors: vec![not_found("session", &["id"]).into()],
            },
        )
    }

    #[graphql(requires_scopes = "session")]
    async fn session_revoke_all(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(true)")] except_current: Option<bool>,
    ) -> Option<Result<SessionRevokePayload>> {
        let user = match person(kit::caller(ctx), &["session"]) {
            Ok(user) => user,
            Err(error) => return Some(Err(error)),
        };
        let except = if except_current.unwrap_or(true) { current(ctx) } else { None };
        let identity = ctx.data_unchecked::<Identity>();
        let outcome = identity.revoke_sessions(user, except, kit::origin(ctx)).await;
        answer(
            outcome.map_err(Failure::<()>::Fault),
            |count| SessionRevokePayload { revoked: saturated(count), errors: Vec::new() },
            |()| SessionRevokePayload { revoked: 0, errors: Vec::new() },
        )
    }
}

/// The session of the access token that came with this request.
pub(super) fn current(ctx: &Context<'_>) -> Option<SessionId> {
    SessionId::parse(kit::caller(ctx).user()?.session.as_deref()?)
}

fn saturated(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn read(input: SessionCreateInput) -> Result<LogIn, InvalidInput> {
    let SessionCreateInput { email, password, device_name } = input;
    let too_long = |path| InvalidInput::new("TOO_LONG", "is too long", path);
    if email.len() > 254 {
        return Err(too_long(&["input", "email"]));
    }
    let password = Password::new(&password)
        .filter(|_| password.chars().count() <= 4 * policy::MAX_LENGTH)
        .ok_or_else(|| too_long(&["input", "password"]))?;
    let device_name = device_name
        .map(|name| text::line(&name, 0, 80))
        .transpose()
        .map_err(|error| {
            InvalidInput::new(error.code(), error.to_string(), &["input", "deviceName"])
        })?
        .filter(|name| !name.is_empty());
    Ok(LogIn { email, password, device_name })
}
