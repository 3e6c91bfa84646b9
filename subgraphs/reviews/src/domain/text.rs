//! Cleaning of what people write: NFC, no control or direction-override characters, trimmed,
//! limited in code points. Markup is text: escaping belongs to whoever shows it.

use unicode_normalization::UnicodeNormalization as _;

pub const MAX_TITLE: usize = 120;
pub const MAX_BODY: usize = 5_000;
pub const MAX_REPLY: usize = 2_000;
pub const MAX_NOTE: usize = 1_000;

/// Why a text cannot be taken as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is {length} characters long; at most {limit} are allowed")]
pub struct TooLong {
    pub length: usize,
    pub limit: usize,
}

/// A text of one line: line breaks and tabs become spaces. None when nothing is left.
pub fn clean_line(raw: &str, limit: usize) -> Result<Option<String>, TooLong> {
    let spaced: String =
        raw.chars().map(|c| if c == '\n' || c == '\r' || c == '\t' { ' ' } else { c }).collect();
    limited(strip(&spaced), limit)
}

/// A text of several lines: line breaks are kept as `\n`. None when nothing is left.
pub fn clean_text(raw: &str, limit: usize) -> Result<Option<String>, TooLong> {
    let unix = raw.replace("\r\n", "\n").replace('\r', "\n");
    limited(strip(&unix), limit)
}

fn strip(raw: &str) -> String {
    let kept: String = raw
        .nfc()
        .filter(|&c| c == '\n' || c == '\t' || !(c.is_control() || is_invisible_control(c)))
        .collect();
    kept.trim().to_owned()
}

/// Direction overrides and marks, byte-order marks, interlinear and tag characters: none of
/// them is text, all of them can make text look like something else. Joiners are kept: scripts
/// and emoji need them.
fn is_invisible_control(c: char) -> bool {
    matches!(c,
        '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}' | '\u{2029}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}'
        | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

fn limited(text: String, limit: usize) -> Result<Option<String>, TooLong> {
    let length = text.chars().count();
    if length > limit {
        return Err(TooLong { length, limit });
    }
    Ok((!text.is_empty()).then_some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_override_characters_vanish_and_markup_stays() {
        let cleaned = clean_text("  <b>Gr\u{202E}eat</b>\u{0000}\u{200B}\r\nnew line \u{7}", 100);
        assert_eq!(cleaned, Ok(Some("<b>Great</b>\nnew line".to_owned())));
    }

    #[test]
    fn length_counts_composed_code_points() {
        // e + combining acute composes to one code point.
        assert_eq!(clean_line("e\u{301}", 1), Ok(Some("é".to_owned())));
        assert_eq!(clean_line("ab", 1), Err(TooLong { length: 2, limit: 1 }));
        assert!(clean_text(&"ä".repeat(MAX_BODY), MAX_BODY).is_ok());
        assert!(clean_text(&"ä".repeat(MAX_BODY + 1), MAX_BODY).is_err());
    }

    #[test]
    fn nothing_but_space_is_nothing() {
        assert_eq!(clean_text(" \n\t ", 10), Ok(None));
        assert_eq!(clean_line("a\nb", 10), Ok(Some("a b".to_owned())));
    }

    #[test]
    fn emoji_sequences_survive() {
        assert_eq!(clean_line("👩‍🔧", 10), Ok(Some("👩‍🔧".to_owned())));
    }
}
