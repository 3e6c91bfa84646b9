//! A rendered mail as RFC 5322 bytes, signed if a key is configured.

use lettre::address::Envelope;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};

use super::dkim::DkimSigner;
use super::transport::{Delivery, SendError};
use crate::settings::{MailSettings, SettingsError};

/// Our letterhead: who mails are from, and the signature under them.
pub(super) struct Letterhead {
    from: Mailbox,
    dkim: Option<DkimSigner>,
}

impl Letterhead {
    pub(super) fn from_settings(settings: &MailSettings) -> Result<Self, SettingsError> {
        let from: Mailbox = settings
            .from
            .parse()
            .map_err(|_| SettingsError::InvalidSender { from: settings.from.clone() })?;
        let dkim = DkimSigner::from_settings(&settings.dkim, &from)?;
        Ok(Self { from, dkim })
    }

    /// The mail as it travels, and between whom.
    pub(super) fn write(&self, delivery: &Delivery<'_>) -> Result<(Envelope, Vec<u8>), SendError> {
        let message = build(&self.from, delivery)?;
        let envelope = message.envelope().clone();
        let formatted = message.formatted();
        let Some(dkim) = &self.dkim else { return Ok((envelope, formatted)) };
        let line = dkim.sign(&formatted).ok_or_else(|| SendError::Transient {
            message: "the mail could not be signed".to_owned(),
        })?;
        let mut signed = line.into_bytes();
        signed.extend_from_slice(&formatted);
        Ok((envelope, signed))
    }
}

/// `Auto-Submitted` (RFC 3834): no out-of-office answers, please.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// `X-Entity-Ref-ID`: mail programs must not fold different mails into one thread.
#[derive(Clone)]
struct EntityRef(String);

impl Header for EntityRef {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("X-Entity-Ref-ID")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

/// Builds the message. A recipient or subject with line breaks is refused: it could smuggle in
/// headers.
fn build(from: &Mailbox, delivery: &Delivery<'_>) -> Result<Message, SendError> {
    let rendered = delivery.rendered;
    if rendered.subject.contains(['\r', '\n']) {
        return Err(SendError::Permanent { message: "line break in the subject".to_owned() });
    }
    let to: Address = delivery.to.parse().map_err(|_| SendError::Permanent {
        message: "the recipient is not a mail address".to_owned(),
    })?;
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(rendered.subject.clone())
        .message_id(Some(format!("<{}@{}>", delivery.id, from.email.domain())))
        .header(AutoSubmitted)
        .header(EntityRef(delivery.id.to_string()))
        .multipart(MultiPart::alternative_plain_html(rendered.text.clone(), rendered.html.clone()))
        .map_err(|error| SendError::Permanent { message: error.to_string() })
}
