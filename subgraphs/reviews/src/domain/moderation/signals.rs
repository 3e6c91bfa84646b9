//! Rules about how a text is written: links, copies, swearing, shouting.

use rustrict::{CensorStr as _, Type};

use super::{Reason, Signal};

/// One link may help a reader; more are advertising.
pub(super) fn links(text: &str) -> Option<Signal> {
    let lower = text.to_lowercase();
    let schemes = lower.matches("http://").count() + lower.matches("https://").count();
    let bare = lower.matches("www.").count()
        - lower.matches("http://www.").count()
        - lower.matches("https://www.").count();
    let links = u32::try_from(schemes + bare).unwrap_or(u32::MAX);
    (links > 0).then(|| Signal {
        reason: Reason::Spam,
        score: links.saturating_mul(30).min(90),
        finding: format!("{links} link{}", if links == 1 { "" } else { "s" }),
    })
}

/// The same words by several people. A few may have copied each other innocently.
pub(super) fn repetition(others: u64) -> Option<Signal> {
    let score = match others {
        0 | 1 => return None,
        2..=4 => 20,
        _ => 60,
    };
    Some(Signal {
        reason: Reason::Spam,
        score,
        finding: format!("same text as {others} other authors"),
    })
}

/// Swear words. A single one is never reason enough: word lists err.
pub(super) fn profanity(text: &str) -> Option<Signal> {
    let strong = (Type::PROFANE | Type::OFFENSIVE | Type::SEXUAL) & Type::MODERATE_OR_HIGHER;
    let count = text.split_whitespace().filter(|word| word.is(strong)).count();
    let score = match count {
        0 => return None,
        1 => 40,
        _ => 60,
    };
    Some(Signal {
        reason: Reason::Profanity,
        score,
        finding: format!("{count} swear word{}", if count == 1 { "" } else { "s" }),
    })
}

/// Mostly capitals in a text long enough to tell.
pub(super) fn shouting(text: &str) -> Option<Signal> {
    let capitals = text.chars().filter(|c| c.is_uppercase()).count();
    let letters = capitals + text.chars().filter(|c| c.is_lowercase()).count();
    (letters >= 20 && capitals * 10 > letters * 7).then(|| Signal {
        reason: Reason::Other,
        score: 25,
        finding: "written in capitals".to_owned(),
    })
}
