//! Many people at once.

use futures::future::join_all;
use serde_json::json;

use crate::support::{APPROVES, Shop, codes, key};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_buyers_of_ten_pieces_get_ten() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 10).await;
    let buyers: Vec<_> = (0..50).map(|_| shop.customer()).collect();
    let keys: Vec<_> = (0..50).map(|_| key()).collect();
    let lines = [(lamp.as_str(), 1)];
    let orders = join_all(
        buyers.iter().zip(&keys).map(|(buyer, key)| shop.order_payload(buyer, &lines, key)),
    )
    .await;
    let placed = orders.iter().filter(|payload| payload["errors"] == json!([])).count();
    assert_eq!(placed, 10);
    for refused in orders.iter().filter(|payload| payload["errors"] != json!([])) {
        assert_eq!(codes(refused), ["INSUFFICIENT_STOCK"]);
    }
    assert_eq!(shop.stock(&lamp).await, (0, 10, 10));

    for (buyer, payload) in buyers.iter().zip(&orders) {
        let Some(order) = payload["order"]["id"].as_str() else { continue };
        let payment = shop.payment(buyer, order, "AUTOMATIC").await;
        let method = shop.card(buyer, APPROVES).await;
        shop.confirm(buyer, &payment, &method, &key()).await;
    }
    assert_eq!(shop.stock(&lamp).await, (0, 0, 0));
    assert_eq!(shop.count("orders WHERE status = 'PAID'").await, 10);
    shop.assert_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_parallel_refunds_of_thirty_percent_leave_three() {
    let shop = Shop::open().await;
    let lamp = shop.product(10_000, 1).await;
    let (_, payment) = shop.paid(&shop.customer(), &[(&lamp, 1)]).await;
    let support = shop.support();
    let refunds = join_all((0..10).map(|_| {
        shop.refund(
            &support,
            json!({ "paymentId": payment, "amount": { "amountMinor": "3000", "currency": "EUR" } }),
        )
    }))
    .await;
    let done = refunds.iter().filter(|payload| payload["errors"] == json!([])).count();
    assert_eq!(done, 3, "{refunds:?}");
    for refused in refunds.iter().filter(|payload| payload["errors"] != json!([])) {
        assert_eq!(codes(refused), ["REFUND_EXCEEDS_PAYMENT"]);
    }
    let seen =
        shop.payment_fields(&support, &payment, "status amountRefunded { amountMinor }").await;
    assert_eq!(
        seen,
        json!({ "status": "PARTIALLY_REFUNDED", "amountRefunded": { "amountMinor": "9000" } })
    );
    shop.assert_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_changes_of_stock_all_count_and_one_edit_wins() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 1).await;
    join_all((0..20).map(|_| shop.restock(&lamp, 2))).await;
    assert_eq!(shop.stock(&lamp).await, (41, 41, 0));
    let edit = |n: i64| json!({ "input": { "id": lamp, "sku": "EDITED", "title": format!("Lamp {n}"), "price": { "amountMinor": "5", "currency": "EUR" }, "expectedVersion": 1 } });
    let query = "mutation($input: ProductSaveInput!) { productSave(input: $input) { errors { ... on UserError { code } } } }";
    let edits = join_all((0..5).map(|n| shop.data(&shop.merchant, query, edit(n)))).await;
    let won = edits.iter().filter(|data| data["productSave"]["errors"] == json!([])).count();
    assert_eq!(won, 1);
    shop.assert_books().await;
}
