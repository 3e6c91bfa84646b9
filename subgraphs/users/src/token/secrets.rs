//! Keys for every purpose, derived from the one root secret of the configuration.
//!
//! Each purpose has a label, so that a value made for one is worthless for another.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use sha2::Sha256;

/// 32 bytes that stay in memory only as long as they are needed and never print.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl Key {
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// HMAC-SHA256 over the parts, each with its length before it so that no two lists of parts
    /// are the same bytes.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.mac_state();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn mac_state(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(self.0.as_slice()).expect("HMAC takes keys of every length")
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// The derived keys of this service.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Makes refresh tokens.
    pub refresh: Key,
    /// Makes the tokens in mailed links.
    pub one_time: Key,
    /// Names login counters without naming the address.
    pub counters: Key,
    /// Seals private keys and shared secrets at rest.
    pub sealing: Key,
    /// Names the sealing key in the database.
    pub sealing_id: String,
}

impl Keys {
    pub fn derive(root: &SecretString) -> Self {
        let root = Key(Zeroizing::new(
            Key(Zeroizing::new([0; 32])).mac(&[b"concord users", root.expose_secret().as_bytes()]),
        ));
        let key = |label: &str| Key(Zeroizing::new(root.mac(&[label.as_bytes()])));
        let id = root.mac(&[b"sealing key id"]);
        Self {
            refresh: key("refresh tokens"),
            one_time: key("one-time tokens"),
            counters: key("login counters"),
            sealing: key("sealing"),
            sealing_id: data_encoding::HEXLOWER.encode(&id[..4]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_and_every_root_has_its_own_key() {
        let (one, two) = (Keys::derive(&"one".into()), Keys::derive(&"two".into()));
        assert_eq!(one.refresh.bytes(), Keys::derive(&"one".into()).refresh.bytes());
        assert_ne!(one.refresh.bytes(), two.refresh.bytes());
        assert_ne!(one.refresh.bytes(), one.one_time.bytes());
        assert_ne!(one.sealing_id, two.sealing_id);
    }

    #[test]
    fn parts_cannot_be_shifted_into_each_other() {
        let key = Keys::derive(&"one".into()).counters;
        assert_ne!(key.mac(&[b"ab", b"c"]), key.mac(&[b"a", b"bc"]));
    }

    #[test]
    fn keys_do_not_print() {
        assert_eq!(format!("{:?}", Keys::derive(&"one".into()).refresh), "Key(..)");
    }
}
