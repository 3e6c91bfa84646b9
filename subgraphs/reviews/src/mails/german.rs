//! German.

use super::{Letter, Mail};

pub(super) fn letter(template: &str, mail: &Mail) -> Option<Letter> {
    let hello = match &mail.display_name {
        Some(name) => format!("Guten Tag {name},"),
        None => "Guten Tag,".to_owned(),
    };
    let (about, stars) = (about(mail), stars(mail.rating));
    let footer = format!(
        "Diese E-Mail erhalten Sie, weil Sie eine Bewertung geschrieben haben. Bewertung {}.",
        mail.review_id
    );
    let (subject, paragraphs, quote) = match template {
        "review_received" => (
            "Ihre Bewertung ist angekommen",
            vec![
                hello,
                format!("danke für Ihre Bewertung {about} ({stars})."),
                "Wir melden uns, sobald die Bewertung sichtbar ist. Wenn sie vorher jemand ansehen muss, dauert das meist weniger als einen Tag.".to_owned(),
            ],
            None,
        ),
        "review_published" => (
            "Ihre Bewertung ist veröffentlicht",
            vec![
                hello,
                format!("Ihre Bewertung {about} ({stars}) ist jetzt für alle sichtbar."),
                "Sie können sie jederzeit ändern oder löschen.".to_owned(),
            ],
            None,
        ),
        "review_rejected" => (
            "Ihre Bewertung wurde nicht veröffentlicht",
            vec![
                hello,
                format!("wir konnten Ihre Bewertung {about} nicht veröffentlichen."),
                format!("Grund: {}.{}", grounds(mail), note(mail)),
                "Wie viele Sterne Sie gegeben haben, spielte dabei keine Rolle. Sie können die Bewertung ändern; dann sieht sie noch einmal ein Mensch an.".to_owned(),
            ],
            None,
        ),
        "reply_received" => (
            "Es gibt eine Antwort auf Ihre Bewertung",
            vec![hello, format!("jemand hat auf Ihre Bewertung {about} geantwortet:")],
            mail.reply.clone(),
        ),
        _ => return None,
    };
    Some(Letter { subject, paragraphs, quote, footer })
}

fn about(mail: &Mail) -> String {
    match (&mail.subject, mail.subject_type.as_str()) {
        (Some(title), _) => format!("von „{title}“"),
        (None, "RIDE") => "Ihrer Fahrt".to_owned(),
        (None, _) => "Ihres Einkaufs".to_owned(),
    }
}

fn stars(rating: i32) -> String {
    format!("{rating} Stern{}", if rating == 1 { "" } else { "e" })
}

fn note(mail: &Mail) -> String {
    mail.note.as_ref().map(|note| format!(" {note}")).unwrap_or_default()
}

fn grounds(mail: &Mail) -> &'static str {
    match mail.reason.as_deref() {
        Some("SPAM") => "sie sieht nach Werbung oder einer Kopie aus",
        Some("PROFANITY") => "ihre Ausdrucksweise",
        Some("HATE_OR_HARASSMENT") => "sie greift Menschen an",
        Some("PERSONAL_DATA") => "sie enthält persönliche Daten",
        Some("OFF_TOPIC") => "sie handelt von etwas anderem",
        Some("CONFLICT_OF_INTEREST") => "ein Interessenkonflikt",
        Some("FAKE") => "sie wirkt nicht echt",
        Some("LEGAL") => "rechtliche Gründe",
        _ => "sie hält sich nicht an die Regeln für Bewertungen",
    }
}
