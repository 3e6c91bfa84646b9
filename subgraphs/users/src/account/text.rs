//! Text that people type and others see: one line, composed (NFC), without characters that
//! hide or reorder what is shown.

use unicode_normalization::UnicodeNormalization;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("must have at least {min} characters")]
    TooShort { min: usize },
    #[error("must have at most {max} characters")]
    TooLong { max: usize },
    #[error("must not contain control, invisible or direction-changing characters")]
    ForbiddenCharacter,
}

impl TextError {
    /// The code that clients localise on.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooShort { .. } => "TOO_SHORT",
            Self::TooLong { .. } => "TOO_LONG",
            Self::ForbiddenCharacter => "FORBIDDEN_CHARACTER",
        }
    }
}

/// One line of visible text, trimmed, with single spaces, `min` to `max` code points long.
pub fn line(input: &str, min: usize, max: usize) -> Result<String, TextError> {
    // Nobody needs the work of normalising a megabyte to learn that it is too long.
    if input.len() > max.saturating_mul(16) + 64 {
        return Err(TextError::TooLong { max });
    }
    if input.chars().any(is_forbidden) {
        return Err(TextError::ForbiddenCharacter);
    }
    let text = input.nfc().collect::<String>();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.chars().count() {
        length if length < min => Err(TextError::TooShort { min }),
        length if length > max => Err(TextError::TooLong { max }),
        _ => Ok(text),
    }
}

/// Controls, bidi marks and overrides, line separators, invisible fillers, private use,
/// non-characters. The joiners U+200C and U+200D stay: Persian and emoji need them.
fn is_forbidden(char: char) -> bool {
    char.is_control()
        || matches!(u32::from(char),
            0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F
            | 0x200B | 0x200E | 0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFEFF
            | 0xFFA0 | 0xFFF0..=0xFFFB | 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xE0000..=0xE0FFF
            | 0xF0000..=0x0010_FFFF)
        || u32::from(char) & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitespace_is_trimmed_and_joined() {
        assert_eq!(line("  Ada \u{a0} Lovelace ", 2, 40), Ok("Ada Lovelace".to_owned()));
    }

    #[test]
    fn decomposed_letters_are_composed() {
        assert_eq!(line("Zoe\u{308}", 2, 40), Ok("Zo\u{eb}".to_owned()));
    }

    #[test]
    fn what_hides_or_reorders_text_is_refused() {
        for text in
            ["ab\u{202e}cd", "ab\u{200b}cd", "ab\ncd", "ab\u{0}cd", "ab\u{2066}cd", "\u{feff}abc"]
        {
            assert_eq!(line(text, 2, 40), Err(TextError::ForbiddenCharacter), "{text:?}");
        }
    }

    #[test]
    fn length_is_counted_in_code_points() {
        assert!(line(&"\u{1f600}".repeat(40), 2, 40).is_ok());
        assert_eq!(line(&"a".repeat(41), 2, 40), Err(TextError::TooLong { max: 40 }));
        assert_eq!(line(" a ", 2, 40), Err(TextError::TooShort { min: 2 }));
        assert_eq!(line(&"a".repeat(1 << 20), 2, 40), Err(TextError::TooLong { max: 40 }));
    }
}
