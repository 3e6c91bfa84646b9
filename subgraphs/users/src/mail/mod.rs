//! The texts of this service's mails. One file per language; what a language lacks comes in
//! English. Links are made here, at the last moment: the outbox holds only ids.

mod english;
mod german;

use askama::Template;
use kit::{
    Timestamp,
    mail::{RenderError, Rendered, Templates},
};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::token::{
    one_time::{self, Kind},
    secrets::Key,
};

/// Renders mails; holds what links are made of.
#[derive(Debug, Clone)]
pub(crate) struct MailTemplates {
    key: Key,
    /// Where links lead; from the configuration, never from a request.
    links: String,
    /// This service's own address, for what it serves itself.
    service: String,
}

impl MailTemplates {
    pub(crate) fn new(key: Key, links: &str, service: &str) -> Self {
        let base = |url: &str| url.trim_end_matches('/').to_owned();
        Self { key, links: base(links), service: base(service) }
    }
}

/// What any of the mails can carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Data {
    name: String,
    token: Option<Uuid>,
    at: Option<i64>,
    device: Option<String>,
    ip: Option<String>,
    new_email: Option<String>,
    detail: Option<String>,
}

/// A mail as a language writes it.
#[derive(Debug)]
struct Letter {
    subject: String,
    paragraphs: Vec<String>,
    action: Option<Action>,
    /// Why the reader gets this.
    footer: &'static str,
}

#[derive(Debug)]
struct Action {
    label: &'static str,
    url: String,
}

#[derive(Debug, Template)]
#[template(path = "letter.txt")]
struct TextLetter<'a> {
    letter: &'a Letter,
}

#[derive(Debug, Template)]
#[template(path = "letter.html")]
struct HtmlLetter<'a> {
    letter: &'a Letter,
    language: &'static str,
}

/// What the languages write with: the data and the links.
#[derive(Debug)]
struct Writing<'a> {
    templates: &'a MailTemplates,
    data: &'a Data,
}

impl Writing<'_> {
    fn link(&self, page: &str, kind: Kind) -> String {
        match self.data.token {
            Some(id) => {
                let token = one_time::token(&self.templates.key, kind, id);
                format!("{}/{page}?token={token}", self.templates.links)
            }
            None => self.page(page),
        }
    }

    /// A link to this service itself.
    fn service_link(&self, page: &str, kind: Kind) -> String {
        let token = self.data.token.map(|id| one_time::token(&self.templates.key, kind, id));
        format!("{}/{page}?token={}", self.templates.service, token.unwrap_or_default())
    }

    fn page(&self, page: &str) -> String {
        format!("{}/{page}", self.templates.links)
    }

    /// `2026-11-22 18:10 UTC`
    fn time(&self) -> String {
        let text = Timestamp(self.data.at.unwrap_or_default()).to_string();
        match (text.get(..10), text.get(11..16)) {
            (Some(date), Some(time)) => format!("{date} {time} UTC"),
            _ => text,
        }
    }
}

impl Templates for MailTemplates {
    fn render(&self, template: &str, locale: &str, data: &Value) -> Result<Rendered, RenderError> {
        let failed =
            |message: String| RenderError::Failed { template: template.to_owned(), message };
        let data = Data::deserialize(data).map_err(|error| failed(error.to_string()))?;
        let writing = Writing { templates: self, data: &data };
        let language = locale.split('-').next().unwrap_or_default();
        let native = match language {
            "de" => german::letter(template, &writing).map(|letter| (letter, "de")),
            _ => None,
        };
        let (letter, language) = native
            .or_else(|| english::letter(template, &writing).map(|letter| (letter, "en")))
            .ok_or_else(|| RenderError::UnknownTemplate { template: template.to_owned() })?;
        let letter = &letter;
        Ok(Rendered {
            subject: letter.subject.clone(),
            text: TextLetter { letter }.render().map_err(|error| failed(error.to_string()))?,
            html: HtmlLetter { letter, language }
                .render()
                .map_err(|error| failed(error.to_string()))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::token::secrets::Keys;

    fn render(template: &str, locale: &str, data: Value) -> Rendered {
        let key = Keys::derive(&"one".into()).one_time;
        MailTemplates::new(key, "https://shop.example/", "https://id.example")
            .render(template, locale, &data)
            .unwrap()
    }

    #[test]
    fn links_carry_the_token_and_the_configured_host() {
        let id = Uuid::from_u128(5);
        let mail = render("verify_email", "en", json!({ "name": "Ada", "token": id }));
        let token = one_time::token(&Keys::derive(&"one".into()).one_time, Kind::Verify, id);
        let link = format!("https://shop.example/verify-email?token={token}");
        assert!(mail.text.contains(&link), "{}", mail.text);
        assert!(mail.html.contains(&link), "{}", mail.html);
    }

    #[test]
    fn languages_fall_back_to_english() {
        let data = json!({ "name": "Ada", "at": 0 });
        let (german, english) = (
            render("password_changed", "de-AT", data.clone()).subject,
            render("password_changed", "fr", data).subject,
        );
        assert_eq!(english, "Your password was changed");
        assert_ne!(german, english);
    }

    #[test]
    fn what_people_typed_is_text_in_html() {
        let mail = render("already_registered", "en", json!({ "name": "<b>Ada</b>" }));
        assert!(!mail.html.contains("<b>Ada"), "{}", mail.html);
        assert!(mail.text.contains("<b>Ada</b>"), "{}", mail.text);
    }

    #[test]
    fn every_mail_exists_in_every_language() {
        let data = Data::default();
        let templates = MailTemplates::new(
            Keys::derive(&"one".into()).one_time,
            "https://a.example",
            "https://b.example",
        );
        let writing = Writing { templates: &templates, data: &data };
        for template in [
            "verify_email",
            "already_registered",
            "password_reset",
            "password_changed",
            "email_change_confirm",
            "email_change_notice",
            "new_device",
            "token_reuse",
            "mfa_changed",
            "account_export",
            "account_erased",
        ] {
            assert!(english::letter(template, &writing).is_some(), "{template}");
            assert!(german::letter(template, &writing).is_some(), "{template}");
        }
        assert!(english::letter("other", &writing).is_none());
    }
}
