//! The whole service behind its port, with stand-ins for users and payments: feeds, contacts,
//! purchase checks, passports, mail, restarts.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use kit::id::{EventId, OrderId, ProductId, UserId};
use kit::testing::Passports;
use kit::{Caller, Clock, Running, Timestamp};
use reviews::Config;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::world::{CREATE, customer};

/// What the stand-ins know: two feeds by path.
#[derive(Clone, Debug, Default)]
struct Peers {
    feeds: Arc<Mutex<[Vec<Value>; 2]>>,
}

#[derive(serde::Deserialize)]
struct After {
    after: i64,
    limit: usize,
}

impl Peers {
    fn router(self) -> Router {
        Router::new()
            .route("/{peer}/internal/events", get(feed))
            .route("/users/internal/contacts/{id}", get(contact))
            .route("/payments/internal/purchases", get(purchases))
            .with_state(self)
    }

    /// Appends an event to a feed under the next number.
    fn tell(&self, peer: usize, kind: &str, payload: Value) {
        let mut feeds = self.feeds.lock().unwrap();
        let seq = feeds[peer].len() + 1;
        let event = json!({
            "seq": seq, "id": EventId::new(Clock::system().now()), "type": kind, "key": "",
            "payload": payload, "at": "2026-01-02T03:04:05.000Z",
        });
        feeds[peer].push(event);
    }

    /// Appends the last event once more: same id, next number.
    fn repeat(&self, peer: usize) {
        let mut feeds = self.feeds.lock().unwrap();
        let mut event = feeds[peer].last().unwrap().clone();
        event["seq"] = json!(feeds[peer].len() + 1);
        feeds[peer].push(event);
    }
}

async fn feed(
    State(peers): State<Peers>,
    Path(peer): Path<String>,
    Query(After { after, limit }): Query<After>,
    headers: HeaderMap,
) -> Response {
    if headers.get("authorization").is_none_or(|value| value != "Bearer svc_reviews_development") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let feeds = peers.feeds.lock().unwrap();
    let feed = &feeds[usize::from(peer == "payments")];
    let events: Vec<&Value> =
        feed.iter().filter(|event| event["seq"].as_i64().unwrap() > after).take(limit).collect();
    let next = events.last().map_or(after, |event| event["seq"].as_i64().unwrap());
    Json(json!({ "events": events, "next": next })).into_response()
}

async fn contact(Path(id): Path<String>) -> Response {
    Json(json!({ "email": format!("{id}@example.org"), "locale": "en" })).into_response()
}

async fn purchases() -> Response {
    StatusCode::NOT_FOUND.into_response()
}

struct Served {
    running: Running,
    stop: CancellationToken,
}

/// The service and what surrounds it.
struct Stage {
    peers: Peers,
    passports: Passports,
    client: reqwest::Client,
    config: Config,
    on: Option<Served>,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        let peers = Peers::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = peers.clone().router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let folder = tempfile::tempdir().unwrap();
        let passports = Passports::new(Clock::system());
        let mut config = Config::default();
        config.kit.database.url =
            format!("sqlite://{}?mode=rwc", folder.path().join("reviews.sqlite").display());
        config.kit.passport = passports.settings();
        config.peers.users_url = format!("{base}/users");
        config.peers.payments_url = format!("{base}/payments");
        let client = reqwest::Client::new();
        let mut stage = Self { peers, passports, client, config, on: None, _folder: folder };
        stage.start().await;
        stage
    }

    async fn start(&mut self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stop = CancellationToken::new();
        let running = reviews::start(self.config.clone(), listener, stop.clone()).await.unwrap();
        self.on = Some(Served { running, stop });
    }

    /// Every counter equals its recount whenever the service stops.
    async fn stop(&mut self) {
        let Served { running, stop } = self.on.take().unwrap();
        assert_eq!(reviews::verify(&running.database).await.unwrap(), []);
        stop.cancel();
        running.handle.await.unwrap().unwrap();
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.on.as_ref().unwrap().running.url())
    }

    async fn graphql(&self, passport: &str, query: &str, variables: Value) -> Value {
        let request = self.client.post(self.url("/graphql")).header("x-concord-passport", passport);
        let body = json!({ "query": query, "variables": variables });
        request.json(&body).send().await.unwrap().json().await.unwrap()
    }

    fn passport(&self, caller: &Caller, ip: Option<&str>) -> String {
        let mut claims = self.passports.claims("reviews", caller);
        claims.ip = ip.map(|ip| ip.parse::<IpAddr>().unwrap());
        self.passports.sign(&claims)
    }

    async fn create(&self, author: UserId, product: ProductId, ip: Option<&str>) -> Value {
        let input =
            json!({ "productId": product, "rating": 5, "body": "Good.", "idempotencyKey": "k" });
        let passport = self.passport(&customer(author), ip);
        let answer = self.graphql(&passport, CREATE, json!({ "input": input })).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"]["reviewCreate"].clone()
    }

    /// Asks until the answer is as wanted; each question is a round trip, so this does not spin.
    async fn eventually(&self, what: &str, ask: impl AsyncFn() -> bool) {
        let asked = tokio::time::timeout(Duration::from_secs(30), async { while !ask().await {} });
        asked.await.unwrap_or_else(|_| panic!("never: {what}"));
    }

    fn buys(&self, user: UserId, product: ProductId) {
        self.peers.tell(
            0,
            "user.registered",
            json!({ "id": user, "displayName": "Ada", "status": "ACTIVE" }),
        );
        self.peers.tell(1, "product.created", json!({ "productId": product, "sellerId": UserId::new(Timestamp(1)), "active": true, "sku": "S", "title": "Kettle <b>" }));
        self.peers.tell(1, "order.paid", json!({ "userId": user, "orderId": OrderId::new(Timestamp(1)), "productIds": [product], "paidAt": "2026-01-02T03:04:05Z" }));
    }

    /// Waits until the product is known, and with it everything told before.
    async fn told(&self, product: ProductId) {
        self.eventually("the product is known", async || {
            let url = self.url(&format!("/reviews/{product}.jsonld"));
            self.client.get(url).send().await.unwrap().status() == StatusCode::OK
        })
        .await;
        self.told_order(product).await;
    }

    async fn told_order(&self, _: ProductId) {
        // The next event of the feed shows that all before it were applied.
        let marker = ProductId::new(Clock::system().now());
        self.peers.tell(
            1,
            "product.created",
            json!({ "productId": marker, "sellerId": null, "active": true }),
        );
        self.eventually("the feed is read", async || {
            let url = self.url(&format!("/reviews/{marker}.jsonld"));
            self.client.get(url).send().await.unwrap().status() == StatusCode::OK
        })
        .await;
    }
}

/// No test ends without having stopped the service, and so with a recount.
impl Drop for Stage {
    fn drop(&mut self) {
        assert!(self.on.is_none() || std::thread::panicking(), "end the test with `stop`");
    }
}

#[tokio::test]
async fn from_the_feeds_to_the_mail() {
    let mut stage = Stage::new().await;
    let now = Clock::system().now();
    let (ada, product) = (UserId::new(now), ProductId::new(now));
    stage.buys(ada, product);
    stage.told(product).await;

    let nobody =
        stage.client.post(stage.url("/graphql")).json(&json!({ "query": "{ __typename }" }));
    assert_eq!(nobody.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);

    let payload = stage.create(ada, product, None).await;
    assert_eq!(payload["review"]["verifiedPurchase"], true, "{payload}");
    let inbox = stage.url(&format!("/dev/inbox.json?to={ada}@example.org"));
    let mails =
        async || -> Value { stage.client.get(&inbox).send().await.unwrap().json().await.unwrap() };
    stage.eventually("two mails", async || mails().await.as_array().unwrap().len() == 2).await;
    let mails = mails().await;
    let mut templates: Vec<&str> =
        mails.as_array().unwrap().iter().map(|mail| mail["template"].as_str().unwrap()).collect();
    templates.sort_unstable();
    assert_eq!(templates, ["review_published", "review_received"]);
    assert!(mails[0]["text"].as_str().unwrap().contains("Hello Ada,"), "{mails}");
    assert!(!mails[0]["html"].as_str().unwrap().contains("Kettle <b>"));

    // After a restart the feeds go on where they were; an event told twice is applied once.
    stage.stop().await;
    let bob = UserId::new(now);
    let other = ProductId::new(now);
    stage.buys(bob, other);
    stage.peers.repeat(1);
    stage.start().await;
    stage.told(other).await;
    assert_eq!(stage.create(bob, other, None).await["review"]["verifiedPurchase"], true);

    // Replaying both feeds ends in the same state.
    reviews::replay(&stage.on.as_ref().unwrap().running.database).await.unwrap();
    stage.told(other).await;
    let query = "query($id: ID!) { review(id: $id) { author { displayName } } }";
    let anonymous = stage.passport(&Caller::Anonymous, None);
    stage
        .eventually("the name is back", async || {
            let seen =
                stage.graphql(&anonymous, query, json!({ "id": payload["review"]["id"] })).await;
            seen["data"]["review"]["author"]["displayName"] == "Ada"
        })
        .await;

    let feed = stage.client.get(stage.url("/internal/events?after=0&limit=10"));
    assert_eq!(feed.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let feed = stage.client.get(stage.url("/internal/events?after=0&limit=10"));
    let feed: Value =
        feed.bearer_auth("svc_users_development").send().await.unwrap().json().await.unwrap();
    assert_eq!(feed["events"][0]["type"], "review.published", "{feed}");
    stage.stop().await;
}

#[tokio::test]
async fn structured_data_for_shop_pages() {
    let mut stage = Stage::new().await;
    let now = Clock::system().now();
    let (ada, product) = (UserId::new(now), ProductId::new(now));
    stage.buys(ada, product);
    stage.told(product).await;
    stage.create(ada, product, None).await;
    let url = stage.url(&format!("/reviews/{product}.jsonld"));
    let answer = stage.client.get(url).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/ld+json");
    let text = answer.text().await.unwrap();
    assert!(!text.contains('<'), "could close a script element: {text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["name"], "Kettle <b>");
    assert_eq!(document["aggregateRating"]["ratingValue"], 5.0);
    assert_eq!(document["aggregateRating"]["reviewCount"], 1);
    assert_eq!(document["review"][0]["author"]["name"], "Ada");
    assert_eq!(document["review"][0]["reviewBody"], "Good.");
    for unknown in [
        format!("/reviews/{}.jsonld", ProductId::new(now)),
        "/reviews/x.jsonld".to_owned(),
        format!("/reviews/{product}"),
    ] {
        let answer = stage.client.get(stage.url(&unknown)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{unknown}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn twenty_reviews_a_day_from_one_address() {
    let mut stage = Stage::new().await;
    let now = Clock::system().now();
    let product = ProductId::new(now);
    let people: Vec<UserId> = (0..22).map(|_| UserId::new(now)).collect();
    for person in &people {
        stage.buys(*person, product);
    }
    stage.told(product).await;
    for person in &people[..20] {
        let payload = stage.create(*person, product, Some("203.0.113.7")).await;
        assert_eq!(payload["errors"], json!([]), "{payload}");
    }
    let refused = stage.create(people[20], product, Some("203.0.113.7")).await;
    assert_eq!(refused["errors"][0]["__typename"], "RateLimitedError", "{refused}");
    let elsewhere = stage.create(people[21], product, Some("203.0.113.8")).await;
    assert_eq!(elsewhere["errors"], json!([]));
    stage.stop().await;
}
