//! From registration to refund, with verified purchase and a ledger that adds up.

use serde_json::{Value, json};

use super::support::{Client, card_token, fresh_key};

const PRODUCT: &str = "query ($sku: String!) { product(sku: $sku) {
  id sku version price { amountMinor currency } stock { available } viewerHasPurchased
  viewerReviewEligibility { allowed reason }
  ratingSummary { count average }
  reviews(first: 1, sort: NEWEST) { edges { node { title author { displayName } } } }
} }";

pub(crate) async fn product(client: &Client, sku: &str) -> Value {
    client.data(PRODUCT, json!({ "sku": sku })).await["product"].clone()
}

pub(crate) async fn attach_card(client: &Client, number: &str) -> String {
    let input = json!({ "token": card_token(number).await, "idempotencyKey": fresh_key() });
    let data = client
        .data(
            "mutation ($input: PaymentMethodAttachInput!) { paymentMethodAttach(input: $input) { paymentMethod { id } errors { ... on UserError { code message } } } }",
            json!({ "input": input }),
        )
        .await;
    data["paymentMethodAttach"]["paymentMethod"]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{data}"))
        .to_owned()
}

pub(crate) fn order_input(product: &Value, quantity: i64, key: &str) -> Value {
    json!({
        "lines": [{ "productId": product["id"], "quantity": quantity }],
        "currency": product["price"]["currency"],
        "idempotencyKey": key,
        "shippingAddress": {
            "recipient": "Sam Shopper", "lines": ["1 Bridge Street"], "locality": "Portland",
            "administrativeArea": "OR", "postalCode": "97205", "countryCode": "US",
        },
    })
}

const ORDER: &str = "mutation ($input: OrderCreateInput!) { orderCreate(input: $input) {
  order { id status total { amountMinor } } errors { __typename ... on UserError { code message path } } } }";

pub(crate) async fn order(client: &Client, input: &Value) -> Value {
    client.data(ORDER, json!({ "input": input })).await["orderCreate"].clone()
}

pub(crate) async fn pay(client: &Client, order: &str, method: &str) -> Value {
    let create = json!({ "orderId": order, "idempotencyKey": fresh_key() });
    let data = client
        .data(
            "mutation ($input: PaymentCreateInput!) { paymentCreate(input: $input) { payment { id } errors { ... on UserError { code message } } } }",
            json!({ "input": create }),
        )
        .await;
    let payment = data["paymentCreate"]["payment"]["id"].clone();
    assert!(payment.is_string(), "{data}");
    let confirm =
        json!({ "paymentId": payment, "paymentMethodId": method, "idempotencyKey": fresh_key() });
    let data = client
        .data(
            "mutation ($input: PaymentConfirmInput!) { paymentConfirm(input: $input) { payment { id status } errors { __typename ... on UserError { code message } } } }",
            json!({ "input": confirm }),
        )
        .await;
    data["paymentConfirm"].clone()
}

#[tokio::test]
async fn a_stranger_buys_reviews_and_is_refunded() {
    let shopper = Client::register().await;
    let before = product(&shopper, "GAR-007").await;
    assert_eq!(before["viewerHasPurchased"], false);
    assert_eq!(
        before["viewerReviewEligibility"],
        json!({ "allowed": false, "reason": "NOT_PURCHASED" })
    );

    let method = attach_card(&shopper, "4242424242424242").await;
    let ordered = order(&shopper, &order_input(&before, 2, &fresh_key())).await;
    assert_eq!(ordered["order"]["status"], "PENDING_PAYMENT", "{ordered}");
    let paid = pay(&shopper, ordered["order"]["id"].as_str().unwrap(), &method).await;
    assert_eq!(paid["payment"]["status"], "SUCCEEDED", "{paid}");

    let bought = product(&shopper, "GAR-007").await;
    assert_eq!(bought["viewerHasPurchased"], true);
    assert_eq!(bought["viewerReviewEligibility"], json!({ "allowed": true, "reason": null }));
    let available = |product: &Value| product["stock"]["available"].as_i64().unwrap();
    assert_eq!(available(&bought), available(&before) - 2);

    let review = json!({
        "productId": before["id"], "rating": 4, "title": "Grew into it", "body": "Sturdy and easy to put together.",
        "idempotencyKey": fresh_key(),
    });
    let data = shopper
        .data(
            "mutation ($input: ReviewCreateInput!) { reviewCreate(input: $input) { review { id status verifiedPurchase } errors { ... on UserError { code message } } } }",
            json!({ "input": review }),
        )
        .await;
    assert_eq!(data["reviewCreate"]["review"]["status"], "PUBLISHED", "{data}");
    assert_eq!(data["reviewCreate"]["review"]["verifiedPurchase"], true, "{data}");

    let shown = product(&Client::anonymous(), "GAR-007").await;
    assert_eq!(shown["reviews"]["edges"][0]["node"]["title"], "Grew into it");
    assert_eq!(
        shown["ratingSummary"]["count"].as_i64().unwrap(),
        before["ratingSummary"]["count"].as_i64().unwrap() + 1
    );

    let refund = json!({
        "paymentId": paid["payment"]["id"], "reason": "REQUESTED_BY_CUSTOMER", "idempotencyKey": fresh_key(),
    });
    let data = Client::role("SUPPORT")
        .await
        .data(
            "mutation ($input: RefundCreateInput!) { refundCreate(input: $input) { refund { status } errors { ... on UserError { code message } } } }",
            json!({ "input": refund }),
        )
        .await;
    assert_eq!(data["refundCreate"]["refund"]["status"], "SUCCEEDED", "{data}");

    let data = Client::role("ADMIN")
        .await
        .data(
            "query ($id: ID!) { payment(id: $id) { status ledger { debit { amountMinor } credit { amountMinor } } } }",
            json!({ "id": paid["payment"]["id"] }),
        )
        .await;
    assert_eq!(data["payment"]["status"], "REFUNDED", "{data}");
    let sum = |side: &str| -> i64 {
        let entries = data["payment"]["ledger"].as_array().unwrap();
        entries
            .iter()
            .filter_map(|entry| entry[side]["amountMinor"].as_str())
            .map(|text| text.parse::<i64>().unwrap())
            .sum()
    };
    assert!(sum("debit") > 0);
    assert_eq!(sum("debit"), sum("credit"));
}
