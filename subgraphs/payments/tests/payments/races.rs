//! Many people at once.

use futures::{StreamExt, future::join_all, stream};
use serde_json::json;

use crate::{
    process::Site,
    support::{APPROVES, Shop, codes, key},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f09_five_hundred_buyers_of_fifty_pieces_get_fifty() {
    let site = Site::new("").await;
    let clock = kit::Clock::manual(kit::Clock::system().now());
    let replica = async || Shop::with_clock(site.database().await, clock.clone(), |_| {});
    let replicas = [replica().await, replica().await];
    let shop = &replicas[0];
    let lamp = &shop.product(1000, 50).await;
    let replica_of = |number: usize| &replicas[number % 2];
    let orders: Vec<_> = stream::iter(0..500_usize)
        .map(|number| async move {
            let buyer = shop.customer();
            let lines = [(lamp.as_str(), 1)];
            let payload = replica_of(number).order_payload(&buyer, &lines, &key()).await;
            (number, buyer, payload)
        })
        .buffer_unordered(50)
        .collect()
        .await;
    let placed: Vec<_> =
        orders.iter().filter(|(_, _, payload)| payload["errors"] == json!([])).collect();
    assert_eq!(placed.len(), 50);
    for (_, _, refused) in orders.iter().filter(|(_, _, payload)| payload["errors"] != json!([])) {
        assert_eq!(codes(refused), ["INSUFFICIENT_STOCK"]);
    }
    assert_eq!(shop.stock(lamp).await, (0, 50, 50));

    stream::iter(placed)
        .for_each_concurrent(10, |(number, buyer, payload)| async move {
            let shop = replica_of(*number);
            let payment =
                shop.payment(buyer, payload["order"]["id"].as_str().unwrap(), "AUTOMATIC").await;
            let method = shop.card(buyer, APPROVES).await;
            let paid = shop.confirm(buyer, &payment, &method, &key()).await;
            assert_eq!(paid["payment"]["status"], "SUCCEEDED", "{paid}");
        })
        .await;
    assert_eq!(shop.stock(lamp).await, (0, 0, 0));
    assert_eq!(shop.count("orders WHERE status = 'PAID'").await, 50);
    assert_eq!(shop.count("orders").await, 50);
    shop.assert_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f12_ten_parallel_refunds_of_thirty_percent_leave_three() {
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
async fn f10_parallel_changes_of_stock_all_count_and_one_edit_wins() {
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
