//! Riders, drivers and their money.

use kit::Caller;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::support::{APPROVES, Shop, codes, id_of, key, person, top_code, with_roles};

const RIDE: &str = "ride { id status quote { amountMinor } fare { total { amountMinor } tax { amountMinor } } tip { amountMinor }
    payments { status amount { amountMinor } amountCaptured { amountMinor } } tipUntil }
    errors { __typename ... on UserError { code } ... on CardDeclinedError { decline { code } } }";

struct Trip {
    rider: Caller,
    driver: Caller,
    ride: String,
}

fn driver(shop: &Shop) -> Caller {
    with_roles(
        person(&shop.clock),
        &["payments:read", "payments:write", "rides:driver"],
        &["DRIVER"],
    )
}

async fn quote(shop: &Shop, rider: &Caller, currency: &str) -> (String, i64) {
    let data = shop
        .data(
            rider,
            "query($c: CurrencyCode!) { rideQuote(input: { distanceMeters: 8000, durationSeconds: 900, currency: $c }) { token amount { amountMinor } expiresAt } }",
            json!({ "c": currency }),
        )
        .await;
    let quote = &data["rideQuote"];
    let amount = quote["amount"]["amountMinor"].as_str().unwrap().parse().unwrap();
    (quote["token"].as_str().unwrap().to_owned(), amount)
}

async fn authorize(shop: &Shop, rider: &Caller, driver: &Caller, token: &str, card: &str) -> Value {
    let query = format!(
        "mutation($input: RideAuthorizeInput!) {{ rideAuthorize(input: $input) {{ {RIDE} }} }}"
    );
    let input = json!({ "input": { "quoteToken": token, "driverId": id_of(driver).to_string(), "paymentMethodId": card, "idempotencyKey": key() } });
    shop.data(rider, &query, input).await["rideAuthorize"].clone()
}

async fn begin(shop: &Shop, currency: &str) -> Trip {
    let (rider, driver) = (shop.customer(), driver(shop));
    let card = shop.card(&rider, APPROVES).await;
    let (token, _) = quote(shop, &rider, currency).await;
    let authorized = authorize(shop, &rider, &driver, &token, &card).await;
    assert_eq!(authorized["ride"]["status"], "AUTHORIZED", "{authorized}");
    let ride = authorized["ride"]["id"].as_str().unwrap().to_owned();
    Trip { rider, driver, ride }
}

async fn complete(shop: &Shop, ride: &str, meters: i64) -> Value {
    let query = format!(
        "mutation($input: RideCompleteInput!) {{ rideComplete(input: $input) {{ {RIDE} }} }}"
    );
    let input = json!({ "input": { "rideId": ride, "distanceMeters": meters, "durationSeconds": 900, "idempotencyKey": key() } });
    shop.data(&shop.admin(), &query, input).await["rideComplete"].clone()
}

#[tokio::test]
async fn a_ride_is_quoted_authorised_completed_split_and_tipped() {
    for currency in ["EUR", "JPY", "KWD"] {
        let shop = Shop::open().await;
        let Trip { rider, driver, ride } = begin(&shop, currency).await;
        let done = complete(&shop, &ride, 8000).await;
        assert_eq!(done["errors"], json!([]));
        assert_eq!(done["ride"]["status"], "COMPLETED");

        let query = "query($id: ID!) { ride(id: $id) { driver { id } rider { id } fare { total { amountMinor } tax { amountMinor } platformFee { amountMinor } driverEarnings { amountMinor } }
            tipSuggestions { amountMinor } completedAt payments { splits { payee amount { amountMinor } } } } }";
        let seen = shop.data(&shop.admin(), query, json!({ "id": ride })).await;
        let fare = &seen["ride"]["fare"];
        let minor =
            |field: &str| fare[field]["amountMinor"].as_str().unwrap().parse::<i64>().unwrap();
        assert_eq!(minor("total"), minor("tax") + minor("platformFee") + minor("driverEarnings"));
        let splits = seen["ride"]["payments"][0]["splits"].as_array().unwrap();
        let sum: i64 = splits
            .iter()
            .map(|split| split["amount"]["amountMinor"].as_str().unwrap().parse::<i64>().unwrap())
            .sum();
        assert_eq!(sum, minor("total"));

        let tip =
            format!("mutation($input: RideTipInput!) {{ rideTip(input: $input) {{ {RIDE} }} }}");
        let give = |minor: &str| json!({ "input": { "rideId": ride, "amount": { "amountMinor": minor, "currency": currency }, "idempotencyKey": key() } });
        let first = shop.data(&rider, &tip, give("3")).await;
        assert_eq!(first["rideTip"]["ride"]["tip"]["amountMinor"], "3", "{first}");
        let raised = shop.data(&rider, &tip, give("5")).await;
        assert_eq!(raised["rideTip"]["ride"]["tip"]["amountMinor"], "5");
        assert_eq!(
            codes(&shop.data(&rider, &tip, give("4")).await["rideTip"]),
            ["TIP_CANNOT_SHRINK"]
        );
        assert_eq!(
            codes(&shop.data(&rider, &tip, give("900000000")).await["rideTip"]),
            ["INVALID_AMOUNT"]
        );
        assert_eq!(codes(&shop.data(&driver, &tip, give("6")).await["rideTip"]), ["NOT_FOUND"]);
        assert!(shop.events().await.iter().any(|(kind, payload)| kind == "ride.completed"
            && payload["driverId"] == json!(id_of(&driver).to_string())));
        shop.assert_books().await;
    }
}

#[tokio::test]
async fn a_longer_ride_is_paid_in_two_payments_and_a_refused_rest_is_a_debt() {
    let shop = Shop::open().await;
    let Trip { rider, ride, .. } = begin(&shop, "EUR").await;
    let done = complete(&shop, &ride, 30_000).await;
    let payments = done["ride"]["payments"].as_array().unwrap();
    assert_eq!(payments.len(), 2);
    let total: i64 = payments
        .iter()
        .map(|payment| {
            payment["amountCaptured"]["amountMinor"].as_str().unwrap().parse::<i64>().unwrap()
        })
        .sum();
    assert_eq!(done["ride"]["fare"]["total"]["amountMinor"], json!(total.to_string()));
    shop.assert_books().await;

    let Trip { rider: second, driver, ride } = begin(&shop, "EUR").await;
    assert_ne!(id_of(&rider), id_of(&second));
    let bad = shop.card(&second, crate::support::DECLINES_CHARGE).await;
    // The card turns bad during the ride: the rest is charged to it and refused.
    let sql = "UPDATE sandbox_cards SET behaviour = 'DECLINE_CHARGE'";
    let turned: Result<(), sea_orm::DbErr> = shop
        .app
        .database
        .write(|tx| Box::pin(async move { tx.execute_unprepared(sql).await.map(|_| ()) }))
        .await;
    turned.unwrap();
    let done = complete(&shop, &ride, 30_000).await;
    assert_eq!(done["ride"]["status"], "COMPLETED");
    assert_eq!(done["ride"]["payments"][1]["status"], "REQUIRES_PAYMENT_METHOD");
    shop.assert_books().await;
    let (token, _) = quote(&shop, &second, "EUR").await;
    assert_eq!(
        codes(&authorize(&shop, &second, &driver, &token, &bad).await),
        ["DEBT_OUTSTANDING"]
    );

    let ids = shop
        .data(
            &second,
            "query($id: ID!) { ride(id: $id) { payments { id } } }",
            json!({ "id": ride }),
        )
        .await;
    let rest = ids["ride"]["payments"][1]["id"].as_str().unwrap();
    let good = shop.card(&second, "5555555555554444").await;
    let settled = shop.confirm(&second, rest, &good, &key()).await;
    assert_eq!(settled["payment"]["status"], "SUCCEEDED", "{settled}");
    let (token, _) = quote(&shop, &second, "EUR").await;
    let next = authorize(&shop, &second, &driver, &token, &good).await;
    assert_eq!(next["ride"]["status"], "AUTHORIZED");
    shop.assert_books().await;
}

#[tokio::test]
async fn quotes_are_personal_short_lived_and_used_once() {
    let shop = Shop::open().await;
    let (rider, driver) = (shop.customer(), driver(&shop));
    let card = shop.card(&rider, APPROVES).await;
    let (token, _) = quote(&shop, &rider, "EUR").await;
    let other = shop.customer();
    let others_card = shop.card(&other, APPROVES).await;
    assert_eq!(
        codes(&authorize(&shop, &other, &driver, &token, &others_card).await),
        ["INVALID_QUOTE"]
    );
    assert_eq!(codes(&authorize(&shop, &rider, &rider, &token, &card).await), ["SAME_PERSON"]);
    assert_eq!(
        codes(&authorize(&shop, &rider, &driver, &format!("{token}x"), &card).await),
        ["INVALID_QUOTE"]
    );
    assert_eq!(
        codes(&authorize(&shop, &rider, &driver, &token, &others_card).await),
        ["NOT_FOUND"]
    );
    authorize(&shop, &rider, &driver, &token, &card).await;
    assert_eq!(codes(&authorize(&shop, &rider, &driver, &token, &card).await), ["QUOTE_USED"]);
    let (token, _) = quote(&shop, &rider, "EUR").await;
    shop.wait(6);
    assert_eq!(codes(&authorize(&shop, &rider, &driver, &token, &card).await), ["QUOTE_EXPIRED"]);
    let bad = shop.ask(&rider, "{ rideQuote(input: { distanceMeters: -5, durationSeconds: 1, currency: \"EUR\" }) { token } }", json!({})).await;
    assert_eq!(top_code(&bad), "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_declined_ride_does_not_start() {
    let shop = Shop::open().await;
    let (rider, driver) = (shop.customer(), driver(&shop));
    let card = shop.card(&rider, crate::support::DECLINES_CHARGE).await;
    let (token, _) = quote(&shop, &rider, "EUR").await;
    let declined = authorize(&shop, &rider, &driver, &token, &card).await;
    assert_eq!(declined["ride"]["status"], "PAYMENT_FAILED");
    assert_eq!(declined["ride"]["payments"][0]["status"], "CANCELED");
    assert_eq!(declined["errors"][0]["decline"]["code"], "CARD_DECLINED");
    shop.assert_books().await;
}

#[tokio::test]
async fn cancelling_is_free_at_first_and_costs_a_fee_later() {
    let shop = Shop::open().await;
    let query = format!(
        "mutation($id: ID!, $by: RideParty!, $key: String!) {{ rideCancel(id: $id, by: $by, idempotencyKey: $key) {{ {RIDE} }} }}"
    );
    let cancel = |ride: &str, by: &str| json!({ "id": ride, "by": by, "key": key() });

    let Trip { rider, ride, .. } = begin(&shop, "EUR").await;
    let free = shop.data(&rider, &query, cancel(&ride, "RIDER")).await;
    assert_eq!(free["rideCancel"]["ride"]["status"], "CANCELED", "{free}");
    assert_eq!(free["rideCancel"]["ride"]["payments"][0]["amountCaptured"]["amountMinor"], "0");

    let Trip { rider, driver, ride } = begin(&shop, "EUR").await;
    shop.wait(3);
    assert_eq!(
        codes(&shop.data(&driver, &query, cancel(&ride, "RIDER")).await["rideCancel"]),
        ["NOT_FOUND"]
    );
    let late = shop.data(&rider, &query, cancel(&ride, "RIDER")).await;
    assert_eq!(late["rideCancel"]["ride"]["status"], "CANCELED", "{late}");
    assert_eq!(late["rideCancel"]["ride"]["payments"][0]["amountCaptured"]["amountMinor"], "540");

    let Trip { driver, ride, .. } = begin(&shop, "EUR").await;
    shop.wait(3);
    let by_driver = shop.ask(&driver, &query, cancel(&ride, "DRIVER")).await["data"].clone();
    assert_eq!(by_driver["rideCancel"]["ride"]["status"], "CANCELED");
    assert_eq!(
        by_driver["rideCancel"]["ride"]["payments"],
        Value::Null,
        "the rider's payments are not the driver's business"
    );
    shop.assert_books().await;
}

#[tokio::test]
async fn strangers_learn_who_drove_and_nothing_else() {
    let shop = Shop::open().await;
    let Trip { rider, driver, ride } = begin(&shop, "EUR").await;
    complete(&shop, &ride, 8000).await;
    let entity = |fields: &str| {
        format!(
            "query($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on Ride {{ {fields} }} }} }}"
        )
    };
    let representation = json!({ "r": [{ "__typename": "Ride", "id": ride, "driverRating": 5 }] });
    let seen = shop
        .data(&Caller::Anonymous, &entity("status driver { id }"), representation.clone())
        .await;
    assert_eq!(seen["_entities"][0]["driver"]["id"], json!(id_of(&driver).to_string()));
    for field in [
        "rider { id }",
        "fare { total { decimal } }",
        "tipSuggestions { decimal }",
        "payments { id }",
        "completedAt",
    ] {
        let answer = shop.ask(&shop.customer(), &entity(field), representation.clone()).await;
        assert_eq!(top_code(&answer), "FORBIDDEN", "{field}");
    }
    let quote =
        shop.ask(&shop.customer(), &entity("quote { decimal }"), representation.clone()).await;
    assert_eq!(quote["data"]["_entities"], json!([null]));
    assert_eq!(
        top_code(
            &shop
                .ask(
                    &shop.customer(),
                    "query($id: ID!) { ride(id: $id) { status } }",
                    json!({ "id": ride })
                )
                .await
        ),
        "FORBIDDEN"
    );

    let suggestions =
        shop.data(&rider, &entity("tipSuggestions { amountMinor }"), representation).await;
    let unrated = shop
        .data(
            &rider,
            &entity("tipSuggestions { amountMinor }"),
            json!({ "r": [{ "__typename": "Ride", "id": ride }] }),
        )
        .await;
    assert_ne!(suggestions, unrated, "a better rating suggests more");
    let fee = shop.ask(&rider, "query($id: ID!) { ride(id: $id) { status fare { total { decimal } platformFee { decimal } } } }", json!({ "id": ride })).await;
    assert_eq!(fee["data"]["ride"], json!({ "status": "COMPLETED", "fare": null }));
}
