//! Database migrations: one module and one `Migrator` per service, because each service owns
//! its database. Tables that all services share in shape (outbox, event feed, idempotency)
//! come from `kit`.

pub mod kit;
pub mod payments;
pub mod reviews;
pub mod users;
