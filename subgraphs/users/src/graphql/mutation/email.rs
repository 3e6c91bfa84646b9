//! `emailChangeRequest`, `emailChangeConfirm`.

use async_graphql::{Context, Object, Result};

use super::{
    profile::UserUpdatePayload,
    registration::{AcceptedPayload, read_email},
};
use crate::{
    graphql::{
        answer, person,
        user_error::{invalid_input, rate_limited, token_invalid, wrong_password},
    },
    identity::{Identity, passwords::ProofRefusal},
    password::Password,
};

#[derive(Debug, Default)]
pub(crate) struct EmailMutation;

#[Object]
impl EmailMutation {
    #[graphql(requires_scopes = "session")]
    async fn email_change_request(
        &self,
        ctx: &Context<'_>,
        new_email: String,
        current_password: String,
    ) -> Option<Result<AcceptedPayload>> {
        let user = match person(kit::caller(ctx), &["session"]) {
            Ok(user) => user,
            Err(error) => return Some(Err(error)),
        };
        let email = match read_email(&new_email, &["newEmail"]) {
            Ok(email) => email,
            Err(invalid) => return Some(Ok(AcceptedPayload::refused(invalid_input(invalid)))),
        };
        let wrong = || AcceptedPayload::refused(wrong_password(&["currentPassword"]));
        let Some(current) = Password::new(&current_password) else { return Some(Ok(wrong())) };
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.request_email_change(user, &email, &current, kit::origin(ctx)).await,
            |()| AcceptedPayload::ok(),
            |refusal| match refusal {
                ProofRefusal::InvalidCredentials => wrong(),
                ProofRefusal::RateLimited(limited) => {
                    AcceptedPayload::refused(rate_limited(limited))
                }
            },
        )
    }

    async fn email_change_confirm(
        &self,
        ctx: &Context<'_>,
        token: String,
    ) -> Option<Result<UserUpdatePayload>> {
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.confirm_email_change(&token, kit::origin(ctx)).await,
            UserUpdatePayload::from,
            |_| UserUpdatePayload::refused(token_invalid(&["token"])),
        )
    }
}
