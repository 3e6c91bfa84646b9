//! Ids as they travel: a type prefix, `_`, and the UUIDv7 in 26 characters of lower-case Crockford
//! base32. Databases store the bare [`Uuid`]. A text with another prefix, another alphabet or
//! upper-case letters is no id: each thing has exactly one spelling.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use uuid::{Builder, Uuid};

use crate::clock::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

/// `usr` and a UUID to `usr_01jd…`.
pub fn encode(prefix: &str, id: Uuid) -> String {
    let mut text = String::with_capacity(prefix.len() + 1 + LENGTH);
    text.push_str(prefix);
    text.push('_');
    let number = id.as_u128();
    for position in (0..LENGTH).rev() {
        let digit = (number >> (position * 5)) & 31;
        text.push(char::from(ALPHABET[usize::try_from(digit).expect("five bits fit in a usize")]));
    }
    text
}

/// The UUID of an id with this prefix; `None` for anything else.
pub fn decode(prefix: &str, text: &str) -> Option<Uuid> {
    let digits = text.strip_prefix(prefix)?.strip_prefix('_')?.as_bytes();
    if digits.len() != LENGTH || digits[0] > b'7' {
        return None;
    }
    let mut number: u128 = 0;
    for digit in digits {
        number = (number << 5) | u128::from(value_of(*digit)?);
    }
    Some(Uuid::from_u128(number))
}

fn value_of(digit: u8) -> Option<u8> {
    ALPHABET.iter().position(|known| *known == digit).and_then(|at| u8::try_from(at).ok())
}

/// A new UUIDv7. Ids that one process makes in the same millisecond sort in order of making: a
/// counter follows the time, and only then come random bits.
pub fn new_id(now: Timestamp) -> Uuid {
    static COUNTER: LazyLock<AtomicU32> =
        LazyLock::new(|| AtomicU32::new(rand::random::<u32>() >> 8));
    let count = COUNTER.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let mut bytes: [u8; 10] = rand::random();
    // The counter's lower 26 bits, around the version's and the variant's, which the builder sets.
    let [high, middle, low, lowest] = count;
    bytes[0] = (high << 2 | middle >> 6) & 0x0f;
    bytes[1] = middle << 2 | low >> 6;
    bytes[2] = low & 0x3f;
    bytes[3] = lowest;
    let millis = u64::try_from(now.0).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

/// The text was not an id of the wanted type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a `{prefix}_…` id")]
pub struct IdError {
    pub prefix: &'static str,
}

/// Declares a newtype over [`Uuid`] that prints, parses and serialises with its prefix and can be
/// a column of a SeaORM entity.
#[macro_export]
macro_rules! id_type {
    ($(#[$meta:meta])* $name:ident, $prefix:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, sea_orm::DeriveValueType)]
        pub struct $name(pub uuid::Uuid);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// A new id, ordered by time.
            pub fn new(now: $crate::Timestamp) -> Self {
                Self($crate::id::new_id(now))
            }

            pub fn uuid(&self) -> $crate::Uuid {
                self.0
            }

            /// `None` when the text is no id of this type.
            pub fn parse(text: &str) -> Option<Self> {
                $crate::id::decode($prefix, text).map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::id::encode($prefix, self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::id::IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text).ok_or($crate::id::IdError { prefix: $prefix })
            }
        }

        impl From<$crate::Uuid> for $name {
            fn from(id: $crate::Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for $crate::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    };
}

id_type!(UserId, "usr");
id_type!(SessionId, "ses");
id_type!(ProductId, "prd");
id_type!(OrderId, "ord");
id_type!(OrderLineId, "oli");
id_type!(PaymentId, "pay");
id_type!(PaymentMethodId, "pmt");
id_type!(PaymentAttemptId, "pat");
id_type!(RefundId, "ref");
id_type!(RideId, "rid");
id_type!(PayoutId, "pot");
id_type!(DisputeId, "dsp");
id_type!(ReviewId, "rev");
id_type!(AddressId, "adr");
id_type!(SecurityEventId, "sev");
id_type!(AccessTokenId, "act");
id_type!(EmailId, "eml");
id_type!(EventId, "evt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_and_have_one_spelling() {
        let id = UserId(Uuid::from_u128(0x0193_5c5e_8b7c_7abc_8def_0123_4567_89ab));
        let text = id.to_string();
        assert_eq!(text.len(), 30);
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(serde_json::to_value(id).unwrap(), serde_json::json!(text));
        assert_eq!(serde_json::from_value::<UserId>(serde_json::json!(text)).unwrap(), id);
        assert_eq!(UserId::parse(&text.to_uppercase()), None);
        assert_eq!(ProductId::parse(&text), None, "another prefix");
        for garbage in ["", "usr", "usr_", "usr_x", "usr_8zzzzzzzzzzzzzzzzzzzzzzzzz"] {
            assert_eq!(UserId::parse(garbage), None, "{garbage}");
        }
        assert_eq!(
            decode("usr", "usr_7zzzzzzzzzzzzzzzzzzzzzzzzz"),
            Some(Uuid::from_u128(u128::MAX))
        );
        assert_eq!(decode("usr", &encode("usr", Uuid::nil())), Some(Uuid::nil()));
    }

    #[test]
    fn ids_of_one_millisecond_sort_in_order_of_making() {
        let made: Vec<Uuid> = (0..6000).map(|_| new_id(Timestamp(1_795_371_000_123))).collect();
        assert!(made.is_sorted());
        assert!(made.iter().all(|id| id.get_version_num() == 7));
    }
}
