//! The service's keys: sealing processor tokens at rest, fingerprinting cards, signing quotes.
//!
//! All are derived from one secret of the configuration, each for one purpose.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::card::CardNumber;

/// A sealed value could not be opened: another key, or altered.
#[derive(Debug, thiserror::Error)]
#[error("a sealed value does not open with this key")]
pub struct SealError;

/// Keys in use; prints nothing of them.
#[derive(Clone)]
pub struct Secrets {
    seal: XChaCha20Poly1305,
    fingerprint: [u8; 32],
    quote: [u8; 32],
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secrets(…)")
    }
}

impl Secrets {
    pub fn derive(master: &[u8]) -> Self {
        let seal = derive(master, b"seal");
        Self {
            seal: XChaCha20Poly1305::new(&seal.into()),
            fingerprint: derive(master, b"fingerprint"),
            quote: derive(master, b"quote"),
        }
    }

    /// Encrypts `text`; it opens only with the same `purpose`.
    pub fn seal(&self, purpose: &str, text: &str) -> Vec<u8> {
        let nonce: [u8; 24] = rand::random();
        let payload = Payload { msg: text.as_bytes(), aad: purpose.as_bytes() };
        let sealed = self
            .seal
            .encrypt(&XNonce::from(nonce), payload)
            .expect("XChaCha20-Poly1305 encrypts any text that fits in memory");
        [nonce.as_slice(), &sealed].concat()
    }

    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<String, SealError> {
        let (nonce, text) = sealed.split_at_checked(24).ok_or(SealError)?;
        let nonce: [u8; 24] = nonce.try_into().map_err(|_| SealError)?;
        let payload = Payload { msg: text, aad: purpose.as_bytes() };
        let text = self.seal.decrypt(&XNonce::from(nonce), payload).map_err(|_| SealError)?;
        String::from_utf8(text).map_err(|_| SealError)
    }

    /// The same number gives the same bytes, and nothing else can be told from them.
    pub fn fingerprint(&self, number: &CardNumber) -> Vec<u8> {
        mac(&self.fingerprint, number.digits().as_bytes()).to_vec()
    }

    /// Text that carries `value` and cannot be changed: `payload.mac`, both base64url.
    pub fn sign(&self, value: &impl Serialize) -> String {
        let payload = serde_json::to_vec(value).expect("terms are plain data");
        let signature = mac(&self.quote, &payload);
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&payload), URL_SAFE_NO_PAD.encode(signature))
    }

    /// What [`Secrets::sign`] signed, or `None` when it was altered.
    pub fn verify<T: DeserializeOwned>(&self, text: &str) -> Option<T> {
        if text.len() > 4096 {
            return None;
        }
        let (payload, signature) = text.split_once('.')?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let expected = mac(&self.quote, &payload);
        if !bool::from(subtle::ConstantTimeEq::ct_eq(expected.as_slice(), signature.as_slice())) {
            return None;
        }
        serde_json::from_slice(&payload).ok()
    }
}

/// The hash under which a bearer token is stored.
pub fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// A fresh 192-bit token with a prefix.
pub fn new_token(prefix: &str) -> String {
    let random: [u8; 24] = rand::random();
    format!("{prefix}_{}", URL_SAFE_NO_PAD.encode(random))
}

fn derive(master: &[u8], purpose: &[u8]) -> [u8; 32] {
    mac(master, &[b"concord-payments/".as_slice(), purpose].concat())
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_text_opens_only_for_its_purpose() {
        let secrets = Secrets::derive(b"one");
        let sealed = secrets.seal("card", "tok");
        assert_eq!(secrets.open("card", &sealed).unwrap(), "tok");
        assert!(secrets.open("other", &sealed).is_err());
        assert!(Secrets::derive(b"two").open("card", &sealed).is_err());
        assert!(secrets.open("card", &sealed[..10]).is_err());
    }

    #[test]
    fn signed_terms_cannot_be_changed() {
        let secrets = Secrets::derive(b"one");
        let text = secrets.sign(&("EUR", 1200));
        assert_eq!(secrets.verify::<(String, i64)>(&text), Some(("EUR".to_owned(), 1200)));
        assert_eq!(secrets.verify::<(String, i64)>(&text.replace('.', ".A")), None);
        assert_eq!(Secrets::derive(b"two").verify::<(String, i64)>(&text), None);
    }
}
