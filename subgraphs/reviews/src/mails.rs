//! The texts of the mails, rendered from what was queued. HTML is escaped by the template
//! engine; nothing people wrote gets into a subject line.

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

impl Mail {
    fn name(&self) -> &str {
        self.display_name.as_deref().unwrap_or("there")
    }

    fn about(&self) -> &str {
        match (&self.subject, self.subject_type.as_str()) {
            (Some(title), _) => title,
            (None, "RIDE") => "your ride",
            (None, _) => "your purchase",
        }
    }

    fn stars(&self) -> String {
        format!("{} star{}", self.rating, if self.rating == 1 { "" } else { "s" })
    }

    fn reply_text(&self) -> &str {
        self.reply.as_deref().unwrap_or_default()
    }

    fn grounds(&self) -> &'static str {
        match self.reason.as_deref() {
            Some("SPAM") => "it looks like advertising or a copy",
            Some("PROFANITY") => "its language",
            Some("HATE_OR_HARASSMENT") => "it attacks people",
            Some("PERSONAL_DATA") => "it contains personal data",
            Some("OFF_TOPIC") => "it is about something else",
            Some("CONFLICT_OF_INTEREST") => "a conflict of interest",
            Some("FAKE") => "it does not seem genuine",
            Some("LEGAL") => "legal reasons",
            _ => "it does not follow the rules for reviews",
        }
    }
}

/// Declares the two forms of a mail.
macro_rules! mail_templates {
    ($($text:ident, $html:ident, $text_path:literal, $html_path:literal;)*) => {
        $(
            #[derive(Template)]
            #[template(path = $text_path, escape = "none")]
            struct $text<'a> {
                mail: &'a Mail,
            }

            #[derive(Template)]
            #[template(path = $html_path)]
            struct $html<'a> {
                mail: &'a Mail,
            }
        )*
    };
}

mail_templates! {
    ReceivedText, ReceivedHtml, "review_received.txt", "review_received.html";
    PublishedText, PublishedHtml, "review_published.txt", "review_published.html";
    RejectedText, RejectedHtml, "review_rejected.txt", "review_rejected.html";
    ReplyText, ReplyHtml, "reply_received.txt", "reply_received.html";
}

/// The templates of the reviews service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReviewMails;

impl Templates for ReviewMails {
    fn render(&self, template: &str, _locale: &str, data: &Value) -> Result<Rendered, RenderError> {
        let failed =
            |message: String| RenderError::Failed { template: template.to_owned(), message };
        let mail = Mail::deserialize(data).map_err(|error| failed(error.to_string()))?;
        let mail = &mail;
        let (subject, text, html) = match template {
            "review_received" => (
                "Your review has arrived",
                ReceivedText { mail }.render(),
                ReceivedHtml { mail }.render(),
            ),
            "review_published" => (
                "Your review is published",
                PublishedText { mail }.render(),
                PublishedHtml { mail }.render(),
            ),
            "review_rejected" => (
                "Your review was not published",
                RejectedText { mail }.render(),
                RejectedHtml { mail }.render(),
            ),
            "reply_received" => (
                "There is a reply to your review",
                ReplyText { mail }.render(),
                ReplyHtml { mail }.render(),
            ),
            unknown => return Err(RenderError::UnknownTemplate { template: unknown.to_owned() }),
        };
        Ok(Rendered {
            subject: subject.to_owned(),
            text: text.map_err(|error| failed(error.to_string()))?,
            html: html.map_err(|error| failed(error.to_string()))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn data() -> Value {
        json!({
            "displayName": "Ada <b>", "subject": "Kettle & Co", "subjectType": "PRODUCT",
            "rating": 4, "reviewId": "rev_1", "reason": "SPAM", "note": "two links",
            "reply": "Thanks!\nThe team",
        })
    }

    #[test]
    fn every_template_renders_and_html_is_escaped() {
        for template in ["review_received", "review_published", "review_rejected", "reply_received"]
        {
            let mail = ReviewMails.render(template, "en", &data()).unwrap();
            assert!(mail.text.contains("Hello Ada <b>,"), "{}", mail.text);
            assert!(mail.text.contains("Kettle & Co"));
            assert!(!mail.html.contains("Ada <b>"), "{}", mail.html);
            assert!(!mail.subject.contains('\n'));
        }
        let unknown = ReviewMails.render("nonsense", "en", &data());
        assert!(matches!(unknown, Err(RenderError::UnknownTemplate { .. })));
    }

    #[test]
    fn a_rejection_names_the_reason() {
        let mail = ReviewMails.render("review_rejected", "de", &data()).unwrap();
        assert!(mail.text.contains("looks like advertising"), "{}", mail.text);
        assert!(mail.text.contains("two links"));
    }
}
