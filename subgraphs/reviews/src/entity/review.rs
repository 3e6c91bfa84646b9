//! One review in its current form.

use sea_orm::entity::prelude::*;

use crate::domain::contribution::Counted;
use crate::domain::order::{Order, Position};
use crate::domain::status::Status;
use crate::domain::subject::{Subject, SubjectType};

/// Word of the `verification` column while payments has not answered yet.
pub(crate) const WAITING: &str = "WAITING";
pub(crate) const DONE: &str = "DONE";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reviews")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub author_id: Option<Uuid>,
    pub subject_type: String,
    pub subject_id: Uuid,
    pub driver_id: Option<Uuid>,
    pub rating: i32,
    pub title: Option<String>,
    pub body: Option<String>,
    pub locale: String,
    pub status: String,
    pub verified: bool,
    pub incentivized: bool,
    pub replied: bool,
    pub helpful: i32,
    pub unhelpful: i32,
    pub helpfulness_ppm: i64,
    pub edits: i32,
    pub verification: String,
    pub verify_at: Option<i64>,
    pub verify_attempts: i32,
    pub pending_version: Option<i32>,
    pub queued_at: Option<i64>,
    pub text_hash: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    pub published_at: Option<i64>,
    pub edited_at: Option<i64>,
    pub deleted_at: Option<i64>,
    pub version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn status(&self) -> Status {
        self.status.parse().expect("the table's CHECK admits only known states")
    }

    pub(crate) fn subject(&self) -> Subject {
        let kind = SubjectType::from_word(&self.subject_type)
            .expect("the table's CHECK admits only known subjects");
        Subject { kind, id: self.subject_id }
    }

    pub(crate) fn is_published(&self) -> bool {
        self.status() == Status::Published
    }

    pub(crate) fn is_waiting_for_verification(&self) -> bool {
        self.verification == WAITING
    }

    /// What the counters need to know of it.
    pub(crate) fn counted(&self) -> Counted {
        Counted {
            subject: self.subject(),
            driver: self.driver_id,
            status: self.status(),
            rating: self.rating,
            verified: self.verified,
            replied: self.replied,
            created_at: self.created_at,
            published_at: self.published_at,
        }
    }

    /// Its place in lists of that order.
    pub(crate) fn position(&self, order: Order) -> Position {
        let key = match order {
            Order::MostHelpful => self.helpfulness_ppm,
            Order::Newest | Order::Oldest => self.published_at.unwrap_or_default(),
            Order::HighestRating | Order::LowestRating => i64::from(self.rating),
            Order::Created => 0,
            Order::Queue => self.queued_at.unwrap_or_default(),
        };
        Position { key, id: self.id }
    }
}
