//! Merchants fulfil orders; people have their cards looked at again.

use kit::Caller;
use serde_json::{Value, json};

use crate::support::{APPROVES, Shop, codes, key, person, with_roles};

async fn fulfill(shop: &Shop, caller: &Caller, order: &str, key: &str) -> Value {
    let query = "mutation($id: ID!, $key: String!) { orderFulfill(id: $id, idempotencyKey: $key) { order { id status } errors { __typename ... on UserError { code } } } }";
    shop.data(caller, query, json!({ "id": order, "key": key })).await["orderFulfill"].clone()
}

#[tokio::test]
async fn a_seller_fulfils_a_paid_order_once() {
    let shop = Shop::open().await;
    let lamp = shop.product(6000, 5).await;
    let customer = shop.customer();
    let unpaid = shop.order(&customer, &[(&lamp, 1)]).await;
    assert_eq!(codes(&fulfill(&shop, &shop.merchant, &unpaid, &key()).await), ["INVALID_STATE"]);
    let (order, payment) = shop.paid(&customer, &[(&lamp, 1)]).await;
    let other = with_roles(person(&shop.clock), &["inventory:write"], &["MERCHANT"]);
    assert_eq!(codes(&fulfill(&shop, &other, &order, &key()).await), ["NOT_FOUND"]);
    let key = key();
    for _ in 0..2 {
        let done = fulfill(&shop, &shop.merchant, &order, &key).await;
        assert_eq!((&done["order"]["status"], &done["errors"]), (&json!("FULFILLED"), &json!([])));
    }
    assert_eq!(
        codes(&fulfill(&shop, &shop.merchant, &unpaid, &key).await),
        ["IDEMPOTENCY_KEY_REUSED"]
    );
    let refund = shop.refund(&shop.support(), json!({ "paymentId": payment })).await;
    assert_eq!(refund["refund"]["status"], "SUCCEEDED");
    assert_eq!(shop.order_status(&customer, &order).await, "REFUNDED");
    shop.assert_books().await;
}

async fn verify(shop: &Shop, caller: &Caller, id: &str, token: Option<&str>) -> Value {
    let query = "mutation($id: ID!, $token: String) { paymentMethodVerify(id: $id, cvcToken: $token) {
        paymentMethod { id cvcCheck verifiedAt } errors { __typename ... on UserError { code } ... on CardDeclinedError { decline { code } } } } }";
    let variables = json!({ "id": id, "token": token });
    shop.data(caller, query, variables).await["paymentMethodVerify"].clone()
}

#[tokio::test]
async fn a_card_on_file_is_verified_again() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let method = shop.card(&customer, APPROVES).await;
    shop.wait(60);
    let seen = verify(&shop, &customer, &method, None).await;
    assert_eq!(seen["errors"], json!([]));
    assert_eq!(seen["paymentMethod"]["verifiedAt"], "2026-11-23T13:00:00.000Z");
    let same = shop.token(APPROVES).await;
    let seen = verify(&shop, &customer, &method, Some(&same)).await;
    assert_eq!(seen["paymentMethod"]["cvcCheck"], "PASS");
    assert_eq!(
        codes(&verify(&shop, &customer, &method, Some(&same)).await),
        ["TOKEN_USED_OR_EXPIRED"]
    );
    let other = shop.token("5555555555554444").await;
    assert_eq!(codes(&verify(&shop, &customer, &method, Some(&other)).await), ["CARD_MISMATCH"]);
    assert_eq!(codes(&verify(&shop, &shop.customer(), &method, None).await), ["NOT_FOUND"]);
}

#[tokio::test]
async fn an_erased_person_leaves_no_card_behind() {
    use payments::operation::erase::{UsersFollower, forget_cards};

    let shop = Shop::open().await;
    let customer = shop.customer();
    let lamp = shop.product(1000, 5).await;
    shop.paid(&customer, &[(&lamp, 1)]).await;
    assert_eq!(shop.count("sandbox_cards").await, 1);
    let follower = UsersFollower { app: shop.app.clone() };
    let event = kit::events::Event {
        seq: 1,
        id: kit::id::EventId::new(shop.clock.now()),
        kind: "user.erased".to_owned(),
        key: crate::support::id_of(&customer).to_string(),
        payload: json!({ "id": crate::support::id_of(&customer) }),
        at: shop.clock.now(),
    };
    let (follower, event) = (&follower, &event);
    let applied: Result<(), sea_orm::DbErr> = shop
        .app
        .database
        .write(|tx| Box::pin(async move { kit::events::Handler::apply(follower, tx, event).await }))
        .await;
    applied.unwrap();
    assert_eq!(shop.count("events WHERE type = 'user.erasure_completed'").await, 1);
    assert_eq!(forget_cards(&shop.app).await.unwrap(), 1);
    assert_eq!(shop.count("sandbox_cards").await, 0, "the processor forgot it, too");
    assert_eq!(shop.count("payment_methods WHERE detached_at IS NULL").await, 0);
    assert_eq!(forget_cards(&shop.app).await.unwrap(), 0);
    shop.assert_books().await;
}
