//! `totpEnroll`, `totpConfirm`, `totpDisable`.

use async_graphql::{Context, Object, Result, SimpleObject};
use kit::graphql::ConflictError;

use super::{profile::UserUpdatePayload, sessions::current};
use crate::{
    graphql::{
        answer, person,
        user_error::{TotpError, UserUpdateError, invalid_code, rate_limited, wrong_password},
    },
    identity::{Identity, second_factor::SecondFactorRefusal},
    password::Password,
};

#[derive(Debug, SimpleObject)]
pub(crate) struct TotpEnrollPayload {
    secret: Option<String>,
    otpauth_uri: Option<String>,
    errors: Vec<TotpError>,
}

#[derive(Debug, SimpleObject)]
pub(crate) struct TotpConfirmPayload {
    recovery_codes: Option<Vec<String>>,
    errors: Vec<TotpError>,
}

#[derive(Debug, Default)]
pub(crate) struct SecondFactorMutation;

#[Object]
impl SecondFactorMutation {
    #[graphql(requires_scopes = "session")]
    async fn totp_enroll(&self, ctx: &Context<'_>) -> Option<Result<TotpEnrollPayload>> {
        let user = match person(kit::caller(ctx), &["session"]) {
            Ok(user) => user,
            Err(error) => return Some(Err(error)),
        };
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.enroll_totp(user).await,
            |enrollment| TotpEnrollPayload {
                secret: Some(enrollment.secret),
                otpauth_uri: Some(enrollment.uri),
                errors: Vec::new(),
            },
            |refusal| TotpEnrollPayload {
                secret: None,
                otpauth_uri: None,
                errors: vec![refused(refusal)],
            },
        )
    }

    #[graphql(requires_scopes = "session")]
    async fn totp_confirm(
        &self,
        ctx: &Context<'_>,
        code: String,
    ) -> Option<Result<TotpConfirmPayload>> {
        let user = match person(kit::caller(ctx), &["session"]) {
            Ok(user) => user,
            Err(error) => return Some(Err(error)),
        };
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.confirm_totp(user, current(ctx), &code, kit::origin(ctx)).await,
            |codes| TotpConfirmPayload { recovery_codes: Some(codes), errors: Vec::new() },
            |refusal| TotpConfirmPayload { recovery_codes: None, errors: vec![refused(refusal)] },
        )
    }

    #[graphql(requires_scopes = "session")]
    async fn totp_disable(
        &self,
        ctx: &Context<'_>,
        current_password: String,
        code: String,
    ) -> Option<Result<UserUpdatePayload>> {
        let user = match person(kit::caller(ctx), &["session"]) {
            Ok(user) => user,
            Err(error) => return Some(Err(error)),
        };
        let Some(password) = Password::new(&current_password) else {
            let error = wrong_password(&["currentPassword"]);
            return Some(Ok(UserUpdatePayload::refused(error)));
        };
        let identity = ctx.data_unchecked::<Identity>();
        let origin = kit::origin(ctx);
        answer(
            identity.disable_totp(user, current(ctx), &password, &code, origin).await,
            UserUpdatePayload::from,
            |refusal| {
                UserUpdatePayload::refused(match refused(refusal) {
                    TotpError::InvalidCredentials(error) => UserUpdateError::from(error),
                    TotpError::Conflict(error) => error.into(),
                    TotpError::RateLimited(error) => error.into(),
                })
            },
        )
    }
}

fn refused(refusal: SecondFactorRefusal) -> TotpError {
    match refusal {
        SecondFactorRefusal::InvalidCredentials => wrong_password(&["currentPassword"]).into(),
        SecondFactorRefusal::InvalidCode => invalid_code(&["code"]).into(),
        SecondFactorRefusal::AlreadyEnabled => {
            ConflictError::new("ALREADY_ENABLED", "two-step log-in is on already", &[]).into()
        }
        SecondFactorRefusal::NotEnrolled => {
            ConflictError::new("NOT_ENROLLED", "no authenticator has been set up", &[]).into()
        }
        SecondFactorRefusal::RateLimited(limited) => rate_limited(limited).into(),
    }
}
