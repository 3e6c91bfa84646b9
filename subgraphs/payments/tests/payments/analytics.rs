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
