//! Mail through a transactional outbox: a service queues a mail in the transaction of the change
//! it tells about; a worker renders and sends it later, at least once, with the same
//! `Message-ID` every time.
//!
//! This module knows no template: each service brings its [`Templates`].

mod bounces;
mod dead_letters;
mod delivery;
mod dev_inbox;
mod dkim;
mod enqueue;
mod message;
mod recipients;
#[cfg(test)]
mod smtp_tests;
mod suppression;
#[cfg(test)]
mod tests;
mod transport;
mod worker;

pub use dead_letters::{DeadLetter, dead_letters, requeue};
pub use delivery::{EmailPage, deliveries_for, delivery, emails_of};
pub use enqueue::{NewMail, enqueue};
pub use recipients::{Contact, HttpRecipients, RecipientError, Recipients};
pub use suppression::{erase_user, is_suppressed, suppress};
pub use transport::{Delivery, SendError, Transport};
pub use worker::Worker;

pub(crate) use bounces::routes as bounce_routes;
pub(crate) use dev_inbox::routes as dev_inbox_routes;

/// A mail's texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Why a mail could not be rendered. The mail is dead: trying again would not help.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("no template `{template}`")]
    UnknownTemplate { template: String },
    #[error("template `{template}`: {message}")]
    Failed { template: String, message: String },
}

/// A service's mail templates. `data` is what was queued; an unknown locale falls back to English.
pub trait Templates: Send + Sync {
    fn render(
        &self,
        template: &str,
        locale: &str,
        data: &serde_json::Value,
    ) -> Result<Rendered, RenderError>;
}

/// States of a row of the outbox.
pub(crate) mod status {
    pub(crate) const QUEUED: &str = "QUEUED";
    pub(crate) const SENT: &str = "SENT";
    pub(crate) const DEAD: &str = "DEAD";
    pub(crate) const SUPPRESSED: &str = "SUPPRESSED";
}
