//! Scalars that carry their own proof: a value of one of these types is well-formed.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use serde::{Deserialize, Serialize};

/// Declares a scalar over a string that passes a check.
macro_rules! text_scalar {
    ($name:ident, $check:expr, $complaint:literal, $(#[$doc:meta])*) => {
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// `None` when the text is not well-formed.
            pub fn parse(text: &str) -> Option<Self> {
                let check: fn(&str) -> bool = $check;
                check(text).then(|| Self(text.to_owned()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text).ok_or($complaint)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        $(#[$doc])*
        #[Scalar]
        impl ScalarType for $name {
            fn parse(value: Value) -> InputValueResult<Self> {
                match value {
                    Value::String(text) => {
                        Self::parse(&text).ok_or_else(|| InputValueError::custom($complaint))
                    }
                    other => Err(InputValueError::expected_type(other)),
                }
            }

            fn to_value(&self) -> Value {
                Value::String(self.0.clone())
            }
        }
    };
}

text_scalar!(
    CountryCode,
    |text| text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()),
    "not an ISO 3166-1 alpha-2 code in upper case",
    /// ISO 3166-1 alpha-2, upper case
);
text_scalar!(
    CurrencyCode,
    |text| text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()),
    "not an ISO 4217 code in upper case",
    /// ISO 4217 alphabetic code, upper case
);
text_scalar!(
    Locale,
    is_language_tag,
    "not a BCP 47 language tag",
    /// BCP 47 language tag
);
text_scalar!(
    PhoneNumber,
    is_e164,
    "not an E.164 phone number",
    /// E.164, e.g. +493012345678
);

impl Default for Locale {
    fn default() -> Self {
        Self("en".to_owned())
    }
}

/// A primary subtag of letters, then subtags of at most eight letters and digits.
fn is_language_tag(text: &str) -> bool {
    let mut subtags = text.split('-');
    let primary = subtags.next().unwrap_or_default();
    text.len() <= 35
        && (2..=8).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && subtags.all(|subtag| {
            (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}

/// `+`, a country code that does not start with 0, at most 15 digits in all.
fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

/// An amount in a currency's smallest unit. A JSON string, because a JSON number loses digits
/// beyond 2^53.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, sea_orm::DeriveValueType,
)]
pub struct MinorUnits(pub i64);

impl From<i64> for MinorUnits {
    fn from(amount: i64) -> Self {
        Self(amount)
    }
}

impl From<MinorUnits> for i64 {
    fn from(amount: MinorUnits) -> Self {
        amount.0
    }
}

impl Serialize for MinorUnits {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MinorUnits {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// Minor units as a JSON string: exact beyond 2^53
#[Scalar]
impl ScalarType for MinorUnits {
    fn parse(value: Value) -> InputValueResult<Self> {
        let amount = match &value {
            Value::String(text) if is_plain_integer(text) => text.parse().ok(),
            Value::Number(number) => number.as_i64(),
            _ => return Err(InputValueError::expected_type(value)),
        };
        amount.map(Self).ok_or_else(|| InputValueError::custom("not a whole number of minor units"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Digits with an optional minus; `+5`, ` 5` and `5.0` are refused.
fn is_plain_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_values_exist() {
        assert!(CountryCode::parse("DE").is_some());
        assert!(["de", "DEU", "", "D1"].iter().all(|bad| CountryCode::parse(bad).is_none()));
        assert!(CurrencyCode::parse("EUR").is_some() && CurrencyCode::parse("eur").is_none());
        assert!(["en", "de-AT", "zh-Hant-TW"].iter().all(|tag| Locale::parse(tag).is_some()));
        assert!(["", "e", "en_US", "en-"].iter().all(|bad| Locale::parse(bad).is_none()));
        assert!(PhoneNumber::parse("+493012345678").is_some());
        assert!(
            ["+0301234567", "493012345678", "+49 30"]
                .iter()
                .all(|bad| PhoneNumber::parse(bad).is_none())
        );
    }

    #[test]
    fn minor_units_are_exact_strings() {
        let amount = <MinorUnits as ScalarType>::parse(Value::from("9007199254740993")).unwrap();
        assert_eq!(amount.0, 9_007_199_254_740_993);
        assert_eq!(amount.to_value(), Value::from("9007199254740993"));
        for bad in ["1.5", "+1", "", "1e3", "9223372036854775808"] {
            assert!(<MinorUnits as ScalarType>::parse(Value::from(bad)).is_err(), "{bad}");
        }
    }
}
