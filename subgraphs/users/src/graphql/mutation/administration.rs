//! `userSetStatus`, `userSetRoles`.

use async_graphql::{Context, ID, Object, Result};
use kit::{
    graphql::{ConflictError, InvalidInputError},
    id::UserId,
};

use super::profile::UserUpdatePayload;
use crate::{
    account::{
        roles::{Role, Roles},
        status::UserStatus,
        text,
    },
    graphql::{answer, user_error::not_found},
    identity::{Identity, administration::AdministrationRefusal},
};

#[derive(Debug, Default)]
pub(crate) struct AdministrationMutation;

#[Object]
impl AdministrationMutation {
    #[graphql(requires_scopes = "users:admin")]
    async fn user_set_status(
        &self,
        ctx: &Context<'_>,
        id: ID,
        status: UserStatus,
        reason: String,
    ) -> Option<Result<UserUpdatePayload>> {
        if let Err(error) = kit::graphql::scopes(ctx, &["users:admin"]) {
            return Some(Err(error));
        }
        let Some(id) = UserId::parse(&id) else { return no_such_user() };
        let reason = match text::line(&reason, 1, 500) {
            Ok(reason) => reason,
            Err(error) => {
                let error = InvalidInputError::new(error.code(), error.to_string(), &["reason"]);
                return Some(Ok(UserUpdatePayload::refused(error)));
            }
        };
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.set_status(id, status, &reason, kit::origin(ctx)).await,
            UserUpdatePayload::from,
            refused,
        )
    }

    #[graphql(requires_scopes = "users:admin")]
    async fn user_set_roles(
        &self,
        ctx: &Context<'_>,
        id: ID,
        roles: Vec<Role>,
    ) -> Option<Result<UserUpdatePayload>> {
        if let Err(error) = kit::graphql::scopes(ctx, &["users:admin"]) {
            return Some(Err(error));
        }
        let Some(id) = UserId::parse(&id) else { return no_such_user() };
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.set_roles(id, &Roles::new(roles), kit::origin(ctx)).await,
            UserUpdatePayload::from,
            refused,
        )
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape every fallible resolver returns")]
fn no_such_user() -> Option<Result<UserUpdatePayload>> {
    Some(Ok(UserUpdatePayload::refused(not_found("user", &["id"]))))
}

fn refused(refusal: AdministrationRefusal) -> UserUpdatePayload {
    match refusal {
        AdministrationRefusal::NotFound => UserUpdatePayload::refused(not_found("user", &["id"])),
        AdministrationRefusal::LastAdmin => UserUpdatePayload::refused(ConflictError::new(
            "LAST_ADMIN",
            "this is the last administrator",
            &["id"],
        )),
        AdministrationRefusal::StatusNotAllowed => {
            UserUpdatePayload::refused(InvalidInputError::new(
                "STATUS_NOT_ALLOWED",
                "an account cannot be given this status here",
                &["status"],
            ))
        }
        AdministrationRefusal::NoRoles => UserUpdatePayload::refused(InvalidInputError::new(
            "TOO_SHORT",
            "a person has at least one role",
            &["roles"],
        )),
    }
}
