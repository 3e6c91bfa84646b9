//! `passwordResetRequest`, `passwordReset`, `passwordChange`.

use async_graphql::{Context, Object, Result, SimpleObject};

use super::{
    registration::{AcceptedPayload, read_email},
    sessions::current,
};
use crate::{
    graphql::{
        answer, person,
        user_error::{
            PasswordChangeError, invalid_input, overlong_password, rate_limited, token_invalid,
            weak_password, wrong_password,
        },
    },
    identity::{Identity, passwords::PasswordRefusal},
    password::Password,
};

#[derive(Debug, SimpleObject)]
pub(crate) struct PasswordChangePayload {
    changed: bool,
    errors: Vec<PasswordChangeError>,
}

impl PasswordChangePayload {
    fn ok() -> Self {
        Self { changed: true, errors: Vec::new() }
    }

    fn refused(error: PasswordChangeError) -> Self {
        Self { changed: false, errors: vec![error] }
    }

    fn from_refusal(refusal: PasswordRefusal) -> Self {
        Self::refused(match refusal {
            PasswordRefusal::InvalidCredentials => wrong_password(&["currentPassword"]).into(),
            PasswordRefusal::Weak(weak) => weak_password(weak, &["newPassword"]).into(),
            PasswordRefusal::InvalidToken => token_invalid(&["token"]).into(),
            PasswordRefusal::RateLimited(limited) => rate_limited(limited).into(),
        })
    }
}

#[derive(Debug, Default)]
pub(crate) struct PasswordMutation;

#[Object]
impl PasswordMutation {
    async fn password_reset_request(
        &self,
        ctx: &Context<'_>,
        email: String,
    ) -> Option<Result<AcceptedPayload>> {
        let email = match read_email(&email, &["email"]) {
            Ok(email) => email,
            Err(invalid) => return Some(Ok(AcceptedPayload::refused(invalid_input(invalid)))),
        };
        let identity = ctx.data_unchecked::<Identity>();
        let outcome = identity.level(identity.request_reset(&email)).await;
        answer(
            outcome,
            |()| AcceptedPayload::ok(),
            |limited| AcceptedPayload::refused(rate_limited(limited)),
        )
    }

    async fn password_reset(
        &self,
        ctx: &Context<'_>,
        token: String,
        new_password: String,
    ) -> Option<Result<PasswordChangePayload>> {
        let Some(new) = Password::new(&new_password) else { return overlong(&["newPassword"]) };
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.reset_password(&token, &new, kit::origin(ctx)).await,
            |()| PasswordChangePayload::ok(),
            PasswordChangePayload::from_refusal,
        )
    }

    #[graphql(requires_scopes = "session")]
    async fn password_change(
        &self,
        ctx: &Context<'_>,
        current_password: String,
        new_password: String,
    ) -> Option<Result<PasswordChangePayload>> {
        let user = match person(kit::caller(ctx), &["session"]) {
            Ok(user) => user,
            Err(error) => return Some(Err(error)),
        };
        let Some(old) = Password::new(&current_password) else {
            return overlong(&["currentPassword"]);
        };
        let Some(new) = Password::new(&new_password) else { return overlong(&["newPassword"]) };
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.change_password(user, current(ctx), &old, &new, kit::origin(ctx)).await,
            |()| PasswordChangePayload::ok(),
            PasswordChangePayload::from_refusal,
        )
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape every fallible resolver returns")]
fn overlong(path: &[&str]) -> Option<Result<PasswordChangePayload>> {
    Some(Ok(PasswordChangePayload::refused(overlong_password(path).into())))
}
