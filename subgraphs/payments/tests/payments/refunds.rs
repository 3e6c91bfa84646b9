//! Giving money back.

use serde_json::json;

use crate::support::{Shop, codes, key};

#[tokio::test]
async fn a_full_refund_returns_money_and_goods() {
    let shop = Shop::open().await;
    let lamp = shop.product(3000, 5).await;
    let customer = shop.customer();
    let (order, payment) = shop.paid(&customer, &[(&lamp, 2)]).await;
    let support = shop.support();
    let refunded = shop.refund(&support, json!({ "paymentId": payment })).await;
    assert_eq!(refunded["errors"], json!([]));
    assert_eq!(refunded["refund"]["status"], "SUCCEEDED");
    assert_eq!(refunded["refund"]["payment"]["status"], "REFUNDED");
    assert_eq!(shop.order_status(&customer, &order).await, "REFUNDED");
    assert_eq!(shop.stock(&lamp).await, (5, 5, 0));
    let again = shop.refund(&support, json!({ "paymentId": payment })).await;
    assert_eq!(codes(&again), ["REFUND_EXCEEDS_PAYMENT"]);
    let seen = shop
        .payment_fields(&customer, &payment, "refunds { edges { node { amount { amountMinor } confirmationEmail { template } } } pageInfo { hasNextPage } }")
        .await;
    assert_eq!(
        seen["refunds"]["edges"][0]["node"]["confirmationEmail"]["template"],
        "refund_receipt"
    );
    assert!(shop.events().await.iter().any(|(kind, _)| kind == "order.refunded"));
    shop.assert_books().await;
}

#[tokio::test]
async fn lines_are_refunded_piece_by_piece_and_restocked_when_asked() {
    let shop = Shop::open().await;
    let lamp = shop.product(3000, 5).await;
    let customer = shop.customer();
    let (order, payment) = shop.paid(&customer, &[(&lamp, 3)]).await;
    let data = shop
        .data(
            &customer,
            "query($id: ID!) { order(id: $id) { lines { id } } }",
            json!({ "id": order }),
        )
        .await;
    let line = data["order"]["lines"][0]["id"].clone();
    let support = shop.support();
    let lines = |quantity: i64, restock: bool| json!({ "paymentId": payment, "lines": [{ "orderLineId": line, "quantity": quantity }], "restock": restock });
    let first = shop.refund(&support, lines(1, false)).await;
    assert_eq!(first["refund"]["amount"]["amountMinor"], "3000");
    assert_eq!(shop.stock(&lamp).await, (2, 2, 0));
    let second = shop.refund(&support, lines(1, true)).await;
    assert_eq!(second["refund"]["payment"]["status"], "PARTIALLY_REFUNDED");
    assert_eq!(shop.stock(&lamp).await, (3, 3, 0));
    assert_eq!(codes(&shop.refund(&support, lines(2, true)).await), ["INVALID_LINES"]);
    assert_eq!(codes(&shop.refund(&support, lines(-1, true)).await), ["INVALID_LINES"]);
    let foreign = json!({ "paymentId": payment, "lines": [{ "orderLineId": "oli_00000000000000000000000000", "quantity": 1 }] });
    assert_eq!(codes(&shop.refund(&support, foreign).await), ["NOT_FOUND"]);
    shop.assert_books().await;
}

#[tokio::test]
async fn what_cannot_be_refunded_is_refused() {
    let shop = Shop::open().await;
    let lamp = shop.product(6000, 5).await;
    let customer = shop.customer();
    let (_, payment) = shop.paid(&customer, &[(&lamp, 1)]).await;
    let support = shop.support();
    let amount = |minor: &str, currency: &str| json!({ "paymentId": payment, "amount": { "amountMinor": minor, "currency": currency } });
    assert_eq!(
        codes(&shop.refund(&support, amount("6001", "EUR")).await),
        ["REFUND_EXCEEDS_PAYMENT"]
    );
    assert_eq!(codes(&shop.refund(&support, amount("0", "EUR")).await), ["INVALID_AMOUNT"]);
    assert_eq!(codes(&shop.refund(&support, amount("100", "USD")).await), ["CURRENCY_MISMATCH"]);

    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let unpaid = shop.payment(&customer, &order, "AUTOMATIC").await;
    assert_eq!(
        codes(&shop.refund(&support, json!({ "paymentId": unpaid })).await),
        ["INVALID_STATE"]
    );
    shop.wait(181 * 24 * 60);
    assert_eq!(codes(&shop.refund(&support, amount("100", "EUR")).await), ["REFUND_WINDOW_CLOSED"]);
    assert_eq!(shop.count("refunds").await, 0);
    shop.assert_books().await;
}

#[tokio::test]
async fn partial_refunds_take_from_everybody_in_proportion() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 5).await;
    let customer = shop.customer();
    let (_, payment) = shop.paid(&customer, &[(&lamp, 1)]).await;
    let support = shop.support();
    for minor in ["7", "1", "333", "500", "658"] {
        let input = json!({ "paymentId": payment, "amount": { "amountMinor": minor, "currency": "EUR" }, "idempotencyKey": key() });
        let done = shop.refund(&support, input).await;
        assert_eq!(done["errors"], json!([]), "{minor}");
    }
    let seen = shop
        .payment_fields(
            &shop.admin(),
            &payment,
            "status ledger { account debit { amountMinor } credit { amountMinor } }",
        )
        .await;
    assert_eq!(seen["status"], "REFUNDED");
    let net = |account: &str| -> i64 {
        let side = |entry: &serde_json::Value, side: &str| {
            entry[side]["amountMinor"].as_str().map_or(0, |text| text.parse::<i64>().unwrap())
        };
        seen["ledger"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["account"] == account)
            .map(|entry| side(entry, "debit") - side(entry, "credit"))
            .sum()
    };
    for account in ["psp_clearing", "merchant_revenue", "shipping_revenue", "refunds_payable"] {
        assert_eq!(net(account), 0, "{account}");
    }
    shop.assert_books().await;
}
