//! Refresh tokens: `rt_<family>.<generation>.<mac>`.
//!
//! The secret of a generation is an HMAC over family and generation, so the database holds only
//! the number of the current one, and the successor of a token is the same however often it is
//! asked for. That is what makes a lost answer harmless: the client asks again and gets the
//! token it never saw.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::secrets::Key;

const PREFIX: &str = "rt";

/// A genuine refresh token: its mac has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    pub family: Uuid,
    pub generation: i64,
}

impl RefreshToken {
    pub fn print(self, key: &Key) -> String {
        let mac = URL_SAFE_NO_PAD.encode(self.mac(key));
        format!("{}.{}.{mac}", kit::id::encode(PREFIX, self.family), self.generation)
    }

    /// `None` for anything this key did not make.
    pub fn parse(key: &Key, text: &str) -> Option<Self> {
        if text.len() > 128 {
            return None;
        }
        let mut parts = text.split('.');
        let (family, generation, mac) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !generation.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let token =
            Self { family: kit::id::decode(PREFIX, family)?, generation: generation.parse().ok()? };
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        bool::from(token.mac(key).as_slice().ct_eq(&mac)).then_some(token)
    }

    #[must_use]
    pub fn successor(self) -> Self {
        Self { generation: self.generation + 1, ..self }
    }

    fn mac(self, key: &Key) -> [u8; 32] {
        key.mac(&[self.family.as_bytes(), &self.generation.to_be_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::secrets::Keys;

    #[test]
    fn tokens_read_back_and_have_one_successor() {
        let key = Keys::derive(&"one".into()).refresh;
        let token = RefreshToken { family: Uuid::from_u128(7), generation: 3 };
        let text = token.print(&key);
        assert_eq!(RefreshToken::parse(&key, &text), Some(token));
        assert_eq!(token.successor().print(&key), token.successor().print(&key));
        assert_ne!(token.successor().print(&key), text);
    }

    #[test]
    fn forged_and_malformed_tokens_are_nothing() {
        let key = Keys::derive(&"one".into()).refresh;
        let token = RefreshToken { family: Uuid::from_u128(7), generation: 3 };
        let text = token.print(&key);
        let forged = text.replace(".3.", ".4.");
        let foreign = token.print(&Keys::derive(&"two".into()).refresh);
        let padded = text.replace(".3.", ".03.").replace("rt_", "rt_ ");
        for text in [
            "",
            "rt_",
            "rt_x.1.y",
            &forged,
            &foreign,
            &padded,
            &format!("{text}.x"),
            &"a".repeat(10_000),
        ] {
            assert_eq!(RefreshToken::parse(&key, text), None, "{text}");
        }
    }
}
