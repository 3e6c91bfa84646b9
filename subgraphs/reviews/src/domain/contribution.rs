//! What one review adds to everything that is counted.
//!
//! A change of a review is the removal of its old contribution and the addition of its new
//! one; counters that only ever change by such differences, in the transaction of the change,
//! cannot drift.

use uuid::Uuid;

use super::analytics::{CLASSES, day_of, publish_class};
use super::status::Status;
use super::subject::Subject;

/// The facts of a review that counters depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub subject: Subject,
    pub driver: Option<Uuid>,
    pub status: Status,
    pub rating: i32,
    pub verified: bool,
    pub replied: bool,
    pub created_at: i64,
    pub published_at: Option<i64>,
}

/// Changes of a rating summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ratings {
    pub counts: [i32; 5],
    pub verified: i32,
}

/// Changes of one day of analytics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Daily {
    pub submitted: i32,
    pub pending: i32,
    pub rejected: i32,
    pub counts: [i32; 5],
    pub verified: i32,
    pub replied: i32,
    pub publish_classes: [i32; CLASSES],
}

/// Changes of all counters, in the order in which they are applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    pub summaries: Vec<(Subject, Ratings)>,
    pub drivers: Vec<(Uuid, Ratings)>,
    pub days: Vec<(i32, Subject, Daily)>,
}

impl Difference {
    /// What changes when `before` becomes `after`; a new review has no before.
    pub fn between(before: Option<&Counted>, after: Option<&Counted>) -> Self {
        let mut difference = Self::default();
        if let Some(before) = before {
            difference.add(before, -1);
        }
        if let Some(after) = after {
            difference.add(after, 1);
        }
        difference.settle();
        difference
    }

    fn add(&mut self, review: &Counted, sign: i32) {
        let day = self.day(review.created_at, review.subject);
        day.submitted += sign;
        match review.status {
            Status::Pending => day.pending += sign,
            Status::Rejected => day.rejected += sign,
            Status::Published | Status::Hidden | Status::Deleted => {}
        }
        if review.status != Status::Published {
            return;
        }
        let mut ratings = Ratings::default();
        ratings.counts[star_index(review.rating)] = sign;
        ratings.verified = if review.verified { sign } else { 0 };
        entry(&mut self.summaries, review.subject).add(&ratings);
        if let Some(driver) = review.driver {
            entry(&mut self.drivers, driver).add(&ratings);
        }
        let published_at = review.published_at.unwrap_or(review.created_at);
        let day = self.day(published_at, review.subject);
        day.counts[star_index(review.rating)] += sign;
        day.verified += ratings.verified;
        day.replied += if review.replied { sign } else { 0 };
        day.publish_classes[publish_class(published_at - review.created_at)] += sign;
    }

    fn day(&mut self, at: i64, subject: Subject) -> &mut Daily {
        let key = (day_of(at), subject);
        let found = self.days.iter().position(|(day, of, _)| (*day, *of) == key);
        let index = found.unwrap_or_else(|| {
            self.days.push((key.0, key.1, Daily::default()));
            self.days.len() - 1
        });
        &mut self.days[index].2
    }

    /// Drops what came out as no change and sorts the rest: transactions that touch the same
    /// rows touch them in the same order.
    fn settle(&mut self) {
        self.summaries.retain(|(_, ratings)| *ratings != Ratings::default());
        self.drivers.retain(|(_, ratings)| *ratings != Ratings::default());
        self.days.retain(|(_, _, daily)| *daily != Daily::default());
        self.summaries.sort_by_key(|(subject, _)| *subject);
        self.drivers.sort_by_key(|(driver, _)| *driver);
        self.days.sort_by_key(|(day, subject, _)| (*day, *subject));
    }
}

impl Daily {
    pub fn add(&mut self, other: &Self) {
        let Self { submitted, pending, rejected, counts, verified, replied, publish_classes } =
            other;
        self.submitted += submitted;
        self.pending += pending;
        self.rejected += rejected;
        self.verified += verified;
        self.replied += replied;
        for (sum, count) in self.counts.iter_mut().zip(counts) {
            *sum += count;
        }
        for (sum, count) in self.publish_classes.iter_mut().zip(publish_classes) {
            *sum += count;
        }
    }
}

impl Ratings {
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.counts.iter_mut().zip(other.counts) {
            *sum += count;
        }
        self.verified += other.verified;
    }
}

fn entry<K: PartialEq>(list: &mut Vec<(K, Ratings)>, key: K) -> &mut Ratings {
    let index = list.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
        list.push((key, Ratings::default()));
        list.len() - 1
    });
    &mut list[index].1
}

fn star_index(rating: i32) -> usize {
    usize::try_from(rating - 1).unwrap_or_default().min(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(status: Status, rating: i32) -> Counted {
        Counted {
            subject: Subject::product(Uuid::from_u128(7)),
            driver: None,
            status,
            rating,
            verified: true,
            replied: false,
            created_at: 10,
            published_at: Some(20),
        }
    }

    #[test]
    fn nothing_changes_between_equal_reviews() {
        for status in Status::ALL {
            let review = review(status, 4);
            assert_eq!(Difference::between(Some(&review), Some(&review)), Difference::default());
        }
    }

    #[test]
    fn an_edit_of_the_rating_moves_one_count() {
        let difference = Difference::between(
            Some(&review(Status::Published, 2)),
            Some(&review(Status::Published, 5)),
        );
        assert_eq!(difference.summaries.len(), 1);
        assert_eq!(difference.summaries[0].1, Ratings { counts: [0, -1, 0, 0, 1], verified: 0 });
        assert_eq!(difference.days[0].2.counts, [0, -1, 0, 0, 1]);
        assert_eq!(difference.days[0].2.submitted, 0);
    }

    #[test]
    fn hiding_takes_a_review_out_of_the_summary_but_not_out_of_the_submissions() {
        let difference = Difference::between(
            Some(&review(Status::Published, 3)),
            Some(&review(Status::Hidden, 3)),
        );
        assert_eq!(difference.summaries[0].1, Ratings { counts: [0, 0, -1, 0, 0], verified: -1 });
        assert_eq!(difference.days[0].2.submitted, 0);
        assert_eq!(difference.days[0].2.publish_classes[0], -1);
    }
}
