//! What resolvers take out of their context.

use async_graphql::{Context, Error, Result};
use kit::{
    Caller, caller,
    graphql::{forbidden, internal, unauthenticated},
};

use super::{Loaders, reader::Reader};
use crate::{
    app::{App, owner_only, sees_everything},
    operation::idempotent::Recorded,
    refusal::{Failure, Refusal},
};
use kit::{Uuid, id::UserId};

pub(super) fn app<'a>(ctx: &Context<'a>) -> &'a App {
    ctx.data_unchecked::<App>()
}

pub(super) fn loaders<'a>(ctx: &Context<'a>) -> &'a Loaders {
    ctx.data_unchecked::<Loaders>()
}

/// Reads past the request's cache, for what a mutation has just changed.
pub(super) fn fresh(ctx: &Context<'_>) -> Reader {
    Reader::new(&app(ctx).database)
}

/// Only the owner.
pub(super) fn owner(ctx: &Context<'_>, id: &UserId) -> Result<()> {
    owner_only(caller(ctx), id).map_err(|failure| error_of(&failure))
}

/// The owner, or who looks after everybody's payments, or another service.
pub(super) fn owner_or_support(ctx: &Context<'_>, id: &UserId) -> Result<()> {
    if may_see(caller(ctx), id) { Ok(()) } else { owner(ctx, id) }
}

pub(super) fn may_see(caller: &Caller, owner: &UserId) -> bool {
    caller.is(owner) || sees_everything(caller) || caller.is_service()
}

/// A failure that is not the caller's business, as a top-level error.
pub(super) fn error_of(failure: &Failure) -> Error {
    match failure {
        Failure::Unauthenticated => unauthenticated(),
        Failure::Forbidden => forbidden(),
        failure => {
            let text = source_chain(failure);
            internal(&text)
        }
    }
}

/// A failure of the database, as a top-level error.
pub(super) fn internal_error(error: &sea_orm::DbErr) -> Error {
    internal(&source_chain(error))
}

fn source_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// How a mutation ended: what to show, and what was refused.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) subject: Option<Uuid>,
    pub(super) refusals: Vec<Refusal>,
}

impl Outcome {
    pub(super) fn of(done: Result<Recorded, Failure>) -> Result<Self> {
        match done {
            Ok(Recorded { subject, refusal }) => {
                Ok(Self { subject, refusals: refusal.into_iter().collect() })
            }
            Err(Failure::Refused(refusal)) => Ok(Self { subject: None, refusals: vec![*refusal] }),
            Err(failure) => Err(error_of(&failure)),
        }
    }

    /// For operations whose result is just an id.
    pub(super) fn of_id<T: Into<Uuid>>(done: Result<T, Failure>) -> Result<Self> {
        Self::of(done.map(Recorded::done))
    }
}
