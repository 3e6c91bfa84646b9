//! German.

use super::{Action, Letter, Writing};
use crate::token::one_time::Kind;

const ACCOUNT: &str =
    "Diese E-Mail erhalten Sie, weil sich an Ihrem Concord-Konto etwas geändert hat.";
const ADDRESS: &str =
    "Diese E-Mail erhalten Sie, weil jemand Ihre Adresse bei Concord verwendet hat.";
const NEW_PASSWORD: &str = "Neues Passwort setzen";
const NOT_YOU: &str = "Wenn Sie das nicht waren, setzen Sie jetzt ein neues Passwort.";

pub(super) fn letter(template: &str, writing: &Writing<'_>) -> Option<Letter> {
    let name = &writing.data.name;
    let hello = format!("Guten Tag {name},");
    let time = writing.time();
    let forgot = || Some(Action { label: NEW_PASSWORD, url: writing.page("forgot-password") });
    let letter = match template {
        "verify_email" => Letter {
            subject: "Bestätigen Sie Ihre E-Mail-Adresse".to_owned(),
            paragraphs: vec![
                hello,
                "willkommen bei Concord. Bitte bestätigen Sie, dass diese Adresse Ihnen gehört; der Link gilt einmal, 24 Stunden lang.".to_owned(),
                "Wenn Sie sich nicht angemeldet haben, ignorieren Sie diese E-Mail: ohne Ihre Bestätigung geschieht nichts.".to_owned(),
            ],
            action: Some(Action {
                label: "Adresse bestätigen",
                url: writing.link("verify-email", Kind::Verify),
            }),
            footer: ADDRESS,
        },
        "already_registered" => Letter {
            subject: "Sie haben schon ein Konto".to_owned(),
            paragraphs: vec![
                hello,
                "jemand, vermutlich Sie, wollte sich mit dieser Adresse registrieren. Sie hat schon ein Konto, darum wurde nichts geändert.".to_owned(),
                "Wenn Sie Ihr Passwort vergessen haben, können Sie ein neues setzen.".to_owned(),
            ],
            action: forgot(),
            footer: ADDRESS,
        },
        "password_reset" => Letter {
            subject: NEW_PASSWORD.to_owned(),
            paragraphs: vec![
                hello,
                "jemand hat ein neues Passwort für Ihr Konto angefordert. Der Link gilt einmal, 30 Minuten lang.".to_owned(),
                "Wenn Sie das nicht waren, ignorieren Sie diese E-Mail: Ihr Passwort bleibt, wie es ist.".to_owned(),
            ],
            action: Some(Action {
                label: NEW_PASSWORD,
                url: writing.link("reset-password", Kind::Reset),
            }),
            footer: ADDRESS,
        },
        "password_changed" => Letter {
            subject: "Ihr Passwort wurde geändert".to_owned(),
            paragraphs: vec![
                hello,
                format!("das Passwort Ihres Kontos wurde am {time} geändert. Alle anderen Geräte wurden abgemeldet."),
                NOT_YOU.to_owned(),
            ],
            action: forgot(),
            footer: ACCOUNT,
        },
        "email_change_confirm" => Letter {
            subject: "Bestätigen Sie Ihre neue E-Mail-Adresse".to_owned(),
            paragraphs: vec![
                hello,
                "bitte bestätigen Sie, dass dies die neue Adresse Ihres Kontos ist. Der Link gilt einmal, eine Stunde lang.".to_owned(),
            ],
            action: Some(Action {
                label: "Neue Adresse bestätigen",
                url: writing.link("confirm-email-change", Kind::EmailChange),
            }),
            footer: ADDRESS,
        },
        "email_change_notice" => Letter {
            subject: "Die E-Mail-Adresse Ihres Kontos ändert sich".to_owned(),
            paragraphs: vec![
                hello,
                format!(
                    "die Adresse Ihres Kontos wurde am {time} auf {} geändert.",
                    writing.data.new_email.as_deref().unwrap_or("eine andere"),
                ),
                "Wenn Sie das nicht waren, machen Sie es mit diesem Link innerhalb von sieben Tagen rückgängig; er meldet auch alle Geräte ab.".to_owned(),
            ],
            action: Some(Action {
                label: "Änderung rückgängig machen",
                url: writing.link("confirm-email-change", Kind::Undo),
            }),
            footer: ACCOUNT,
        },
        "new_device" => Letter {
            subject: "Neue Anmeldung an Ihrem Konto".to_owned(),
            paragraphs: vec![
                hello,
                format!(
                    "am {time} hat sich jemand mit einem Gerät angemeldet, das wir noch nicht kennen: {} ({}).",
                    writing.data.device.as_deref().unwrap_or("unbekanntes Gerät"),
                    writing.data.ip.as_deref().unwrap_or("unbekannte Adresse"),
                ),
                NOT_YOU.to_owned(),
            ],
            action: forgot(),
            footer: ACCOUNT,
        },
        "token_reuse" => Letter {
            subject: "Wir haben eine Anmeldung Ihres Kontos beendet".to_owned(),
            paragraphs: vec![
                hello,
                format!("am {time} wurde eine Ihrer Anmeldungen an zwei Orten zugleich verwendet. Vielleicht wurde sie kopiert; darum haben wir sie an beiden beendet."),
                "Bitte melden Sie sich neu an, und setzen Sie ein neues Passwort, wenn Sie das überrascht.".to_owned(),
            ],
            action: forgot(),
            footer: ACCOUNT,
        },
        "mfa_changed" => Letter {
            subject: "Ihre Anmeldung in zwei Schritten wurde geändert".to_owned(),
            paragraphs: vec![
                hello,
                format!(
                    "die Anmeldung in zwei Schritten wurde am {time} geändert: {}.",
                    writing.data.detail.as_deref().unwrap_or("siehe Ihr Konto"),
                ),
                NOT_YOU.to_owned(),
            ],
            action: forgot(),
            footer: ACCOUNT,
        },
        "account_export" => Letter {
            subject: "Ihre Daten liegen bereit".to_owned(),
            paragraphs: vec![
                hello,
                "hier ist die angeforderte Kopie Ihrer Daten. Der Link gilt 24 Stunden lang.".to_owned(),
            ],
            action: Some(Action {
                label: "Herunterladen",
                url: writing.service_link("account/export", Kind::Export),
            }),
            footer: ACCOUNT,
        },
        "account_erased" => Letter {
            subject: "Ihr Konto wird gelöscht".to_owned(),
            paragraphs: vec![
                hello,
                format!("am {time} wurde Ihr Konto geschlossen. In 72 Stunden wird alles gelöscht, was Sie nennt."),
                "Wenn Sie es sich anders überlegen, melden Sie sich vorher an.".to_owned(),
            ],
            action: None,
            footer: ACCOUNT,
        },
        _ => return None,
    };
    Some(letter)
}
