//! The demo marketplace as data: people, a catalogue, what they bought, rode and thought of it.
//!
//! [`Dataset::generate`] is a pure function: the same bytes on every machine, so that ids in
//! documentation, tests and bug reports mean the same thing to everybody. It knows nothing of
//! databases; [`load`] hands it to the three services' own importers, each of which writes only
//! its own database and emits the same events and ledger postings as live traffic would.

pub mod catalogue;
pub mod load;
pub mod logins;
pub mod opinions;
pub mod people;
pub mod trips;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use catalogue::Product;
use opinions::Review;
use people::Person;
use trips::{Order, Ride};

/// The day the demo data ends, 2026-11-20T12:00:00Z, in epoch milliseconds. A constant rather
/// than the clock: everything derived from it stays the same for ever.
pub const DEMO_END_MS: i64 = 1_795_176_000_000;

pub const DAY_MS: i64 = 86_400_000;

/// Everything that the demo marketplace starts with.
#[derive(Debug)]
pub struct Dataset {
    pub people: Vec<Person>,
    pub products: Vec<Product>,
    pub orders: Vec<Order>,
    pub rides: Vec<Ride>,
    pub reviews: Vec<Review>,
}

impl Dataset {
    /// Always the same data.
    pub fn generate() -> Self {
        let mut source = Source::new(0xC0_4C_04_D0);
        let people = people::generate(&mut source);
        let products = catalogue::generate(&mut source, &people);
        let orders = trips::orders(&mut source, &people, &products);
        let rides = trips::rides(&mut source, &people);
        let reviews = opinions::generate(&mut source, &people, &products, &orders, &rides);
        Self { people, products, orders, rides, reviews }
    }
}

/// Randomness with ids: one deterministic stream for the whole data set.
#[derive(Debug)]
pub struct Source {
    pub rng: ChaCha8Rng,
}

impl Source {
    fn new(seed: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// A version 7 id that sorts by `at_ms`.
    pub fn id(&mut self, at_ms: i64) -> Uuid {
        let random: [u8; 10] = rand::RngExt::random(&mut self.rng);
        let millis = u64::try_from(at_ms).expect("demo times lie after 1970");
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        rand::RngExt::random_range(&mut self.rng, low..=high)
    }

    pub fn index(&mut self, len: usize) -> usize {
        rand::RngExt::random_range(&mut self.rng, 0..len)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_same_data_every_time() {
        let (one, two) = (Dataset::generate(), Dataset::generate());
        assert_eq!(format!("{one:?}"), format!("{two:?}"));
    }

    #[test]
    fn as_large_as_promised() {
        let data = Dataset::generate();
        assert!(data.people.len() >= 40, "{} people", data.people.len());
        assert_eq!(data.products.len(), 120);
        assert!(data.reviews.len() >= 2000, "{} reviews", data.reviews.len());
    }

    #[test]
    fn nobody_reviews_twice_or_what_they_did_not_buy() {
        let data = Dataset::generate();
        let bought: HashSet<_> = data
            .orders
            .iter()
            .flat_map(|order| order.lines.iter().map(|line| (order.buyer, line.product)))
            .chain(data.rides.iter().map(|ride| (ride.rider, ride.id)))
            .collect();
        let mut seen = HashSet::new();
        for review in &data.reviews {
            let pair = (review.author, review.subject.id());
            assert!(bought.contains(&pair), "not bought: {review:?}");
            assert!(seen.insert(pair), "twice: {review:?}");
        }
    }

    #[test]
    fn everything_lies_in_the_past_of_the_demo() {
        let data = Dataset::generate();
        assert!(data.orders.iter().all(|order| order.placed_ms < DEMO_END_MS));
        assert!(data.reviews.iter().all(|review| review.created_ms < DEMO_END_MS));
    }
}
