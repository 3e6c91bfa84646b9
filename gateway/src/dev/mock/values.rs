//! Plausible values for leaves: from the scalar's name, then the field's.

use serde_json::{Value, json};

/// Where a value is; the same place always has the same value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seed(u64);

impl Seed {
    pub(super) fn of(text: &str) -> Self {
        Self(0xcbf2_9ce4_8422_2325).and(text)
    }

    /// FNV-1a, which needs no table and no crate.
    pub(super) fn and(self, text: &str) -> Self {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(text.bytes().chain([0]).fold(self.0, mix))
    }

    pub(super) fn at(self, index: usize) -> Self {
        self.and(&index.to_string())
    }

    /// A number below `end`, which must not be zero.
    pub(super) fn below(self, end: usize) -> usize {
        let spread = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from((spread >> 33) % (end.max(1) as u64)).unwrap_or_default()
    }
}

const NAMES: [&str; 8] = [
    "Ada Moreau",
    "Bo Lindqvist",
    "Chidi Okafor",
    "Dana Weiss",
    "Emre Kaya",
    "Fumi Sato",
    "Gita Rao",
    "Hugo Silva",
];
const THINGS: [&str; 8] = [
    "Espresso cup",
    "Reading lamp",
    "Cargo bike",
    "Wool blanket",
    "Desk clock",
    "Rain jacket",
    "Water flask",
    "Atlas",
];
const CITIES: [&str; 6] = ["Lisbon", "Oslo", "Nairobi", "Kyoto", "Quito", "Leipzig"];
const SENTENCES: [&str; 4] = [
    "Does what it says.",
    "Better than the picture suggests.",
    "Arrived a day early and in one piece.",
    "Made to be repaired.",
];

/// A value of a scalar type, for the field of an object.
pub(super) fn leaf(scalar: &str, field: &str, type_name: &str, seed: Seed) -> Value {
    let pick = |words: &[&str]| Value::from(words[seed.below(words.len())]);
    let number = seed.below(1_000);
    match scalar {
        "Int" | "Long" | "BigInt" | "Short" | "Byte" | "PositiveInt" | "NonNegativeInt" => {
            json!(whole(field, seed))
        }
        "Float" | "Decimal" | "BigDecimal" => json!(f64::from(whole(field, seed)) + 0.5),
        "Boolean" => json!(seed.below(2) == 1),
        "ID" => json!(format!("{}-{number}", type_name.to_lowercase())),
        "DateTime" | "Timestamp" | "Instant" => {
            json!(format!("{}T{:02}:30:00Z", date(seed), seed.below(24)))
        }
        "Date" | "LocalDate" => json!(date(seed)),
        "Time" | "LocalTime" => json!(format!("{:02}:30:00", seed.below(24))),
        "URL" | "Url" | "URI" => {
            json!(format!("https://example.org/{}/{number}", field.to_lowercase()))
        }
        "EmailAddress" | "Email" => json!(format!("person{number}@example.org")),
        "UUID" | "Uuid" | "GUID" => json!(uuid(seed)),
        "JSON" | "JSONObject" | "Any" => json!({ "made": "up", "number": number }),
        _ => text(field, number, seed).unwrap_or_else(|| pick(&THINGS)),
    }
}

fn text(field: &str, number: usize, seed: Seed) -> Option<Value> {
    let lower = field.to_lowercase();
    let pick = |words: &[&str]| Value::from(words[seed.below(words.len())]);
    let has = |part: &str| lower.contains(part);
    Some(if has("email") {
        json!(format!("person{number}@example.org"))
    } else if has("url") || has("image") || has("link") || has("avatar") {
        json!(format!("https://example.org/{lower}/{number}"))
    } else if has("cursor") {
        json!(format!("cursor{number}"))
    } else if has("currency") {
        pick(&["EUR", "USD", "JPY", "SEK"])
    } else if has("country") {
        pick(&["PT", "NO", "KE", "JP", "EC", "DE"])
    } else if has("city") {
        pick(&CITIES)
    } else if has("phone") {
        json!(format!("+1 555 01{:02}", number % 100))
    } else if has("date") || lower.ends_with("at") {
        json!(format!("{}T12:00:00Z", date(seed)))
    } else if has("decimal") || has("amount") {
        json!(format!("{number}.50"))
    } else if has("author") || has("displayname") || has("username") || has("firstname") {
        pick(&NAMES)
    } else if has("description") || has("body") || has("text") || has("comment") || has("message") {
        pick(&SENTENCES)
    } else if has("sku") || has("code") || lower.ends_with("id") {
        json!(format!("{}-{number}", field.to_uppercase()))
    } else if has("name") || has("title") {
        return None;
    } else {
        json!(format!("{field} {number}"))
    })
}

fn whole(field: &str, seed: Seed) -> u32 {
    let lower = field.to_lowercase();
    let (from, numbers) = if lower.contains("rating") || lower.contains("stars") {
        (1, 5)
    } else if lower.contains("year") {
        (1990, 36)
    } else if lower.contains("percent") {
        (0, 101)
    } else if lower.contains("price") || lower.contains("amount") || lower.contains("cents") {
        (99, 20_000)
    } else {
        (0, 100)
    };
    from + u32::try_from(seed.below(numbers)).unwrap_or_default()
}

fn date(seed: Seed) -> String {
    format!(
        "{}-{:02}-{:02}",
        2020 + seed.at(0).below(7),
        1 + seed.at(1).below(12),
        1 + seed.at(2).below(28)
    )
}

fn uuid(seed: Seed) -> String {
    let part = |index: usize, digits: usize| {
        let number = seed.at(index).0;
        format!("{number:016x}").chars().take(digits).collect::<String>()
    };
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(1, 4), part(2, 3), part(3, 3), part(4, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_has_the_same_value() {
        let seed = Seed::of("Product").and("7");
        assert_eq!(
            leaf("String", "title", "Product", seed),
            leaf("String", "title", "Product", seed)
        );
        assert_eq!(
            leaf("Int", "rating", "Review", seed).as_u64().map(|n| (1..=5).contains(&n)),
            Some(true)
        );
        assert!(
            leaf("String", "email", "User", seed).as_str().is_some_and(|text| text.contains('@'))
        );
    }
}
