//! What became of a mail, as the contract shows it.

use async_graphql::{Enum, ID, SimpleObject};

use crate::clock::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum EmailStatus {
    Queued,
    Sent,
    Retrying,
    Dead,
    Suppressed,
}

#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
#[graphql(shareable)]
pub struct EmailDelivery {
    pub id: ID,
    pub template: String,
    pub status: EmailStatus,
    pub attempts: i32,
    pub queued_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    pub next_attempt_at: Option<Timestamp>,
    pub last_error: Option<String>,
}

crate::connection!(
    #[graphql(shareable)]
    EmailDeliveryConnection,
    EmailDeliveryEdge,
    EmailDelivery
);
