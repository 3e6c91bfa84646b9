//! English.

use super::{Letter, Mail};

pub(super) fn letter(template: &str, mail: &Mail) -> Option<Letter> {
    let hello = match &mail.display_name {
        Some(name) => format!("Hello {name},"),
        None => "Hello,".to_owned(),
    };
    let (about, stars) = (about(mail), stars(mail.rating));
    let footer =
        format!("You get this mail because you wrote a review. Review {}.", mail.review_id);
    let (subject, paragraphs, quote) = match template {
        "review_received" => (
            "Your review has arrived",
            vec![
                hello,
                format!("thank you for reviewing {about}. Your {stars} have arrived."),
                "We tell you as soon as the review is visible. If somebody has to look at it first, that usually takes less than a day.".to_owned(),
            ],
            None,
        ),
        "review_published" => (
            "Your review is published",
            vec![
                hello,
                format!("your review of {about} ({stars}) is now visible to everybody."),
                "You can change or delete it at any time.".to_owned(),
            ],
            None,
        ),
        "review_rejected" => (
            "Your review was not published",
            vec![
                hello,
                format!("we could not publish your review of {about}."),
                format!("Reason: {}.{}", grounds(mail), note(mail)),
                "How many stars you gave played no part in this. You can edit the review; a person will look at it again.".to_owned(),
            ],
            None,
        ),
        "reply_received" => (
            "There is a reply to your review",
            vec![hello, format!("somebody has replied to your review of {about}:")],
            mail.reply.clone(),
        ),
        _ => return None,
    };
    Some(Letter { subject, paragraphs, quote, footer })
}

fn about(mail: &Mail) -> &str {
    match (&mail.subject, mail.subject_type.as_str()) {
        (Some(title), _) => title,
        (None, "RIDE") => "your ride",
        (None, _) => "your purchase",
    }
}

fn stars(rating: i32) -> String {
    format!("{rating} star{}", if rating == 1 { "" } else { "s" })
}

fn note(mail: &Mail) -> String {
    mail.note.as_ref().map(|note| format!(" {note}")).unwrap_or_default()
}

fn grounds(mail: &Mail) -> &'static str {
    match mail.reason.as_deref() {
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
