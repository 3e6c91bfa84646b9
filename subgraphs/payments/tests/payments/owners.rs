//! Who may see what, also through the gateway's back door.

use kit::Caller;
use serde_json::{Value, json};

use crate::support::{APPROVES, Shop, id_of, top_code};

const ENTITIES: &str = "query($r: [_Any!]!) { _entities(representations: $r) { __typename
    ... on Payment { id amount { decimal } } ... on Order { id number } ... on Refund { id }
    ... on PaymentMethod { id last4 } ... on User { id } ... on Product { id sku } } }";

#[tokio::test]
async fn f40_entities_of_others_are_refused() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 5).await;
    let owner = shop.customer();
    let (order, payment) = shop.paid(&owner, &[(&lamp, 1)]).await;
    let method = shop.card(&owner, APPROVES).await;
    let refund = shop.refund(&shop.support(), json!({ "paymentId": payment })).await;
    let refund = refund["refund"]["id"].clone();
    for (name, id) in [
        ("Order", json!(order)),
        ("Payment", json!(payment)),
        ("Refund", refund),
        ("PaymentMethod", json!(method)),
    ] {
        let representation = json!({ "r": [{ "__typename": name, "id": id }] });
        for (caller, code) in
            [(shop.customer(), "FORBIDDEN"), (Caller::Anonymous, "UNAUTHENTICATED")]
        {
            let answer = shop.ask(&caller, ENTITIES, representation.clone()).await;
            assert_eq!(answer["data"]["_entities"], json!([null]), "{name}");
            assert_eq!(top_code(&answer), code, "{name}");
        }
        let seen = shop.data(&owner, ENTITIES, representation).await;
        assert_eq!(seen["_entities"][0]["id"], id, "{name}");
    }
}

#[tokio::test]
async fn one_bad_entity_does_not_spoil_the_batch() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 5).await;
    let (_, payment) = shop.paid(&shop.customer(), &[(&lamp, 1)]).await;
    let representations = json!({ "r": [
        { "__typename": "Product", "id": lamp },
        { "__typename": "Payment", "id": payment },
        { "__typename": "Product", "sku": "nothing" },
        { "__typename": "User", "id": id_of(&shop.merchant).to_string() },
        { "__typename": "User", "id": "prd_wrong" },
    ] });
    let answer = shop.ask(&shop.customer(), ENTITIES, representations).await;
    let entities = answer["data"]["_entities"].as_array().unwrap();
    assert_eq!(entities[0]["id"], json!(lamp));
    assert_eq!((&entities[1], &entities[2]), (&Value::Null, &Value::Null));
    assert_eq!(entities[3]["__typename"], "User");
    assert_eq!(entities[4], Value::Null);
}

#[tokio::test]
async fn lists_belong_to_their_owner() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 5).await;
    let owner = shop.customer();
    shop.paid(&owner, &[(&lamp, 1)]).await;
    let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { paidOrderCount completedRideCount
        orders { edges { node { status } } } payments { edges { node { status } } } paymentMethods { last4 } rides { edges { node { id } } } } } }";
    let me = json!({ "r": [{ "__typename": "User", "id": id_of(&owner).to_string() }] });

    let mine = shop.data(&owner, query, me.clone()).await;
    let user = &mine["_entities"][0];
    assert_eq!(user["paidOrderCount"], 1);
    assert_eq!(user["orders"]["edges"][0]["node"]["status"], "PAID");
    assert_eq!(user["payments"]["edges"][0]["node"]["status"], "SUCCEEDED");
    assert_eq!(user["paymentMethods"][0]["last4"], "4242");

    let stranger = shop.ask(&shop.customer(), query, me.clone()).await;
    let user = &stranger["data"]["_entities"][0];
    assert_eq!(user["paidOrderCount"], 1, "counts are public: badges need them");
    for field in ["orders", "payments", "paymentMethods", "rides"] {
        assert_eq!(user[field], Value::Null, "{field}");
    }
    assert!(
        stranger["errors"]
            .as_array()
            .unwrap()
            .iter()
            .all(|error| error["extensions"]["code"] == "FORBIDDEN")
    );
    let nobody = shop.ask(&Caller::Anonymous, query, me.clone()).await;
    assert_eq!(top_code(&nobody), "UNAUTHENTICATED");

    let support = shop.ask(&shop.support(), query, me).await;
    let user = &support["data"]["_entities"][0];
    assert_eq!(user["orders"]["edges"].as_array().unwrap().len(), 1);
    assert_eq!(user["paymentMethods"], Value::Null, "cards are for the owner only");
}

#[tokio::test]
async fn protected_fields_need_their_scope_here_too() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 5).await;
    let owner = shop.customer();
    let (_, payment) = shop.paid(&owner, &[(&lamp, 1)]).await;
    let answer = shop
        .ask(
            &owner,
            "query($p: ID!, $l: ID!) { payment(id: $p) { status ledger { id } } product(id: $l) { sku stock { onHand reserved available } }
               paymentAnalytics(range: { from: \"2026-01-01T00:00:00Z\", to: \"2027-01-01T00:00:00Z\" }, currency: \"EUR\") { paymentCount } }",
            json!({ "p": payment, "l": lamp }),
        )
        .await;
    let data = &answer["data"];
    assert_eq!(data["payment"], json!({ "status": "SUCCEEDED", "ledger": null }));
    assert_eq!(
        data["product"]["stock"],
        json!({ "onHand": null, "reserved": null, "available": 4 })
    );
    assert_eq!(data["paymentAnalytics"], Value::Null);
    assert_eq!(answer["errors"].as_array().unwrap().len(), 4);
    for mutation in [
        "mutation { refundCreate(input: { paymentId: \"x\", reason: OTHER, idempotencyKey: \"k\" }) { errors { __typename } } }",
        "mutation { rideComplete(input: { rideId: \"x\", distanceMeters: 1, durationSeconds: 1, idempotencyKey: \"k\" }) { errors { __typename } } }",
        "mutation { paymentCapture(input: { paymentId: \"x\", idempotencyKey: \"k\" }) { errors { __typename } } }",
    ] {
        assert_eq!(top_code(&shop.ask(&owner, mutation, json!({})).await), "FORBIDDEN");
        assert_eq!(
            top_code(&shop.ask(&Caller::Anonymous, mutation, json!({})).await),
            "UNAUTHENTICATED"
        );
    }
}
