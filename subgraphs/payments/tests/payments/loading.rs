//! Lists cost a fixed number of statements.

use serde_json::{Value, json};

use crate::support::{APPROVES, Shop, id_of, key};

async fn statements(shop: &Shop, caller: &kit::Caller, query: &str, variables: Value) -> u64 {
    let before = shop.app.database.statements();
    shop.data(caller, query, variables).await;
    shop.app.database.statements() - before
}

#[tokio::test]
async fn f43_statement_counts_do_not_grow_with_the_list() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let method = shop.card(&customer, APPROVES).await;
    let mut products = Vec::new();
    let mut counts: Vec<[u64; 3]> = Vec::new();
    for round in 0..3 {
        for _ in 0..4 {
            let product = shop.product(6000, 5).await;
            let order = shop.order(&customer, &[(&product, 1)]).await;
            let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
            shop.confirm(&customer, &payment, &method, &key()).await;
            products.push(product);
        }
        let entities: Vec<Value> =
            products.iter().map(|id| json!({ "__typename": "Product", "id": id })).collect();
        let me = json!({ "r": [{ "__typename": "User", "id": id_of(&customer).to_string() }] });
        counts.push([
            statements(
                &shop,
                &customer,
                "query($r: [_Any!]!) { _entities(representations: $r) { ... on Product { title stock { available } viewerHasPurchased } } }",
                json!({ "r": entities }),
            )
            .await,
            statements(
                &shop,
                &customer,
                "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { paidOrderCount completedRideCount payments(first: 50) { edges { node {
                    status method { last4 } confirmationEmail { status } splits { payee } attempts { status } refunds { edges { node { id } } }
                    purpose { ... on Order { number lines { product { title stock { available } } } payments { status } } } } } } } } }",
                me,
            )
            .await,
            statements(&shop, &customer, "{ products(first: 50) { totalCount edges { node { title stock { available } viewerHasPurchased } } } }", json!({})).await,
        ]);
        assert_eq!(products.len(), (round + 1) * 4);
    }
    // What two branches of a query ask for is read together if they come to it at the same time,
    // which depends on how fast each was answered before: so there is a bound, not a figure.
    for [products, payments, list] in &counts {
        assert!(*products <= 3 && *payments <= 22 && *list <= 4, "{counts:?}");
    }
}
