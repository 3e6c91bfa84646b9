//! A person, as everybody may see them; `account` is the part that is nobody else's business.

use std::{sync::Arc, time::Duration};

use async_graphql::{Context, Enum, ID, Interface, Object, Result};
use kit::{Timestamp, id::UserId};

use super::account::Account;
use crate::entity::user;

/// Anything with a global id.
#[derive(Debug, Interface)]
#[graphql(field(name = "id", ty = "ID"))]
pub enum Node {
    User(User),
}

/// What others know about a person, as far as the gateway has asked them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Activity {
    pub published_reviews: Option<i32>,
    pub paid_orders: Option<i32>,
    pub completed_rides: Option<i32>,
}

#[derive(Debug, Clone)]
pub struct User {
    pub(crate) row: Arc<user::Model>,
    pub(crate) activity: Activity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum Badge {
    NewMember,
    Reviewer,
    TopReviewer,
    LoyalCustomer,
    FrequentRider,
}

const NEW_FOR: Duration = Duration::from_hours(24 * 30);
const TOP_REVIEWS: i32 = 25;
const LOYAL_ORDERS: i32 = 5;
const FREQUENT_RIDES: i32 = 10;

impl User {
    pub(crate) fn new(row: Arc<user::Model>) -> Self {
        Self { row, activity: Activity::default() }
    }
}

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        Self::new(Arc::new(row))
    }
}

#[Object]
impl User {
    async fn id(&self) -> ID {
        UserId::from(self.row.id).into()
    }

    /// Public. 'Deleted user' once erased
    #[graphql(shareable)]
    async fn display_name(&self) -> &str {
        &self.row.display_name
    }

    async fn avatar_url(&self) -> Option<&str> {
        self.row.avatar_url.as_deref()
    }

    async fn member_since(&self) -> Timestamp {
        Timestamp(self.row.created_at)
    }

    /// Public badges; needs what the other two services know about this person
    #[graphql(requires = "publishedReviewCount paidOrderCount completedRideCount")]
    async fn badges(&self, ctx: &Context<'_>) -> Option<Vec<Badge>> {
        Some(badges(&self.row, self.activity, kit::clock(ctx).now()))
    }

    /// Owner, SUPPORT and ADMIN only; null + FORBIDDEN for everyone else
    #[graphql(tag = "private")]
    async fn account(&self, ctx: &Context<'_>) -> Option<Result<Account>> {
        Account::load(ctx, &self.row).await.transpose()
    }

    #[graphql(external)]
    async fn published_review_count(&self) -> Option<i32> {
        self.activity.published_reviews
    }

    #[graphql(external)]
    async fn paid_order_count(&self) -> Option<i32> {
        self.activity.paid_orders
    }

    #[graphql(external)]
    async fn completed_ride_count(&self) -> Option<i32> {
        self.activity.completed_rides
    }
}

/// A service that is down costs the badges it knows about, not the others.
fn badges(user: &user::Model, activity: Activity, now: Timestamp) -> Vec<Badge> {
    let Activity { published_reviews, paid_orders, completed_rides } = activity;
    let at_least = |count: Option<i32>, wanted| count.is_some_and(|count| count >= wanted);
    let age = now.since(Timestamp(user.created_at));
    let earned = [
        (Badge::NewMember, age < NEW_FOR && user.erased_at.is_none()),
        (Badge::Reviewer, at_least(published_reviews, 1)),
        (Badge::TopReviewer, at_least(published_reviews, TOP_REVIEWS)),
        (Badge::LoyalCustomer, at_least(paid_orders, LOYAL_ORDERS)),
        (Badge::FrequentRider, at_least(completed_rides, FREQUENT_RIDES)),
    ];
    earned.into_iter().filter(|(_, earned)| *earned).map(|(badge, _)| badge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::registration::blank_user;

    #[test]
    fn badges_need_only_what_is_known() {
        let user = blank_user(Timestamp(0));
        let later = Timestamp(0).plus(NEW_FOR);
        let check = |reviews, orders, rides, now| {
            let activity = Activity {
                published_reviews: reviews,
                paid_orders: orders,
                completed_rides: rides,
            };
            badges(&user, activity, now)
        };
        assert_eq!(check(None, None, None, Timestamp(0)), [Badge::NewMember]);
        assert_eq!(check(Some(0), Some(4), Some(9), later), []);
        assert_eq!(
            check(Some(25), None, Some(10), later),
            [Badge::Reviewer, Badge::TopReviewer, Badge::FrequentRider]
        );
    }
}
