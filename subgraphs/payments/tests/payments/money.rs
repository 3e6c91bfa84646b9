//! Sums that must be exact for every currency.

use payments::{
    fare::{Tariff, Trip, cancellation_fare, fare, split},
    money::{Currency, allocate},
};
use proptest::prelude::*;

fn currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec!["EUR", "USD", "JPY", "KWD", "CLF", "XAU"])
        .prop_map(|code| Currency::parse(code).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn f13_a_fare_is_exactly_its_parts(
        currency in currency(),
        distance_meters in 1..2_000_000_i64,
        duration_seconds in 1..172_800_i64,
        surge_percent in 100..1000_i64,
        tolls_minor in 0..1_000_000_i64,
        tax_bps in 0..5000_i64,
        platform_bps in 0..=10_000_i64,
    ) {
        let tariff = Tariff { tax_bps, platform_bps, ..Tariff::default() };
        let trip = Trip { distance_meters, duration_seconds, surge_percent, tolls_minor };
        let fare = fare(&tariff, currency, trip).unwrap();
        prop_assert_eq!(fare.base + fare.distance + fare.time + fare.surge + fare.tolls + fare.tax, fare.total);
        prop_assert_eq!(fare.tax + fare.platform_fee + fare.driver_earnings, fare.total);
        prop_assert!(fare.platform_fee >= 0 && fare.driver_earnings >= fare.tolls);
        let late = cancellation_fare(&tariff, currency).unwrap();
        prop_assert_eq!(late.tax + late.platform_fee + late.driver_earnings, late.total);
    }

    #[test]
    fn a_split_gives_away_exactly_the_total(total in 0..1_000_000_000_000_i64, bps in 0..=10_000_i64, tax_share in 0..=100_i64) {
        let tax = total / 100 * tax_share;
        let (fee, driver) = split(total, 0, tax, bps).unwrap();
        prop_assert_eq!(fee + driver + tax, total);
        prop_assert!(fee >= 0 && driver >= 0);
    }

    #[test]
    fn allocation_is_exact_and_never_gives_more_than_there_is(
        weights in prop::collection::vec(0..1_000_000_i64, 1..8),
        share in 0.0..=1.0_f64,
    ) {
        let total: i64 = weights.iter().sum();
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "picks a number")]
        let amount = (total as f64 * share) as i64;
        let parts = allocate(amount, &weights);
        prop_assert_eq!(parts.iter().sum::<i64>(), amount);
        for (part, weight) in parts.iter().zip(&weights) {
            prop_assert!(part <= weight);
        }
    }
}
