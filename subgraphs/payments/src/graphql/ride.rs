//! Rides. Anybody may learn who drove (a public review names the driver); the rest is for the two
//! people in the car and for support.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use kit::{
    caller, connection,
    graphql::{DateTime, forbidden, unauthenticated},
};

use super::{
    context::{app, loaders, may_see, owner_or_support},
    payment::Payment,
    reader::PaymentsFor,
    user::User,
    value::{MoneyValue, holds},
};
use crate::{entity::ride::Model, operation::ride::tip_suggestions, state::RideStatus};

#[derive(Clone, Debug)]
pub(crate) struct Ride {
    row: Arc<Model>,
    driver_rating: Option<i32>,
}

impl Ride {
    pub(super) fn new(row: Arc<Model>) -> Self {
        Self { row, driver_rating: None }
    }

    pub(super) fn rated(row: Arc<Model>, driver_rating: Option<i32>) -> Self {
        Self { row, driver_rating }
    }

    /// Refuses who is neither in the car nor in support.
    pub(super) fn participants(&self, ctx: &Context<'_>) -> Result<()> {
        let caller = caller(ctx);
        if may_see(caller, &self.row.rider_id) || caller.is(&self.row.driver_id) {
            Ok(())
        } else if caller.is_anonymous() {
            Err(unauthenticated())
        } else {
            Err(forbidden())
        }
    }

    fn shown<T>(&self, ctx: &Context<'_>, value: Option<T>) -> Option<Result<T>> {
        match self.participants(ctx) {
            Ok(()) => value.map(Ok),
            Err(error) => Some(Err(error)),
        }
    }
}

#[Object]
impl Ride {
    pub(super) async fn id(&self) -> ID {
        self.row.id.into()
    }

    async fn rider(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        self.shown(ctx, Some(User(self.row.rider_id)))
    }

    async fn driver(&self) -> Option<User> {
        Some(User(self.row.driver_id))
    }

    async fn status(&self) -> RideStatus {
        self.row.status
    }

    async fn quote(&self) -> MoneyValue {
        self.row.money(self.row.quote_minor).into()
    }

    async fn fare(&self, ctx: &Context<'_>) -> Option<Result<FareBreakdown>> {
        fare(self, ctx).transpose()
    }

    async fn tip(&self, ctx: &Context<'_>) -> Option<Result<MoneyValue>> {
        let tip = (self.row.tip_minor > 0).then(|| self.row.money(self.row.tip_minor).into());
        self.shown(ctx, tip)
    }

    /// Suggested tips; depends on how the rider rated the driver
    #[graphql(requires = "driverRating")]
    async fn tip_suggestions(&self, ctx: &Context<'_>) -> Option<Result<Vec<MoneyValue>>> {
        let open = matches!(
            self.row.status,
            RideStatus::Authorized | RideStatus::InProgress | RideStatus::Completed
        );
        let suggestions = open.then(|| {
            tip_suggestions(&self.row, self.driver_rating).into_iter().map(Into::into).collect()
        });
        self.shown(ctx, suggestions)
    }

    #[graphql(external)]
    async fn driver_rating(&self) -> Option<i32> {
        self.driver_rating
    }

    async fn payments(&self, ctx: &Context<'_>) -> Option<Result<Vec<Payment>>> {
        if let Err(error) = owner_or_support(ctx, &self.row.rider_id) {
            return Some(Err(error));
        }
        match loaders(ctx).load(PaymentsFor(self.row.id.uuid())).await {
            Ok(rows) => Some(Ok(rows.unwrap_or_default().into_iter().map(Payment).collect())),
            Err(error) => Some(Err(error.into())),
        }
    }

    async fn pickup_at(&self, ctx: &Context<'_>) -> Option<Result<DateTime>> {
        self.shown(ctx, self.row.pickup_at)
    }

    async fn completed_at(&self, ctx: &Context<'_>) -> Option<Result<DateTime>> {
        self.shown(ctx, self.row.completed_at)
    }

    async fn tip_until(&self, ctx: &Context<'_>) -> Option<Result<DateTime>> {
        let window = app(ctx).config.rides.tip_window.0;
        let completed = self.row.completed_at.filter(|_| self.row.status == RideStatus::Completed);
        self.shown(ctx, completed.map(|at| at.plus(window)))
    }
}

#[derive(Clone, Debug, SimpleObject)]
pub(super) struct FareBreakdown {
    base: MoneyValue,
    distance: MoneyValue,
    time: MoneyValue,
    surge: MoneyValue,
    tolls: MoneyValue,
    tax: MoneyValue,
    total: MoneyValue,
    #[graphql(requires_scopes = "rides:driver", requires_scopes = "payments:admin")]
    platform_fee: MoneyValue,
    #[graphql(requires_scopes = "rides:driver", requires_scopes = "payments:admin")]
    driver_earnings: MoneyValue,
}

/// The fare; refused as a whole when a part is asked for that the caller may not see, because
/// its parts cannot be null.
fn fare(ride: &Ride, ctx: &Context<'_>) -> Result<Option<FareBreakdown>> {
    ride.participants(ctx)?;
    let Some(fare) = ride.row.fare() else { return Ok(None) };
    let ahead = ctx.look_ahead();
    let wants = ahead.field("platformFee").exists() || ahead.field("driverEarnings").exists();
    if wants && !(holds(ctx, "rides:driver") || holds(ctx, "payments:admin")) {
        return Err(forbidden());
    }
    let money = |minor: i64| MoneyValue::from(ride.row.money(minor));
    Ok(Some(FareBreakdown {
        base: money(fare.base),
        distance: money(fare.distance),
        time: money(fare.time),
        surge: money(fare.surge),
        tolls: money(fare.tolls),
        tax: money(fare.tax),
        total: money(fare.total),
        platform_fee: money(fare.platform_fee),
        driver_earnings: money(fare.driver_earnings),
    }))
}

connection!(RideConnection, RideEdge, Ride);
