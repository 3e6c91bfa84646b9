//! What can be reviewed: a product or a ride.

use kit::id::{ProductId, RideId};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SubjectType {
    Product,
    Ride,
}

impl SubjectType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Product => "PRODUCT",
            Self::Ride => "RIDE",
        }
    }

    /// In a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Ride => "ride",
        }
    }

    /// The type a stored word names; the database's CHECK admits no other words.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Product, Self::Ride].into_iter().find(|kind| kind.as_str() == word)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject {
    pub kind: SubjectType,
    pub id: Uuid,
}

impl Subject {
    pub fn product(id: Uuid) -> Self {
        Self { kind: SubjectType::Product, id }
    }

    pub fn ride(id: Uuid) -> Self {
        Self { kind: SubjectType::Ride, id }
    }

    /// The id as clients see it.
    pub fn wire_id(self) -> String {
        match self.kind {
            SubjectType::Product => ProductId::from(self.id).to_string(),
            SubjectType::Ride => RideId::from(self.id).to_string(),
        }
    }
}
