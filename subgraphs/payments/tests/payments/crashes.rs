//! The process is ended in the middle of things and started again; the books are right.

use serde_json::{Value, json};

use crate::{
    process::{Site, eventually},
    support::{APPROVES, PAYMENT_CONFIRM, Shop, key},
};

const SYNCED: &str = "query($id: ID!) { payment(id: $id) { status amountCaptured { amountMinor } amountRefunded { amountMinor } attempts { operation status } } }";

/// A shop and its site; the shop's own parts do nothing in the background.
async fn shop_on(site: &Site) -> Shop {
    Shop::with_clock(site.database().await, kit::Clock::system(), |_| {})
}

/// Waits until a restarted process has found out what became of a payment.
async fn settled(site: &Site, caller: &kit::Caller, payment: &str, status: &str) -> Value {
    let process = site.start(None);
    eventually(&format!("{payment} {status}"), || async {
        let answer = process.ask(site, caller, SYNCED, json!({ "id": payment })).await?;
        let payment = answer["data"]["payment"].clone();
        (payment["status"] == status).then_some(payment)
    })
    .await
}

/// An unpaid payment with a card to pay it.
async fn unpaid(shop: &Shop, capture: &str) -> (kit::Caller, String, String) {
    let lamp = shop.product(6000, 3).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let payment = shop.payment(&customer, &order, capture).await;
    let method = shop.card(&customer, APPROVES).await;
    (customer, payment, method)
}

async fn crash_confirming(
    site: &Site,
    shop: &Shop,
    failpoint: &str,
) -> (kit::Caller, String, Value) {
    let (customer, payment, method) = unpaid(shop, "AUTOMATIC").await;
    let variables = json!({ "input": { "paymentId": payment, "paymentMethodId": method, "idempotencyKey": key() } });
    let mut process = site.start(Some(failpoint));
    let answer = process.ask(site, &customer, PAYMENT_CONFIRM, variables.clone()).await;
    assert_eq!(answer, None, "the process was to end at {failpoint}");
    process.ended();
    (customer, payment, variables)
}

#[tokio::test]
async fn f03_a_crash_after_the_charge_books_it_once() {
    let site = Site::new("").await;
    let shop = shop_on(&site).await;
    let (customer, payment, variables) =
        crash_confirming(&site, &shop, "after_connector_call").await;
    let seen = settled(&site, &customer, &payment, "SUCCEEDED").await;
    assert_eq!(seen["amountCaptured"]["amountMinor"], "6000");
    let replay = shop.data(&customer, PAYMENT_CONFIRM, variables).await;
    assert_eq!(replay["paymentConfirm"]["errors"], json!([]));
    assert_eq!(shop.count("sandbox_operations").await, 1, "charged once");
    assert_eq!(shop.count("outbox WHERE template = 'payment_receipt'").await, 1);
    assert_eq!(shop.count("outbox WHERE template = 'order_receipt'").await, 1);
    assert_eq!(shop.count("events WHERE type = 'order.paid'").await, 1);
    shop.assert_books().await;
}

#[tokio::test]
async fn f04_a_crash_before_the_charge_lets_the_payer_try_again() {
    let site = Site::new("").await;
    let shop = shop_on(&site).await;
    let (customer, payment, variables) =
        crash_confirming(&site, &shop, "after_intent_commit").await;
    let seen = settled(&site, &customer, &payment, "REQUIRES_PAYMENT_METHOD").await;
    assert_eq!(seen["attempts"], json!([{ "operation": "AUTHORIZE", "status": "FAILED" }]));
    assert_eq!(shop.count("sandbox_operations").await, 0);
    let again = shop.data(&customer, PAYMENT_CONFIRM, variables).await;
    assert_eq!(again["paymentConfirm"]["payment"]["status"], "SUCCEEDED", "{again}");
    assert_eq!(shop.count("sandbox_operations").await, 1);
    shop.assert_books().await;
}

#[tokio::test]
async fn a_crash_after_everything_is_answered_by_the_key() {
    let site = Site::new("").await;
    let shop = shop_on(&site).await;
    let (customer, payment, variables) = crash_confirming(&site, &shop, "after_settlement").await;
    let replay = shop.data(&customer, PAYMENT_CONFIRM, variables).await;
    assert_eq!(replay["paymentConfirm"]["payment"]["id"], payment);
    assert_eq!(replay["paymentConfirm"]["payment"]["status"], "SUCCEEDED");
    assert_eq!(shop.count("sandbox_operations").await, 1);
    shop.assert_books().await;
}

#[tokio::test]
async fn crashes_around_captures_voids_and_refunds_are_healed() {
    let capture = "mutation($id: ID!, $key: String!) { done: paymentCapture(input: { paymentId: $id, idempotencyKey: $key }) { payment { status } } }";
    let cancel = "mutation($id: ID!, $key: String!) { done: paymentCancel(id: $id, idempotencyKey: $key) { payment { status } } }";
    let refund = "mutation($id: ID!, $key: String!) { done: refundCreate(input: { paymentId: $id, amount: { amountMinor: \"2000\", currency: \"EUR\" }, reason: OTHER, idempotencyKey: $key }) { refund { status } } }";
    // What is promised to a payer is done in the end; a capture nobody heard of is asked for again.
    let cases = [
        (capture, "after_connector_call", "MANUAL", "SUCCEEDED"),
        (capture, "after_intent_commit", "MANUAL", "REQUIRES_CAPTURE"),
        (cancel, "after_connector_call", "MANUAL", "CANCELED"),
        (cancel, "after_intent_commit", "MANUAL", "CANCELED"),
        (refund, "after_connector_call", "AUTOMATIC", "PARTIALLY_REFUNDED"),
        (refund, "after_intent_commit", "AUTOMATIC", "PARTIALLY_REFUNDED"),
    ];
    let site = Site::new("").await;
    let shop = shop_on(&site).await;
    for (mutation, failpoint, method, status) in cases {
        let (customer, payment, card) = unpaid(&shop, method).await;
        shop.confirm(&customer, &payment, &card, &key()).await;
        let caller = if mutation == cancel { customer.clone() } else { shop.admin() };
        let mut process = site.start(Some(failpoint));
        let variables = json!({ "id": payment, "key": key() });
        assert_eq!(process.ask(&site, &caller, mutation, variables).await, None, "{failpoint}");
        process.ended();
        let restarted = site.start(None);
        eventually(status, || async {
            let open = shop.count("payment_attempts WHERE status IN ('PENDING', 'UNKNOWN')").await;
            (open == 0).then_some(())
        })
        .await;
        restarted.kill();
        let seen = shop.payment_fields(&customer, &payment, "status").await;
        assert_eq!(seen["status"], status, "{failpoint}");
        shop.assert_books().await;
    }
}

#[tokio::test]
async fn crashes_around_a_payout_pay_it_once() {
    let request = "mutation($key: String!) { payoutRequest(amount: { amountMinor: \"500\", currency: \"EUR\" }, idempotencyKey: $key) { payout { status } errors { ... on UserError { code } } } }";
    let site = Site::new("payouts = { hold = \"0s\" }").await;
    let shop = Shop::with_clock(site.database().await, kit::Clock::system(), |config| {
        config.payouts.hold = kit::settings::Period(std::time::Duration::ZERO);
    });
    for (round, failpoint) in (1..).zip(["after_payout_intent", "after_payout_call"]) {
        let driver = shop.driver();
        shop.completed_ride(&shop.customer(), &driver).await;
        payments::operation::sweep::sweep(&shop.app).await.unwrap();
        let mut process = site.start(Some(failpoint));
        let key = key();
        let variables = json!({ "key": key });
        assert_eq!(process.ask(&site, &driver, request, variables.clone()).await, None);
        process.ended();
        let restarted = site.start(None);
        eventually("paid", || async {
            let paid = shop.count("payouts WHERE status = 'PAID'").await;
            (paid == round).then_some(())
        })
        .await;
        let replay = restarted.ask(&site, &driver, request, variables).await.unwrap();
        assert_eq!(replay["data"]["payoutRequest"]["payout"]["status"], "PAID", "{replay}");
        assert_eq!(shop.count("sandbox_payouts").await, round);
        shop.assert_books().await;
    }
}

#[tokio::test]
async fn a_message_is_worked_on_although_the_process_died_after_storing_it() {
    let site = Site::new("").await;
    let shop = shop_on(&site).await;
    let (customer, payment, _) = unpaid(&shop, "AUTOMATIC").await;
    let method = shop.card(&customer, "4000000000000259").await;
    shop.confirm(&customer, &payment, &method, &key()).await;
    let mut process = site.start(Some("after_webhook_stored"));
    process.ended();
    let restarted = site.start(None);
    eventually("a dispute", || async { (shop.count("disputes").await == 1).then_some(()) }).await;
    restarted.kill();
    shop.assert_books().await;
}

#[tokio::test]
async fn kill_9_under_load_loses_and_doubles_nothing() {
    let site = Site::new("").await;
    let shop = shop_on(&site).await;
    let lamp = shop.product(1000, 100).await;
    let customer = shop.customer();
    let method = shop.card(&customer, APPROVES).await;
    let mut confirms = Vec::new();
    for _ in 0..12 {
        let order = shop.order(&customer, &[(&lamp, 1)]).await;
        let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
        confirms.push(json!({ "input": { "paymentId": payment, "paymentMethodId": method, "idempotencyKey": key() } }));
    }
    let process = site.start(None);
    let site_ref = &site;
    let asked = confirms
        .iter()
        .map(|variables| process.ask(site_ref, &customer, PAYMENT_CONFIRM, variables.clone()));
    let first = futures::future::select_all(asked.map(Box::pin)).await;
    drop(first);
    process.kill();
    let process = site.start(None);
    for variables in &confirms {
        let status = eventually("paid", || async {
            let answer = process.ask(&site, &customer, PAYMENT_CONFIRM, variables.clone()).await?;
            let status = answer["data"]["paymentConfirm"]["payment"]["status"].clone();
            (status == "SUCCEEDED").then_some(status)
        });
        status.await;
    }
    assert_eq!(shop.count("sandbox_operations WHERE state = 'CAPTURED'").await, 12);
    assert_eq!(shop.count("outbox WHERE template = 'order_receipt'").await, 12);
    assert_eq!(shop.stock(&lamp).await, (88, 88, 0));
    shop.assert_books().await;
}
