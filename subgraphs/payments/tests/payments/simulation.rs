//! Many people, two replicas, a processor that loses answers and a process that dies at any
//! moment: after every thousand operations the books are right.
//!
//! Everything random comes from one seed and operations run one after the other, so a seed that
//! fails does so again. `CONCORD_SIMULATION=200000` makes the long run, `CONCORD_SEED` another.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use kit::{Caller, Clock, Timestamp, async_trait, testing};
use payments::{
    connector::{Connector, Outcome},
    operation::{reconcile::reconcile, sweep::sweep},
    report::settlement,
    webhook::incoming,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::{
    support::{APPROVES, NEEDS_3DS, PAYMENT_CONFIRM, Shop, address, id_of},
    wrapped::{Path, put_between},
};

/// What happens to the next call.
const FINE: u64 = 0;
const ANSWER_LOST: u64 = 1;
const NOT_REACHED: u64 = 2;
/// The process dies after the call, before it is booked.
const CRASH_AFTER: u64 = 3;
/// The process dies before the call.
const CRASH_BEFORE: u64 = 4;

/// Of the next call only; then it clears up.
#[derive(Debug, Default)]
struct Weather {
    next: AtomicU64,
}

#[async_trait]
impl Path for Weather {
    async fn carry(&self, request: BoxFuture<'_, Outcome>) -> Outcome {
        match self.next.swap(FINE, Ordering::SeqCst) {
            ANSWER_LOST => {
                request.await;
                Outcome::Unknown { reason: "lost".to_owned() }
            }
            NOT_REACHED => Outcome::NotAttempted { reason: "no connection".to_owned() },
            CRASH_AFTER => {
                request.await;
                panic!("power cut")
            }
            CRASH_BEFORE => panic!("power cut"),
            _ => request.await,
        }
    }
}

/// A person with cards; a driver as well as a rider.
struct Actor {
    caller: Caller,
    cards: Vec<String>,
}

struct World {
    replicas: Vec<Shop>,
    weather: Arc<Weather>,
    clock: Clock,
    rng: StdRng,
    actors: Vec<Actor>,
    products: Vec<String>,
    orders: Vec<(usize, String)>,
    payments: Vec<(usize, String)>,
    rides: Vec<(usize, usize, String)>,
    disputes: Vec<String>,
    /// Mutations that may be sent again: query, variables, caller.
    sent: Vec<(String, Value, Caller)>,
    keys: u64,
    begun: Timestamp,
}

impl World {
    async fn new(seed: u64) -> Self {
        let database = testing::database::<migrations::payments::Migrator>().await;
        let clock = Clock::manual(Timestamp::parse("2026-11-23T12:00:00Z").unwrap());
        let weather = Arc::<Weather>::default();
        let replicas: Vec<Shop> = (0..2)
            .map(|_| {
                let mut shop = Shop::with_clock(database.clone(), clock.clone(), |config| {
                    config.risk.declines_per_hour = 1_000_000;
                    config.risk.payments_per_hour = 1_000_000;
                    config.vault.failed_cards_per_hour = 1_000_000;
                });
                put_between(&mut shop, &weather);
                shop
            })
            .collect();
        let mut world = Self {
            weather,
            begun: clock.now(),
            clock,
            rng: StdRng::seed_from_u64(seed),
            actors: Vec::new(),
            products: Vec::new(),
            orders: Vec::new(),
            payments: Vec::new(),
            rides: Vec::new(),
            disputes: Vec::new(),
            sent: Vec::new(),
            keys: 0,
            replicas,
        };
        let numbers = [APPROVES, "4000000000000341", "4000000000000259", NEEDS_3DS];
        for _ in 0..12 {
            let caller = world.replicas[0].driver();
            let mut cards = Vec::new();
            for number in numbers {
                cards.push(world.replicas[0].card(&caller, number).await);
            }
            world.actors.push(Actor { caller, cards });
        }
        for price in [100, 999, 4500, 12_345] {
            let product = world.replicas[0].product(price, 40).await;
            world.products.push(product);
        }
        world
    }

    fn pick(&mut self, from: usize) -> usize {
        self.rng.random_range(0..from)
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("key-{}", self.keys)
    }

    /// A card: mostly a good one.
    fn card(&mut self, actor: usize) -> String {
        let which = [0, 0, 0, 0, 0, 0, 1, 2, 3][self.pick(9)];
        self.actors[actor].cards[which].clone()
    }

    /// Sends a mutation to one of the replicas; `None` when that one died over it.
    async fn send(&mut self, caller: &Caller, query: &str, variables: Value) -> Option<Value> {
        self.sent.push((query.to_owned(), variables.clone(), caller.clone()));
        if self.sent.len() > 50 {
            self.sent.remove(0);
        }
        self.deliver(caller, query, variables).await
    }

    async fn deliver(&mut self, caller: &Caller, query: &str, variables: Value) -> Option<Value> {
        let weather = match self.pick(40) {
            0 => ANSWER_LOST,
            1 => NOT_REACHED,
            2 => CRASH_AFTER,
            3 => CRASH_BEFORE,
            _ => FINE,
        };
        self.weather.next.store(weather, Ordering::SeqCst);
        let replica = self.pick(self.replicas.len());
        let answer = self.replicas[replica].ask(caller, query, variables).await;
        self.weather.next.store(FINE, Ordering::SeqCst);
        let crashed = answer["errors"].is_array();
        if crashed {
            let code = &answer["errors"][0]["extensions"]["code"];
            assert_eq!(*code, "INTERNAL", "{answer}");
            assert!(weather >= CRASH_AFTER, "failed without a reason: {answer}");
            return None;
        }
        Some(answer["data"]["done"].clone())
    }

    async fn step(&mut self) {
        match self.pick(100) {
            0..=17 => self.order().await,
            18..=40 => self.confirm().await,
            41..=46 => self.refund().await,
            47..=50 => self.capture_or_cancel().await,
            51..=56 => self.authorize_ride().await,
            57..=64 => self.end_ride().await,
            65..=67 => self.tip().await,
            68..=71 => self.payout().await,
            72..=74 => self.answer_dispute().await,
            75..=77 => self.authenticate().await,
            78..=82 => self.send_again().await,
            83..=85 => self.restock().await,
            86..=90 => self.messages().await,
            91..=95 => {
                let replica = self.pick(2);
                reconcile(&self.replicas[replica].app).await.unwrap();
            }
            96 => self.clock.advance(Duration::from_hours(20)),
            97 => {
                let replica = self.pick(2);
                sweep(&self.replicas[replica].app).await.unwrap();
            }
            _ => {
                let seconds = self.rng.random_range(1..400);
                self.clock.advance(Duration::from_secs(seconds));
            }
        }
    }

    async fn order(&mut self) {
        let actor = self.pick(self.actors.len());
        let product = self.pick(self.products.len());
        let (product, quantity) = (self.products[product].clone(), 1 + self.pick(4));
        let caller = self.actors[actor].caller.clone();
        let key = self.key();
        let input = json!({ "input": { "lines": [{ "productId": product, "quantity": quantity }], "shippingAddress": address(), "currency": "EUR", "idempotencyKey": key } });
        let query = "mutation($input: OrderCreateInput!) { done: orderCreate(input: $input) { order { id } } }";
        let Some(done) = self.send(&caller, query, input).await else { return };
        let Some(order) = done["order"]["id"].as_str().map(str::to_owned) else { return };
        let capture = if self.pick(4) == 0 { "MANUAL" } else { "AUTOMATIC" };
        let key = self.key();
        let input = json!({ "input": { "orderId": order, "captureMethod": capture, "idempotencyKey": key } });
        let query = "mutation($input: PaymentCreateInput!) { done: paymentCreate(input: $input) { payment { id } } }";
        self.orders.push((actor, order));
        let Some(done) = self.send(&caller, query, input).await else { return };
        if let Some(payment) = done["payment"]["id"].as_str() {
            self.payments.push((actor, payment.to_owned()));
        }
    }

    /// One of the last payments.
    fn recent(&mut self) -> Option<(usize, String)> {
        let count = self.payments.len();
        if count == 0 {
            return None;
        }
        let back = self.pick(count.min(40));
        Some(self.payments[count - 1 - back].clone())
    }

    async fn confirm(&mut self) {
        let Some((actor, payment)) = self.recent() else { return };
        let (caller, card, key) = (self.actors[actor].caller.clone(), self.card(actor), self.key());
        let query = PAYMENT_CONFIRM.replacen("paymentConfirm(", "done: paymentConfirm(", 1);
        let input = json!({ "input": { "paymentId": payment, "paymentMethodId": card, "idempotencyKey": key } });
        self.send(&caller, &query, input).await;
    }

    async fn refund(&mut self) {
        let Some((_, payment)) = self.recent() else { return };
        let (caller, key) = (self.replicas[0].support(), self.key());
        let amount = if self.pick(3) == 0 {
            Value::Null
        } else {
            json!({ "amountMinor": (1 + self.pick(3000)).to_string(), "currency": "EUR" })
        };
        let input = json!({ "input": { "paymentId": payment, "amount": amount, "reason": "OTHER", "idempotencyKey": key } });
        let query = "mutation($input: RefundCreateInput!) { done: refundCreate(input: $input) { refund { id } } }";
        self.send(&caller, query, input).await;
    }

    async fn capture_or_cancel(&mut self) {
        let Some((actor, payment)) = self.recent() else { return };
        let key = self.key();
        let variables = json!({ "id": payment, "key": key });
        if self.pick(2) == 0 {
            let caller = self.replicas[0].admin();
            let query = "mutation($id: ID!, $key: String!) { done: paymentCapture(input: { paymentId: $id, idempotencyKey: $key }) { payment { id } } }";
            self.send(&caller, query, variables).await;
        } else {
            let caller = self.actors[actor].caller.clone();
            let query = "mutation($id: ID!, $key: String!) { done: paymentCancel(id: $id, idempotencyKey: $key) { payment { id } } }";
            self.send(&caller, query, variables).await;
        }
    }

    async fn authorize_ride(&mut self) {
        let (rider, driver) = (self.pick(self.actors.len()), self.pick(self.actors.len()));
        let (caller, card, key) = (self.actors[rider].caller.clone(), self.card(rider), self.key());
        let meters = 1000 + self.pick(20_000);
        let quote = self.replicas[0]
            .ask(
                &caller,
                "query($m: Int!) { rideQuote(input: { distanceMeters: $m, durationSeconds: 900, currency: \"EUR\" }) { token } }",
                json!({ "m": meters }),
            )
            .await;
        let driver_id = id_of(&self.actors[driver].caller).to_string();
        let input = json!({ "input": { "quoteToken": quote["data"]["rideQuote"]["token"], "driverId": driver_id, "paymentMethodId": card, "idempotencyKey": key } });
        let query = "mutation($input: RideAuthorizeInput!) { done: rideAuthorize(input: $input) { ride { id payments { id } } } }";
        let Some(done) = self.send(&caller, query, input).await else { return };
        if let Some(ride) = done["ride"]["id"].as_str() {
            self.rides.push((rider, driver, ride.to_owned()));
            if let Some(payment) = done["ride"]["payments"][0]["id"].as_str() {
                self.payments.push((rider, payment.to_owned()));
            }
        }
    }

    fn recent_ride(&mut self) -> Option<(usize, usize, String)> {
        let count = self.rides.len();
        if count == 0 {
            return None;
        }
        let back = self.pick(count.min(20));
        Some(self.rides[count - 1 - back].clone())
    }

    async fn end_ride(&mut self) {
        let Some((rider, driver, ride)) = self.recent_ride() else { return };
        let key = self.key();
        match self.pick(4) {
            0 => {
                let (who, by) =
                    if self.pick(2) == 0 { (rider, "RIDER") } else { (driver, "DRIVER") };
                let caller = self.actors[who].caller.clone();
                let query = "mutation($id: ID!, $by: RideParty!, $key: String!) { done: rideCancel(id: $id, by: $by, idempotencyKey: $key) { ride { id } } }";
                self.send(&caller, query, json!({ "id": ride, "by": by, "key": key })).await;
            }
            1 => {
                let caller = self.actors[driver].caller.clone();
                let query = "mutation($id: ID!, $key: String!) { done: rideStart(id: $id, idempotencyKey: $key) { ride { id } } }";
                self.send(&caller, query, json!({ "id": ride, "key": key })).await;
            }
            _ => {
                let caller = self.replicas[0].admin();
                let meters = 1000 + self.pick(40_000);
                let input = json!({ "input": { "rideId": ride, "distanceMeters": meters, "durationSeconds": 900, "idempotencyKey": key } });
                let query = "mutation($input: RideCompleteInput!) { done: rideComplete(input: $input) { ride { id } } }";
                self.send(&caller, query, input).await;
            }
        }
    }

    async fn tip(&mut self) {
        let Some((rider, _, ride)) = self.recent_ride() else { return };
        let (caller, key) = (self.actors[rider].caller.clone(), self.key());
        let minor = (1 + self.pick(500)).to_string();
        let input = json!({ "input": { "rideId": ride, "amount": { "amountMinor": minor, "currency": "EUR" }, "idempotencyKey": key } });
        let query =
            "mutation($input: RideTipInput!) { done: rideTip(input: $input) { ride { id } } }";
        self.send(&caller, query, input).await;
    }

    async fn payout(&mut self) {
        let actor = self.pick(self.actors.len());
        let (caller, key) = (self.actors[actor].caller.clone(), self.key());
        let minor = (1 + self.pick(3000)).to_string();
        if self.pick(5) == 0 {
            self.replicas.iter().for_each(|replica| replica.app.sandbox.fail_payouts(1));
        }
        let variables =
            json!({ "amount": { "amountMinor": minor, "currency": "EUR" }, "key": key });
        let query = "mutation($amount: MoneyInput!, $key: String!) { done: payoutRequest(amount: $amount, idempotencyKey: $key) { payout { id } } }";
        self.send(&caller, query, variables).await;
        self.replicas.iter().for_each(|replica| replica.app.sandbox.fail_payouts(0));
    }

    async fn answer_dispute(&mut self) {
        let Some((actor, payment)) = self.recent() else { return };
        let caller = self.actors[actor].caller.clone();
        let query = "query($id: ID!) { payment(id: $id) { disputes { id status } } }";
        let seen = self.replicas[0].ask(&caller, query, json!({ "id": payment })).await;
        let disputes = seen["data"]["payment"]["disputes"].as_array().cloned().unwrap_or_default();
        self.disputes
            .extend(disputes.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)));
        let Some(dispute) = self.disputes.pop() else { return };
        let evidence = ["winning_evidence", "losing_evidence", "a letter"][self.pick(3)];
        let accept = self.pick(4) == 0;
        let query = "mutation($id: ID!, $accept: Boolean!, $evidence: String) { done: disputeRespond(id: $id, accept: $accept, evidence: $evidence) { dispute { id } } }";
        let admin = self.replicas[0].admin();
        let variables = json!({ "id": dispute, "accept": accept, "evidence": evidence });
        self.deliver(&admin, query, variables).await;
    }

    /// A cardholder who was asked to authenticate does so, or refuses.
    async fn authenticate(&mut self) {
        use payments::connector::sandbox::Authentication;

        let Some((actor, payment)) = self.recent() else { return };
        let caller = self.actors[actor].caller.clone();
        let query = "query($id: ID!) { payment(id: $id) { nextAction { redirectUrl } } }";
        let seen = self.replicas[0].ask(&caller, query, json!({ "id": payment })).await;
        let url = seen["data"]["payment"]["nextAction"]["redirectUrl"].as_str();
        let Some(key) = url.and_then(|url| url.rsplit('/').next()).map(str::to_owned) else {
            return;
        };
        let result =
            if self.pick(3) == 0 { Authentication::Failed } else { Authentication::Authenticated };
        self.replicas[0].app.sandbox.authenticate(&key, result).await.unwrap();
    }

    async fn send_again(&mut self) {
        if self.sent.is_empty() {
            return;
        }
        let which = self.pick(self.sent.len());
        let (query, variables, caller) = self.sent[which].clone();
        self.deliver(&caller, &query, variables).await;
    }

    async fn restock(&mut self) {
        let which = self.pick(self.products.len());
        let (product, key) = (self.products[which].clone(), self.key());
        let merchant = self.replicas[0].merchant.clone();
        let delta = 1 + self.pick(30);
        let input = json!({ "input": { "productId": product, "delta": delta, "reason": "RECEIVED", "idempotencyKey": key } });
        let query = "mutation($input: StockAdjustInput!) { done: stockAdjust(input: $input) { product { id } } }";
        self.send(&merchant, query, input).await;
    }

    /// Messages of the processor: some never, some twice, in any order.
    async fn messages(&mut self) {
        let replica = self.pick(2);
        let mut events = self.replicas[replica].app.sandbox.due_events().await.unwrap();
        if self.pick(2) == 0 {
            events.reverse();
        }
        for event in events {
            let copies = self.pick(3);
            let app = &self.replicas[replica].app;
            for _ in 0..copies {
                let name = app.sandbox.name().to_owned();
                incoming::accept(app, &name, Some(&event.signature), &event.body).await.unwrap();
            }
            app.sandbox.note_delivery(event.id, copies > 0).await.unwrap();
        }
        incoming::work(&self.replicas[1 - replica].app).await.unwrap();
    }

    /// Lets everything that is under way come to its end.
    async fn settle_down(&mut self) {
        for _ in 0..12 {
            self.clock.advance(Duration::from_hours(25));
            let replica = self.pick(2);
            let app = self.replicas[replica].app.clone();
            while reconcile(&app).await.unwrap() >= 50 {}
            self.messages().await;
            sweep(&app).await.unwrap();
        }
    }

    async fn check(&mut self) {
        self.replicas[0].assert_books().await;
        self.figures().await;
        let shop = &self.replicas[0];
        for (what, table) in [
            (
                "doubled mails",
                "(SELECT template, entity_id, entity_version FROM outbox GROUP BY 1, 2, 3 HAVING COUNT(*) > 1) AS doubles",
            ),
            ("oversold", "stock WHERE reserved > on_hand OR reserved < 0"),
            (
                "doubled payments",
                "(SELECT purpose_id FROM payments WHERE purpose_type = 'ORDER' AND status NOT IN ('CANCELED', 'FAILED') GROUP BY 1 HAVING COUNT(*) > 1) AS doubles",
            ),
            (
                "paid orders without their one receipt",
                "orders o WHERE paid_at IS NOT NULL AND (SELECT COUNT(*) FROM outbox m WHERE m.template = 'order_receipt' AND m.entity_id = o.id) <> 1",
            ),
        ] {
            assert_eq!(shop.count(table).await, 0, "{what}");
        }
    }

    /// Kept sums and a recount agree on any range.
    async fn figures(&mut self) {
        use payments::{
            analytics::{Interval, Span, figures, recounted},
            money::Currency,
        };

        let length = self.clock.now().0 - self.begun.0 + 1;
        let intervals = [Interval::Hour, Interval::Day, Interval::Week, Interval::Month];
        for interval in intervals {
            let from = self.begun.0 + self.rng.random_range(0..length);
            let to = from + 1 + self.rng.random_range(0..length);
            let span = Span { from: Timestamp(from), to: Timestamp(to) };
            let (database, eur) = (&self.replicas[0].app.database, Currency::parse("EUR").unwrap());
            let kept = figures(database, span, interval, eur).await.unwrap();
            assert_eq!(kept, recounted(database, span, interval, eur).await.unwrap(), "{span:?}");
        }
    }

    /// The processor's books are ours.
    async fn compare(&self) {
        let app = &self.replicas[0].app;
        let to = self.clock.now().plus(Duration::from_hours(1));
        let report = settlement(app, app.sandbox.name(), self.begun, to).await.unwrap();
        let mut wrong = Vec::new();
        for line in &report.lines {
            if line.verdict() != payments::report::Match::Matched {
                let now = payments::admin::retry_attempt(app, line.attempt).await;
                wrong.push(format!("{line}: asked again, {now:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(!report.lines.is_empty());
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().map_or(default, |text| text.parse().unwrap())
}

#[tokio::test]
async fn random_histories_keep_the_books_right() {
    let operations = number("CONCORD_SIMULATION", 700);
    let seed = number("CONCORD_SEED", 7);
    // Deaths of the simulated processes are part of the story.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let cut = info.payload().downcast_ref::<&str>().is_some_and(|text| *text == "power cut");
        if !cut {
            usual(info);
        }
    }));
    let mut world = World::new(seed).await;
    for operation in 1..=operations {
        world.step().await;
        if operation % 1000 == 0 {
            world.check().await;
        }
    }
    world.settle_down().await;
    world.check().await;
    world.compare().await;
    let app = &world.replicas[0].app;
    let mut stuck = Vec::new();
    for attempt in payments::admin::open_attempts(app).await.unwrap() {
        let now = payments::admin::retry_attempt(app, attempt.id).await;
        stuck.push(format!("{attempt:?}: {now:?}"));
    }
    assert!(stuck.is_empty(), "everything comes to an end: {stuck:#?}");
}
