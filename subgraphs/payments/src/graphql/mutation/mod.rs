//! The root of changing things, one part per subject. Every mutation checks its scopes again: the
//! gateway is the first wall, this is the second.

mod catalogue;
mod dispute;
mod method;
mod order;
mod payment;
mod payout;
mod ride;

use async_graphql::MergedObject;

#[derive(Debug, Default, MergedObject)]
#[graphql(name = "Mutation")]
pub(crate) struct Mutation(
    method::MethodMutation,
    order::OrderMutation,
    payment::PaymentMutation,
    ride::RideMutation,
    catalogue::CatalogueMutation,
    payout::PayoutMutation,
    dispute::DisputeMutation,
);
