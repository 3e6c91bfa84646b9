//! What a ride costs and who gets which part of it. Pure integer arithmetic; the driver gets the
//! remainder, so the parts always add up to the fare.

use serde::{Deserialize, Serialize};

use crate::money::{Currency, MoneyError, mul_div_floor, mul_div_half_even};

/// The tariff, in hundredths of a major unit so that it reads the same in every currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tariff {
    /// Charged for every ride.
    pub base_hundredths: i64,
    pub per_kilometer_hundredths: i64,
    pub per_minute_hundredths: i64,
    /// Charged when the rider cancels late.
    pub cancel_fee_hundredths: i64,
    /// Tax on everything but tolls, in basis points.
    pub tax_bps: i64,
    /// The platform's share of the fare before tax and tolls, in basis points.
    pub platform_bps: i64,
    /// How much of the quote is authorised, in percent.
    pub authorize_percent: i64,
}

impl Default for Tariff {
    fn default() -> Self {
        Self {
            base_hundredths: 250,
            per_kilometer_hundredths: 120,
            per_minute_hundredths: 30,
            cancel_fee_hundredths: 500,
            tax_bps: 800,
            platform_bps: 2000,
            authorize_percent: 120,
        }
    }
}

/// What the ride was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trip {
    pub distance_meters: i64,
    pub duration_seconds: i64,
    pub surge_percent: i64,
    pub tolls_minor: i64,
}

/// A fare, part by part, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fare {
    pub base: i64,
    pub distance: i64,
    pub time: i64,
    pub surge: i64,
    pub tolls: i64,
    pub tax: i64,
    pub total: i64,
    pub platform_fee: i64,
    pub driver_earnings: i64,
}

/// The fare for `trip`. Distance and time round half to even, each once.
pub fn fare(tariff: &Tariff, currency: Currency, trip: Trip) -> Result<Fare, MoneyError> {
    let base = currency.from_hundredths(tariff.base_hundredths);
    let per_kilometer = currency.from_hundredths(tariff.per_kilometer_hundredths);
    let per_minute = currency.from_hundredths(tariff.per_minute_hundredths);
    let distance = mul_div_half_even(per_kilometer, trip.distance_meters, 1000)?;
    let time = mul_div_half_even(per_minute, trip.duration_seconds, 60)?;
    let metered = sum(&[base, distance, time])?;
    let surge = mul_div_half_even(metered, trip.surge_percent - 100, 100)?;
    let parts = FareParts { base, distance, time, surge, tolls: trip.tolls_minor };
    parts.with_tax(tariff)
}

/// The fare of a late cancellation: one fee, taxed and split like any other fare.
pub fn cancellation_fare(tariff: &Tariff, currency: Currency) -> Result<Fare, MoneyError> {
    let base = currency.from_hundredths(tariff.cancel_fee_hundredths);
    FareParts { base, distance: 0, time: 0, surge: 0, tolls: 0 }.with_tax(tariff)
}

/// What is authorised for a quote of `total`.
pub fn authorization(tariff: &Tariff, total: i64) -> Result<i64, MoneyError> {
    mul_div_half_even(total, tariff.authorize_percent, 100).map(|amount| amount.max(total))
}

/// How `total` divides: tax on the taxable part, the platform's share rounded down, the rest to
/// the driver.
pub fn split(
    total: i64,
    tolls: i64,
    tax: i64,
    platform_bps: i64,
) -> Result<(i64, i64), MoneyError> {
    let shared = total
        .checked_sub(tolls)
        .and_then(|rest| rest.checked_sub(tax))
        .ok_or(MoneyError::Overflow)?;
    let fee = mul_div_floor(shared, platform_bps, 10_000)?;
    Ok((fee, total - tax - fee))
}

struct FareParts {
    base: i64,
    distance: i64,
    time: i64,
    surge: i64,
    tolls: i64,
}

impl FareParts {
    fn with_tax(self, tariff: &Tariff) -> Result<Fare, MoneyError> {
        let Self { base, distance, time, surge, tolls } = self;
        let taxable = sum(&[base, distance, time, surge])?;
        let tax = mul_div_half_even(taxable, tariff.tax_bps, 10_000)?;
        let total = sum(&[taxable, tolls, tax])?;
        let (platform_fee, driver_earnings) = split(total, tolls, tax, tariff.platform_bps)?;
        Ok(Fare { base, distance, time, surge, tolls, tax, total, platform_fee, driver_earnings })
    }
}

fn sum(parts: &[i64]) -> Result<i64, MoneyError> {
    parts.iter().try_fold(0_i64, |total, part| total.checked_add(*part)).ok_or(MoneyError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_divides_as_written() {
        assert_eq!(split(2500, 0, 200, 2000), Ok((460, 1840)));
    }

    #[test]
    fn tolls_are_neither_taxed_nor_shared() {
        let trip = Trip {
            distance_meters: 10_000,
            duration_seconds: 600,
            surge_percent: 100,
            tolls_minor: 500,
        };
        let eur = Currency::parse("EUR").unwrap();
        let with = fare(&Tariff::default(), eur, trip).unwrap();
        let without = fare(&Tariff::default(), eur, Trip { tolls_minor: 0, ..trip }).unwrap();
        assert_eq!(with.tax, without.tax);
        assert_eq!(with.platform_fee, without.platform_fee);
        assert_eq!(with.driver_earnings, without.driver_earnings + 500);
    }
}
