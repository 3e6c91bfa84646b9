//! Passwords: which ones are good enough, and how they are stored.

pub mod breach;
pub mod hashing;
pub mod policy;

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

/// A password as it is compared: NFKC, so that the same keys on another keyboard match. Never
/// printed, wiped when dropped.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

impl Password {
    /// Longer input can only be an attack on the work of normalising and hashing it.
    pub const MAX_INPUT_BYTES: usize = 4096;

    /// `None` for input too long to be anybody's password.
    pub fn new(input: &str) -> Option<Self> {
        if input.len() > Self::MAX_INPUT_BYTES {
            return None;
        }
        Some(Self(SecretString::from(input.nfkc().collect::<String>())))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}
