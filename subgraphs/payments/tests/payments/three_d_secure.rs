//! Cards whose holder has to authenticate.

use payments::connector::sandbox::Authentication;
use serde_json::{Value, json};

use crate::support::{NEEDS_3DS, Shop, codes, key};

struct Waiting {
    shop: Shop,
    customer: kit::Caller,
    lamp: String,
    order: String,
    payment: String,
    page: String,
}

async fn waiting() -> Waiting {
    let shop = Shop::open().await;
    let lamp = shop.product(6000, 1).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
    let method = shop.card(&customer, NEEDS_3DS).await;
    let confirmed = shop.confirm(&customer, &payment, &method, &key()).await;
    assert_eq!(confirmed["payment"]["status"], "REQUIRES_ACTION", "{confirmed}");
    let action = &confirmed["payment"]["nextAction"];
    assert_eq!(action["kind"], "THREE_D_SECURE");
    let url = action["redirectUrl"].as_str().unwrap();
    let page = url.strip_prefix("http://payments.test/sandbox/3ds/").unwrap().to_owned();
    Waiting { shop, customer, lamp, order, payment, page }
}

async fn sync(shop: &Shop, customer: &kit::Caller, payment: &str) -> Value {
    let query = "mutation($id: ID!) { paymentSync(id: $id) { payment { status lastError { code } nextAction { kind } } errors { ... on UserError { code } } } }";
    shop.data(customer, query, json!({ "id": payment })).await["paymentSync"].clone()
}

#[tokio::test]
async fn an_authenticated_payment_goes_through() {
    let Waiting { shop, customer, order, payment, page, .. } = waiting().await;
    assert_eq!(sync(&shop, &customer, &payment).await["payment"]["status"], "REQUIRES_ACTION");
    assert!(shop.app.sandbox.authenticate(&page, Authentication::Authenticated).await.unwrap());
    let synced = sync(&shop, &customer, &payment).await;
    assert_eq!(
        synced["payment"],
        json!({ "status": "SUCCEEDED", "lastError": null, "nextAction": null })
    );
    assert_eq!(shop.order_status(&customer, &order).await, "PAID");
    assert!(!shop.app.sandbox.authenticate(&page, Authentication::Failed).await.unwrap());
    shop.assert_books().await;
}

#[tokio::test]
async fn a_failed_authentication_asks_for_another_card() {
    let Waiting { shop, customer, payment, page, .. } = waiting().await;
    shop.app.sandbox.authenticate(&page, Authentication::Failed).await.unwrap();
    let synced = sync(&shop, &customer, &payment).await;
    assert_eq!(synced["payment"]["status"], "REQUIRES_PAYMENT_METHOD");
    assert_eq!(synced["payment"]["lastError"]["code"], "AUTHENTICATION_FAILED");
    shop.assert_books().await;
}

#[tokio::test]
async fn nobody_waits_longer_than_a_quarter_of_an_hour() {
    let Waiting { shop, customer, payment, page, .. } = waiting().await;
    shop.wait(16);
    assert!(payments::operation::reconcile::reconcile(&shop.app).await.unwrap() >= 1);
    assert!(!shop.app.sandbox.authenticate(&page, Authentication::Authenticated).await.unwrap());
    let seen = shop.payment_fields(&customer, &payment, "status attempts { status }").await;
    assert_eq!(
        seen,
        json!({ "status": "REQUIRES_PAYMENT_METHOD", "attempts": [{ "status": "FAILED" }] })
    );
    shop.assert_books().await;
}

#[tokio::test]
async fn f11_money_that_comes_when_the_goods_are_gone_goes_back() {
    let Waiting { shop, customer, lamp, order, payment, page } = waiting().await;
    shop.app.sandbox.authenticate(&page, Authentication::Authenticated).await.unwrap();
    shop.wait(16);
    payments::operation::sweep::sweep(&shop.app).await.unwrap();
    let rival = shop.customer();
    shop.paid(&rival, &[(&lamp, 1)]).await;
    sync(&shop, &customer, &payment).await;
    let seen = shop
        .payment_fields(&customer, &payment, "status refunds { edges { node { status note } } }")
        .await;
    assert_eq!(seen["status"], "REFUNDED", "{seen}");
    assert_eq!(shop.order_status(&customer, &order).await, "EXPIRED");
    assert_eq!(shop.stock(&lamp).await, (0, 0, 0));
    assert_eq!(shop.count("outbox WHERE template = 'refund_receipt'").await, 1);
    shop.assert_books().await;
}

#[tokio::test]
async fn f11_money_that_comes_late_buys_goods_that_are_still_there() {
    let Waiting { shop, customer, lamp, order, payment, page } = waiting().await;
    shop.app.sandbox.authenticate(&page, Authentication::Authenticated).await.unwrap();
    shop.wait(16);
    assert_eq!(sync(&shop, &customer, &payment).await["payment"]["status"], "SUCCEEDED");
    assert_eq!(shop.order_status(&customer, &order).await, "PAID");
    assert_eq!(shop.stock(&lamp).await, (0, 0, 0));
    shop.assert_books().await;
}

#[tokio::test]
async fn a_waiting_payment_can_be_canceled() {
    let Waiting { shop, customer, payment, page, .. } = waiting().await;
    let query = "mutation($id: ID!, $key: String!) { paymentCancel(id: $id, idempotencyKey: $key) { payment { status } errors { ... on UserError { code } } } }";
    let canceled = shop.data(&customer, query, json!({ "id": payment, "key": key() })).await;
    assert_eq!(canceled["paymentCancel"]["payment"]["status"], "CANCELED", "{canceled}");
    assert!(!shop.app.sandbox.authenticate(&page, Authentication::Authenticated).await.unwrap());
    let again = shop.data(&customer, query, json!({ "id": payment, "key": key() })).await;
    assert_eq!(codes(&again["paymentCancel"]), ["INVALID_STATE"]);
    shop.assert_books().await;
}
