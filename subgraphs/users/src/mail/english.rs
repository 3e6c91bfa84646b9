//! English, the language every mail exists in.

use super::{Action, Letter, Writing};
use crate::token::one_time::Kind;

const ACCOUNT: &str =
    "You get this mail because of something that happened to your Concord account.";
const ADDRESS: &str = "You get this mail because somebody used your address at Concord.";

pub(super) fn letter(template: &str, writing: &Writing<'_>) -> Option<Letter> {
    let name = &writing.data.name;
    let hello = format!("Hello {name},");
    let time = writing.time();
    let letter = match template {
        "verify_email" => Letter {
            subject: "Confirm your e-mail address".to_owned(),
            paragraphs: vec![
                hello,
                "welcome to Concord. Please confirm that this address is yours; the link works once, for 24 hours.".to_owned(),
                "If you did not register, ignore this mail: nothing happens without your confirmation.".to_owned(),
            ],
            action: Some(Action {
                label: "Confirm address",
                url: writing.link("verify-email", Kind::Verify),
            }),
            footer: ADDRESS,
        },
        "already_registered" => Letter {
            subject: "You already have an account".to_owned(),
            paragraphs: vec![
                hello,
                "somebody, probably you, tried to register with this address. It has an account already, so nothing was changed.".to_owned(),
                "If you forgot your password, you can set a new one.".to_owned(),
            ],
            action: Some(Action { label: "Set a new password", url: writing.page("forgot-password") }),
            footer: ADDRESS,
        },
        "password_reset" => Letter {
            subject: "Set a new password".to_owned(),
            paragraphs: vec![
                hello,
                "somebody asked for a new password for your account. The link works once, for 30 minutes.".to_owned(),
                "If it was not you, ignore this mail: your password stays as it is.".to_owned(),
            ],
            action: Some(Action {
                label: "Set a new password",
                url: writing.link("reset-password", Kind::Reset),
            }),
            footer: ADDRESS,
        },
        "password_changed" => Letter {
            subject: "Your password was changed".to_owned(),
            paragraphs: vec![
                hello,
                format!("the password of your account was changed on {time}. All other devices were logged out."),
                "If it was not you, set a new password now.".to_owned(),
            ],
            action: Some(Action { label: "Set a new password", url: writing.page("forgot-password") }),
            footer: ACCOUNT,
        },
        "email_change_confirm" => Letter {
            subject: "Confirm your new e-mail address".to_owned(),
            paragraphs: vec![
                hello,
                "please confirm that this is the new address of your account. The link works once, for one hour.".to_owned(),
            ],
            action: Some(Action {
                label: "Confirm new address",
                url: writing.link("confirm-email-change", Kind::EmailChange),
            }),
            footer: ADDRESS,
        },
        "email_change_notice" => Letter {
            subject: "The e-mail address of your account is changing".to_owned(),
            paragraphs: vec![
                hello,
                format!(
                    "the address of your account was changed to {} on {time}.",
                    writing.data.new_email.as_deref().unwrap_or("another one"),
                ),
                "If it was not you, undo it with this link within seven days; it also logs out every device.".to_owned(),
            ],
            action: Some(Action {
                label: "Undo the change",
                url: writing.link("confirm-email-change", Kind::Undo),
            }),
            footer: ACCOUNT,
        },
        "new_device" => Letter {
            subject: "New log-in to your account".to_owned(),
            paragraphs: vec![
                hello,
                format!(
                    "somebody logged in on {time} from a device we have not seen before: {} ({}).",
                    writing.data.device.as_deref().unwrap_or("unknown device"),
                    writing.data.ip.as_deref().unwrap_or("unknown address"),
                ),
                "If it was not you, set a new password now.".to_owned(),
            ],
            action: Some(Action { label: "Set a new password", url: writing.page("forgot-password") }),
            footer: ACCOUNT,
        },
        "token_reuse" => Letter {
            subject: "We ended a session of your account".to_owned(),
            paragraphs: vec![
                hello,
                format!("on {time} a log-in of yours was used from two places at once. It may have been copied, so we ended that session on both."),
                "Please log in again, and set a new password if this surprises you.".to_owned(),
            ],
            action: Some(Action { label: "Set a new password", url: writing.page("forgot-password") }),
            footer: ACCOUNT,
        },
        "mfa_changed" => Letter {
            subject: "Two-step log-in was changed".to_owned(),
            paragraphs: vec![
                hello,
                format!(
                    "two-step log-in of your account was changed on {time}: {}.",
                    writing.data.detail.as_deref().unwrap_or("see your account"),
                ),
                "If it was not you, set a new password now.".to_owned(),
            ],
            action: Some(Action { label: "Set a new password", url: writing.page("forgot-password") }),
            footer: ACCOUNT,
        },
        "account_export" => Letter {
            subject: "Your data is ready".to_owned(),
            paragraphs: vec![
                hello,
                "here is the copy of your data you asked for. The link works for 24 hours.".to_owned(),
            ],
            action: Some(Action {
                label: "Download",
                url: writing.service_link("account/export", Kind::Export),
            }),
            footer: ACCOUNT,
        },
        "account_erased" => Letter {
            subject: "Your account is going to be erased".to_owned(),
            paragraphs: vec![
                hello,
                format!("on {time} your account was closed. In 72 hours everything that names you will be erased."),
                "If you change your mind, log in before that.".to_owned(),
            ],
            action: None,
            footer: ACCOUNT,
        },
        _ => return None,
    };
    Some(letter)
}
