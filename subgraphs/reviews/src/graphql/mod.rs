//! The GraphQL face of the service: the reviews part of the graph.
//!
//! Resolvers check who asks, batch what they read, and translate; rules live in `domain`,
//! changes in `command`.

mod analytics;
mod entities;
mod list;
mod loaders;
mod mutation;
mod payload;
mod query;
mod review;
mod types;

use async_graphql::{EmptySubscription, Schema};
use kit::graphql::Limited as _;
use kit::settings::LimitSettings;

use crate::core::Core;
use entities::Reviewable;
use mutation::Mutation;
use payload::UserError;
use query::{Node, Query};

pub(crate) use loaders::loaders;

pub(crate) type ReviewsSchema = Schema<Query, Mutation, EmptySubscription>;

/// The schema with its limits; without a core it can only be printed.
pub(crate) fn schema(core: Option<Core>, limits: &LimitSettings) -> ReviewsSchema {
    let builder = Schema::build(Query, Mutation, EmptySubscription)
        .enable_federation()
        .limited(limits)
        .register_output_type::<Reviewable>()
        .register_output_type::<Node>()
        .register_output_type::<UserError>();
    match core {
        Some(core) => builder.data(core).finish(),
        None => builder.finish(),
    }
}
