//! Secrets at rest: XChaCha20-Poly1305 under a key of the configuration, bound to the row they
//! belong to, so that a sealed value copied to another row does not open.

use chacha20poly1305::{
    Key as CipherKey, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use secrecy::zeroize::Zeroizing;

use super::secrets::Key;

const NONCE: usize = 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed value does not open: it was made with another root secret, or changed")]
pub struct SealingError;

pub fn seal(key: &Key, row: &str, secret: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE] = rand::random();
    let sealed = cipher(key)
        .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: row.as_bytes() })
        .expect("secrets are far shorter than the cipher's limit");
    [nonce.as_slice(), &sealed].concat()
}

pub fn open(key: &Key, row: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealingError> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(SealingError)?;
    cipher(key)
        .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: row.as_bytes() })
        .map(Zeroizing::new)
        .map_err(|_| SealingError)
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&CipherKey::from(*key.bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::secrets::Keys;

    #[test]
    fn opens_only_in_its_row_and_unchanged() {
        let key = Keys::derive(&"one".into()).sealing;
        let sealed = seal(&key, "signing_keys/k1", b"secret");
        assert_eq!(open(&key, "signing_keys/k1", &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(open(&key, "signing_keys/k2", &sealed), Err(SealingError));
        let mut changed = sealed.clone();
        changed[30] ^= 1;
        assert_eq!(open(&key, "signing_keys/k1", &changed), Err(SealingError));
        assert_eq!(open(&key, "signing_keys/k1", b"short"), Err(SealingError));
        let other = Keys::derive(&"two".into()).sealing;
        assert_eq!(open(&other, "signing_keys/k1", &sealed), Err(SealingError));
    }
}
