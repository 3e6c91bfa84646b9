//! Requests made to deceive or to exhaust.

use std::fmt::Write;

use kit::{Caller, testing::Passports};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::{Shop, id_of, top_code};

#[tokio::test]
async fn f41_headers_of_a_client_say_nothing_about_who_asks() {
    let passports = Passports::new(kit::Clock::system());
    let settings = passports.settings();
    let database = kit::testing::database::<migrations::payments::Migrator>().await;
    let shop = Shop::with_clock(database, kit::Clock::system(), |config| {
        config.kit.passport = settings;
    });
    let lamp = shop.product(6000, 1).await;
    let (owner, stranger) = (shop.customer(), shop.customer());
    let (_, payment) = shop.paid(&owner, &[(&lamp, 1)]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stop = CancellationToken::new();
    let url = payments::serve::service(&shop.app).spawn(listener, stop.clone()).unwrap().url();
    let client = reqwest::Client::new();
    let owner_id = id_of(&owner).to_string();
    let ask = async |passports: &[String]| {
        let query = "query($p: ID!, $r: [_Any!]!) { payment(id: $p) { id } _entities(representations: $r) { ... on Payment { id } } }";
        let representation = json!([{ "__typename": "Payment", "id": payment }]);
        let body = json!({ "query": query, "variables": { "p": payment, "r": representation } });
        let mut request = client.post(format!("{url}/graphql")).json(&body);
        for (name, value) in [
            ("x-user-id", owner_id.as_str()),
            ("x-user-roles", "ADMIN"),
            ("x-scopes", "payments:read payments:admin"),
            ("x-forwarded-user", owner_id.as_str()),
            ("x-concord-user", owner_id.as_str()),
            ("authorization", "Bearer svc_gateway_guessed"),
        ] {
            request = request.header(name, value);
        }
        for passport in passports {
            request = request.header(kit::passport::HEADER, passport);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let mint = |audience: &str, caller: &Caller| passports.mint(audience, caller);
    let (status, seen) = ask(&[mint("payments", &owner)]).await;
    assert_eq!((status, &seen["data"]["payment"]["id"]), (200, &json!(payment)), "{seen}");

    let (status, seen) = ask(&[mint("payments", &stranger)]).await;
    assert_eq!(status, 200);
    assert_eq!(seen["data"], json!({ "payment": null, "_entities": [null] }));
    for error in seen["errors"].as_array().unwrap() {
        assert_eq!(error["extensions"]["code"], "FORBIDDEN");
    }
    let forged = Passports::new(kit::Clock::system()).mint("payments", &owner);
    for refused in [
        Vec::new(),
        vec![forged],
        vec![mint("reviews", &owner)],
        vec![mint("payments", &stranger), mint("payments", &owner)],
    ] {
        let (status, answer) = ask(&refused).await;
        assert_eq!((status, top_code(&answer)), (401, "UNAUTHENTICATED"), "{refused:?}");
        assert_eq!(answer.get("data"), None);
    }
    stop.cancel();
}

/// `inner` within so many orders of payments of orders.
fn nested(levels: usize, inner: &str) -> String {
    (0..levels).fold(inner.to_owned(), |inner, _| {
        format!("payments {{ purpose {{ ... on Order {{ {inner} }} }} }}")
    })
}

#[tokio::test]
async fn f42_deep_wide_and_endless_requests_are_refused_before_anything_is_read() {
    let shop = Shop::open().await;
    let lamp = shop.product(6000, 1).await;
    let admin = shop.admin();
    let mut aliases = String::new();
    for n in 0..450 {
        write!(aliases, "a{n}: products(first: 1) {{ totalCount }} ").unwrap();
    }
    let spreads = "...Wide ".repeat(450);
    let order = "ord_00000000000000000000000000";
    let flood = "@include(if: true) ".repeat(100);
    let documents = [
        ("depth", format!("{{ order(id: \"{order}\") {{ {} }} }}", nested(20, "id"))),
        ("braces", format!("{}{}", "{ a ".repeat(2000), "}".repeat(2000))),
        ("lists", format!("{{ order(id: {}1{}) {{ id }} }}", "[".repeat(500), "]".repeat(500))),
        ("width", format!("{{ {spreads} }} fragment Wide on Query {{ {aliases} }}")),
        (
            "fragment cycle",
            "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned(),
        ),
        ("directives", format!("{{ products(first: 1) {flood} {{ totalCount }} }}")),
        ("huge first", "{ products(first: 1000000) { totalCount } }".to_owned()),
        ("overflowing first", "{ products(first: 99999999999) { totalCount } }".to_owned()),
        ("negative first", "{ products(first: -1) { totalCount } }".to_owned()),
    ];
    for (what, document) in documents {
        let before = shop.app.database.statements();
        let answer = shop.ask(&admin, &document, json!({})).await;
        assert!(answer["errors"].is_array(), "{what}: {answer}");
        let data = &answer["data"];
        assert!(data.is_null() || data == &json!({ "products": null }), "{what}: {data}");
        assert_eq!(shop.app.database.statements(), before, "{what}");
    }

    let lines = vec![(lamp.as_str(), 1); 5000];
    let customer = shop.customer();
    let refused = shop.order_payload(&customer, &lines, "many").await;
    assert_eq!(crate::support::codes(&refused), ["INVALID_LINES"]);
    assert_eq!(shop.count("orders").await, 0);
    assert_eq!(shop.count("idempotency WHERE operation = 'orderCreate'").await, 0);
}
