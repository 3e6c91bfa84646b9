//! The GraphQL face of the service: types over rows, thin resolvers, one error type per refusal.
//!
//! Resolvers that can fail return `Option<Result<…>>`, so that an error costs a field and not
//! its parent. What a non-null field shows is loaded together with its parent.

mod analytics;
mod context;
mod dispute;
mod driver;
mod error;
mod input;
mod method;
mod mutation;
mod order;
mod payment;
mod product;
mod query;
mod reader;
mod refund;
mod ride;
mod subscription;
mod user;
mod value;

use async_graphql::{ID, Interface, Request, Schema, SchemaBuilder};
use kit::{Caller, batch::Batches, graphql::Limited};

use crate::app::App;

use self::{
    dispute::Dispute, driver::Payout, error::UserError, method::PaymentMethod, mutation::Mutation,
    order::Order, payment::Payment, product::Product, query::Query, reader::Reader, refund::Refund,
    ride::Ride, subscription::Subscription,
};

pub(crate) type PaymentsSchema = Schema<Query, Mutation, Subscription>;

#[derive(Debug, Interface)]
#[graphql(field(name = "id", ty = "ID"))]
enum Node {
    Product(Product),
    PaymentMethod(PaymentMethod),
    Payment(Payment),
    Refund(Refund),
    Order(Order),
    Ride(Ride),
    Dispute(Dispute),
    Payout(Payout),
}

/// The schema for a running service.
pub(crate) fn schema(app: &App) -> PaymentsSchema {
    builder().limited(&app.config.kit.limits).data(app.clone()).finish()
}

/// The subgraph's SDL.
pub fn sdl() -> String {
    kit::graphql::sdl(&builder().finish())
}

/// What a request needs beside the schema: its own loaders.
pub(crate) fn prepare(app: &App, request: Request, _caller: &Caller) -> Request {
    request.data(reader::loaders(&app.database))
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query, Mutation::default(), Subscription)
        .enable_federation()
        .enable_subscription_in_federation()
        .register_output_type::<Node>()
        .register_output_type::<UserError>()
}

/// A count or version as GraphQL's 32 bits.
fn int(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The loaders of one request.
type Loaders = Batches<Reader>;
