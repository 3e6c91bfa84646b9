//! What the other services' event feeds say, kept for reading: people's names, products, rides
//! and purchases. The feed's consumer sees to order, duplicates and restarts; on top of that a
//! row only ever takes news from a newer event, so even a replay over a full table is safe.

mod payments;
mod users;

use kit::Timestamp;
use serde::{Deserialize, Deserializer};

pub use payments::PaymentsProjection;
pub use users::UsersProjection;

/// An instant as a number of milliseconds or as RFC 3339.
#[derive(Deserialize)]
#[serde(untagged)]
enum Instant {
    Millis(i64),
    Text(String),
}

/// Reads an instant that may be missing.
pub(crate) fn optional_instant<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    match Option::<Instant>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Instant::Millis(millis)) => Ok(Some(Timestamp(millis))),
        Some(Instant::Text(text)) => Timestamp::parse(&text)
            .map(Some)
            .ok_or_else(|| serde::de::Error::custom("not an RFC 3339 instant")),
    }
}
