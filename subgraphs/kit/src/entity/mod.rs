//! The kit's own tables. Services reach them through the modules that own the rules (`mail`,
//! `events`, `idempotency`); the entities are public for reports and tests.

pub mod cursor;
pub mod dev_mail;
pub mod event;
pub mod feed_counter;
pub mod idempotency;
pub mod inbox;
pub mod outbox;
pub mod suppression;
