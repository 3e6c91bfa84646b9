//! The GraphQL face of the service: types and resolvers by the contract, and nothing else.
//!
//! Every resolver that can fail returns `Option<Result<_>>`: with anything else async-graphql
//! leaves a failed field out of the answer instead of answering `null`.

pub mod account;
pub mod credential_guard;
pub mod mutation;
pub mod query;
pub mod sign_of_life;
pub mod user;
pub mod user_error;

use async_graphql::{EmptySubscription, Result, Schema};
use kit::{Caller, graphql::Limited, settings::LimitSettings};

use crate::identity::{
    Identity,
    failure::{Failure, Fault, Outcome},
};
use credential_guard::OneCredentialPerOperation;
use mutation::Mutation;
use query::Query;
use sign_of_life::SignOfLife;
use user::Node;
use user_error::UserError;

pub type UsersSchema = Schema<Query, Mutation, EmptySubscription>;

/// The schema over a running identity.
pub fn schema(identity: Identity, limits: &LimitSettings) -> UsersSchema {
    builder()
        .limited(limits)
        .extension(OneCredentialPerOperation)
        .extension(SignOfLife)
        .data(identity)
        .finish()
}

/// The subgraph's SDL. Needs no database.
pub fn sdl() -> String {
    kit::graphql::sdl(&builder().finish())
}

fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation::default(), EmptySubscription)
        .register_output_type::<Node>()
        .register_output_type::<UserError>()
}

/// An operation's outcome as a resolver's answer: refusals go into the payload, faults are
/// logged and answered with one fixed sentence.
#[expect(clippy::unnecessary_wraps, reason = "the shape every fallible resolver returns")]
pub(crate) fn answer<T, R, P>(
    outcome: Outcome<T, R>,
    accept: impl FnOnce(T) -> P,
    refuse: impl FnOnce(R) -> P,
) -> Option<Result<P>> {
    Some(match outcome {
        Ok(value) => Ok(accept(value)),
        Err(Failure::Refused(refusal)) => Ok(refuse(refusal)),
        Err(Failure::Fault(fault)) => Err(internal(&fault)),
    })
}

pub(crate) fn internal(fault: &Fault) -> async_graphql::Error {
    kit::graphql::internal(fault)
}

/// Second wall behind the gateway's `@requiresScopes`: one of these scopes, by a person.
pub(crate) fn person(
    caller: &Caller,
    any_of: &[&str],
) -> Result<kit::id::UserId, async_graphql::Error> {
    match caller {
        Caller::Anonymous => Err(kit::graphql::unauthenticated()),
        Caller::Service(_) => Err(kit::graphql::forbidden()),
        Caller::User(user) if any_of.iter().any(|scope| user.scopes.contains(*scope)) => {
            Ok(user.id)
        }
        Caller::User(_) => Err(kit::graphql::forbidden()),
    }
}
