//! The money of rides: the fare, what of it was not covered, tips.

use kit::{
    events,
    id::{PaymentAttemptId, PaymentId, RideId},
};
use sea_orm::{ActiveValue::Set, entity::prelude::*};
use serde_json::json;

use super::{
    Scope,
    captured::{Share, insert_splits, post_capture, scaled},
};
use crate::{
    entity::{
        payment::{self, CaptureMethod, PaymentRole, PurposeType},
        payment_attempt::AttemptOperation,
        payment_split::{self, SplitParty},
        ride,
    },
    fare::Fare,
    ledger::{Account, Posting, post},
    mail,
    operation::{
        earning,
        payment::{Intent, begin_attempt, opened},
        transition,
    },
    refusal::Failure,
    state::{PaymentStatus, RideEvent},
};

pub(super) async fn ride_of(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
) -> Result<ride::Model, Failure> {
    ride::Entity::find_by_id(RideId(payment.purpose_id))
        .one(scope.tx)
        .await?
        .ok_or_else(|| Failure::Broken(format!("payment {} has no ride", payment.id)))
}

/// Tax, platform fee and the driver's part of a fare.
pub(crate) fn fare_shares(ride: &ride::Model, fare: &Fare) -> Vec<Share> {
    let plain = |payee, account, amount| Share { payee, user_id: None, account, amount };
    vec![
        plain(SplitParty::Tax, Account::TaxPayable, fare.tax),
        plain(SplitParty::Platform, Account::PlatformFees, fare.platform_fee),
        Share {
            payee: SplitParty::Driver,
            user_id: Some(ride.driver_id),
            account: Account::DriverPending(ride.driver_id),
            amount: fare.driver_earnings,
        },
    ]
}

/// The fare, or as much of it as was authorised, has been taken: the ride is over. What is
/// missing becomes a second payment.
pub(super) async fn captured(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
) -> Result<Vec<PaymentAttemptId>, Failure> {
    let ride = ride_of(scope, payment).await?;
    let fare =
        ride.fare().ok_or_else(|| Failure::Broken(format!("ride {} has no fare", ride.id)))?;
    let all = fare_shares(&ride, &fare);
    let covered = scaled(all.clone(), payment.captured);
    insert_splits(scope, payment, &covered).await?;
    post_capture(scope, payment, &covered).await?;

    if ride.canceled_by.is_some() {
        let change = ride::ActiveModel { canceled_at: Set(Some(scope.now)), ..Default::default() };
        transition::ride(scope.tx, &ride, RideEvent::Cancel, "settle", scope.now, change).await?;
        return Ok(Vec::new());
    }
    let change = ride::ActiveModel { completed_at: Set(Some(scope.now)), ..Default::default() };
    let event = RideEvent::Complete;
    let ride = transition::ride(scope.tx, &ride, event, "settle", scope.now, change).await?;
    mail::ride_receipt(scope.tx, &ride, &fare, scope.now).await?;
    let follow_ups = match fare.total - payment.captured {
        0 => Vec::new(),
        rest => vec![begin_rest(scope, payment, &ride, rest, &all, &covered).await?],
    };
    let payload = ride_completed_event(&ride);
    events::append(scope.tx, scope.now, "ride.completed", &ride.id.to_string(), &payload).await?;
    Ok(follow_ups)
}

/// What the feed says about a completed ride.
pub(crate) fn ride_completed_event(ride: &ride::Model) -> serde_json::Value {
    json!({
        "rideId": ride.id,
        "riderId": ride.rider_id,
        "driverId": ride.driver_id,
        "completedAt": ride.completed_at.map(|at| at.to_string()),
    })
}

/// Charges what the authorisation did not cover to the same card.
async fn begin_rest(
    scope: &Scope<'_, '_>,
    first: &payment::Model,
    ride: &ride::Model,
    rest: i64,
    all: &[Share],
    covered: &[Share],
) -> Result<PaymentAttemptId, Failure> {
    let id = PaymentId::new(scope.now);
    let row = payment::ActiveModel {
        purpose_type: Set(PurposeType::Ride),
        purpose_id: Set(ride.id.uuid()),
        role: Set(PaymentRole::FareRest),
        payer_id: Set(ride.rider_id),
        status: Set(PaymentStatus::Processing),
        capture_method: Set(CaptureMethod::Automatic),
        method_id: Set(first.method_id),
        connector: Set(first.connector.clone()),
        ..opened(id, ride.currency, rest, scope.now)
    };
    let row = row.insert(scope.tx).await?;
    insert_splits(scope, &row, &remaining(all, covered)).await?;
    let intent = Intent { op: AttemptOperation::Authorize, amount: rest, waiting: None };
    begin_attempt(scope.tx, scope.app, &row, intent, scope.now).await
}

/// What of `all` is not in `covered`.
pub(crate) fn remaining(all: &[Share], covered: &[Share]) -> Vec<Share> {
    all.iter()
        .filter_map(|share| {
            let taken =
                covered.iter().find(|part| part.payee == share.payee).map_or(0, |part| part.amount);
            let amount = share.amount - taken;
            (amount > 0).then(|| Share { amount, ..share.clone() })
        })
        .collect()
}

/// The rest of a fare could not be charged: everybody gets their part, the rider owes it.
pub(super) async fn owe(scope: &Scope<'_, '_>, payment: &payment::Model) -> Result<(), Failure> {
    let ride = ride_of(scope, payment).await?;
    if ride.debt_minor > 0 {
        return Ok(());
    }
    let shares = shares_of(scope, payment).await?;
    let posting = Posting::new("PAYMENT", payment.id, "debt", scope.now)
        .payment(payment.id)
        .debit(Account::RiderDebt(ride.rider_id), payment.money(payment.amount));
    let posting = shares.iter().fold(posting, |posting, (account, amount)| {
        posting.credit(account.clone(), payment.money(*amount))
    });
    post(scope.tx, posting).await?;
    accrue(scope, payment, &shares).await?;
    let change = ride::ActiveModel { debt_minor: Set(payment.amount), ..Default::default() };
    transition::update_ride(scope.tx, &ride, scope.now, change).await?;
    Ok(())
}

async fn accrue(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
    shares: &[(Account, i64)],
) -> Result<(), Failure> {
    earning::accrue(scope.tx, scope.app, payment, shares, scope.now).await?;
    Ok(())
}

/// The rest of a fare has been paid, at once or as a debt settled later.
pub(super) async fn rest_paid(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
) -> Result<(), Failure> {
    let ride = ride_of(scope, payment).await?;
    let posting = Posting::new("PAYMENT", payment.id, "capture", scope.now)
        .payment(payment.id)
        .debit(Account::PspClearing, payment.money(payment.captured));
    let posting = if ride.debt_minor > 0 {
        let change = ride::ActiveModel { debt_minor: Set(0), ..Default::default() };
        transition::update_ride(scope.tx, &ride, scope.now, change).await?;
        posting.credit(Account::RiderDebt(ride.rider_id), payment.money(payment.captured))
    } else {
        let shares = shares_of(scope, payment).await?;
        accrue(scope, payment, &shares).await?;
        shares.iter().fold(posting, |posting, (account, amount)| {
            posting.credit(account.clone(), payment.money(*amount))
        })
    };
    post(scope.tx, posting).await?;
    Ok(())
}

/// A tip is the driver's alone.
pub(super) async fn tip_paid(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
) -> Result<(), Failure> {
    let ride = ride_of(scope, payment).await?;
    let shares = tip_shares(&ride, payment.captured);
    insert_splits(scope, payment, &shares).await?;
    post_capture(scope, payment, &shares).await?;
    let change = ride::ActiveModel {
        tip_minor: Set(ride.tip_minor + payment.captured),
        ..Default::default()
    };
    let ride = transition::update_ride(scope.tx, &ride, scope.now, change).await?;
    mail::tip_received(scope.tx, &ride, payment, scope.now).await?;
    Ok(())
}

pub(crate) fn tip_shares(ride: &ride::Model, amount: i64) -> Vec<Share> {
    vec![Share {
        payee: SplitParty::Driver,
        user_id: Some(ride.driver_id),
        account: Account::DriverPending(ride.driver_id),
        amount,
    }]
}

async fn shares_of(
    scope: &Scope<'_, '_>,
    payment: &payment::Model,
) -> Result<Vec<(Account, i64)>, Failure> {
    let rows = payment_split::Entity::find()
        .filter(payment_split::Column::PaymentId.eq(payment.id))
        .all(scope.tx)
        .await?;
    rows.into_iter()
        .map(|row| {
            Account::parse(&row.account)
                .map(|account| (account, row.amount))
                .ok_or_else(|| Failure::Broken(format!("no account is called {}", row.account)))
        })
        .collect()
}
