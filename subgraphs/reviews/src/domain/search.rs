//! The words of a text as both engines index them, so that a search finds the same reviews on
//! each: compatibility-decomposed, without accents, lower case, letters and digits only.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Most words of a query that count; the rest is ignored.
const MAX_QUERY_WORDS: usize = 8;

/// Folds a text into words separated by single spaces.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.nfkd().filter(|&c| !is_combining_mark(c)).flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            if gap && !folded.is_empty() {
                folded.push(' ');
            }
            gap = false;
            // ß and its like have no decomposition; readers type "ss".
            if c == 'ß' { folded.push_str("ss") } else { folded.push(c) }
        } else {
            gap = true;
        }
    }
    folded
}

/// The words a search asks for; each must occur, the last one as the beginning of a word.
pub fn query_words(search: &str) -> Vec<String> {
    fold(search)
        .split(' ')
        .filter(|word| !word.is_empty())
        .take(MAX_QUERY_WORDS)
        .map(str::to_owned)
        .collect()
}

/// The query in FTS5's language. Words are quoted, so nothing in them is an operator.
pub fn fts5_query(words: &[String]) -> String {
    joined(words, " AND ", |word, last| format!("\"{word}\"{}", if last { " *" } else { "" }))
}

/// The query in PostgreSQL's `to_tsquery` language.
pub fn tsquery(words: &[String]) -> String {
    joined(words, " & ", |word, last| format!("'{word}'{}", if last { ":*" } else { "" }))
}

fn joined(words: &[String], with: &str, each: impl Fn(&str, bool) -> String) -> String {
    let last = words.len().saturating_sub(1);
    let terms: Vec<String> =
        words.iter().enumerate().map(|(at, word)| each(word, at == last)).collect();
    terms.join(with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_drops_case_accents_and_punctuation() {
        assert_eq!(fold("  Größe: perfékt!\nTop-Qualität "), "grosse perfekt top qualitat");
        assert_eq!(fold("Ｆｕｌｌ width №5"), "full width no5");
        assert_eq!(fold("!!!"), "");
    }

    #[test]
    fn operators_in_a_search_are_only_text() {
        let words = query_words("batt\" OR 1=1 -- NEAR(a b)* it's");
        assert_eq!(fts5_query(&words[..2]), "\"batt\" AND \"or\" *");
        assert!(words.iter().all(|word| word.chars().all(char::is_alphanumeric)));
        assert_eq!(tsquery(&query_words("good Battery")), "'good' & 'battery':*");
    }
}
