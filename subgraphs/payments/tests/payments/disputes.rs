//! Contested payments.

use std::time::Duration;

use payments::operation::{dispute, sweep::sweep};
use serde_json::{Value, json};

use crate::support::{Shop, codes, key, top_code};

const DISPUTES: &str = "4000000000000259";

/// A paid order whose payment is contested: (payer, payment, dispute).
async fn contested(shop: &Shop) -> (kit::Caller, String, String) {
    let lamp = shop.product(6000, 5).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
    let method = shop.card(&customer, DISPUTES).await;
    let paid = shop.confirm(&customer, &payment, &method, &key()).await;
    assert_eq!(paid["payment"]["status"], "SUCCEEDED", "{paid}");
    shop.messages().await;
    let seen = shop.payment_fields(&customer, &payment, FIELDS).await;
    let dispute = &seen["disputes"][0];
    assert_eq!(dispute["status"], "NEEDS_RESPONSE", "{seen}");
    assert_eq!(dispute["amount"]["amountMinor"], "6000");
    assert_eq!(dispute["fee"]["amountMinor"], "1500");
    (customer, payment, dispute["id"].as_str().unwrap().to_owned())
}

const FIELDS: &str =
    "status amountRefunded { amountMinor } disputes { id status reason evidenceDueBy closedAt
    amount { amountMinor } fee { amountMinor } payment { id } }";

async fn respond(shop: &Shop, dispute: &str, accept: bool, evidence: Option<&str>) -> Value {
    let query = "mutation($id: ID!, $accept: Boolean!, $evidence: String) { disputeRespond(id: $id, accept: $accept, evidence: $evidence) {
        dispute { id status } errors { __typename ... on UserError { code } ... on InvalidStateError { from attempted } } } }";
    let variables = json!({ "id": dispute, "accept": accept, "evidence": evidence });
    shop.data(&shop.admin(), query, variables).await["disputeRespond"].clone()
}

async fn status(shop: &Shop, customer: &kit::Caller, payment: &str) -> String {
    let seen = shop.payment_fields(customer, payment, FIELDS).await;
    seen["disputes"][0]["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn evidence_decides_a_dispute() {
    for (evidence, verdict) in [("winning_evidence", "WON"), ("losing_evidence", "LOST")] {
        let shop = Shop::open().await;
        let (customer, payment, dispute) = contested(&shop).await;
        shop.assert_books().await;
        let answered = respond(&shop, &dispute, false, Some(evidence)).await;
        assert_eq!(answered["dispute"]["status"], "UNDER_REVIEW", "{answered}");
        let again = respond(&shop, &dispute, true, None).await;
        assert_eq!(codes(&again), ["INVALID_STATE"]);
        assert_eq!(again["errors"][0]["from"], "UNDER_REVIEW");
        shop.messages().await;
        assert_eq!(status(&shop, &customer, &payment).await, verdict);
        shop.assert_books().await;
        let refund = shop.refund(&shop.support(), json!({ "paymentId": payment })).await;
        assert_eq!(refund["refund"].is_null(), verdict == "LOST", "{refund}");
        shop.assert_books().await;
    }
}

#[tokio::test]
async fn an_open_dispute_stops_refunds_and_tells_everybody() {
    let shop = Shop::open().await;
    let (customer, payment, dispute) = contested(&shop).await;
    let refused = shop.refund(&shop.support(), json!({ "paymentId": payment })).await;
    assert_eq!(codes(&refused), ["INVALID_STATE"]);
    assert_eq!(shop.count("outbox WHERE template = 'dispute_opened'").await, 2);
    let query = "mutation($id: ID!) { disputeRespond(id: $id, accept: true) { dispute { id } } }";
    let answer = shop.ask(&customer, query, json!({ "id": dispute })).await;
    assert_eq!(top_code(&answer), "FORBIDDEN");

    let accepted = respond(&shop, &dispute, true, None).await;
    assert_eq!(accepted["dispute"]["status"], "ACCEPTED");
    shop.messages().await;
    assert_eq!(status(&shop, &customer, &payment).await, "ACCEPTED");
    let analytics = "query($range: AnalyticsRange!) { paymentAnalytics(range: $range, currency: \"EUR\") { disputed { amountMinor } disputeRate netVolume { amountMinor } } }";
    let range =
        json!({ "range": { "from": "2026-11-23T00:00:00Z", "to": "2026-11-24T00:00:00Z" } });
    let figures = shop.data(&shop.admin(), analytics, range).await;
    assert_eq!(
        figures["paymentAnalytics"],
        json!({ "disputed": { "amountMinor": "6000" }, "disputeRate": 1.0, "netVolume": { "amountMinor": "-1500" } })
    );
    shop.assert_books().await;
}

#[tokio::test]
async fn a_dispute_nobody_answers_expires() {
    let shop = Shop::open().await;
    let (customer, payment, dispute_id) = contested(&shop).await;
    shop.clock.advance(Duration::from_hours(8 * 24));
    dispute::follow_all(&shop.app).await.unwrap();
    assert_eq!(status(&shop, &customer, &payment).await, "EXPIRED");
    assert_eq!(codes(&respond(&shop, &dispute_id, true, None).await), ["INVALID_STATE"]);
    assert_eq!(codes(&respond(&shop, "dsp_nothing", true, None).await), ["NOT_FOUND"]);
    shop.assert_books().await;
}

#[tokio::test]
async fn a_lost_dispute_about_a_ride_takes_the_drivers_share_back() {
    let shop = Shop::open().await;
    let (rider, driver) = (shop.customer(), shop.driver());
    let ride = shop.authorized_ride(&rider, &driver, DISPUTES).await;
    shop.complete_ride(&ride).await;
    shop.messages().await;
    shop.clock.advance(Duration::from_hours(49));
    sweep(&shop.app).await.unwrap();
    let payment = shop.ride_payment(&rider, &ride).await;
    let seen = shop.payment_fields(&rider, &payment, FIELDS).await;
    let dispute = seen["disputes"][0]["id"].as_str().unwrap().to_owned();
    respond(&shop, &dispute, true, None).await;
    shop.assert_books().await;
    let balance = shop.count("ledger_balances WHERE account LIKE 'driver:%' AND debits <> credits");
    assert_eq!(balance.await, 0, "what was earned is gone again");
}
