//! A small marketplace around the service: people, products, rides, and a payments service that
//! answers from memory and can go away.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use kit::events::{Event, Handler};
use kit::id::{EventId, OrderId, ProductId, RideId, UserId};
use kit::{Caller, Clock, CursorKey, Database, Service, Timestamp, async_trait};
use reviews::config::Rules;
use reviews::projection::{PaymentsProjection, UsersProjection};
use reviews::purchases::{ProductFacts, PurchaseCheck, RideFacts, Unavailable};
use reviews::{Config, Core};
use sea_orm::{ConnectionTrait as _, DbErr, Statement};
use serde_json::{Value, json};

pub(crate) const NOW: Timestamp = Timestamp(1_790_000_000_000);

pub(crate) const CUSTOMER: [&str; 1] = ["reviews:write"];

/// A payments service in memory.
#[derive(Debug, Default)]
pub(crate) struct FakePayments {
    pub down: AtomicBool,
    pub sellers: Mutex<HashMap<ProductId, UserId>>,
    pub bought: Mutex<HashSet<(UserId, ProductId)>>,
    pub rides: Mutex<HashMap<RideId, RideFacts>>,
}

#[async_trait]
impl PurchaseCheck for FakePayments {
    async fn product(
        &self,
        user: UserId,
        product: ProductId,
    ) -> Result<Option<ProductFacts>, Unavailable> {
        if self.down.load(Ordering::SeqCst) {
            return Err(Unavailable("down".to_owned()));
        }
        let seller = self.sellers.lock().unwrap().get(&product).copied();
        let purchased = self.bought.lock().unwrap().contains(&(user, product));
        Ok(seller.map(|seller| ProductFacts { purchased, seller: Some(seller) }))
    }

    async fn ride(&self, _: UserId, ride: RideId) -> Result<Option<RideFacts>, Unavailable> {
        if self.down.load(Ordering::SeqCst) {
            return Err(Unavailable("down".to_owned()));
        }
        Ok(self.rides.lock().unwrap().get(&ride).copied())
    }
}

pub(crate) struct World {
    pub service: Service,
    pub core: Core,
    pub database: Database,
    pub clock: Clock,
    pub payments: Arc<FakePayments>,
    pub seller: UserId,
    seq: AtomicI64,
    /// Statements up to the last recount.
    recounted: AtomicU64,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_rules(generous()).await
    }

    pub(crate) async fn with_rules(rules: Rules) -> Self {
        let database = kit::testing::database::<migrations::reviews::Migrator>().await;
        Self::on(database, rules).await
    }

    pub(crate) async fn on(database: Database, rules: Rules) -> Self {
        let clock = Clock::manual(NOW);
        let payments = Arc::new(FakePayments::default());
        let core = Core::new(
            database.clone(),
            clock.clone(),
            CursorKey::new(b"tests"),
            rules,
            payments.clone(),
        );
        let service = reviews::app::service(&Config::default(), &core);
        let seller = UserId::new(NOW);
        let seq = AtomicI64::new(0);
        let recounted = AtomicU64::new(0);
        let world = Self { service, core, database, clock, payments, seller, seq, recounted };
        world
            .user_event(
                "user.registered",
                json!({
                    "id": seller, "displayName": "The Seller", "status": "ACTIVE"
                }),
            )
            .await;
        world
    }

    /// Applies an event of users' feed.
    pub(crate) async fn user_event(&self, kind: &str, payload: Value) {
        self.apply(&UsersProjection, kind, payload).await;
    }

    /// Applies an event of payments' feed.
    pub(crate) async fn payment_event(&self, kind: &str, payload: Value) {
        self.apply(&PaymentsProjection, kind, payload).await;
    }

    /// Applies an event of users' feed under a number of one's choice.
    pub(crate) async fn replay_user_event(&self, seq: i64, kind: &str, payload: Value) {
        self.apply_as(&UsersProjection, seq, kind, payload).await;
    }

    async fn apply(&self, handler: &dyn Handler, kind: &str, payload: Value) {
        let seq = self.seq.fetch_add(1, Ordering::SeqCst) + 1;
        self.apply_as(handler, seq, kind, payload).await;
    }

    async fn apply_as(&self, handler: &dyn Handler, seq: i64, kind: &str, payload: Value) {
        let event = Event {
            seq,
            id: EventId::new(self.clock.now()),
            kind: kind.to_owned(),
            key: String::new(),
            payload,
            at: self.clock.now(),
        };
        let event = &event;
        self.database
            .write(|tx| Box::pin(async move { handler.apply(tx, event).await }))
            .await
            .map_err(|error: DbErr| error.to_string())
            .unwrap();
    }

    /// Somebody who is known by name. The account is a year old.
    pub(crate) async fn person(&self, name: &str) -> UserId {
        let id = UserId::new(Timestamp(NOW.0 - 365 * 86_400_000));
        self.user_event(
            "user.registered",
            json!({
                "id": id, "displayName": name, "status": "ACTIVE"
            }),
        )
        .await;
        id
    }

    pub(crate) async fn product(&self) -> ProductId {
        let id = ProductId::new(self.clock.now());
        self.payments.sellers.lock().unwrap().insert(id, self.seller);
        self.payment_event(
            "product.created",
            json!({
                "productId": id, "sellerId": self.seller, "active": true,
                "sku": "SKU", "title": "Kettle"
            }),
        )
        .await;
        id
    }

    pub(crate) async fn buys(&self, user: UserId, product: ProductId) {
        self.payments.bought.lock().unwrap().insert((user, product));
        self.payment_event(
            "order.paid",
            json!({
                "userId": user, "orderId": OrderId::new(self.clock.now()),
                "productIds": [product], "paidAt": self.clock.now().0
            }),
        )
        .await;
    }

    /// A completed ride.
    pub(crate) async fn ride(&self, rider: UserId, driver: UserId) -> RideId {
        let id = RideId::new(self.clock.now());
        let completed_at = Some(self.clock.now());
        self.payments.rides.lock().unwrap().insert(id, RideFacts { rider, driver, completed_at });
        self.payment_event(
            "ride.completed",
            json!({
                "rideId": id, "riderId": rider, "driverId": driver,
                "completedAt": self.clock.now().to_string()
            }),
        )
        .await;
        id
    }

    /// Runs an operation and returns the whole answer.
    pub(crate) async fn run(&self, caller: Caller, query: &str, variables: Value) -> Value {
        kit::testing::execute(&self.service, caller, query, variables).await
    }

    /// Runs an operation that must have no top-level errors and returns its data.
    pub(crate) async fn data(&self, caller: Caller, query: &str, variables: Value) -> Value {
        let answer = self.run(caller, query, variables).await;
        assert_eq!(answer.get("errors"), None, "{query}: {answer}");
        answer["data"].clone()
    }

    /// `reviewCreate` with the given input fields; returns the payload.
    pub(crate) async fn create(&self, author: UserId, input: Value) -> Value {
        let mut full =
            json!({ "idempotencyKey": format!("k{}", self.seq.fetch_add(1, Ordering::SeqCst)) });
        merge(&mut full, input);
        self.data(customer(author), CREATE, json!({ "input": full })).await["reviewCreate"].clone()
    }

    /// A published review by a new buyer.
    pub(crate) async fn review(&self, product: ProductId, rating: i32, body: &str) -> Value {
        let author = self.person("Somebody").await;
        self.review_by(author, product, rating, body).await
    }

    pub(crate) async fn review_by(
        &self,
        author: UserId,
        product: ProductId,
        rating: i32,
        body: &str,
    ) -> Value {
        self.buys(author, product).await;
        let input = json!({ "productId": product, "rating": rating, "body": body });
        let payload = self.create(author, input).await;
        assert_eq!(payload["errors"], json!([]), "{payload}");
        payload["review"].clone()
    }

    /// A product's summary as anybody sees it.
    pub(crate) async fn summary(&self, product: ProductId) -> Value {
        let data = self.entities(Caller::Anonymous, &[json!({
            "__typename": "Product", "id": product
        })], "... on Product { ratingSummary { count verifiedCount average bayesianAverage histogram { rating count share } } }").await;
        data[0]["ratingSummary"].clone()
    }

    /// Resolves representations as the gateway does.
    pub(crate) async fn entities(
        &self,
        caller: Caller,
        representations: &[Value],
        selection: &str,
    ) -> Value {
        let query = format!(
            "query($representations: [_Any!]!) {{ _entities(representations: $representations) {{ {selection} }} }}"
        );
        let variables = json!({ "representations": representations });
        self.data(caller, &query, variables).await["_entities"].clone()
    }

    /// Tables in which the text occurs in some column, whatever its type.
    pub(crate) async fn search_database(&self, text: &str) -> Vec<&'static str> {
        const TABLES: [&str; 11] = [
            "reviews",
            "review_revisions",
            "review_votes",
            "review_reports",
            "review_replies",
            "moderation_log",
            "review_search",
            "purchases",
            "outbox",
            "dev_mails",
            "idempotency",
        ];
        let mut found = Vec::new();
        for table in TABLES {
            let conn = self.database.read();
            let rows = conn.query_all_raw(Statement::from_string(
                conn.get_database_backend(),
                format!("SELECT * FROM {table}"),
            ));
            let hit = rows.await.unwrap().iter().any(|row| {
                row.column_names().iter().any(|column| {
                    let words: Option<String> = row.try_get("", column).ok().flatten();
                    let id: Option<kit::Uuid> = row.try_get("", column).ok().flatten();
                    words.is_some_and(|words| words.contains(text))
                        || id.is_some_and(|id| id.to_string() == text)
                })
            });
            if hit {
                found.push(table);
            }
        }
        found
    }

    /// All counters equal their recount. The last thing a test does.
    pub(crate) async fn assert_counters(&self) {
        let drift = self.drift().await;
        assert!(drift.is_empty(), "{drift:#?}");
    }

    /// The counters that differ from their recount.
    pub(crate) async fn drift(&self) -> Vec<reviews::verify::Drift> {
        let drift = reviews::verify(&self.database).await.unwrap();
        self.recounted.store(self.database.statements(), Ordering::SeqCst);
        drift
    }
}

/// Nothing may reach the database after the last recount.
impl Drop for World {
    fn drop(&mut self) {
        let recounted = self.recounted.load(Ordering::SeqCst) == self.database.statements();
        assert!(recounted || std::thread::panicking(), "end the test with `assert_counters`");
    }
}

pub(crate) const CREATE: &str =
    "mutation($input: ReviewCreateInput!) { reviewCreate(input: $input) {
    review { id rating title body status verifiedPurchase version locale author { id displayName } }
    errors { __typename ... on UserError { message code path }
             ... on DuplicateReviewError { existing { id } }
             ... on NotEligibleError { reason } ... on ContentRejectedError { reason }
             ... on RateLimitedError { retryAfterSeconds } } } }";

pub(crate) fn customer(id: UserId) -> Caller {
    kit::testing::user(id, &CUSTOMER)
}

pub(crate) fn moderator() -> Caller {
    kit::testing::user(UserId::new(NOW), &["reviews:moderate", "reviews:write"])
}

/// Rules whose limits do not get into the way of tests that are not about them.
pub(crate) fn generous() -> Rules {
    Rules {
        reviews_per_day: 10_000,
        votes_per_minute: 10_000,
        reports_per_day: 10_000,
        max_edits: 10_000,
        ..Rules::default()
    }
}

pub(crate) fn merge(into: &mut Value, from: Value) {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}

/// The codes of an answer's top-level errors.
pub(crate) fn codes(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().filter_map(|error| error["extensions"]["code"].as_str()).collect()
}
