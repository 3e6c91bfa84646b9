//! DKIM signatures (RFC 6376; Ed25519 by RFC 8463): receivers can tell that a mail is ours.
//!
//! Both parts are canonicalised `relaxed`: relays may fold lines and squeeze blanks. Knows
//! nothing of what a mail says.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::Mailbox;

use crate::settings::{DkimSettings, SettingsError};

/// What is signed, if the mail has it. `from` stands twice: a second one added on the way breaks
/// the signature.
const SIGNED: [&str; 9] = [
    "from",
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "auto-submitted",
];
const LINE: usize = 72;

/// Signs for one domain with one key.
pub(super) struct DkimSigner {
    domain: String,
    selector: String,
    key: Key,
}

enum Key {
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl DkimSigner {
    /// `None` when no key is configured.
    pub(super) fn from_settings(
        settings: &DkimSettings,
        from: &Mailbox,
    ) -> Result<Option<Self>, SettingsError> {
        let DkimSettings { selector, domain, key_file } = settings;
        if key_file.as_os_str().is_empty() {
            return Ok(None);
        }
        let refuse = |message: String| SettingsError::Dkim { message };
        if selector.is_empty() {
            return Err(refuse("`selector` is empty".to_owned()));
        }
        let pem = std::fs::read_to_string(key_file)
            .map_err(|error| refuse(format!("{}: {error}", key_file.display())))?;
        let key = pkcs8(&pem).and_then(|der| Key::from_pkcs8(&der)).ok_or_else(|| {
            refuse(format!("{}: no Ed25519 or RSA private key in PKCS#8 PEM", key_file.display()))
        })?;
        let domain =
            if domain.is_empty() { from.email.domain().to_owned() } else { domain.clone() };
        Ok(Some(Self { domain, selector: selector.clone(), key }))
    }

    /// The `DKIM-Signature` line of a message, to stand before it. `None` if the message has no
    /// header section or the key does not work.
    pub(super) fn sign(&self, message: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(message).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let headers = headers(head);
        let body_hash = STANDARD.encode(digest(&SHA256, relaxed_body(body).as_bytes()));
        let mut used = vec![false; headers.len()];
        let mut signed = String::new();
        let mut names = Vec::new();
        for name in SIGNED {
            // From the bottom up; one that is not there (any more) is signed as missing.
            let found = (0..headers.len())
                .rev()
                .find(|&at| !used[at] && headers[at].0.eq_ignore_ascii_case(name));
            if let Some(at) = found {
                used[at] = true;
                signed.push_str(&relaxed_header(headers[at].0, headers[at].1));
                signed.push_str("\r\n");
            } else if name != "from" {
                continue;
            }
            names.push(name);
        }
        let fields = format!(
            "v=1; a={}; c=relaxed/relaxed; d={}; s={};\r\n h={};\r\n bh={body_hash};\r\n b=",
            self.key.algorithm(),
            self.domain,
            self.selector,
            names.join(":"),
        );
        signed.push_str(&relaxed_header("DKIM-Signature", &fields));
        let signature = STANDARD.encode(self.key.sign(signed.as_bytes())?);
        let lines: Vec<&str> = signature
            .as_bytes()
            .chunks(LINE)
            .filter_map(|line| std::str::from_utf8(line).ok())
            .collect();
        Some(format!("DKIM-Signature: {fields}{}\r\n", lines.join("\r\n ")))
    }
}

impl Key {
    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
            .map(Self::Ed25519)
            .or_else(|_| RsaKeyPair::from_pkcs8(der).map(|key| Self::Rsa(Box::new(key))))
            .ok()
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "ed25519-sha256",
            Self::Rsa(_) => "rsa-sha256",
        }
    }

    fn sign(&self, signed: &[u8]) -> Option<Vec<u8>> {
        match self {
            // RFC 8463: the hash is what is signed.
            Self::Ed25519(key) => {
                Some(key.sign(digest(&SHA256, signed).as_ref()).as_ref().to_vec())
            }
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

/// The DER inside the first `PRIVATE KEY` block.
fn pkcs8(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let compact: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(compact).ok()
}

/// Name and value of each header field; a value may span lines.
fn headers(head: &str) -> Vec<(&str, &str)> {
    let mut fields = Vec::new();
    let mut start = 0;
    while start < head.len() {
        let mut end = start;
        loop {
            end = head[end..].find("\r\n").map_or(head.len(), |at| end + at);
            let folded =
                head[end..].strip_prefix("\r\n").is_some_and(|next| next.starts_with([' ', '\t']));
            if !folded {
                break;
            }
            end += 2;
        }
        if let Some((name, value)) = head[start..end].split_once(':') {
            fields.push((name, value));
        }
        start = end + 2;
    }
    fields
}

fn relaxed_header(name: &str, value: &str) -> String {
    let unfolded = value.replace("\r\n", "");
    let squeezed: Vec<&str> = unfolded.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
    format!("{}:{}", name.trim().to_ascii_lowercase(), squeezed.join(" "))
}

fn relaxed_body(body: &str) -> String {
    let mut lines: Vec<String> = body
        .split("\r\n")
        .map(|line| {
            let mut squeezed = String::with_capacity(line.len());
            let mut blank = false;
            for char in line.chars() {
                if matches!(char, ' ' | '\t') {
                    blank = true;
                    continue;
                }
                if std::mem::take(&mut blank) {
                    squeezed.push(' ');
                }
                squeezed.push(char);
            }
            squeezed
        })
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.iter().fold(String::new(), |mut text, line| {
        text.push_str(line);
        text.push_str("\r\n");
        text
    })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::signature::{
        ED25519, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    };

    use super::*;

    /// The example of RFC 8463, appendix A.
    const MESSAGE: &str = "From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\nSubject: Is dinner ready?\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\nMessage-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\nHi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";

    fn signer(key: Key) -> DkimSigner {
        DkimSigner {
            domain: "football.example.com".to_owned(),
            selector: "brisbane".to_owned(),
            key,
        }
    }

    #[test]
    fn the_body_hash_is_that_of_the_standards_example() {
        let (_, body) = MESSAGE.split_once("\r\n\r\n").unwrap();
        let hash = STANDARD.encode(digest(&SHA256, relaxed_body(body).as_bytes()));
        assert_eq!(hash, "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
        let (empty, blanks) = (relaxed_body(""), relaxed_body(" \r\n\t\r\n\r\n"));
        assert_eq!((empty.as_str(), blanks.as_str()), ("", ""));
    }

    #[test]
    fn headers_are_canonicalised_as_the_standard_says() {
        assert_eq!(relaxed_header("SubJect ", " a\r\n\t b \t c "), "subject:a b c");
        assert_eq!(headers("A: 1\r\n 2\r\nB : 3"), [("A", " 1\r\n 2"), ("B ", " 3")]);
    }

    /// Reads the signature back as a receiver would.
    fn verify(line: &str, message: &str, key: &UnparsedPublicKey<Vec<u8>>, hashed: bool) -> bool {
        let (name, value) = line.trim_end().split_once(':').unwrap();
        assert_eq!(name, "DKIM-Signature");
        let (fields, signature) = value.rsplit_once("b=").unwrap();
        let (_, names) = fields.split_once("h=").unwrap();
        let (names, _) = names.split_once(';').unwrap();
        let (head, _) = message.split_once("\r\n\r\n").unwrap();
        let mut left = headers(head);
        let mut signed = String::new();
        for name in names.split(':') {
            if let Some(at) = left.iter().rposition(|(known, _)| known.eq_ignore_ascii_case(name)) {
                let (name, value) = left.remove(at);
                signed.push_str(&relaxed_header(name, value));
                signed.push_str("\r\n");
            }
        }
        signed.push_str(&relaxed_header(name, &format!("{fields}b=")));
        let compact: String = signature.chars().filter(|c| !c.is_whitespace()).collect();
        let signature = STANDARD.decode(compact).unwrap();
        let signed = signed.into_bytes();
        let signed = if hashed { digest(&SHA256, &signed).as_ref().to_vec() } else { signed };
        key.verify(&signed, &signature).is_ok()
    }

    #[test]
    fn an_ed25519_signature_verifies_and_a_changed_mail_does_not() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let public = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref().to_vec());
        let line = signer(Key::Ed25519(pair)).sign(MESSAGE.as_bytes()).unwrap();
        assert!(line.contains("a=ed25519-sha256") && line.contains("h=from:from:to:subject"));
        assert!(line.lines().all(|line| line.len() < 200), "{line}");
        assert!(verify(&line, MESSAGE, &public, true));
        // Relays may squeeze blanks; they may not change words or add a sender.
        assert!(verify(&line, &MESSAGE.replace("Subject: Is", "Subject:   Is"), &public, true));
        assert!(!verify(&line, &MESSAGE.replace("dinner", "lunch"), &public, true));
        assert!(!verify(&line, &format!("From: Eve <e@x.example>\r\n{MESSAGE}"), &public, true));
    }

    #[test]
    fn an_rsa_signature_verifies() {
        let pair = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        let der = pair.as_der().unwrap();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(der.as_ref())
        );
        let key = Key::from_pkcs8(&pkcs8(&pem).unwrap()).unwrap();
        let line = signer(key).sign(MESSAGE.as_bytes()).unwrap();
        assert!(line.contains("a=rsa-sha256"));
        assert!(verify(&line, MESSAGE, &public, false));
    }

    #[test]
    fn a_key_that_cannot_be_used_stops_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let from: Mailbox = "Shop <shop@example.org>".parse().unwrap();
        let mut settings = DkimSettings::default();
        assert!(DkimSigner::from_settings(&settings, &from).unwrap().is_none());
        settings.key_file = folder.path().join("dkim.pem");
        settings.selector = "s1".to_owned();
        assert!(DkimSigner::from_settings(&settings, &from).is_err(), "no such file");
        std::fs::write(&settings.key_file, "garbage").unwrap();
        assert!(DkimSigner::from_settings(&settings, &from).is_err(), "no key in it");
        let pair = Ed25519KeyPair::generate().unwrap();
        let der = STANDARD.encode(pair.to_pkcs8().unwrap().as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
        std::fs::write(&settings.key_file, pem).unwrap();
        let signer = DkimSigner::from_settings(&settings, &from).unwrap().unwrap();
        assert_eq!(signer.domain, "example.org");
        settings.selector.clear();
        assert!(DkimSigner::from_settings(&settings, &from).is_err(), "no selector");
    }
}
