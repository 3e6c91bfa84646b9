//! Rides: a signed quote, held money, the fare split at the end, tips afterwards.

use kit::{
    Caller, Timestamp, Transaction, Uuid,
    database::is_unique_violation,
    graphql::DateTime,
    id::{PaymentId, PaymentMethodId, RideId, UserId},
};
use sea_orm::{ActiveValue::Set, ConnectionTrait, PaginatorTrait, entity::prelude::*};
use serde::{Deserialize, Serialize};

use super::{
    idempotent::{Claim, Key, Recorded},
    method,
    payment::{Begun, CancelReason, Intent, begin_attempt, begin_void, choose_connector, opened},
    risk, transition,
};
use crate::{
    app::{App, key_owner, person},
    entity::{
        payment::{self, CaptureMethod, PaymentRole, PurposeType},
        payment_attempt::AttemptOperation,
        ride::{self, RideParty},
    },
    fare::{Fare, Trip, authorization, cancellation_fare, fare},
    money::{Currency, MAX_MINOR, Money, MoneyError},
    refusal::{Failure, Refusal},
    state::{PaymentEvent, PaymentStatus, RideEvent, RideStatus},
};

/// What a quote promises; travels to the rider and back, signed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Terms {
    pub quote: Uuid,
    pub rider: UserId,
    pub currency: Currency,
    pub trip: Trip,
    pub total: i64,
    pub expires_at: Timestamp,
}

/// A quote as the rider gets it.
#[derive(Clone, Debug)]
pub struct Quote {
    pub token: String,
    pub amount: Money,
    pub expires_at: DateTime,
}

/// What a ride would cost; nothing is stored.
pub fn quote(app: &App, caller: &Caller, currency: Currency, trip: Trip) -> Result<Quote, Failure> {
    let rider = person(caller)?;
    check_trip(&trip)?;
    let fare = fare(&app.config.tariff, currency, trip).map_err(too_large)?;
    if fare.total > MAX_MINOR / 2 {
        return Err(too_large(MoneyError::Overflow));
    }
    let now = app.now();
    let expires_at = now.plus(app.config.rides.quote.0);
    let quote = kit::id::new_id(now);
    let terms = Terms { quote, rider, currency, trip, total: fare.total, expires_at };
    let amount = Money::new(fare.total, currency);
    Ok(Quote { token: app.secrets.sign(&terms), amount, expires_at })
}

fn too_large(_: MoneyError) -> Failure {
    Refusal::invalid("AMOUNT_TOO_LARGE", "such a ride cannot be priced", &["input"]).into()
}

fn check_trip(trip: &Trip) -> Result<(), Refusal> {
    let checks = [
        ("distanceMeters", (1..=2_000_000).contains(&trip.distance_meters)),
        ("durationSeconds", (1..=172_800).contains(&trip.duration_seconds)),
        ("surgePercent", (100..=1000).contains(&trip.surge_percent)),
        ("tollsMinor", (0..=1_000_000_000).contains(&trip.tolls_minor)),
    ];
    match checks.into_iter().find(|(_, fits)| !fits) {
        None => Ok(()),
        Some((field, _)) => Err(Refusal::InvalidInput {
            code: "INVALID_TRIP".into(),
            message: "this is not a possible ride".into(),
            path: vec!["input".into(), field.into()],
        }),
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct Authorize {
    pub quote_token: String,
    pub driver_id: UserId,
    pub payment_method_id: PaymentMethodId,
}

/// Accepts a quote: the ride is on record and its price, with a margin, is held on the card.
pub async fn authorize(
    app: &App,
    caller: &Caller,
    command: Authorize,
    idempotency_key: &str,
) -> Result<Recorded, Failure> {
    let rider = person(caller)?;
    let key = Key::new(key_owner(caller)?, "rideAuthorize", idempotency_key, &command)?;
    let terms =
        app.secrets.verify::<Terms>(&command.quote_token).filter(|terms| terms.rider == rider);
    let (command, key, terms, now) = (&command, &key, &terms, app.now());
    let begun = app
        .database
        .write(|tx| {
            Box::pin(async move {
                if let Claim::Replay(recorded) = key.claim(tx, now).await? {
                    return Ok(Begun::Done(recorded));
                }
                let terms = valid_terms(terms.as_ref(), command, rider, now)?;
                refuse_debtor(tx, rider).await?;
                let method = method::usable(tx, rider, command.payment_method_id, now).await?;
                let amount = authorization(&app.config.tariff, terms.total)?;
                let money = Money::new(amount, terms.currency);
                risk::check(tx, app, rider, money, now).await?;
                let ride = insert_ride(tx, terms, command, now).await?;
                let row = payment::ActiveModel {
                    purpose_type: Set(PurposeType::Ride),
                    purpose_id: Set(ride.uuid()),
                    role: Set(PaymentRole::Fare),
                    payer_id: Set(rider),
                    capture_method: Set(CaptureMethod::Manual),
                    method_id: Set(Some(method.id)),
                    connector: Set(Some(choose_connector(app, &method, money)?)),
                    ..opened(PaymentId::new(now), terms.currency, amount, now)
                };
                confirm_at_once(tx, app, row, "rideAuthorize", key, now).await
            })
        })
        .await;
    let begun = match begun {
        Err(Failure::Storage(error)) if is_unique_violation(&error) => {
            Err(Refusal::conflict("QUOTE_USED", "this quote has been used for a ride already")
                .into())
        }
        begun => begun,
    };
    begun?.finish(app).await
}

/// Opens a payment and puts its authorisation on record in one go.
async fn confirm_at_once(
    tx: &Transaction<'_>,
    app: &App,
    row: payment::ActiveModel,
    attempted: &'static str,
    key: &Key,
    now: Timestamp,
) -> Result<Begun, Failure> {
    let row = row.insert(tx).await?;
    let (event, change) = (PaymentEvent::Confirm, transition::no_change());
    let row = transition::payment(tx, &row, event, attempted, now, change).await?;
    let intent = Intent { op: AttemptOperation::Authorize, amount: row.amount, waiting: Some(key) };
    begin_attempt(tx, app, &row, intent, now).await.map(Begun::Attempt)
}

fn valid_terms<'a>(
    terms: Option<&'a Terms>,
    command: &Authorize,
    rider: UserId,
    now: Timestamp,
) -> Result<&'a Terms, Refusal> {
    const TOKEN: &[&str] = &["input", "quoteToken"];
    let terms = terms
        .ok_or_else(|| Refusal::invalid("INVALID_QUOTE", "this is not a quote of yours", TOKEN))?;
    if terms.expires_at <= now {
        return Err(Refusal::invalid("QUOTE_EXPIRED", "the quote has expired", TOKEN));
    }
    if command.driver_id == rider {
        let message = "nobody drives themselves";
        return Err(Refusal::invalid("SAME_PERSON", message, &["input", "driverId"]));
    }
    Ok(terms)
}

/// Who still owes for a ride gets no new one.
async fn refuse_debtor(tx: &impl ConnectionTrait, rider: UserId) -> Result<(), Failure> {
    let debts = ride::Entity::find()
        .filter(ride::Column::RiderId.eq(rider))
        .filter(ride::Column::DebtMinor.gt(0))
        .count(tx)
        .await?;
    if debts == 0 {
        return Ok(());
    }
    Err(Refusal::conflict("DEBT_OUTSTANDING", "an earlier ride has not been paid in full").into())
}

async fn insert_ride(
    tx: &impl ConnectionTrait,
    terms: &Terms,
    command: &Authorize,
    now: Timestamp,
) -> Result<RideId, Failure> {
    let id = RideId::new(now);
    let row = ride::ActiveModel {
        id: Set(id),
        quote_id: Set(terms.quote),
        rider_id: Set(terms.rider),
        driver_id: Set(command.driver_id),
        method_id: Set(Some(command.payment_method_id)),
        status: Set(RideStatus::Quoted),
        currency: Set(terms.currency),
        quote_minor: Set(terms.total),
        authorized_minor: Set(0),
        surge_percent: Set(terms.trip.surge_percent),
        distance_meters: Set(terms.trip.distance_meters),
        duration_seconds: Set(terms.trip.duration_seconds),
        fare_base: Set(None),
        fare_distance: Set(None),
        fare_time: Set(None),
        fare_surge: Set(None),
        fare_tolls: Set(None),
        fare_tax: Set(None),
        fare_total: Set(None),
        platform_fee: Set(None),
        driver_earnings: Set(None),
        canceled_by: Set(None),
        tip_minor: Set(0),
        debt_minor: Set(0),
        assigned_at: Set(None),
        pickup_at: Set(None),
        completed_at: Set(None),
        canceled_at: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
        version: Set(1),
    };
    ride::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(id)
}

/// The rider has been picked up.
pub async fn start(
    app: &App,
    caller: &Caller,
    id: RideId,
    idempotency_key: &str,
) -> Result<Recorded, Failure> {
    let key = Key::new(key_owner(caller)?, "rideStart", idempotency_key, &id)?;
    let operates = caller.has_scope("rides:operate");
    let (key, now) = (&key, app.now());
    app.database
        .write(|tx| {
            Box::pin(async move {
                if let Claim::Replay(recorded) = key.claim(tx, now).await? {
                    return Ok(recorded);
                }
                let ride = find(tx, id, &["id"]).await?;
                if !operates && !caller.is(&ride.driver_id) {
                    return Err(Refusal::not_found("you drive no such ride", &["id"]).into());
                }
                // It is being called off; what was asked of the processor for that comes first.
                if ride.canceled_by.is_some() {
                    return Err(Refusal::state("CANCELING", "rideStart").into());
                }
                let change = ride::ActiveModel { pickup_at: Set(Some(now)), ..Default::default() };
                let event = RideEvent::Start;
                transition::ride(tx, &ride, event, "rideStart", now, change).await?;
                let recorded = Recorded::done(id);
                key.finish(tx, &recorded).await?;
                Ok(recorded)
            })
        })
        .await
}

#[derive(Clone, Debug, Serialize)]
pub struct Complete {
    pub ride_id: RideId,
    pub distance_meters: i64,
    pub duration_seconds: i64,
    pub tolls_minor: i64,
}

/// Ends a ride: the fare is worked out, taken, and divided.
pub async fn complete(
    app: &App,
    caller: &Caller,
    command: Complete,
    idempotency_key: &str,
) -> Result<Recorded, Failure> {
    let key = Key::new(key_owner(caller)?, "rideComplete", idempotency_key, &command)?;
    let (command, key, now) = (&command, &key, app.now());
    let begun = app
        .database
        .write(|tx| {
            Box::pin(async move {
                if let Claim::Replay(recorded) = key.claim(tx, now).await? {
                    return Ok(Begun::Done(recorded));
                }
                let ride = find(tx, command.ride_id, &["input", "rideId"]).await?;
                if !matches!(ride.status, RideStatus::Authorized | RideStatus::InProgress) {
                    return Err(Refusal::state(ride.status.to_value(), "rideComplete").into());
                }
                let trip = Trip {
                    distance_meters: command.distance_meters,
                    duration_seconds: command.duration_seconds,
                    surge_percent: ride.surge_percent,
                    tolls_minor: command.tolls_minor,
                };
                check_trip(&trip)?;
                let fare = fare(&app.config.tariff, ride.currency, trip).map_err(too_large)?;
                let change = ride::ActiveModel {
                    distance_meters: Set(trip.distance_meters),
                    duration_seconds: Set(trip.duration_seconds),
                    // A cancellation that could not be carried out is forgotten.
                    canceled_by: Set(None),
                    pickup_at: Set(Some(ride.pickup_at.unwrap_or(picked_up(&ride, &trip, now)))),
                    ..fare_columns(&fare)
                };
                let ride = transition::update_ride(tx, &ride, now, change).await?;
                begin_fare_capture(tx, app, &ride, fare.total, key, now).await
            })
        })
        .await?;
    begun.finish(app).await
}

/// The ride began its duration ago, but not before there was a driver.
fn picked_up(ride: &ride::Model, trip: &Trip, now: Timestamp) -> Timestamp {
    let seconds = u64::try_from(trip.duration_seconds).unwrap_or(0);
    now.minus(std::time::Duration::from_secs(seconds)).max(ride.assigned_at.unwrap_or(now))
}

pub(crate) fn fare_columns(fare: &Fare) -> ride::ActiveModel {
    ride::ActiveModel {
        fare_base: Set(Some(fare.base)),
        fare_distance: Set(Some(fare.distance)),
        fare_time: Set(Some(fare.time)),
        fare_surge: Set(Some(fare.surge)),
        fare_tolls: Set(Some(fare.tolls)),
        fare_tax: Set(Some(fare.tax)),
        fare_total: Set(Some(fare.total)),
        platform_fee: Set(Some(fare.platform_fee)),
        driver_earnings: Set(Some(fare.driver_earnings)),
        ..Default::default()
    }
}

/// Takes as much of `amount` as is held for the ride.
async fn begin_fare_capture(
    tx: &Transaction<'_>,
    app: &App,
    ride: &ride::Model,
    amount: i64,
    key: &Key,
    now: Timestamp,
) -> Result<Begun, Failure> {
    let held = held_payment(tx, ride).await?;
    let held = transition::touch(tx, &held, now, transition::no_change()).await?;
    let intent = Intent {
        op: AttemptOperation::Capture,
        amount: amount.min(held.authorized),
        waiting: Some(key),
    };
    begin_attempt(tx, app, &held, intent, now).await.map(Begun::Attempt)
}

async fn held_payment(
    tx: &impl ConnectionTrait,
    ride: &ride::Model,
) -> Result<payment::Model, Failure> {
    payment::Entity::find()
        .filter(payment::Column::PurposeId.eq(ride.id.uuid()))
        .filter(payment::Column::Role.eq(PaymentRole::Fare))
        .filter(payment::Column::Status.eq(PaymentStatus::RequiresCapture))
        .one(tx)
        .await?
        .ok_or_else(|| Refusal::state(ride.status.to_value(), "rideComplete").into())
}

async fn find(
    tx: &impl ConnectionTrait,
    id: RideId,
    path: &[&'static str],
) -> Result<ride::Model, Failure> {
    ride::Entity::find_by_id(id)
        .one(tx)
        .await?
        .ok_or_else(|| Refusal::not_found("there is no such ride", path).into())
}

#[derive(Clone, Debug, Serialize)]
pub struct CancelRide {
    pub id: RideId,
    pub by: RideParty,
}

/// Calls a ride off. Late cancellations by the rider cost a fee.
pub async fn cancel(
    app: &App,
    caller: &Caller,
    command: CancelRide,
    idempotency_key: &str,
) -> Result<Recorded, Failure> {
    let user = person(caller)?;
    let key = Key::new(key_owner(caller)?, "rideCancel", idempotency_key, &command)?;
    let (command, key, now) = (&command, &key, app.now());
    let begun = app
        .database
        .write(|tx| {
            Box::pin(async move {
                if let Claim::Replay(recorded) = key.claim(tx, now).await? {
                    return Ok(Begun::Done(recorded));
                }
                let ride = find(tx, command.id, &["id"]).await?;
                let party = match command.by {
                    RideParty::Rider => ride.rider_id,
                    RideParty::Driver => ride.driver_id,
                };
                if party != user {
                    return Err(Refusal::not_found("you have no such ride", &["id"]).into());
                }
                if ride.status != RideStatus::Authorized {
                    return Err(Refusal::state(ride.status.to_value(), "rideCancel").into());
                }
                let mut change =
                    ride::ActiveModel { canceled_by: Set(Some(command.by)), ..Default::default() };
                let free_until =
                    ride.assigned_at.unwrap_or(now).plus(app.config.rides.free_cancellation.0);
                if command.by == RideParty::Driver || now <= free_until {
                    let ride = transition::update_ride(tx, &ride, now, change).await?;
                    let held = held_payment(tx, &ride).await?;
                    let reason = CancelReason::RideCanceled;
                    return begin_void(tx, app, &held, reason, Some(key), now)
                        .await
                        .map(Begun::Attempt);
                }
                let fare = cancellation_fare(&app.config.tariff, ride.currency)?;
                change =
                    ride::ActiveModel { canceled_by: change.canceled_by, ..fare_columns(&fare) };
                let ride = transition::update_ride(tx, &ride, now, change).await?;
                begin_fare_capture(tx, app, &ride, fare.total, key, now).await
            })
        })
        .await?;
    begun.finish(app).await
}

#[derive(Clone, Debug, Serialize)]
pub struct Tip {
    pub ride_id: RideId,
    pub amount: Money,
}

/// Thanks the driver. A tip can be raised; only the difference is charged.
pub async fn tip(
    app: &App,
    caller: &Caller,
    command: Tip,
    idempotency_key: &str,
) -> Result<Recorded, Failure> {
    let rider = person(caller)?;
    let key = Key::new(key_owner(caller)?, "rideTip", idempotency_key, &command)?;
    let (command, key, now) = (&command, &key, app.now());
    let begun = app
        .database
        .write(|tx| {
            Box::pin(async move {
                if let Claim::Replay(recorded) = key.claim(tx, now).await? {
                    return Ok(Begun::Done(recorded));
                }
                let ride = find(tx, command.ride_id, &["input", "rideId"]).await?;
                if ride.rider_id != rider {
                    let message = "you have no such ride";
                    return Err(Refusal::not_found(message, &["input", "rideId"]).into());
                }
                let difference = tip_difference(app, &ride, command.amount, now)?;
                if difference == 0 {
                    let recorded = Recorded::done(ride.id);
                    key.finish(tx, &recorded).await?;
                    return Ok(Begun::Done(recorded));
                }
                refuse_second_tip(tx, &ride).await?;
                let fare = payment::Entity::find()
                    .filter(payment::Column::PurposeId.eq(ride.id.uuid()))
                    .filter(payment::Column::Role.eq(PaymentRole::Fare))
                    .filter(payment::Column::Captured.gt(0))
                    .one(tx)
                    .await?
                    .and_then(|row| row.method_id)
                    .ok_or_else(|| Refusal::state(ride.status.to_value(), "rideTip"))?;
                let method = method::usable(tx, rider, fare, now).await?;
                let row = payment::ActiveModel {
                    purpose_type: Set(PurposeType::Ride),
                    purpose_id: Set(ride.id.uuid()),
                    role: Set(PaymentRole::Tip),
                    payer_id: Set(rider),
                    method_id: Set(Some(method.id)),
                    connector: Set(Some(choose_connector(app, &method, ride.money(difference))?)),
                    ..opened(PaymentId::new(now), ride.currency, difference, now)
                };
                // Two tips at the same time would both count from the same start.
                transition::update_ride(tx, &ride, now, transition::no_change()).await?;
                confirm_at_once(tx, app, row, "rideTip", key, now).await
            })
        })
        .await?;
    begun.finish(app).await
}

async fn refuse_second_tip(tx: &impl ConnectionTrait, ride: &ride::Model) -> Result<(), Failure> {
    let running = payment::Entity::find()
        .filter(payment::Column::PurposeId.eq(ride.id.uuid()))
        .filter(payment::Column::Role.eq(PaymentRole::Tip))
        .filter(payment::Column::Status.is_in([
            PaymentStatus::Processing,
            PaymentStatus::RequiresAction,
            PaymentStatus::Unknown,
        ]))
        .count(tx)
        .await?;
    if running == 0 {
        return Ok(());
    }
    Err(Refusal::conflict("PAYMENT_BUSY", "a tip for this ride is being paid right now").into())
}

fn tip_difference(
    app: &App,
    ride: &ride::Model,
    amount: Money,
    now: Timestamp,
) -> Result<i64, Refusal> {
    const PATH: &[&str] = &["input", "amount"];
    let (Some(completed_at), Some(total), RideStatus::Completed) =
        (ride.completed_at, ride.fare_total, ride.status)
    else {
        return Err(Refusal::state(ride.status.to_value(), "rideTip"));
    };
    if completed_at.plus(app.config.rides.tip_window.0) < now {
        let message = "the time for a tip is over";
        return Err(Refusal::invalid("TIP_WINDOW_CLOSED", message, &["input", "rideId"]));
    }
    if amount.currency != ride.currency {
        let message = "a tip is in the ride's currency";
        return Err(Refusal::invalid("CURRENCY_MISMATCH", message, PATH));
    }
    let limit = total.saturating_mul(2).max(ride.currency.from_hundredths(10_000));
    if !(1..=limit).contains(&amount.minor) {
        let message = "a tip is at most 200 % of the fare or 100, whichever is more";
        return Err(Refusal::invalid("INVALID_AMOUNT", message, PATH));
    }
    if amount.minor < ride.tip_minor {
        return Err(Refusal::invalid("TIP_CANNOT_SHRINK", "a tip can only be raised", PATH));
    }
    Ok(amount.minor - ride.tip_minor)
}

/// Tips to suggest: from the fare, more the better the driver was rated.
pub fn tip_suggestions(ride: &ride::Model, driver_rating: Option<i32>) -> Vec<Money> {
    let base = ride.fare_total.unwrap_or(ride.quote_minor);
    let percents: [i64; 3] = match driver_rating {
        Some(5) => [15, 20, 25],
        Some(4) | None => [10, 15, 20],
        Some(3) => [5, 10, 15],
        Some(_) => [3, 5, 10],
    };
    percents
        .into_iter()
        .map(|percent| {
            let tip = crate::money::mul_div_half_even(base, percent, 100).unwrap_or(0);
            Money::new(tip.max(1), ride.currency)
        })
        .collect()
}
