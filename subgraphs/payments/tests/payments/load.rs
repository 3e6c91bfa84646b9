//! Many people buy at once on two replicas; nothing is lost. `CONCORD_LOAD=2000` makes it that
//! many purchases and says how many went through in a second.

use futures::{StreamExt, stream};
use kit::testing;

use crate::support::{APPROVES, Shop, key};

#[expect(clippy::print_stdout, reason = "figures for whoever asks for them")]
#[tokio::test(flavor = "multi_thread")]
async fn f45_many_writers_on_two_replicas_lose_nothing() {
    let purchases = std::env::var("CONCORD_LOAD").ok().map_or(60, |text| text.parse().unwrap());
    let database = testing::database::<migrations::payments::Migrator>().await;
    let generous = |config: &mut payments::Config| {
        config.risk.payments_per_hour = 1_000_000;
        config.vault.failed_cards_per_hour = 1_000_000;
    };
    let replicas = [
        Shop::with_clock(database.clone(), kit::Clock::system(), generous),
        Shop::with_clock(database, kit::Clock::system(), generous),
    ];
    let lamp = replicas[0].product(1000, i64::from(purchases)).await;
    let mut buyers = Vec::new();
    for _ in 0..16 {
        let buyer = replicas[0].customer();
        let card = replicas[0].card(&buyer, APPROVES).await;
        buyers.push((buyer, card));
    }
    let (replicas, buyers, lamp) = (&replicas, &buyers, &lamp);
    let started = std::time::Instant::now();
    let paid = stream::iter(0..purchases)
        .map(|number: u32| async move {
            let number = usize::try_from(number).unwrap();
            let shop = &replicas[number % 2];
            let (buyer, card) = &buyers[number % buyers.len()];
            let order = shop.order(buyer, &[(lamp, 1)]).await;
            let payment = shop.payment(buyer, &order, "AUTOMATIC").await;
            let done = shop.confirm(buyer, &payment, card, &key()).await;
            assert_eq!(done["payment"]["status"], "SUCCEEDED", "{done}");
        })
        .buffer_unordered(32)
        .count()
        .await;
    let took = started.elapsed();
    assert_eq!(paid, usize::try_from(purchases).unwrap());
    let shop = &replicas[0];
    assert_eq!(shop.stock(lamp).await, (0, 0, 0));
    for (table, expected) in [
        ("orders WHERE status = 'PAID'", purchases),
        ("payments WHERE status = 'SUCCEEDED'", purchases),
        ("outbox WHERE template = 'order_receipt'", purchases),
        ("events WHERE type = 'order.paid'", purchases),
    ] {
        assert_eq!(shop.count(table).await, i64::from(expected), "{table}");
    }
    shop.assert_books().await;
    println!("{purchases} purchases (order, payment, confirmation) in {took:?}");
}
