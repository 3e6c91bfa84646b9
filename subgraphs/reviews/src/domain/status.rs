//! The states of a review and the moves between them.
//!
//! `PENDING → PUBLISHED | REJECTED`, `PUBLISHED → HIDDEN → PUBLISHED`, `REJECTED → PENDING` by
//! an edit, and from everywhere to `DELETED` by the author.

use std::fmt;
use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    Pending,
    Published,
    Rejected,
    Hidden,
    Deleted,
}

/// What can happen to a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Publish,
    Reject,
    Hide,
    /// The author changed the text or the rating.
    Edit,
    Delete,
}

/// The move is not possible from this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a review that is {from} cannot take the step {step:?}")]
pub struct IllegalMove {
    pub from: Status,
    pub step: Move,
}

impl Status {
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Published, Self::Rejected, Self::Hidden, Self::Deleted];

    /// The state after the move.
    pub fn after(self, step: Move) -> Result<Self, IllegalMove> {
        match (self, step) {
            (Self::Deleted, _) => Err(IllegalMove { from: self, step }),
            (_, Move::Delete) => Ok(Self::Deleted),
            (Self::Pending | Self::Hidden, Move::Publish) => Ok(Self::Published),
            (Self::Pending, Move::Reject) => Ok(Self::Rejected),
            (Self::Published, Move::Hide) => Ok(Self::Hidden),
            (Self::Rejected, Move::Edit) => Ok(Self::Pending),
            (Self::Pending | Self::Published | Self::Hidden, Move::Edit) => Ok(self),
            _ => Err(IllegalMove { from: self, step }),
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Published => "PUBLISHED",
            Self::Rejected => "REJECTED",
            Self::Hidden => "HIDDEN",
            Self::Deleted => "DELETED",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A stored word is none of the known ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown word `{0}`")]
pub struct UnknownWord(pub String);

impl FromStr for Status {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        use Move::{Delete, Edit, Hide, Publish, Reject};
        use Status::{Deleted, Hidden, Pending, Published, Rejected};
        let legal = [
            (Pending, Publish, Published),
            (Pending, Reject, Rejected),
            (Pending, Edit, Pending),
            (Published, Hide, Hidden),
            (Published, Edit, Published),
            (Hidden, Publish, Published),
            (Hidden, Edit, Hidden),
            (Rejected, Edit, Pending),
            (Pending, Delete, Deleted),
            (Published, Delete, Deleted),
            (Hidden, Delete, Deleted),
            (Rejected, Delete, Deleted),
        ];
        for from in Status::ALL {
            for step in [Publish, Reject, Hide, Edit, Delete] {
                let expected =
                    legal.iter().find(|(f, s, _)| (*f, *s) == (from, step)).map(|(_, _, to)| *to);
                assert_eq!(from.after(step).ok(), expected, "{from} {step:?}");
            }
        }
    }

    #[test]
    fn words_round_trip() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("published".parse::<Status>().is_err());
    }
}
