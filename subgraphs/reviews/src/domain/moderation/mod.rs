//! Automatic moderation: signals about a text, each with a score and an explanation.
//!
//! The stars are no input here and must never become one: holding back reviews because they
//! are negative is forbidden (16 CFR 465), and [`Submission`] has no place for them.

mod language;
mod personal_data;
mod signals;

use std::fmt;
use std::str::FromStr;

use super::status::UnknownWord;

pub use personal_data::contains_card_number;

/// From this score on a person decides.
pub const QUEUE_FROM: u32 = 50;

/// What the rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    pub title: Option<&'a str>,
    pub body: Option<&'a str>,
    pub locale: &'a str,
    /// How many other people wrote the same or nearly the same text.
    pub same_text_by_others: u64,
}

/// Why something is held back, hidden or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    Spam,
    Profanity,
    HateOrHarassment,
    PersonalData,
    OffTopic,
    ConflictOfInterest,
    Fake,
    Legal,
    Other,
}

impl Reason {
    pub const ALL: [Self; 9] = [
        Self::Spam,
        Self::Profanity,
        Self::HateOrHarassment,
        Self::PersonalData,
        Self::OffTopic,
        Self::ConflictOfInterest,
        Self::Fake,
        Self::Legal,
        Self::Other,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spam => "SPAM",
            Self::Profanity => "PROFANITY",
            Self::HateOrHarassment => "HATE_OR_HARASSMENT",
            Self::PersonalData => "PERSONAL_DATA",
            Self::OffTopic => "OFF_TOPIC",
            Self::ConflictOfInterest => "CONFLICT_OF_INTEREST",
            Self::Fake => "FAKE",
            Self::Legal => "LEGAL",
            Self::Other => "OTHER",
        }
    }
}

impl FromStr for Reason {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == word)
            .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}

/// One thing a rule noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    pub reason: Reason,
    pub score: u32,
    /// What was seen, in words for the author and the moderator.
    pub finding: String,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.finding, self.score)
    }
}

/// What the rules say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub signals: Vec<Signal>,
}

impl Verdict {
    pub fn score(&self) -> u32 {
        self.signals.iter().map(|signal| signal.score).sum()
    }

    pub fn publishes(&self) -> bool {
        self.score() < QUEUE_FROM
    }

    /// The reason of the strongest signal; none when nothing was noticed.
    pub fn reason(&self) -> Option<Reason> {
        self.signals.iter().rev().max_by_key(|signal| signal.score).map(|signal| signal.reason)
    }

    /// All findings in one line; none when nothing was noticed.
    pub fn explanation(&self) -> Option<String> {
        let findings: Vec<String> = self.signals.iter().map(ToString::to_string).collect();
        (!findings.is_empty()).then(|| findings.join("; "))
    }
}

/// Applies every rule.
pub fn judge(submission: &Submission<'_>) -> Verdict {
    let text = match (submission.title, submission.body) {
        (Some(title), Some(body)) => format!("{title}\n{body}"),
        (one, other) => one.or(other).unwrap_or_default().to_owned(),
    };
    let signals = [
        signals::links(&text),
        signals::repetition(submission.same_text_by_others),
        signals::profanity(&text),
        signals::shouting(&text),
        personal_data::email(&text),
        personal_data::phone(&text),
        personal_data::iban(&text),
        language::mismatch(&text, submission.locale),
    ];
    Verdict { signals: signals.into_iter().flatten().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str) -> Verdict {
        judge(&Submission { title: None, body: Some(body), locale: "en", same_text_by_others: 0 })
    }

    #[test]
    fn ordinary_texts_are_published_whatever_they_think_of_the_product() {
        for body in [
            "Great kettle, boils fast and looks good.",
            "Terrible. It broke after 2 days and support did not answer for 3 weeks.",
            "Paid 129.99 on 2026-01-15, arrived 12:30 next day. Model X-2000, 1200x800 px.",
            "See the manual at https://example.com for details.",
            "It is damn good, no crap.",
            "OK",
            "",
        ] {
            let verdict = of(body);
            assert!(verdict.publishes(), "{body}: {:?}", verdict.explanation());
        }
    }

    #[test]
    fn each_rule_explains_itself() {
        let cases = [
            ("Buy at http://a.example and www.b.example now", Reason::Spam),
            ("Write me: jane.doe@example.org", Reason::PersonalData),
            ("Call +49 30 1234567 any time", Reason::PersonalData),
            ("Call (415) 555-0134 any time", Reason::PersonalData),
            ("Refund to DE89 3704 0044 0532 0130 00 please", Reason::PersonalData),
            ("fuck this shit, what a bitch", Reason::Profanity),
        ];
        for (body, reason) in cases {
            let verdict = of(body);
            assert!(!verdict.publishes(), "{body}: {verdict:?}");
            assert_eq!(verdict.reason(), Some(reason), "{body}");
            assert!(verdict.explanation().is_some());
        }
    }

    #[test]
    fn one_weak_signal_is_not_enough_and_two_are() {
        let shouting = of("THIS IS THE BEST KETTLE I EVER HAD");
        assert!(shouting.publishes() && shouting.score() > 0);
        let swearing = of("This is fucking great");
        assert!(swearing.publishes() && swearing.score() > 0);
        assert!(!of("THIS IS THE BEST FUCKING KETTLE I EVER HAD").publishes());
    }

    #[test]
    fn copies_count_by_how_many_people_wrote_them() {
        let judged = |others| {
            judge(&Submission {
                title: None,
                body: Some("the same words again"),
                locale: "en",
                same_text_by_others: others,
            })
        };
        assert!(judged(0).publishes());
        assert!(judged(4).publishes());
        assert!(!judged(5).publishes());
        assert_eq!(judged(5).reason(), Some(Reason::Spam));
    }
}
