//! The same key: the same answer, once.

use futures::future::join_all;
use serde_json::json;

use crate::support::{APPROVES, PAYMENT_CONFIRM, Shop, codes, key};

#[tokio::test]
async fn a_repeated_mutation_answers_the_first_result() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 5).await;
    let customer = shop.customer();
    let key = key();
    let first = shop.order_payload(&customer, &[(&lamp, 1)], &key).await;
    let second = shop.order_payload(&customer, &[(&lamp, 1)], &key).await;
    assert_eq!(first["order"]["id"], second["order"]["id"]);
    assert_eq!(shop.count("orders").await, 1);
    let others = shop.order_payload(&shop.customer(), &[(&lamp, 1)], &key).await;
    assert_ne!(first["order"]["id"], others["order"]["id"], "keys are a person's own");
}

#[tokio::test]
async fn f02_the_same_key_with_another_input_is_refused_and_writes_nothing() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 5).await;
    let customer = shop.customer();
    let key = key();
    shop.order_payload(&customer, &[(&lamp, 1)], &key).await;
    let reused = shop.order_payload(&customer, &[(&lamp, 2)], &key).await;
    assert_eq!(reused["errors"][0]["__typename"], "IdempotencyError");
    assert_eq!(codes(&reused), ["IDEMPOTENCY_KEY_REUSED"]);
    assert_eq!(shop.count("orders").await, 1);
    assert_eq!(shop.stock(&lamp).await, (4, 5, 1));
    assert_eq!(
        codes(&shop.order_payload(&customer, &[(&lamp, 1)], "").await),
        ["INVALID_IDEMPOTENCY_KEY"]
    );
}

#[tokio::test]
async fn a_refused_input_does_not_use_up_its_key() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 1).await;
    let customer = shop.customer();
    let key = key();
    assert_eq!(
        codes(&shop.order_payload(&customer, &[(&lamp, 2)], &key).await),
        ["INSUFFICIENT_STOCK"]
    );
    let placed = shop.order_payload(&customer, &[(&lamp, 1)], &key).await;
    assert_eq!(placed["errors"], json!([]));
}

#[tokio::test]
async fn twenty_parallel_confirmations_with_one_key_charge_once() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 5).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
    let method = shop.card(&customer, APPROVES).await;
    let key = key();
    let input = json!({ "input": { "paymentId": payment, "paymentMethodId": method, "idempotencyKey": key } });
    let answers =
        join_all((0..20).map(|_| shop.ask(&customer, PAYMENT_CONFIRM, input.clone()))).await;
    let mut paid = 0;
    for answer in answers {
        let payload = &answer["data"]["paymentConfirm"];
        match payload["errors"][0]["code"].as_str() {
            None => {
                assert_eq!(payload["payment"]["status"], "SUCCEEDED", "{answer}");
                paid += 1;
            }
            Some(code) => assert_eq!(code, "IDEMPOTENCY_KEY_IN_USE", "{answer}"),
        }
    }
    assert!(paid >= 1);
    assert_eq!(shop.count("sandbox_operations").await, 1);
    assert_eq!(shop.count("payment_attempts WHERE op = 'AUTHORIZE'").await, 1);
    let replay = shop.confirm(&customer, &payment, &method, &key).await;
    assert_eq!(replay["payment"]["status"], "SUCCEEDED");
    shop.assert_books().await;
}

#[tokio::test]
async fn a_decline_is_repeated_too() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 5).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
    let method = shop.card(&customer, crate::support::DECLINES_CHARGE).await;
    let key = key();
    let first = shop.confirm(&customer, &payment, &method, &key).await;
    let second = shop.confirm(&customer, &payment, &method, &key).await;
    assert_eq!(first, second);
    assert_eq!(shop.count("sandbox_operations").await, 1);
}
