//! `reviewAnalytics` against counting by hand.

use std::time::Duration;

use kit::{Caller, Timestamp};
use serde_json::{Value, json};

use crate::world::{NOW, World, codes, moderator};

const QUERY: &str = "query($range: AnalyticsRange!, $product: ID) { reviewAnalytics(range: $range, productId: $product) {
    submitted published rejected pending verifiedShare averageRating responseRate medianHoursToPublish
    series { start submitted published rejected averageRating histogram { rating count share } }
    topProducts(first: 2) { rank product { id } summary { count average } }
    worst: topProducts(first: 1, by: LOWEST_RATED) { product { id } }
    busiest: topProducts(first: 1, by: REVIEW_COUNT) { product { id } } } }";

fn analyst() -> Caller {
    kit::testing::service("reports", &["reviews:analytics"])
}

async fn analyse(world: &World, from: i64, to: i64, interval: &str, product: Value) -> Value {
    let range = json!({ "from": Timestamp(from).to_string(), "to": Timestamp(to).to_string(), "interval": interval });
    world.data(analyst(), QUERY, json!({ "range": range, "product": product })).await["reviewAnalytics"].clone()
}

#[tokio::test]
async fn figures_of_every_range_and_interval_equal_a_count_by_hand() {
    let world = World::new().await;
    let (good, bad) = (world.product().await, world.product().await);
    let mut written: Vec<(i64, i64)> = Vec::new();
    for at in 0..30_i64 {
        let rating = if at % 3 == 0 { 2 } else { 5 };
        let product = if at % 3 == 0 { bad } else { good };
        world.review(product, i32::try_from(rating).unwrap(), "Text.").await;
        written.push((world.clock.now().0, rating));
        world.clock.advance(Duration::from_hours(7));
    }
    let pending = world.review(good, 1, "http://a.example http://b.example").await;
    let hour = 3_600_000;
    let whole = (NOW.0 - hour, world.clock.now().0 + hour);
    let middle = (NOW.0 + 20 * hour, NOW.0 + 150 * hour);
    for (from, to) in [whole, middle] {
        let expected: Vec<&(i64, i64)> =
            written.iter().filter(|(at, _)| (from..to).contains(at)).collect();
        for interval in ["HOUR", "DAY", "WEEK", "MONTH"] {
            let report = analyse(&world, from, to, interval, Value::Null).await;
            let count = expected.len();
            assert_eq!(report["published"], count, "{interval}");
            let series = report["series"].as_array().unwrap();
            let sum: i64 = series.iter().map(|point| point["published"].as_i64().unwrap()).sum();
            assert_eq!(sum, i64::try_from(count).unwrap(), "{interval}");
            let stars: i64 = expected.iter().map(|(_, rating)| rating).sum();
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let average = stars as f64 / count as f64;
            assert!((report["averageRating"].as_f64().unwrap() - average).abs() < 1e-9);
            assert_eq!(report["verifiedShare"], 1.0);
        }
    }
    let report = analyse(&world, whole.0, whole.1, "DAY", Value::Null).await;
    assert_eq!((&report["submitted"], &report["pending"]), (&json!(31), &json!(1)));
    assert_eq!(report["topProducts"][0]["product"]["id"], json!(good));
    assert_eq!(report["topProducts"][0]["summary"], json!({ "count": 20, "average": 5.0 }));
    assert_eq!(report["worst"][0]["product"]["id"], json!(bad));
    assert_eq!(report["busiest"][0]["product"]["id"], json!(good));
    let one = analyse(&world, whole.0, whole.1, "DAY", json!(bad)).await;
    assert_eq!((&one["published"], &one["averageRating"]), (&json!(10), &json!(2.0)));

    // A moderator publishes it a day later: submitted then, published now.
    world.clock.advance(Duration::from_hours(30));
    let publish = "mutation($id: ID!) { reviewModerate(id: $id, decision: { status: PUBLISHED, expectedVersion: 1 }) { errors { __typename } } }";
    world.data(moderator(), publish, json!({ "id": pending["id"] })).await;
    let later = analyse(&world, whole.1, world.clock.now().0 + 1, "DAY", Value::Null).await;
    assert_eq!((&later["published"], &later["submitted"]), (&json!(1), &json!(0)));
    let median = later["medianHoursToPublish"].as_f64().unwrap();
    assert!((24.0..48.0).contains(&median), "{median}");
    world.assert_counters().await;
}

#[tokio::test]
async fn analytics_is_for_those_with_the_scope_and_sane_ranges() {
    let world = World::new().await;
    let range = |from: i64, to: i64, interval: &str| json!({ "range": { "from": Timestamp(from).to_string(), "to": Timestamp(to).to_string(), "interval": interval } });
    let refused = world.run(moderator(), QUERY, range(NOW.0, NOW.0 + 1, "DAY")).await;
    assert_eq!(codes(&refused), ["FORBIDDEN"]);
    for (from, to, interval) in
        [(NOW.0, NOW.0, "DAY"), (NOW.0, NOW.0 - 1, "DAY"), (0, NOW.0, "HOUR")]
    {
        let answer = world.run(analyst(), QUERY, range(from, to, interval)).await;
        assert_eq!(codes(&answer), ["BAD_USER_INPUT"], "{interval}");
    }
    let empty = world.data(analyst(), QUERY, range(NOW.0, NOW.0 + 86_400_000, "DAY")).await;
    assert_eq!(empty["reviewAnalytics"]["averageRating"], Value::Null);
    assert_eq!(empty["reviewAnalytics"]["medianHoursToPublish"], Value::Null);
    world.assert_counters().await;
}
