//! Loaded history behaves like history that happened here.

use kit::{
    Timestamp,
    graphql::{AddressInput, CountryCode},
    id::{OrderId, OrderLineId, PaymentId, ProductId, RefundId, RideId, UserId},
};
use payments::import::{
    Dataset, ImportedLine, ImportedOrder, ImportedProduct, ImportedRefund, ImportedRide, load,
};
use serde_json::json;

use crate::support::{Shop, id_of, with_roles};

fn at(minutes: i64) -> Timestamp {
    Timestamp(Timestamp::parse("2026-11-01T00:00:00Z").unwrap().0 + minutes * 60_000)
}

fn dataset(buyer: UserId, driver: UserId, seller: UserId, orders: i64) -> Dataset {
    let product = ProductId::new(at(0));
    let address = AddressInput {
        recipient: None,
        organization: None,
        lines: vec!["Unter den Linden 1".to_owned()],
        dependent_locality: None,
        locality: Some("Berlin".to_owned()),
        administrative_area: None,
        postal_code: Some("10117".to_owned()),
        sorting_code: None,
        country_code: CountryCode::parse("DE").unwrap(),
    };
    let orders = (0..orders).map(|n| ImportedOrder {
        id: OrderId::new(at(n)),
        payment: PaymentId::new(at(n)),
        buyer,
        currency: "EUR".to_owned(),
        address: address.clone(),
        lines: vec![ImportedLine {
            id: OrderLineId::new(at(n)),
            product,
            quantity: 2,
            unit_minor: 1000,
        }],
        placed_at: at(n),
        paid_at: at(n + 1),
        refund: (n % 3 == 0).then(|| ImportedRefund {
            id: RefundId::new(at(n)),
            line: 0,
            settled_at: at(n + 5),
        }),
    });
    let ride = ImportedRide {
        id: RideId::new(at(0)),
        payment: PaymentId::new(at(0)),
        rider: buyer,
        driver,
        currency: "EUR".to_owned(),
        distance_meters: 9000,
        duration_seconds: 1200,
        tip_minor: Some(150),
        tip_payment: PaymentId::new(at(1)),
        picked_up_at: at(10),
        completed_at: at(30),
    };
    Dataset {
        products: vec![ImportedProduct {
            id: product,
            sku: "LOADED".to_owned(),
            title: "Loaded lamp".to_owned(),
            description: None,
            image_url: None,
            price_minor: 1000,
            currency: "EUR".to_owned(),
            seller,
            on_hand: 7,
            listed_at: at(0),
        }],
        orders: orders.collect(),
        rides: vec![ride],
    }
}

#[tokio::test]
async fn loaded_history_balances_and_can_be_refunded() {
    let shop = Shop::open().await;
    let customer = shop.customer();
    let driver = crate::support::person(&shop.clock);
    let data = dataset(id_of(&customer), driver, id_of(&shop.merchant), 30);
    let last = load(&shop.app.database, &data).await.unwrap();
    assert_eq!(last, 1 + 30 + 10 + 1, "one event each");
    shop.assert_books().await;
    assert_eq!(shop.stock(&data.products[0].id.to_string()).await, (7, 7, 0));

    let payment = data.orders[1].payment.to_string();
    let refunded = shop.refund(&shop.support(), json!({ "paymentId": payment })).await;
    assert_eq!(refunded["refund"]["status"], "SUCCEEDED", "{refunded}");
    assert_eq!(shop.stock(&data.products[0].id.to_string()).await, (9, 9, 0));
    let rider = with_roles(id_of(&customer), &["payments:read"], &["CUSTOMER"]);
    let ride = shop
        .data(
            &rider,
            "query($id: ID!) { ride(id: $id) { status tip { decimal } payments { status } } }",
            json!({ "id": data.rides[0].id.to_string() }),
        )
        .await;
    assert_eq!(
        ride["ride"],
        json!({ "status": "COMPLETED", "tip": { "decimal": "1.50" }, "payments": [{ "status": "SUCCEEDED" }, { "status": "SUCCEEDED" }] })
    );
    let again = load(&shop.app.database, &data).await;
    assert!(again.is_err(), "nothing is loaded twice");
    shop.assert_books().await;
}
