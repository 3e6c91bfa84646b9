//! Signatures of webhooks, ours and others': `t=SECONDS,v1=HEX[,v1=HEX…]`, where each `v1` is the
//! HMAC-SHA256 of `SECONDS.BODY` under one secret. Several secrets are valid while keys roll.

use std::{fmt::Write, time::Duration};

use hmac::{Hmac, Mac};
use kit::Timestamp;
use sha2::Sha256;

/// How far a message's time may be from ours, in either direction.
pub const TOLERANCE: Duration = Duration::from_mins(5);

/// Why a signature was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the message is not signed")]
    Missing,
    #[error("the signature is not readable")]
    Malformed,
    #[error("the message is too old or from the future")]
    OutsideTolerance,
    #[error("the signature does not match")]
    Mismatch,
}

/// The header's value for a body sent now.
pub fn sign(secrets: &[&[u8]], body: &[u8], now: Timestamp) -> String {
    let seconds = now.seconds();
    let mut header = format!("t={seconds}");
    for secret in secrets {
        header.push_str(",v1=");
        for byte in mac(secret, seconds, body) {
            write!(header, "{byte:02x}").expect("a String takes any text");
        }
    }
    header
}

/// Accepts a body that one of the secrets signed recently.
pub fn verify(
    secrets: &[&[u8]],
    header: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    let header = header.ok_or(SignatureError::Missing)?;
    let (mut seconds, mut signatures) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) => {
                let value: i64 = value.parse().map_err(|_| SignatureError::Malformed)?;
                if seconds.replace(value).is_some() {
                    return Err(SignatureError::Malformed);
                }
            }
            Some(("v1", value)) => signatures.extend(from_hex(value)),
            // Other schemes may stand beside ours.
            Some(_) => {}
            None => return Err(SignatureError::Malformed),
        }
    }
    let seconds = seconds.ok_or(SignatureError::Malformed)?;
    if signatures.is_empty() {
        return Err(SignatureError::Malformed);
    }
    let tolerance = i64::try_from(TOLERANCE.as_secs()).unwrap_or(i64::MAX);
    if now.seconds().saturating_sub(seconds).saturating_abs() > tolerance {
        return Err(SignatureError::OutsideTolerance);
    }
    let mut matches = subtle::Choice::from(0);
    for secret in secrets {
        let expected = mac(secret, seconds, body);
        for signature in &signatures {
            matches |= subtle::ConstantTimeEq::ct_eq(expected.as_slice(), signature.as_slice());
        }
    }
    if bool::from(matches) { Ok(()) } else { Err(SignatureError::Mismatch) }
}

fn mac(secret: &[u8], seconds: i64, body: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(secret)
        .expect("HMAC takes keys of any length");
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..32).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    #[test]
    fn only_fresh_messages_of_a_known_secret_are_accepted() {
        let header = sign(&[b"new"], b"{}", NOW);
        let check = |secrets: &[&[u8]], header: &str, body: &[u8], now| {
            verify(secrets, Some(header), body, now)
        };
        assert_eq!(check(&[b"new"], &header, b"{}", NOW), Ok(()));
        assert_eq!(check(&[b"newer", b"new"], &header, b"{}", NOW), Ok(()), "while keys roll");
        assert_eq!(check(&[b"other"], &header, b"{}", NOW), Err(SignatureError::Mismatch));
        assert_eq!(check(&[b"new"], &header, b"{ }", NOW), Err(SignatureError::Mismatch));
        for seconds in [-301_i64, 301] {
            let other = Timestamp(NOW.0 + seconds * 1000);
            let outcome = check(&[b"new"], &header, b"{}", other);
            assert_eq!(outcome, Err(SignatureError::OutsideTolerance), "{seconds}");
        }
        assert_eq!(verify(&[b"new"], None, b"{}", NOW), Err(SignatureError::Missing));
        for garbage in ["", "t=1", "v1=00", "t=x,v1=00", "t=1,t=1,v1=00", "nonsense"] {
            let outcome = check(&[b"new"], garbage, b"{}", NOW);
            assert_eq!(outcome, Err(SignatureError::Malformed), "{garbage}");
        }
    }
}
