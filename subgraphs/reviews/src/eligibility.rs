//! May this person review this subject?
//!
//! The projection of payments' feed answers first; only what it does not know is asked of
//! payments. When payments cannot be asked, the review is taken and verified later.

use kit::Timestamp;
use kit::id::{ProductId, RideId, UserId};
use sea_orm::DbErr;

use crate::core::Core;
use crate::domain::subject::{Subject, SubjectType};
use crate::purchases::RideFacts;
use crate::store::read::{self, Person};

const DAY_MS: i64 = 86_400_000;

/// Status words of the users service under which nothing may be written.
const SUSPENDED: [&str; 2] = ["SUSPENDED", "ERASED"];

/// Why somebody may not review something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ineligible {
    NotAuthenticated,
    NotPurchased,
    AlreadyReviewed,
    OwnListing,
    Suspended,
    PurchaseCheckUnavailable,
}

/// Where a person stands towards a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// May review; `verified` when the purchase is proven.
    Eligible {
        verified: bool,
        driver: Option<UserId>,
    },
    Ineligible(Ineligible),
    /// There is no such subject.
    NoSubject,
    /// Payments cannot be asked now.
    Unknown {
        driver: Option<UserId>,
    },
}

/// Finds out where the person stands. May ask payments; must not run inside a transaction.
pub(crate) async fn standing(
    core: &Core,
    user: UserId,
    subject: Subject,
) -> Result<Standing, DbErr> {
    let people = read::people(core.database.read(), &[user.uuid()]).await?;
    if people.get(&user.uuid()).is_some_and(is_suspended) {
        return Ok(Standing::Ineligible(Ineligible::Suspended));
    }
    match subject.kind {
        SubjectType::Product => product_standing(core, user, subject).await,
        SubjectType::Ride => ride_standing(core, user, subject).await,
    }
}

pub(crate) fn is_suspended(person: &Person) -> bool {
    SUSPENDED.contains(&person.status.as_str())
}

async fn product_standing(core: &Core, user: UserId, subject: Subject) -> Result<Standing, DbErr> {
    let conn = core.database.read();
    let known = read::subjects(conn, &[subject]).await?.remove(&subject);
    if known.as_ref().and_then(|product| product.seller_id) == Some(user.uuid()) {
        return Ok(Standing::Ineligible(Ineligible::OwnListing));
    }
    let purchased = !read::purchased(conn, user.uuid(), &[subject]).await?.is_empty();
    if purchased && known.is_some() {
        return Ok(Standing::Eligible { verified: true, driver: None });
    }
    let asked = core.purchases.product(user, ProductId(subject.id)).await;
    Ok(match asked {
        Ok(None) => Standing::NoSubject,
        Ok(Some(facts)) if facts.seller == Some(user) => {
            Standing::Ineligible(Ineligible::OwnListing)
        }
        Ok(Some(facts)) if facts.purchased || purchased => {
            Standing::Eligible { verified: true, driver: None }
        }
        Ok(Some(_)) if core.rules.products_require_purchase => {
            Standing::Ineligible(Ineligible::NotPurchased)
        }
        Ok(Some(_)) => Standing::Eligible { verified: false, driver: None },
        Err(unavailable) => {
            tracing::info!(error = %unavailable, "purchase check unavailable");
            metrics::counter!("reviews_purchase_check_unavailable_total").increment(1);
            if purchased {
                Standing::Eligible { verified: true, driver: None }
            } else {
                Standing::Unknown { driver: None }
            }
        }
    })
}

async fn ride_standing(core: &Core, user: UserId, subject: Subject) -> Result<Standing, DbErr> {
    let known = read::subjects(core.database.read(), &[subject]).await?.remove(&subject);
    let facts = known.and_then(|ride| {
        Some(RideFacts {
            rider: UserId(ride.rider_id?),
            driver: UserId(ride.driver_id?),
            completed_at: ride.completed_at.map(Timestamp),
        })
    });
    let facts = match facts {
        Some(facts) => Some(facts),
        None => match core.purchases.ride(user, RideId(subject.id)).await {
            Ok(facts) => facts,
            Err(unavailable) => {
                tracing::info!(error = %unavailable, "ride check unavailable");
                metrics::counter!("reviews_purchase_check_unavailable_total").increment(1);
                return Ok(Standing::Unknown { driver: None });
            }
        },
    };
    let Some(facts) = facts else { return Ok(Standing::NoSubject) };
    Ok(judge_ride(core, user, facts))
}

/// Only the rider of a completed ride, for some days.
fn judge_ride(core: &Core, user: UserId, facts: RideFacts) -> Standing {
    let window = core.rules.ride_window_days * DAY_MS;
    let in_window = facts.completed_at.is_some_and(|at| core.now().0 - at.0 <= window);
    if facts.driver == user {
        Standing::Ineligible(Ineligible::OwnListing)
    } else if facts.rider == user && in_window {
        Standing::Eligible { verified: true, driver: Some(facts.driver) }
    } else {
        Standing::Ineligible(Ineligible::NotPurchased)
    }
}
