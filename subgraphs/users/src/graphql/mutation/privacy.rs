//! `accountExport`, `accountDelete`.

use async_graphql::{Context, Object, Result};

use super::registration::AcceptedPayload;
use crate::{
    graphql::{
        answer, person,
        user_error::{rate_limited, wrong_password},
    },
    identity::{Identity, failure::Failure, passwords::ProofRefusal},
    password::Password,
};

#[derive(Debug, Default)]
pub(crate) struct PrivacyMutation;

#[Object]
impl PrivacyMutation {
    #[graphql(requires_scopes = "session")]
    async fn account_export(&self, ctx: &Context<'_>) -> Option<Result<AcceptedPayload>> {
        let user = match person(kit::caller(ctx), &["session"]) {
            Ok(user) => user,
            Err(error) => return Some(Err(error)),
        };
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.request_export(user).await.map_err(Failure::<()>::Fault),
            |()| AcceptedPayload::ok(),
            |()| AcceptedPayload::ok(),
        )
    }

    #[graphql(requires_scopes = "session")]
    async fn account_delete(
        &self,
        ctx: &Context<'_>,
        current_password: String,
        #[graphql(default_with = "Some(false)")] delete_content: Option<bool>,
    ) -> Option<Result<AcceptedPayload>> {
        let user = match person(kit::caller(ctx), &["session"]) {
            Ok(user) => user,
            Err(error) => return Some(Err(error)),
        };
        let wrong = || AcceptedPayload::refused(wrong_password(&["currentPassword"]));
        let Some(current) = Password::new(&current_password) else { return Some(Ok(wrong())) };
        let delete_content = delete_content.unwrap_or(false);
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.request_erasure(user, &current, delete_content, kit::origin(ctx)).await,
            |()| AcceptedPayload::ok(),
            |refusal| match refusal {
                ProofRefusal::InvalidCredentials => wrong(),
                ProofRefusal::RateLimited(limited) => {
                    AcceptedPayload::refused(rate_limited(limited))
                }
            },
        )
    }
}
