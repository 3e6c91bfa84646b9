//! Completed rides and their tips.

use std::time::Duration;

use super::{
    Dataset, ImportError,
    goods::{currency, event},
    rows::{Cards, Paid, Rows, derived},
};
use crate::{
    config::Config,
    entity::{
        driver_earning,
        payment::{PaymentRole, PurposeType},
        ride,
    },
    fare::{Trip, authorization, fare},
    operation::settle::{fare_shares, ride_completed_event, scaled, tip_shares},
    state::RideStatus,
};

pub(super) fn rides(
    dataset: &Dataset,
    config: &Config,
    cards: &mut Cards<'_>,
    rows: &mut Rows,
) -> Result<(), ImportError> {
    for item in &dataset.rides {
        let currency = currency(&item.currency, || format!("ride {}", item.id))?;
        let trip = Trip {
            distance_meters: item.distance_meters,
            duration_seconds: item.duration_seconds,
            surge_percent: 100,
            tolls_minor: 0,
        };
        let fare = fare(&config.tariff, currency, trip)?;
        let assigned_at = item.picked_up_at.minus(Duration::from_mins(5));
        let method = cards.of(item.rider, assigned_at);
        let authorized = authorization(&config.tariff, fare.total)?;
        let row = ride::Model {
            id: item.id,
            quote_id: derived("quote", item.id.uuid()),
            rider_id: item.rider,
            driver_id: item.driver,
            method_id: Some(method),
            status: RideStatus::Completed,
            currency,
            quote_minor: fare.total,
            authorized_minor: authorized,
            surge_percent: trip.surge_percent,
            distance_meters: trip.distance_meters,
            duration_seconds: trip.duration_seconds,
            fare_base: Some(fare.base),
            fare_distance: Some(fare.distance),
            fare_time: Some(fare.time),
            fare_surge: Some(fare.surge),
            fare_tolls: Some(fare.tolls),
            fare_tax: Some(fare.tax),
            fare_total: Some(fare.total),
            platform_fee: Some(fare.platform_fee),
            driver_earnings: Some(fare.driver_earnings),
            canceled_by: None,
            tip_minor: item.tip_minor.unwrap_or(0),
            debt_minor: 0,
            assigned_at: Some(assigned_at),
            pickup_at: Some(item.picked_up_at),
            completed_at: Some(item.completed_at),
            canceled_at: None,
            created_at: assigned_at,
            updated_at: item.completed_at,
            version: 4,
        };
        let paid = Paid {
            id: item.payment,
            payer: item.rider,
            purpose: (PurposeType::Ride, item.id.uuid()),
            role: PaymentRole::Fare,
            currency,
            authorized,
            captured: fare.total,
            refunded: 0,
            method,
            opened_at: assigned_at,
            captured_at: item.completed_at,
        };
        rows.paid(&paid, &scaled(fare_shares(&row, &fare), fare.total));
        earn(rows, config, &row, &paid, fare.driver_earnings);
        if let Some(tip) = item.tip_minor.filter(|tip| *tip > 0) {
            let at = item.completed_at.plus(Duration::from_hours(1));
            let paid = Paid {
                id: item.tip_payment,
                role: PaymentRole::Tip,
                authorized: tip,
                captured: tip,
                opened_at: at,
                captured_at: at,
                ..paid
            };
            rows.paid(&paid, &tip_shares(&row, tip));
            earn(rows, config, &row, &paid, tip);
        }
        let payload = ride_completed_event(&row);
        rows.events.push(event(item.completed_at, "ride.completed", item.id.to_string(), payload));
        rows.rides.push(row);
    }
    Ok(())
}

/// The driver's share of a payment, held as long as everybody's.
fn earn(rows: &mut Rows, config: &Config, ride: &ride::Model, paid: &Paid, amount: i64) {
    if amount > 0 {
        rows.earnings.push(driver_earning::Model {
            payment_id: paid.id,
            driver_id: ride.driver_id,
            currency: ride.currency,
            amount,
            reversed: 0,
            available_at: paid.captured_at.plus(config.payouts.hold.0),
            released_at: None,
        });
    }
}
