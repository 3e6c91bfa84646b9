//! Tokens that work once: mailed links and log-in challenges.
//!
//! The token is an HMAC of its row's id. The database holds its SHA-256, the outbox holds the
//! id; the token itself exists only in the rendered mail and in the owner's hands.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::secrets::Key;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Verify,
    Reset,
    EmailChange,
    Undo,
    Mfa,
    Export,
    Passkey,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "VERIFY",
            Self::Reset => "RESET",
            Self::EmailChange => "EMAIL_CHANGE",
            Self::Undo => "UNDO",
            Self::Mfa => "MFA",
            Self::Export => "EXPORT",
            Self::Passkey => "PASSKEY",
        }
    }
}

/// The token of the row with this id: 256 bit, base64url.
pub fn token(key: &Key, kind: Kind, id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(key.mac(&[kind.as_str().as_bytes(), id.as_bytes()]))
}

/// What is stored of it. Hashing anything else than a token finds no row.
pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::secrets::Keys;

    #[test]
    fn tokens_have_256_bit_and_differ_by_kind_and_row() {
        let key = Keys::derive(&"one".into()).one_time;
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(token(&key, Kind::Verify, one).len(), 43);
        assert_ne!(token(&key, Kind::Verify, one), token(&key, Kind::Reset, one));
        assert_ne!(token(&key, Kind::Verify, one), token(&key, Kind::Verify, two));
    }
}
