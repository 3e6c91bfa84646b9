//! The orders in which reviews are listed, as sort keys.
//!
//! A position in a list is `(key, id)`: the key is the column the order is about, the id makes
//! it total. Newer ids are larger (they begin with their time), so "then newest" is "id
//! descending". Lists are cut by comparing positions, never by counting rows, so inserts
//! before or after a page neither repeat nor skip anything.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    MostHelpful,
    Newest,
    Oldest,
    HighestRating,
    LowestRating,
    /// By id, newest first: lists that hold unpublished reviews too.
    Created,
    /// The moderation queue: longest waiting first.
    Queue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

impl Direction {
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }

    pub fn sql(self) -> &'static str {
        match self {
            Self::Ascending => "ASC",
            Self::Descending => "DESC",
        }
    }
}

impl Order {
    /// Name of the lists of this order; cursors are bound to it.
    pub fn list(self) -> &'static str {
        match self {
            Self::MostHelpful => "reviews.most_helpful",
            Self::Newest => "reviews.newest",
            Self::Oldest => "reviews.oldest",
            Self::HighestRating => "reviews.highest",
            Self::LowestRating => "reviews.lowest",
            Self::Created => "reviews.created",
            Self::Queue => "reviews.queue",
        }
    }

    /// The column of the key; none when the id alone is the order.
    pub fn column(self) -> Option<&'static str> {
        match self {
            Self::MostHelpful => Some("helpfulness_ppm"),
            Self::Newest | Self::Oldest => Some("published_at"),
            Self::HighestRating | Self::LowestRating => Some("rating"),
            Self::Created => None,
            Self::Queue => Some("queued_at"),
        }
    }

    /// Directions of key and id.
    pub fn directions(self) -> (Direction, Direction) {
        use Direction::{Ascending, Descending};
        match self {
            Self::MostHelpful | Self::Newest | Self::HighestRating | Self::Created => {
                (Descending, Descending)
            }
            Self::Oldest | Self::Queue => (Ascending, Ascending),
            Self::LowestRating => (Ascending, Descending),
        }
    }
}

/// A place in an ordered list; what a cursor carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    #[serde(rename = "k")]
    pub key: i64,
    #[serde(rename = "i")]
    pub id: Uuid,
}
