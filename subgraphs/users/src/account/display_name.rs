//! The public name: 2 to 40 code points, nothing that could pass for staff.

use unicode_normalization::UnicodeNormalization;

use super::text::{self, TextError};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DisplayNameError {
    #[error("display name {0}")]
    Text(TextError),
    #[error("display name is reserved")]
    Reserved,
}

impl DisplayNameError {
    pub fn code(self) -> &'static str {
        match self {
            Self::Text(error) => error.code(),
            Self::Reserved => "RESERVED_NAME",
        }
    }
}

impl DisplayName {
    pub fn parse(input: &str) -> Result<Self, DisplayNameError> {
        let name = text::line(input, 2, 40).map_err(DisplayNameError::Text)?;
        if looks_like_staff(&name) {
            return Err(DisplayNameError::Reserved);
        }
        Ok(Self(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const STAFF: [&str; 14] = [
    "admin",
    "administrator",
    "administration",
    "concord",
    "deleted",
    "helpdesk",
    "moderator",
    "official",
    "root",
    "security",
    "staff",
    "support",
    "system",
    "team",
];

/// "Concord Support", "ADMIN", "\u{430}dm1n": names made of nothing but staff words.
fn looks_like_staff(name: &str) -> bool {
    let name = skeleton(name);
    if name.is_empty() {
        return false;
    }
    if name == skeleton("deleted user") {
        return true;
    }
    let words = STAFF.map(skeleton);
    let mut rest = name.as_str();
    while !rest.is_empty() {
        let Some(word) = words
            .iter()
            .filter(|word| rest.starts_with(word.as_str()))
            .max_by_key(|word| word.len())
        else {
            return false;
        };
        rest = &rest[word.len()..];
    }
    true
}

/// What the eye keeps of a name: letters only, case and accents gone, look-alikes folded.
fn skeleton(name: &str) -> String {
    name.nfkd().flat_map(char::to_lowercase).filter_map(fold).collect()
}

fn fold(char: char) -> Option<char> {
    let folded = match char {
        '0' | '\u{43e}' | '\u{3bf}' | '\u{585}' => 'o',
        '1' | 'i' | '|' | '\u{131}' | '\u{456}' | '\u{3b9}' | '\u{4cf}' => 'l',
        '3' | '\u{435}' | '\u{3b5}' => 'e',
        '4' | '@' | '\u{430}' | '\u{3b1}' => 'a',
        '5' | '$' | '\u{455}' => 's',
        '7' | '\u{3c4}' | '\u{442}' => 't',
        '\u{441}' | '\u{3f2}' => 'c',
        '\u{501}' => 'd',
        '\u{43c}' => 'm',
        '\u{578}' | '\u{3b7}' => 'n',
        '\u{440}' | '\u{3c1}' => 'p',
        '\u{443}' | '\u{3c5}' => 'u',
        '\u{445}' | '\u{3c7}' => 'x',
        char if char.is_alphanumeric() => char,
        _ => return None,
    };
    Some(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass() {
        for name in [
            "Ada Lovelace",
            "\u{5c71}\u{7530}\u{592a}\u{90ce}",
            "O'Brien-Smith",
            "Team Rocket",
            "Systema",
        ] {
            assert!(DisplayName::parse(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn names_that_look_like_staff_are_reserved() {
        for name in [
            "Admin",
            "\u{430}dm1n",
            "Concord Support",
            "Support!",
            "Deleted user",
            "MODERAT0R",
            "A d m i n",
        ] {
            assert_eq!(DisplayName::parse(name), Err(DisplayNameError::Reserved), "{name}");
        }
    }
}
