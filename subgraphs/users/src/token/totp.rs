//! Time-based one-time passwords, RFC 6238 as every authenticator app speaks it: SHA-1, six
//! digits, thirty seconds, and one step of clock difference either way.

use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use data_encoding::BASE32_NOPAD;
use kit::Timestamp;
use secrecy::zeroize::Zeroizing;
use subtle::ConstantTimeEq;

const PERIOD: i64 = 30;
const DIGITS: u32 = 6;
const SKEW: i64 = 1;
const SECRET_BYTES: usize = 20;

/// The secret that service and app share.
#[derive(Clone)]
pub struct TotpSecret(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret(..)")
    }
}

impl TotpSecret {
    pub fn generate() -> Self {
        Self(Zeroizing::new(rand::random::<[u8; SECRET_BYTES]>().to_vec()))
    }

    pub fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As a person types it into an app.
    pub fn base32(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// As an app scans it.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let encode = |text: &str| -> String {
            url::form_urlencoded::byte_serialize(text.as_bytes())
                .collect::<String>()
                .replace('+', "%20")
        };
        let (issuer, account, secret) = (encode(issuer), encode(account), self.base32());
        format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}\
             &algorithm=SHA1&digits={DIGITS}&period={PERIOD}"
        )
    }

    /// The step a code belongs to, if it is one of those that count now. The caller must see to
    /// it that no step is accepted twice.
    pub fn matching_step(&self, code: &str, now: Timestamp) -> Option<i64> {
        let code = code.trim();
        let current = now.seconds().div_euclid(PERIOD);
        let mut matching = None;
        // All steps are always compared: the time taken says nothing about which one matched.
        for step in current - SKEW..=current + SKEW {
            if bool::from(self.code(step).as_bytes().ct_eq(code.as_bytes())) {
                matching = Some(step);
            }
        }
        matching
    }

    /// RFC 4226's truncation of the step's HMAC.
    fn code(&self, step: i64) -> String {
        let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag[tag.len() - 1] & 0x0f);
        let word = u32::from_be_bytes([
            tag[offset] & 0x7f,
            tag[offset + 1],
            tag[offset + 2],
            tag[offset + 3],
        ]);
        let digits = usize::try_from(DIGITS).unwrap_or_default();
        format!("{:0digits$}", word % 10_u32.pow(DIGITS))
    }
}

/// The code that an app shows for this secret, in base32, at this moment. For tests and tools.
pub fn code_at(secret: &str, now: Timestamp) -> Option<String> {
    let bytes = BASE32_NOPAD.decode(secret.as_bytes()).ok()?;
    let secret = TotpSecret::from_bytes(Zeroizing::new(bytes));
    Some(secret.code(now.seconds().div_euclid(PERIOD)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc_secret() -> TotpSecret {
        TotpSecret::from_bytes(Zeroizing::new(b"12345678901234567890".to_vec()))
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // The table of RFC 6238, appendix B, has eight digits; the last six are ours.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp::from_seconds(seconds);
            assert_eq!(rfc_secret().matching_step(code, now), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn one_step_of_difference_counts_and_two_do_not() {
        let secret = rfc_secret();
        let code = secret.code(100);
        let at = |step: i64| Timestamp::from_seconds(step * PERIOD);
        assert_eq!(
            [98, 99, 100, 101, 102].map(|step| secret.matching_step(&code, at(step))),
            [None, Some(100), Some(100), Some(100), None]
        );
    }

    #[test]
    fn what_is_no_code_matches_nothing() {
        for code in ["", "28708", "2870820", "28708x", "２８７０８２"] {
            assert_eq!(
                rfc_secret().matching_step(code, Timestamp::from_seconds(59)),
                None,
                "{code}"
            );
        }
    }

    #[test]
    fn apps_can_scan_the_secret() {
        let uri = rfc_secret().uri("Concord", "ada+x@example.org");
        assert_eq!(
            uri,
            "otpauth://totp/Concord:ada%2Bx%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Concord&algorithm=SHA1&digits=6&period=30"
        );
    }
}
