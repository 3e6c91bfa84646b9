//! Pieces of schema that every service exposes with the same shape (`@shareable` value types and
//! scalars), the errors resolvers return, and the limits put on every schema.
//!
//! `UserError` and `Node` are declared by each service: async-graphql's interfaces name their
//! members.

mod address;
mod error;
mod limits;
mod mail;
mod scalar;
mod user_error;

pub use address::{Address, AddressInput};
pub use error::{GraphQlError, bad_request, forbidden, internal, scopes, unauthenticated};
pub use limits::{Limited, sdl};
pub use mail::{EmailDelivery, EmailDeliveryConnection, EmailDeliveryEdge, EmailStatus};
pub use scalar::{CountryCode, CurrencyCode, Locale, MinorUnits, PhoneNumber};
pub use user_error::{ConflictError, InvalidInputError, NotFoundError, RateLimitedError};

pub use crate::clock::Timestamp as DateTime;
pub use crate::connection::{PageInfo, invalid_cursor};

pub(crate) use error::classify;
pub(crate) use limits::nesting;
