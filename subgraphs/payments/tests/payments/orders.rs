//! From the cart to a paid order.

use serde_json::{Value, json};

use crate::support::{ORDER_CREATE, Shop, address, codes, id_of, key};

#[tokio::test]
async fn an_order_is_paid_and_everything_follows() {
    let shop = Shop::open().await;
    let lamp = shop.product(1250, 10).await;
    let desk = shop.product(10_000, 2).await;
    let customer = shop.customer();

    let placed = shop.order_payload(&customer, &[(&lamp, 3), (&desk, 1)], &key()).await;
    let order = &placed["order"];
    assert_eq!(order["status"], "PENDING_PAYMENT");
    assert_eq!(order["total"]["decimal"], "137.50", "free shipping from 50.00");
    assert_eq!(order["lines"][0]["total"]["amountMinor"], "3750");
    assert_eq!(shop.stock(&lamp).await, (7, 10, 3));

    let order = order["id"].as_str().unwrap();
    let payment = shop.payment(&customer, order, "AUTOMATIC").await;
    let method = shop.card(&customer, crate::support::APPROVES).await;
    let confirmed = shop.confirm(&customer, &payment, &method, &key()).await;
    assert_eq!(confirmed["errors"], json!([]));
    assert_eq!(confirmed["payment"]["status"], "SUCCEEDED");
    assert_eq!(shop.order_status(&customer, order).await, "PAID");
    assert_eq!(shop.stock(&lamp).await, (7, 7, 0));

    let admin = shop.admin();
    let seen = shop
        .payment_fields(
            &admin,
            &payment,
            "amountCaptured { amountMinor } splits { payee amount { amountMinor } user { id } }
             attempts { operation status connector } purpose { __typename ... on Order { number } }
             ledger { account debit { amountMinor } credit { amountMinor } }
             confirmationEmail { template status } method { last4 }",
        )
        .await;
    assert_eq!(
        seen["attempts"],
        json!([{ "operation": "AUTHORIZE", "status": "SUCCEEDED", "connector": "sandbox" }])
    );
    assert_eq!(seen["ledger"].as_array().unwrap().len(), 2);
    assert_eq!(seen["splits"][0]["user"]["id"], json!(id_of(&shop.merchant).to_string()));
    assert_eq!(seen["confirmationEmail"]["template"], "payment_receipt");
    assert_eq!(seen["purpose"]["__typename"], "Order");

    let events = shop.events().await;
    let (_, paid) = events.iter().find(|(kind, _)| kind == "order.paid").unwrap();
    assert_eq!(paid["userId"], json!(id_of(&customer).to_string()));
    assert_eq!(paid["productIds"].as_array().unwrap().len(), 2);
    assert_eq!(shop.count("outbox").await, 2, "order receipt and payment receipt");
    shop.assert_books().await;
}

#[tokio::test]
async fn shipping_is_charged_on_small_orders() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 5).await;
    let customer = shop.customer();
    let (_, payment) = shop.paid(&customer, &[(&lamp, 1)]).await;
    let seen = shop
        .payment_fields(
            &customer,
            &payment,
            "amount { decimal } splits { payee amount { decimal } }",
        )
        .await;
    assert_eq!(seen["amount"]["decimal"], "14.99");
    assert_eq!(
        seen["splits"],
        json!([{ "payee": "SELLER", "amount": { "decimal": "10.00" } }, { "payee": "PLATFORM", "amount": { "decimal": "4.99" } }])
    );
    shop.assert_books().await;
}

#[tokio::test]
async fn bad_orders_write_nothing() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 2).await;
    let yen = shop.product_in("JPY", 1000, 2).await;
    let customer = shop.customer();
    let order = |lines: Value, address: Value, currency: &str| json!({ "input": { "lines": lines, "shippingAddress": address, "currency": currency, "idempotencyKey": key() } });
    let one = |id: &str, quantity: i64| json!([{ "productId": id, "quantity": quantity }]);
    let mut nowhere = address();
    nowhere["postalCode"] = json!("ABC");
    let unknown = "prd_00000000000000000000000000";
    for (input, code, kind) in [
        (order(one(&lamp, -1), address(), "EUR"), "INVALID_QUANTITY", "InvalidInputError"),
        (order(one(&lamp, 0), address(), "EUR"), "INVALID_QUANTITY", "InvalidInputError"),
        (order(json!([]), address(), "EUR"), "INVALID_LINES", "InvalidInputError"),
        (order(one(unknown, 1), address(), "EUR"), "NOT_FOUND", "NotFoundError"),
        (order(one("usr_x", 1), address(), "EUR"), "NOT_FOUND", "NotFoundError"),
        (order(one(&yen, 1), address(), "EUR"), "CURRENCY_MISMATCH", "InvalidInputError"),
        (order(one(&lamp, 3), address(), "EUR"), "INSUFFICIENT_STOCK", "InsufficientStockError"),
        (order(one(&lamp, 1), nowhere, "EUR"), "INVALID_ADDRESS", "InvalidAddressError"),
    ] {
        let data = shop.data(&customer, ORDER_CREATE, input).await;
        let payload = &data["orderCreate"];
        assert_eq!(payload["order"], Value::Null);
        assert_eq!(payload["errors"][0]["code"], code);
        assert_eq!(payload["errors"][0]["__typename"], kind);
    }
    assert_eq!((shop.count("orders").await, shop.count("reservations").await), (0, 0));
    assert_eq!(shop.count("idempotency").await, 2, "only the merchant's own restocking");
    shop.assert_books().await;
}

#[tokio::test]
async fn a_canceled_order_gives_its_stock_back() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 2).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 2)]).await;
    let payment = shop.payment(&customer, &order, "MANUAL").await;
    let method = shop.card(&customer, crate::support::APPROVES).await;
    let confirmed = shop.confirm(&customer, &payment, &method, &key()).await;
    assert_eq!(confirmed["payment"]["status"], "REQUIRES_CAPTURE");

    let cancel = "mutation($id: ID!) { orderCancel(id: $id) { order { status } errors { ... on UserError { code } } } }";
    let stranger = shop.data(&shop.customer(), cancel, json!({ "id": order })).await;
    assert_eq!(codes(&stranger["orderCancel"]), ["NOT_FOUND"]);
    let canceled = shop.data(&customer, cancel, json!({ "id": order })).await;
    assert_eq!(canceled["orderCancel"]["order"]["status"], "CANCELED", "{canceled}");
    assert_eq!(shop.stock(&lamp).await, (2, 2, 0));
    let seen =
        shop.payment_fields(&customer, &payment, "status attempts { operation status }").await;
    assert_eq!(seen["status"], "CANCELED");
    assert_eq!(seen["attempts"][1], json!({ "operation": "VOID", "status": "SUCCEEDED" }));
    let again = shop.data(&customer, cancel, json!({ "id": order })).await;
    assert_eq!(codes(&again["orderCancel"]), ["INVALID_STATE"]);
    shop.assert_books().await;
}

#[tokio::test]
async fn held_money_is_captured_in_part_by_staff() {
    let shop = Shop::open().await;
    let lamp = shop.product(6000, 2).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let payment = shop.payment(&customer, &order, "MANUAL").await;
    let method = shop.card(&customer, crate::support::APPROVES).await;
    shop.confirm(&customer, &payment, &method, &key()).await;
    let capture = "mutation($input: PaymentCaptureInput!) { paymentCapture(input: $input) {
        payment { status amountCaptured { amountMinor } amountCapturable { amountMinor } } errors { __typename ... on UserError { code } } } }";
    let input = |amount: &str, currency: &str| json!({ "input": { "paymentId": payment, "amount": { "amountMinor": amount, "currency": currency }, "idempotencyKey": key() } });
    let too_much = shop.data(&shop.merchant, capture, input("6001", "EUR")).await;
    assert_eq!(codes(&too_much["paymentCapture"]), ["INVALID_AMOUNT"]);
    let foreign = shop.data(&shop.merchant, capture, input("6000", "USD")).await;
    assert_eq!(codes(&foreign["paymentCapture"]), ["CURRENCY_MISMATCH"]);
    let done = shop.data(&shop.merchant, capture, input("4000", "EUR")).await;
    assert_eq!(
        done["paymentCapture"]["payment"],
        json!({ "status": "SUCCEEDED", "amountCaptured": { "amountMinor": "4000" }, "amountCapturable": { "amountMinor": "0" } })
    );
    let again = shop.data(&shop.merchant, capture, input("1000", "EUR")).await;
    assert_eq!(codes(&again["paymentCapture"]), ["INVALID_STATE"]);
    assert_eq!(shop.order_status(&customer, &order).await, "PAID");
    shop.assert_books().await;
}

#[tokio::test]
async fn an_unpaid_order_expires_and_a_second_payment_is_refused() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 1).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    shop.payment(&customer, &order, "AUTOMATIC").await;
    let again = shop
        .data(
            &customer,
            "mutation($input: PaymentCreateInput!) { paymentCreate(input: $input) { errors { ... on UserError { code } } } }",
            json!({ "input": { "orderId": order, "idempotencyKey": key() } }),
        )
        .await;
    assert_eq!(codes(&again["paymentCreate"]), ["PAYMENT_EXISTS"]);
    shop.wait(16);
    assert_eq!(payments::operation::sweep::sweep(&shop.app).await.unwrap(), 1);
    assert_eq!(shop.order_status(&customer, &order).await, "EXPIRED");
    assert_eq!(shop.stock(&lamp).await, (1, 1, 0));
    shop.assert_books().await;
}

#[tokio::test]
async fn addresses_are_checked_and_described() {
    let shop = Shop::open().await;
    let data = shop
        .data(
            &kit::Caller::Anonymous,
            "query($a: AddressInput!) { addressValidate(address: $a) { valid verdict normalized { administrativeArea formatted } issues { field code } format { fields required } }
               addressFormat(countryCode: \"US\") { required administrativeAreas { code name } postalCodeExamples } none: addressFormat(countryCode: \"ZZ\") { fields } }",
            json!({ "a": { "lines": ["1 Main St"], "locality": "Springfield", "administrativeArea": "illinois", "postalCode": "62701", "countryCode": "US" } }),
        )
        .await;
    assert_eq!(data["addressValidate"]["verdict"], "CORRECTED");
    assert_eq!(data["addressValidate"]["normalized"]["administrativeArea"], "IL");
    assert_eq!(
        data["addressFormat"]["required"],
        json!(["LINES", "LOCALITY", "ADMINISTRATIVE_AREA", "POSTAL_CODE"])
    );
    assert_eq!(data["none"], Value::Null);
}
