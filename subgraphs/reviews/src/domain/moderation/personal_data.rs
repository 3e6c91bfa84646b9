//! Rules that find people's data: e-mail addresses, telephone numbers, account and card
//! numbers. Checksums keep model numbers and prices out.

use super::{Reason, Signal};

const SCORE: u32 = 60;

fn found(finding: &str) -> Signal {
    Signal { reason: Reason::PersonalData, score: SCORE, finding: finding.to_owned() }
}

pub(super) fn email(text: &str) -> Option<Signal> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    text.match_indices('@')
        .any(|(at, _)| {
            let local = text[..at].chars().next_back().is_some_and(is_part);
            let rest = &text[at + 1..];
            let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
            let host = rest[..end].trim_end_matches('.');
            let top = host.rsplit_once('.').map(|(_, top)| top);
            local && top.is_some_and(|top| top.len() >= 2 && top.chars().all(char::is_alphabetic))
        })
        .then(|| found("an e-mail address"))
}

/// Numbers dialled with `+` or `0` in front, or grouped like `(415) 555-0134`.
pub(super) fn phone(text: &str) -> Option<Signal> {
    runs(text, |c| matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '+'))
        .iter()
        .any(|run| {
            let digits = run.chars().filter(char::is_ascii_digit).count();
            let international = run.starts_with('+') && (8..=15).contains(&digits);
            let national = run.trim_start_matches('(').starts_with('0')
                && (9..=12).contains(&digits)
                && !run.contains('.');
            international || national || groups(run) == [3, 3, 4] || groups(run) == [1, 3, 3, 4]
        })
        .then(|| found("a telephone number"))
}

fn groups(run: &str) -> Vec<usize> {
    run.split(|c: char| !c.is_ascii_digit()).map(str::len).filter(|length| *length > 0).collect()
}

/// An international bank account number with a right checksum.
pub(super) fn iban(text: &str) -> Option<Signal> {
    let compact: Vec<char> =
        text.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_uppercase()).collect();
    (0..compact.len())
        .any(|start| is_iban_at(&compact[start..]))
        .then(|| found("a bank account number"))
}

fn is_iban_at(text: &[char]) -> bool {
    let head = text.len() >= 15
        && text[..2].iter().all(char::is_ascii_uppercase)
        && text[2..4].iter().all(char::is_ascii_digit);
    if !head {
        return false;
    }
    let length = text.iter().take(34).take_while(|c| c.is_ascii_alphanumeric()).count();
    (15..=length).any(|length| {
        let digits = text[4..length].iter().filter(|c| c.is_ascii_digit()).count();
        digits >= 8 && mod_97(&text[..length]) == 1
    })
}

fn mod_97(iban: &[char]) -> u32 {
    iban[4..].iter().chain(&iban[..4]).fold(0, |rest, c| {
        let value = c.to_digit(36).unwrap_or_default();
        if value > 9 { (rest * 100 + value) % 97 } else { (rest * 10 + value) % 97 }
    })
}

/// A payment card number: 13 to 19 digits with a right checksum. Such a text is refused, not
/// queued, because even the queue must not store it.
pub fn contains_card_number(text: &str) -> bool {
    runs(text, |c| matches!(c, ' ' | '-')).iter().any(|run| {
        let digits: Vec<u32> = run.chars().filter_map(|c| c.to_digit(10)).collect();
        (13..=19).contains(&digits.len()) && (2..=6).contains(&digits[0]) && luhn(&digits)
    })
}

fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Longest stretches of digits and separators that begin with a digit, `+` or `(`.
fn runs(text: &str, is_separator: impl Fn(char) -> bool) -> Vec<String> {
    text.split(|c: char| !(c.is_ascii_digit() || is_separator(c)))
        .map(|run| run.trim_matches(|c: char| !(c.is_ascii_digit() || c == '+' || c == '(')))
        .filter(|run| run.contains(|c: char| c.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_need_the_checksum() {
        assert!(contains_card_number("my card is 4242 4242 4242 4242, thanks"));
        assert!(contains_card_number("378282246310005"));
        assert!(!contains_card_number("4242 4242 4242 4241"));
        assert!(!contains_card_number("EAN 4006381333931 is on the box, 1234567"));
    }

    #[test]
    fn account_numbers_need_the_checksum() {
        assert!(iban("gb82west12345698765432").is_some());
        assert!(iban("GB82 WEST 1234 5698 7654 33").is_none());
        assert!(iban("Model AB12 with 345 678 910 parts and more").is_none());
    }

    #[test]
    fn addresses_and_numbers() {
        assert!(email("a@b.co.").is_some());
        assert!(email("cost @ 5.00, 3@home").is_none());
        assert!(phone("0171-2345678").is_some());
        assert!(phone("0.5 mm to 0.75 mm, 2026-01-15 08").is_none());
    }
}
