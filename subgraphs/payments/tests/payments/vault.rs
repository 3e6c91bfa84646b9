//! The vault and the authentication page over HTTP, on a running service.

use kit::{Caller, Clock, testing::Passports};
use payments::Config;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::{key, person, with_roles};

struct Running {
    url: String,
    client: reqwest::Client,
    passports: Passports,
    shutdown: CancellationToken,
    service: payments::Running,
}

async fn serve(configure: impl FnOnce(&mut Config)) -> Running {
    let folder = tempfile::tempdir().unwrap().keep();
    let passports = Passports::new(Clock::system());
    let mut config = Config::default();
    config.kit.database.url = format!("sqlite://{}/payments.sqlite?mode=rwc", folder.display());
    config.kit.passport = passports.settings();
    configure(&mut config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shutdown = CancellationToken::new();
    let running = payments::start(config, listener, shutdown.clone()).await.unwrap();
    Running {
        url: running.url(),
        client: reqwest::Client::new(),
        passports,
        shutdown,
        service: running,
    }
}

impl Running {
    async fn token(&self, body: Value) -> (u16, Value) {
        let response = self
            .client
            .post(format!("{}/vault/v1/tokens", self.url))
            .json(&body)
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn ask(&self, caller: &Caller, query: &str, variables: Value) -> Value {
        let response = self
            .client
            .post(format!("{}/graphql", self.url))
            .header("x-concord-passport", self.passports.mint("payments", caller))
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await
            .unwrap();
        response.json().await.unwrap()
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.service.handle.await.unwrap().unwrap();
    }
}

fn card(number: &str, cvc: &str) -> Value {
    json!({ "number": number, "expMonth": 12, "expYear": 2040, "cvc": cvc })
}

#[tokio::test]
async fn cards_become_tokens_or_named_errors() {
    let server = serve(|_| {}).await;
    let (status, body) = server.token(card("4242 4242 4242 4242", "123")).await;
    assert_eq!(status, 201);
    assert!(body["token"].as_str().unwrap().starts_with("tok_"));
    assert_eq!((&body["brand"], &body["last4"]), (&json!("VISA"), &json!("4242")));
    assert_eq!((&body["expMonth"], &body["expYear"]), (&json!(12), &json!(2040)));
    assert!(body["expiresAt"].as_str().unwrap().ends_with('Z'));
    for (input, status, code) in [
        (card("4242424242424241", "123"), 422, "INCORRECT_NUMBER"),
        (card("not a number", "123"), 422, "INCORRECT_NUMBER"),
        (card("4242424242424242", "12"), 422, "INVALID_CVC"),
        (card("378282246310005", "123"), 422, "INVALID_CVC"),
        (
            json!({ "number": "4242424242424242", "expMonth": 1, "expYear": 2020, "cvc": "123" }),
            422,
            "EXPIRED_CARD",
        ),
        (
            json!({ "number": "4242424242424242", "expMonth": 13, "expYear": 2040, "cvc": "123" }),
            422,
            "INVALID_EXPIRY",
        ),
        (json!({ "number": "4242424242424242" }), 400, "INVALID_INPUT"),
    ] {
        let (got, body) = server.token(input).await;
        assert_eq!((got, body["errors"][0]["code"].as_str().unwrap()), (status, code));
        assert!(!body.to_string().contains("4242424242"));
    }
    let huge = server
        .client
        .post(format!("{}/vault/v1/tokens", server.url))
        .body("x".repeat(5000))
        .send()
        .await
        .unwrap();
    assert_eq!(huge.status().as_u16(), 413);
    server.stop().await;
}

#[tokio::test]
async fn one_address_makes_only_so_many_tokens() {
    let server = serve(|config| config.vault.per_minute = 3).await;
    for _ in 0..3 {
        assert_eq!(server.token(card("4242424242424242", "123")).await.0, 201);
    }
    let (status, body) = server.token(card("4242424242424242", "123")).await;
    assert_eq!((status, body["errors"][0]["code"].as_str().unwrap()), (429, "RATE_LIMITED"));
    server.stop().await;
}

#[tokio::test]
async fn a_cardholder_answers_on_the_page_and_the_payment_follows() {
    let server = serve(|_| {}).await;
    let clock = Clock::system();
    let merchant = with_roles(person(&clock), &["inventory:write"], &["MERCHANT"]);
    let customer = with_roles(person(&clock), &["payments:read", "payments:write"], &["CUSTOMER"]);
    let saved = server.ask(&merchant, "mutation { productSave(input: { sku: \"X\", title: \"X\", price: { amountMinor: \"6000\", currency: \"EUR\" } }) { product { id } } }", json!({})).await;
    let product = &saved["data"]["productSave"]["product"]["id"];
    server.ask(&merchant, "mutation($id: ID!) { stockAdjust(input: { productId: $id, delta: 5, reason: RECEIVED, idempotencyKey: \"k\" }) { errors { __typename } } }", json!({ "id": product })).await;
    let (_, token) = server.token(card("4000002500003155", "123")).await;
    let attached = server.ask(&customer, "mutation($t: String!) { paymentMethodAttach(input: { token: $t, idempotencyKey: \"a\" }) { paymentMethod { id } errors { ... on UserError { code } } } }", json!({ "t": token["token"] })).await;
    let method = &attached["data"]["paymentMethodAttach"]["paymentMethod"]["id"];
    let order = server.ask(&customer, crate::support::ORDER_CREATE, json!({ "input": { "lines": [{ "productId": product, "quantity": 1 }], "shippingAddress": crate::support::address(), "currency": "EUR", "idempotencyKey": key() } })).await;
    let order = &order["data"]["orderCreate"]["order"]["id"];
    let payment = server.ask(&customer, "mutation($o: ID!) { paymentCreate(input: { orderId: $o, idempotencyKey: \"p\" }) { payment { id } } }", json!({ "o": order })).await;
    let payment = &payment["data"]["paymentCreate"]["payment"]["id"];
    let confirmed = server.ask(&customer, crate::support::PAYMENT_CONFIRM, json!({ "input": { "paymentId": payment, "paymentMethodId": method, "idempotencyKey": "c" } })).await;
    let url = confirmed["data"]["paymentConfirm"]["payment"]["nextAction"]["redirectUrl"]
        .as_str()
        .unwrap();
    assert!(url.starts_with("http://localhost:"));

    let page = server.client.get(url).send().await.unwrap();
    assert_eq!(page.status().as_u16(), 200);
    assert!(page.text().await.unwrap().contains("60.00 EUR"));
    let bad = server.client.post(url).json(&json!({ "result": "maybe" })).send().await.unwrap();
    assert_eq!(bad.status().as_u16(), 422);
    let answered =
        server.client.post(url).json(&json!({ "result": "authenticated" })).send().await.unwrap();
    assert_eq!(answered.status().as_u16(), 200);
    let again = server
        .client
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("result=failed")
        .send()
        .await
        .unwrap();
    assert_eq!(again.status().as_u16(), 409);
    let seen = server
        .ask(&customer, "query($id: ID!) { payment(id: $id) { status } }", json!({ "id": payment }))
        .await;
    assert_eq!(seen["data"]["payment"]["status"], "SUCCEEDED");
    let lost =
        server.client.get(format!("{}/sandbox/3ds/nothing", server.url)).send().await.unwrap();
    assert_eq!(lost.status().as_u16(), 404);
    server.stop().await;
}

#[tokio::test]
async fn services_ask_who_bought_what() {
    let server = serve(|_| {}).await;
    let user = person(&Clock::system());
    let url = format!(
        "{}/internal/purchases?user={user}&product=prd_00000000000000000000000000",
        server.url
    );
    assert_eq!(server.client.get(&url).send().await.unwrap().status().as_u16(), 401);
    let asked = |name: &str| {
        server.client.get(&url).bearer_auth(kit::settings::development_credential(name).expose())
    };
    assert_eq!(asked("gateway").send().await.unwrap().status().as_u16(), 403);
    assert_eq!(asked("reviews").send().await.unwrap().status().as_u16(), 404);
    server.stop().await;
}
