//! Does the text speak the language it claims? Told by script and, for a few languages written
//! in Latin letters, by their most frequent words. When in doubt, it does.

use super::{Reason, Signal};

/// Frequent words that the other languages here do not share.
const FREQUENT: [(&str, &[&str]); 6] = [
    ("en", &["the", "and", "is", "it", "this", "with", "was", "for", "not", "very", "have"]),
    ("de", &["der", "die", "das", "und", "ist", "nicht", "mit", "sehr", "ich", "auch", "ein"]),
    ("fr", &["le", "les", "et", "est", "pas", "très", "avec", "pour", "je", "une", "mais"]),
    ("es", &["el", "los", "muy", "pero", "con", "para", "una", "está", "bien", "por", "más"]),
    ("it", &["il", "che", "molto", "non", "per", "sono", "gli", "della", "anche", "è", "ma"]),
    ("nl", &["het", "een", "niet", "met", "zeer", "ook", "van", "voor", "goed", "maar", "ik"]),
];

/// Words of another language needed before the text counts as written in it.
const MIN_WORDS: usize = 4;

pub(super) fn mismatch(text: &str, locale: &str) -> Option<Signal> {
    let language = locale.split('-').next().unwrap_or_default();
    let other = other_script(text, language).or_else(|| other_language(text, language))?;
    Some(Signal {
        reason: Reason::Other,
        score: 20,
        finding: format!("seems to be {other}, not `{locale}`"),
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Cyrillic,
    Greek,
    Arabic,
    Hebrew,
    EastAsian,
}

impl Script {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Latin, "in Latin letters"),
        (Self::Cyrillic, "in Cyrillic letters"),
        (Self::Greek, "in Greek letters"),
        (Self::Arabic, "in Arabic letters"),
        (Self::Hebrew, "in Hebrew letters"),
        (Self::EastAsian, "in East Asian characters"),
    ];

    fn of(c: char) -> Option<Self> {
        match u32::from(c) {
            0x41..=0x5A | 0x61..=0x7A | 0xC0..=0x24F => Some(Self::Latin),
            0x370..=0x3FF => Some(Self::Greek),
            0x400..=0x52F => Some(Self::Cyrillic),
            0x590..=0x5FF => Some(Self::Hebrew),
            0x600..=0x6FF => Some(Self::Arabic),
            0x3040..=0x30FF | 0x3400..=0x9FFF | 0xAC00..=0xD7AF => Some(Self::EastAsian),
            _ => None,
        }
    }

    /// The script of a language; none where we would guess.
    fn of_language(language: &str) -> Option<Self> {
        match language {
            "en" | "de" | "fr" | "es" | "it" | "nl" | "pt" | "pl" | "sv" | "da" | "fi" | "no"
            | "cs" | "tr" | "ro" | "hu" => Some(Self::Latin),
            "ru" | "uk" | "bg" => Some(Self::Cyrillic),
            "el" => Some(Self::Greek),
            "ar" | "fa" => Some(Self::Arabic),
            "he" => Some(Self::Hebrew),
            "ja" | "zh" | "ko" => Some(Self::EastAsian),
            _ => None,
        }
    }
}

fn other_script(text: &str, language: &str) -> Option<String> {
    let expected = Script::of_language(language)?;
    let letters: Vec<Script> = text.chars().filter_map(Script::of).collect();
    if letters.len() < 10 {
        return None;
    }
    Script::ALL.into_iter().filter(|(script, _)| *script != expected).find_map(|(script, name)| {
        let count = letters.iter().filter(|found| **found == script).count();
        (count * 10 > letters.len() * 7).then(|| name.to_owned())
    })
}

fn other_language(text: &str, language: &str) -> Option<String> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let hits = |list: &[&str]| words.iter().filter(|word| list.contains(&word.as_str())).count();
    let own = FREQUENT.iter().find(|(name, _)| *name == language).map(|(_, list)| hits(list))?;
    FREQUENT
        .iter()
        .filter(|(name, _)| *name != language)
        .map(|(name, list)| (*name, hits(list)))
        .max_by_key(|(_, count)| *count)
        .filter(|(_, count)| *count >= MIN_WORDS && *count > own * 3)
        .map(|(name, _)| format!("`{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_and_scripts() {
        let german = "Das ist nicht gut und die Tasse ist auch sehr klein mit einem Riss";
        assert!(mismatch(german, "en").is_some());
        assert!(mismatch(german, "de").is_none());
        assert!(mismatch("Очень хороший чайник, спасибо", "en").is_some());
        assert!(mismatch("Очень хороший чайник, спасибо", "ru").is_none());
        assert!(mismatch("とても良いです。また買います。ありがとう", "ja-JP").is_none());
        assert!(mismatch("Top!", "ja").is_none());
        assert!(mismatch("The kettle is very good and the lid is tight", "en").is_none());
    }
}
