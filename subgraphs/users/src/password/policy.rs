//! Which passwords are good enough: long, not guessable, not made of the person's own words.
//!
//! No composition rules, no rotation, no hints. Common passwords are the 30 000 of zxcvbn's
//! frequency list: one that consists of nothing else scores below the limit.

use zxcvbn::zxcvbn;

use super::Password;

pub const MIN_LENGTH: usize = 15;
/// A second factor carries part of the weight.
pub const MIN_LENGTH_WITH_MFA: usize = 8;
pub const MAX_LENGTH: usize = 128;
const MIN_SCORE: u8 = 3;
/// Fewer edits than this from a word of the person's own is that word.
const MIN_DISTANCE: usize = 5;
/// Shorter words occur in any text by chance.
const MIN_WORD: usize = 4;
const SERVICE_NAME: &str = "concord marketplace";

/// What an attacker who aims at this person would try first.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub email_local_part: &'a str,
    pub display_name: &'a str,
    pub mfa_enabled: bool,
}

/// Why a password is refused: zxcvbn's score of 0 to 4, and what would help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WeakPassword {
    pub message: String,
    pub score: u8,
    pub suggestions: Vec<String>,
}

/// Takes some milliseconds for long passwords: not for the async threads.
pub fn check(password: &Password, context: Context<'_>) -> Result<(), WeakPassword> {
    let text = password.expose();
    let length = text.chars().count();
    let min = if context.mfa_enabled { MIN_LENGTH_WITH_MFA } else { MIN_LENGTH };
    if length < min {
        return Err(refuse(
            format!("password must have at least {min} characters"),
            0,
            vec!["Use several words that have nothing to do with each other.".to_owned()],
        ));
    }
    if length > MAX_LENGTH {
        return Err(refuse(
            format!("password must have at most {MAX_LENGTH} characters"),
            4,
            vec!["Use a shorter password.".to_owned()],
        ));
    }
    if let Some(word) = own_word(text, context) {
        return Err(refuse(
            format!("password must not be made of {word}"),
            1,
            vec!["Use words that nobody connects with you.".to_owned()],
        ));
    }
    let estimate =
        zxcvbn(text, &[context.email_local_part, context.display_name, SERVICE_NAME, "concord"]);
    let score = u8::from(estimate.score());
    if score >= MIN_SCORE {
        return Ok(());
    }
    let mut suggestions = Vec::new();
    if let Some(feedback) = estimate.feedback() {
        suggestions.extend(feedback.warning().map(|warning| warning.to_string()));
        suggestions.extend(feedback.suggestions().iter().map(ToString::to_string));
    }
    Err(refuse("password is too easy to guess".to_owned(), score, suggestions))
}

/// A password that others know already, however good it is otherwise.
pub fn leaked() -> WeakPassword {
    refuse(
        "password has appeared in a data leak".to_owned(),
        0,
        vec!["Use a password that you have never used elsewhere.".to_owned()],
    )
}

fn refuse(message: String, score: u8, suggestions: Vec<String>) -> WeakPassword {
    WeakPassword { message, score, suggestions }
}

/// Names the kind of word, never the word: the message may be logged by a client.
fn own_word(password: &str, context: Context<'_>) -> Option<&'static str> {
    let password = password.to_lowercase();
    let words = [
        (context.email_local_part, "your e-mail address"),
        (context.display_name, "your name"),
        (SERVICE_NAME, "the name of this service"),
    ];
    words.into_iter().find(|(word, _)| is_close(&password, &word.to_lowercase())).map(|it| it.1)
}

fn is_close(password: &str, word: &str) -> bool {
    let password: Vec<char> = password.chars().collect();
    let word: Vec<char> = word.chars().collect();
    if word.len() < MIN_WORD {
        return false;
    }
    let common = longest_common_substring(&password, &word);
    common == word.len() || 2 * common > password.len() || distance(&password, &word) < MIN_DISTANCE
}

fn longest_common_substring(left: &[char], right: &[char]) -> usize {
    let mut previous = vec![0; right.len() + 1];
    let mut longest = 0;
    for a in left {
        let mut row = vec![0; right.len() + 1];
        for (index, b) in right.iter().enumerate() {
            if a == b {
                row[index + 1] = previous[index] + 1;
                longest = longest.max(row[index + 1]);
            }
        }
        previous = row;
    }
    longest
}

/// Levenshtein's.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1; right.len() + 1];
        for (j, b) in right.iter().enumerate() {
            let substitution = previous[j] + usize::from(a != b);
            row[j + 1] = substitution.min(previous[j + 1] + 1).min(row[j] + 1);
        }
        previous = row;
    }
    previous[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: Context<'_> = Context {
        email_local_part: "ada.lovelace",
        display_name: "Ada Lovelace",
        mfa_enabled: false,
    };

    fn check_score(password: &str) -> Option<u8> {
        check(&Password::new(password).unwrap(), ADA).err().map(|weak| weak.score)
    }

    #[test]
    fn passphrases_pass() {
        for password in [
            "violet-tractor-humming-lake",
            "kettle orbit mustard fjord",
            "\u{5c71}\u{306e}\u{4e0a}\u{306b}\u{9752}\u{3044}\u{96ea}\u{304c}\u{964d}\u{308b}\u{591c}\u{306b}\u{6b4c}\u{3046}\u{9ce5}",
        ] {
            assert_eq!(check_score(password), None, "{password}");
        }
    }

    #[test]
    fn short_and_overlong_ones_are_refused() {
        assert_eq!(check_score("xK9#mQ2$vL5!pT"), Some(0));
        assert_eq!(check_score(&"violet tractor ".repeat(9)), Some(4));
    }

    #[test]
    fn eight_are_enough_beside_a_second_factor() {
        let context = Context { mfa_enabled: true, ..ADA };
        assert!(check(&Password::new("xK9#mQ2$v").unwrap(), context).is_ok());
        assert!(check(&Password::new("xK9#mQ2").unwrap(), context).is_err());
    }

    #[test]
    fn repeated_and_common_ones_are_refused() {
        for password in
            ["aaaaaaaaaaaaaaaaaaaa", "passwordpassword", "123456789012345678", "qwertyuiopasdfgh"]
        {
            assert!(check_score(password).is_some_and(|score| score < 3), "{password}");
        }
    }

    #[test]
    fn own_words_are_refused() {
        for password in
            ["ada.lovelace1843!", "Ada Lovelace 99", "concord marketplace!", "lovelaceada.lovelace"]
        {
            assert_eq!(check_score(password), Some(1), "{password}");
        }
    }

    #[test]
    fn full_width_letters_count_as_their_plain_form() {
        assert_eq!(Password::new("\u{ff41}\u{ff44}\u{ff41}").unwrap().expose(), "ada");
        assert!(Password::new(&"a".repeat(5000)).is_none());
    }
}
