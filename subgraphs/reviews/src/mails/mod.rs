//! The texts of the mails, rendered from what was queued. One file per language; what a language
//! lacks comes in English. HTML is escaped by the template engine; nothing people wrote gets
//! into a subject line.

mod english;
mod german;

use askama::Template;
use kit::mail::{RenderError, Rendered, Templates};
use serde::Deserialize;
use serde_json::Value;

/// What was queued with a mail.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    display_name: Option<String>,
    subject: Option<String>,
    subject_type: String,
    rating: i32,
    review_id: String,
    reason: Option<String>,
    note: Option<String>,
    reply: Option<String>,
}

/// A mail as a language writes it.
#[derive(Debug)]
struct Letter {
    subject: &'static str,
    paragraphs: Vec<String>,
    /// What somebody else wrote.
    quote: Option<String>,
    /// Why the reader gets this.
    footer: String,
}

#[derive(Debug, Template)]
#[template(path = "letter.txt", escape = "none")]
struct TextLetter<'a> {
    letter: &'a Letter,
}

#[derive(Debug, Template)]
#[template(path = "letter.html")]
struct HtmlLetter<'a> {
    letter: &'a Letter,
    language: &'static str,
}

/// The templates of the reviews service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReviewMails;

impl Templates for ReviewMails {
    fn render(&self, template: &str, locale: &str, data: &Value) -> Result<Rendered, RenderError> {
        let failed =
            |message: String| RenderError::Failed { template: template.to_owned(), message };
        let mail = Mail::deserialize(data).map_err(|error| failed(error.to_string()))?;
        let language = locale.split(['-', '_']).next().unwrap_or_default();
        let letter = match language {
            "de" => german::letter(template, &mail).map(|letter| ("de", letter)),
            _ => None,
        };
        let (language, letter) = letter
            .or_else(|| english::letter(template, &mail).map(|letter| ("en", letter)))
            .ok_or_else(|| RenderError::UnknownTemplate { template: template.to_owned() })?;
        let letter = &letter;
        Ok(Rendered {
            subject: letter.subject.to_owned(),
            text: TextLetter { letter }.render().map_err(|error| failed(error.to_string()))?,
            html: HtmlLetter { letter, language }
                .render()
                .map_err(|error| failed(error.to_string()))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TEMPLATES: [&str; 4] =
        ["review_received", "review_published", "review_rejected", "reply_received"];

    fn data() -> Value {
        json!({
            "displayName": "Ada <b>", "subject": "Kettle & Co", "subjectType": "PRODUCT",
            "rating": 4, "reviewId": "rev_1", "reason": "SPAM", "note": "two links",
            "reply": "Thanks!\nThe team",
        })
    }

    #[test]
    fn every_template_renders_in_every_language_and_html_is_escaped() {
        for (locale, hello) in [
            ("en", "Hello Ada <b>,"),
            ("fr-FR", "Hello Ada <b>,"),
            ("de", "Guten Tag Ada <b>,"),
            ("de-AT", "Guten Tag Ada <b>,"),
        ] {
            for template in TEMPLATES {
                let mail = ReviewMails.render(template, locale, &data()).unwrap();
                assert!(mail.text.contains(hello), "{}", mail.text);
                assert!(mail.text.contains("Kettle & Co"), "{}", mail.text);
                assert!(!mail.html.contains("Ada <b>"), "{}", mail.html);
                assert!(
                    mail.html.contains("Kettle &#38; Co") || mail.html.contains("Kettle &amp; Co")
                );
                assert!(!mail.subject.contains('\n'));
            }
        }
        let unknown = ReviewMails.render("nonsense", "de", &data());
        assert!(matches!(unknown, Err(RenderError::UnknownTemplate { .. })));
    }

    #[test]
    fn without_names_the_mails_still_read_well() {
        let nameless = json!({ "subjectType": "RIDE", "rating": 1, "reviewId": "rev_1" });
        for locale in ["en", "de"] {
            for template in TEMPLATES {
                let mail = ReviewMails.render(template, locale, &nameless).unwrap();
                assert!(!mail.text.contains("  ") && !mail.text.contains(" ,"), "{}", mail.text);
            }
        }
    }

    #[test]
    fn a_rejection_names_the_reason() {
        for (locale, reason) in [("en", "looks like advertising"), ("de", "nach Werbung")] {
            let mail = ReviewMails.render("review_rejected", locale, &data()).unwrap();
            assert!(mail.text.contains(reason), "{}", mail.text);
            assert!(mail.text.contains("two links"));
        }
    }
}
