//! Personal access tokens: `pat_<id>_<secret>_<crc32>`.
//!
//! The checksum lets secret scanners tell a real token from a look-alike without asking us, and
//! lets us turn a mistyped one away without a query. 160 random bits need no slow hash.

use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ID_LENGTH: usize = 8;
const SECRET_LENGTH: usize = 32;
/// What is shown of a token: `pat_` and its id.
const PREFIX_LENGTH: usize = 4 + ID_LENGTH;

pub fn generate() -> String {
    let body = format!("pat_{}_{}", letters(ID_LENGTH), letters(SECRET_LENGTH));
    let checksum = crc32(body.as_bytes());
    format!("{body}_{checksum:08x}")
}

/// Shaped like a token of ours, checksum and all.
pub fn is_well_formed(token: &str) -> bool {
    let Some((body, checksum)) = token.rsplit_once('_') else { return false };
    let mut parts = body.split('_');
    let shaped = parts.next() == Some("pat")
        && parts.next().is_some_and(|id| id.len() == ID_LENGTH)
        && parts.next().is_some_and(|secret| secret.len() == SECRET_LENGTH)
        && parts.next().is_none();
    shaped && format!("{:08x}", crc32(body.as_bytes())) == checksum
}

/// The part that tells tokens apart without giving them away.
pub fn prefix(token: &str) -> &str {
    token.get(..PREFIX_LENGTH).unwrap_or_default()
}

pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

fn letters(count: usize) -> String {
    let letter = |_| char::from(ALPHABET[usize::from(rand::random::<u8>() & 31)]);
    (0..count).map(letter).collect()
}

/// The checksum of zip and Ethernet (IEEE 802.3).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn tokens_are_well_formed_and_changed_ones_are_not() {
        let token = generate();
        assert_eq!(token.len(), 4 + 8 + 1 + 32 + 1 + 8);
        assert!(is_well_formed(&token), "{token}");
        assert_eq!(prefix(&token).len(), 12);
        for position in 4..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[position] = if changed[position] == b'7' { b'8' } else { b'7' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(!is_well_formed(&changed), "{changed}");
        }
        for garbage in ["", "pat_", "pat___", "pat_x_y_z", "\u{e9}"] {
            assert!(!is_well_formed(garbage), "{garbage}");
        }
    }
}
