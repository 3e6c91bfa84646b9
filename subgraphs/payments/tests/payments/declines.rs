//! The public test cards.

use serde_json::{Value, json};

use crate::support::{Shop, key};

#[tokio::test]
async fn cards_that_fail_verification_are_not_attached() {
    let shop = Shop::open().await;
    for (number, code) in [
        ("4000000000000002", "CARD_DECLINED"),
        ("4000000000000069", "EXPIRED_CARD"),
        ("4000000000000127", "INCORRECT_CVC"),
    ] {
        let customer = shop.customer();
        let payload = shop.attach_payload(&customer, number).await;
        assert_eq!(payload["paymentMethod"], Value::Null);
        assert_eq!(payload["errors"][0]["__typename"], "CardDeclinedError");
        assert_eq!(payload["errors"][0]["decline"]["code"], code, "{number}");
        assert_eq!(payload["errors"][0]["decline"]["retryable"], code != "EXPIRED_CARD");
    }
    assert_eq!(shop.count("payment_methods").await, 0);
}

#[tokio::test]
async fn cards_that_attach_fail_when_charged() {
    let shop = Shop::open().await;
    let lamp = shop.product(2000, 50).await;
    for (number, code, status) in [
        ("4000000000009995", "INSUFFICIENT_FUNDS", "REQUIRES_PAYMENT_METHOD"),
        ("4000000000000119", "PROCESSING_ERROR", "REQUIRES_PAYMENT_METHOD"),
        ("4000000000000341", "CARD_DECLINED", "REQUIRES_PAYMENT_METHOD"),
        ("4000000000009987", "CARD_DECLINED", "FAILED"),
        ("4100000000000019", "FRAUD_SUSPECTED", "FAILED"),
    ] {
        let customer = shop.customer();
        let method = shop.card(&customer, number).await;
        let order = shop.order(&customer, &[(&lamp, 1)]).await;
        let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
        let declined = shop.confirm(&customer, &payment, &method, &key()).await;
        assert_eq!(declined["payment"]["status"], status, "{number}");
        assert_eq!(declined["payment"]["lastError"]["code"], code);
        assert_eq!(declined["errors"][0]["decline"]["code"], code);
        assert_eq!(shop.order_status(&customer, &order).await, "PENDING_PAYMENT");
    }
    shop.assert_books().await;
}

#[tokio::test]
async fn brands_and_digits_are_shown_and_the_same_card_is_one_method() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    for (number, brand, last4) in [
        ("4242424242424242", "VISA", "4242"),
        ("5555555555554444", "MASTERCARD", "4444"),
        ("378282246310005", "AMEX", "0005"),
    ] {
        let payload = shop.attach_payload(&customer, number).await;
        assert_eq!(payload["paymentMethod"]["brand"], brand);
        assert_eq!(payload["paymentMethod"]["last4"], last4);
        assert_eq!(
            payload["paymentMethod"]["isDefault"],
            brand == "VISA",
            "the first is the default"
        );
        assert_eq!(payload["paymentMethod"]["cvcCheck"], "PASS");
    }
    let again = shop.attach_payload(&customer, "4242424242424242").await;
    assert_eq!(again["errors"], json!([]));
    assert_eq!(shop.count("payment_methods").await, 3);
}

#[tokio::test]
async fn a_declined_payment_takes_another_card_until_the_fifth_decline() {
    let shop = Shop::open().await;
    let lamp = shop.product(2000, 5).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
    let bad = shop.card(&customer, crate::support::DECLINES_CHARGE).await;
    for n in 1..=5 {
        let declined = shop.confirm(&customer, &payment, &bad, &key()).await;
        let status = if n == 5 { "CANCELED" } else { "REQUIRES_PAYMENT_METHOD" };
        assert_eq!(declined["payment"]["status"], status, "decline {n}");
    }
    let over = shop.confirm(&customer, &payment, &bad, &key()).await;
    assert_eq!(
        over["errors"][0],
        json!({ "__typename": "InvalidStateError", "code": "INVALID_STATE", "from": "CANCELED", "attempted": "paymentConfirm" })
    );

    let second = shop.payment(&customer, &order, "AUTOMATIC").await;
    let good = shop.card(&customer, crate::support::APPROVES).await;
    let paid = shop.confirm(&customer, &second, &good, &key()).await;
    assert_eq!(paid["payment"]["status"], "SUCCEEDED");
    shop.assert_books().await;
}

#[tokio::test]
async fn card_testing_is_stopped() {
    let shop = Shop::with(|config| config.vault.failed_cards_per_hour = 3).await;
    let customer = shop.customer();
    for _ in 0..3 {
        shop.attach_payload(&customer, "4000000000000002").await;
    }
    let stopped = shop.attach_payload(&customer, crate::support::APPROVES).await;
    assert_eq!(stopped["errors"][0]["__typename"], "RateLimitedError");
    shop.wait(61);
    let later = shop.attach_payload(&customer, crate::support::APPROVES).await;
    assert_eq!(later["errors"], json!([]));
}
