//! E-mail addresses: what was typed, and the normal form that is unique.

use std::str::FromStr;

use email_address::{EmailAddress as Syntax, Options};
use unicode_normalization::UnicodeNormalization;

/// RFC 5321's limit on a forward path, less the angle brackets.
const MAX_BYTES: usize = 254;

#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    written: String,
    normal: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    #[error("e-mail address must have at most 254 bytes")]
    TooLong,
    #[error("e-mail address is not valid")]
    Invalid,
}

impl EmailError {
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLong => "TOO_LONG",
            Self::Invalid => "INVALID_EMAIL",
        }
    }
}

impl Email {
    pub fn parse(input: &str) -> Result<Self, EmailError> {
        if input.len() > MAX_BYTES {
            return Err(EmailError::TooLong);
        }
        let written = input.trim().nfc().collect::<String>();
        let options =
            Options::default().with_required_tld().without_display_text().without_domain_literal();
        let syntax =
            Syntax::parse_with_options(&written, options).map_err(|_| EmailError::Invalid)?;
        let host = url::Host::parse(syntax.domain()).map_err(|_| EmailError::Invalid)?;
        let url::Host::Domain(host) = host else { return Err(EmailError::Invalid) };
        let local = syntax.local_part().to_lowercase().nfc().collect::<String>();
        let normal = format!("{local}@{host}");
        if normal.len() > MAX_BYTES || written.chars().any(char::is_control) {
            return Err(EmailError::Invalid);
        }
        Ok(Self { written, normal })
    }

    /// As typed, trimmed: where mail goes.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Lower case, NFC, host in its ASCII form: what is unique.
    pub fn normal(&self) -> &str {
        &self.normal
    }

    pub fn local_part(&self) -> &str {
        self.normal.rsplit_once('@').map_or(self.normal.as_str(), |(local, _)| local)
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// An address is personal data: it does not belong in logs.
impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_form_ignores_case_spaces_and_host_script() {
        let check = |input: &str, normal: &str| {
            assert_eq!(Email::parse(input).map(|email| email.normal), Ok(normal.to_owned()));
        };
        check("  Ada@Example.COM ", "ada@example.com");
        check("ada@B\u{fc}cher.example", "ada@xn--bcher-kva.example");
        check("jo\u{308}rg@example.org", "j\u{f6}rg@example.org");
        check("a.b+tag@example.org", "a.b+tag@example.org");
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for input in [
            "",
            "ada",
            "ada@",
            "@example.org",
            "ada@localhost",
            "a b@example.org",
            "ada@example.org\r\nBcc: x@example.org",
            "Ada <ada@example.org>",
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            "ada@exa mple.org",
            "ada@example..org",
        ] {
            assert_eq!(Email::parse(input), Err(EmailError::Invalid), "{input:?}");
        }
        let long = format!("{}@example.org", "a".repeat(250));
        assert_eq!(Email::parse(&long), Err(EmailError::TooLong));
    }
}
