//! Figures equal a recount.

use serde_json::json;

use crate::support::{DECLINES_CHARGE, Shop, key};

#[tokio::test]
async fn figures_equal_what_happened() {
    let shop = Shop::open().await;
    let lamp = shop.product(6000, 50).await;
    let desk = shop.product(20_000, 50).await;
    let customer = shop.customer();
    shop.paid(&customer, &[(&lamp, 2)]).await;
    shop.wait(24 * 60);
    let (_, payment) = shop.paid(&customer, &[(&desk, 1), (&lamp, 1)]).await;
    let refund =
        json!({ "paymentId": payment, "amount": { "amountMinor": "6000", "currency": "EUR" } });
    shop.refund(&shop.support(), refund).await;
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let failing = shop.payment(&customer, &order, "AUTOMATIC").await;
    let bad = shop.card(&customer, DECLINES_CHARGE).await;
    shop.confirm(&customer, &failing, &bad, &key()).await;

    let query = "query($r: AnalyticsRange!, $c: CurrencyCode!) { paymentAnalytics(range: $r, currency: $c) {
        currency grossVolume { amountMinor } netVolume { amountMinor } refunded { amountMinor } paymentCount authorizationRate refundRate
        averageTicket { amountMinor } declines { code count } series { start grossVolume { amountMinor } paymentCount authorizationRate }
        topProducts(first: 1) { unitsSold revenue { amountMinor } product { title } } tips { amountMinor } platformFees { amountMinor } paidOut { amountMinor } } }";
    let range = json!({ "from": "2026-11-22T00:00:00Z", "to": "2026-11-26T00:00:00Z" });
    let data = shop.data(&shop.admin(), query, json!({ "r": range, "c": "EUR" })).await;
    let figures = &data["paymentAnalytics"];
    assert_eq!(figures["grossVolume"]["amountMinor"], "38000");
    assert_eq!(figures["refunded"]["amountMinor"], "6000");
    assert_eq!(figures["netVolume"]["amountMinor"], "32000");
    assert_eq!(figures["paymentCount"], 2);
    assert_eq!(figures["averageTicket"]["amountMinor"], "19000");
    assert!((figures["authorizationRate"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-9);
    assert_eq!(figures["declines"], json!([{ "code": "CARD_DECLINED", "count": 1 }]));
    assert_eq!(figures["topProducts"][0]["revenue"]["amountMinor"], "20000");
    let series = figures["series"].as_array().unwrap();
    assert_eq!(series.len(), 4);
    assert_eq!(series[0]["authorizationRate"], json!(null));
    assert_eq!(series[1]["grossVolume"]["amountMinor"], "12000");
    let none = shop.data(&shop.admin(), query, json!({ "r": range, "c": "USD" })).await;
    assert_eq!(none["paymentAnalytics"]["paymentCount"], 0);
    let hours =
        json!({ "from": "2026-11-23T12:30:00Z", "to": "2026-11-23T14:30:00Z", "interval": "HOUR" });
    let data = shop.data(&shop.admin(), query, json!({ "r": hours, "c": "EUR" })).await;
    assert_eq!(data["paymentAnalytics"]["series"].as_array().unwrap().len(), 3);
    let backwards = json!({ "from": "2026-11-26T00:00:00Z", "to": "2026-11-22T00:00:00Z" });
    let answer = shop.ask(&shop.admin(), query, json!({ "r": backwards, "c": "EUR" })).await;
    assert_eq!(crate::support::top_code(&answer), "BAD_USER_INPUT");
}

/// History written by SQL, as the release before this one had it; the migration makes the sums.
async fn history(shop: &Shop, payments: u64) {
    use sea_orm::ConnectionTrait;

    let database = &shop.app.database;
    let postgres = database.backend() == sea_orm::DbBackend::Postgres;
    let id = |kind: u8, number: &str| {
        if postgres {
            format!("CAST('{kind:02x}' || lpad(to_hex({number}), 30, '0') AS uuid)")
        } else {
            format!("CAST(printf('{kind}%015d', {number}) AS BLOB)")
        }
    };
    // Two years, an amount that differs, every tenth declined at first.
    let at = "(1700000000000 + i * (63072000000 / $N))".replace("$N", &payments.to_string());
    let (product, buyer) = (id(1, "1 + i % 500"), id(2, "1 + i % 1000"));
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {payments})"
    );
    let products = "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 501)";
    let statements = [
        format!(
            "INSERT INTO products (id, sku, title, price_minor, currency, seller_id, active, search_text, created_at, updated_at, version) {products} SELECT {}, 'P' || i, 'p', 100, 'EUR', {buyer}, TRUE, 'p', 0, 0, 1 FROM n",
            id(1, "i")
        ),
        format!(
            "INSERT INTO orders (id, number, buyer_id, currency, subtotal_minor, shipping_minor, tax_minor, total_minor, address, status, saga_step, saga_attempts, paid_at, created_at, updated_at, version) {numbers} SELECT {}, 'N' || i, {buyer}, 'EUR', 100 + i % 900, 0, 0, 100 + i % 900, '{{}}', 'PAID', 'DONE', 0, {at}, {at}, {at}, 1 FROM n",
            id(3, "i")
        ),
        format!(
            "INSERT INTO order_lines (id, order_id, position, product_id, seller_id, sku, title, unit_minor, qty, qty_refunded) {numbers} SELECT {}, {}, 0, {product}, {buyer}, 's', 't', 100 + i % 900, 1, 0 FROM n",
            id(4, "i"),
            id(3, "i")
        ),
        format!(
            "INSERT INTO payments (id, payer_id, purpose_type, purpose_id, role, currency, amount, authorized, captured, refund_reserved, refunded, status, capture_method, declines, captured_at, created_at, updated_at, version) {numbers} SELECT {}, {buyer}, 'ORDER', {}, 'ORDER', 'EUR', 100 + i % 900, 100 + i % 900, 100 + i % 900, 0, 0, 'SUCCEEDED', 'AUTOMATIC', 0, {at}, {at}, {at}, 1 FROM n",
            id(5, "i"),
            id(3, "i")
        ),
        format!(
            "INSERT INTO payment_attempts (id, payment_id, user_id, seq, op, connector, amount, currency, status, decline, checks, started_at) {numbers} SELECT {}, {}, {buyer}, 1, 'AUTHORIZE', 'sandbox', 100 + i % 900, 'EUR', CASE WHEN i % 10 = 0 THEN 'FAILED' ELSE 'SUCCEEDED' END, CASE WHEN i % 10 = 0 THEN 'CARD_DECLINED' END, 1, {at} FROM n",
            id(6, "i"),
            id(5, "i")
        ),
    ];
    let statements = &statements;
    let written: Result<(), sea_orm::DbErr> = database
        .write(|tx| {
            Box::pin(async move {
                for statement in statements {
                    tx.execute_unprepared(statement).await?;
                }
                Ok(())
            })
        })
        .await;
    written.unwrap();
    database.migrate_down::<migrations::payments::Migrator>(1).await.unwrap();
    database.migrate_up::<migrations::payments::Migrator>().await.unwrap();
}

/// `CONCORD_PAYMENTS=1000000` makes a large one and says how long questions take.
#[expect(clippy::print_stdout, reason = "durations for whoever asks for them")]
#[tokio::test]
async fn f48_old_history_is_summed_up_by_the_migration() {
    use payments::{
        analytics::{Interval, Span, figures, recounted},
        money::Currency,
    };

    let count = std::env::var("CONCORD_PAYMENTS").ok().map_or(2000, |text| text.parse().unwrap());
    let shop = Shop::open().await;
    history(&shop, count).await;
    let eur = Currency::parse("EUR").unwrap();
    let at = |text: &str| kit::Timestamp::parse(text).unwrap();
    let whole = (at("2023-11-01T00:00:00Z"), at("2025-12-01T00:00:00Z"));
    let odd = (at("2024-01-17T13:37:11Z"), at("2025-03-03T04:05:06Z"));
    for ((from, to), interval) in [
        (whole, Interval::Month),
        (odd, Interval::Day),
        (odd, Interval::Hour),
        (odd, Interval::Week),
    ] {
        let span = Span { from, to };
        let started = std::time::Instant::now();
        let kept = figures(&shop.app.database, span, interval, eur).await.unwrap();
        let took = started.elapsed();
        let started = std::time::Instant::now();
        let recount = recounted(&shop.app.database, span, interval, eur).await.unwrap();
        let recounting = started.elapsed();
        assert_eq!(kept, recount);
        assert!(kept.total.payments > 0 && !kept.products.is_empty());
        println!("{count} payments, {interval:?}: {took:?} kept, {recounting:?} recounted");
    }
}
