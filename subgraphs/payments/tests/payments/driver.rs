//! Earnings, payouts, and what takes from them.

use std::time::Duration;

use payments::operation::{reconcile::reconcile, sweep::sweep};
use serde_json::{Value, json};

use crate::support::{APPROVES, Shop, codes, id_of, key, person, with_roles};

/// A shop with a driver who has completed one ride; (shop, driver, rider, ride).
async fn one_ride(shop: &Shop) -> (kit::Caller, kit::Caller, String) {
    let driver = shop.driver();
    let rider = shop.customer();
    let ride = shop.completed_ride(&rider, &driver).await;
    (driver, rider, ride)
}

async fn account(shop: &Shop, driver: &kit::Caller) -> Value {
    let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { driverAccount {
        balances { available { amountMinor decimal } pending { amountMinor } negative } payoutsEnabled holdUntil
        payouts { edges { node { id status failure arrivedAt amount { amountMinor } payee { id } } } pageInfo { hasNextPage } } } } } }";
    let me = json!({ "r": [{ "__typename": "User", "id": id_of(driver).to_string() }] });
    shop.data(driver, query, me).await["_entities"][0]["driverAccount"].clone()
}

async fn payout(shop: &Shop, driver: &kit::Caller, minor: i64, key: &str) -> Value {
    let data = shop
        .data(
            driver,
            "mutation($amount: MoneyInput!, $key: String!) { payoutRequest(amount: $amount, idempotencyKey: $key) {
                payout { id status amount { amountMinor } } errors { __typename ... on UserError { code path }
                ... on InsufficientBalanceError { available { amountMinor } } } } }",
            json!({ "amount": { "amountMinor": minor.to_string(), "currency": "EUR" }, "key": key }),
        )
        .await;
    data["payoutRequest"].clone()
}

fn minor(account: &Value, field: &str) -> i64 {
    account["balances"][0][field]["amountMinor"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn earnings_are_held_then_available_then_paid_out() {
    let shop = Shop::open().await;
    let (driver, _, _) = one_ride(&shop).await;
    let before = account(&shop, &driver).await;
    let earned = minor(&before, "pending");
    assert!(earned > 0 && minor(&before, "available") == 0, "{before}");
    assert_ne!(before["holdUntil"], Value::Null);
    let refused = payout(&shop, &driver, 1, &key()).await;
    assert_eq!(codes(&refused), ["INSUFFICIENT_BALANCE"]);
    assert_eq!(refused["errors"][0]["available"]["amountMinor"], "0");

    shop.clock.advance(Duration::from_hours(48));
    sweep(&shop.app).await.unwrap();
    let after = account(&shop, &driver).await;
    assert_eq!((minor(&after, "available"), minor(&after, "pending")), (earned, 0));
    shop.assert_books().await;

    let key = key();
    let sent = payout(&shop, &driver, earned, &key).await;
    assert_eq!(sent["payout"]["status"], "IN_TRANSIT", "{sent}");
    let again = payout(&shop, &driver, earned, &key).await;
    assert_eq!(again["payout"]["id"], sent["payout"]["id"], "the key answers");
    assert_eq!(codes(&payout(&shop, &driver, 1, &key).await), ["IDEMPOTENCY_KEY_REUSED"]);
    assert_eq!(minor(&account(&shop, &driver).await, "available"), 0);
    shop.clock.advance(Duration::from_mins(1));
    reconcile(&shop.app).await.unwrap();
    let paid = account(&shop, &driver).await;
    let node = &paid["payouts"]["edges"][0]["node"];
    assert_eq!((node["status"].as_str(), node["arrivedAt"].is_null()), (Some("PAID"), false));
    shop.assert_books().await;
}

#[tokio::test]
async fn f15_parallel_payouts_never_exceed_the_balance() {
    let shop = Shop::open().await;
    let (driver, _, _) = one_ride(&shop).await;
    shop.clock.advance(Duration::from_hours(49));
    sweep(&shop.app).await.unwrap();
    let available = minor(&account(&shop, &driver).await, "available");
    let part = available / 3;
    let keys: Vec<String> = (0..10).map(|_| key()).collect();
    let answers =
        futures::future::join_all(keys.iter().map(|key| payout(&shop, &driver, part, key))).await;
    let made = answers.iter().filter(|answer| !answer["payout"].is_null()).count();
    assert_eq!(made, 3, "{answers:#?}");
    assert!(minor(&account(&shop, &driver).await, "available") < part);
    shop.assert_books().await;
}

#[tokio::test]
async fn a_failed_payout_gives_the_money_back() {
    let shop = Shop::open().await;
    let (driver, _, _) = one_ride(&shop).await;
    shop.clock.advance(Duration::from_hours(49));
    sweep(&shop.app).await.unwrap();
    let available = minor(&account(&shop, &driver).await, "available");
    shop.app.sandbox.fail_payouts(1);
    payout(&shop, &driver, available, &key()).await;
    shop.clock.advance(Duration::from_mins(1));
    reconcile(&shop.app).await.unwrap();
    let seen = account(&shop, &driver).await;
    assert_eq!(seen["payouts"]["edges"][0]["node"]["status"], "FAILED");
    assert_eq!(seen["payouts"]["edges"][0]["node"]["failure"], "account_closed");
    assert_eq!(minor(&seen, "available"), available);
    shop.assert_books().await;
}

#[tokio::test]
async fn a_refund_after_release_takes_from_the_available_balance_even_below_nothing() {
    let shop = Shop::open().await;
    let (driver, rider, ride) = one_ride(&shop).await;
    shop.clock.advance(Duration::from_hours(49));
    sweep(&shop.app).await.unwrap();
    let earned = minor(&account(&shop, &driver).await, "available");
    payout(&shop, &driver, earned, &key()).await;
    let payment = shop.ride_payment(&rider, &ride).await;
    let refund = shop.refund(&shop.support(), json!({ "paymentId": payment })).await;
    assert_eq!(refund["refund"]["status"], "SUCCEEDED", "{refund}");
    let owing = account(&shop, &driver).await;
    assert_eq!(minor(&owing, "available"), -earned);
    assert_eq!(owing["balances"][0]["negative"], true);
    shop.assert_books().await;

    // The next ride makes up for it.
    shop.completed_ride(&rider, &driver).await;
    shop.clock.advance(Duration::from_hours(49));
    sweep(&shop.app).await.unwrap();
    assert_eq!(minor(&account(&shop, &driver).await, "available"), 0);
    shop.assert_books().await;
}

#[tokio::test]
async fn only_drivers_have_an_account_and_only_they_see_it() {
    let shop = Shop::open().await;
    let (driver, rider, _) = one_ride(&shop).await;
    assert_eq!(account(&shop, &rider).await, Value::Null);
    let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { driverAccount { payoutsEnabled } } } }";
    let his = json!({ "r": [{ "__typename": "User", "id": id_of(&driver).to_string() }] });
    let answer = shop.ask(&rider, query, his).await;
    assert_eq!(crate::support::top_code(&answer), "FORBIDDEN");
}

#[tokio::test]
async fn a_ride_is_started_by_its_driver_only() {
    let shop = Shop::open().await;
    let (driver, rider) = (shop.driver(), shop.customer());
    let ride = shop.authorized_ride(&rider, &driver, APPROVES).await;
    let start = "mutation($id: ID!, $key: String!) { rideStart(id: $id, idempotencyKey: $key) { ride { status pickupAt } errors { ... on UserError { code } } } }";
    let other = with_roles(person(&shop.clock), &["rides:driver"], &["DRIVER"]);
    let refused = shop.data(&other, start, json!({ "id": ride, "key": key() })).await;
    assert_eq!(codes(&refused["rideStart"]), ["NOT_FOUND"]);
    let key = key();
    for _ in 0..2 {
        let started = shop.data(&driver, start, json!({ "id": ride, "key": key })).await;
        assert_eq!(started["rideStart"]["ride"]["status"], "IN_PROGRESS");
        assert_eq!(started["rideStart"]["errors"], json!([]));
    }
    let again =
        shop.data(&driver, start, json!({ "id": ride, "key": crate::support::key() })).await;
    assert_eq!(codes(&again["rideStart"]), ["INVALID_STATE"]);
    shop.complete_ride(&ride).await;
}
