//! Every connector passes the same suite; faults of a processor in a process of its own.

use kit::{
    Clock, Timestamp,
    id::{PaymentAttemptId, PaymentMethodId, UserId},
    settings::Secret,
    testing,
};
use payments::{
    card::CardNumber,
    config::{ConnectorKind, ConnectorSettings},
    connector::{
        Asked, AuthorizeRequest, CardDetails, Connector, DeclineCode, FollowUpRequest, Outcome,
        PayoutProgress, PayoutRequest, SettlementKind, Verification,
        sandbox::{
            Sandbox, SandboxRules,
            faults::{Fault, FaultKind, Faults},
            server::{Server, serve},
        },
        sandbox_http::SandboxHttp,
        stripe::Stripe,
    },
    entity::payment_attempt::AttemptOperation,
    money::{Currency, Money},
    operation::reconcile::reconcile,
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::{
    fake_stripe,
    support::{APPROVES, NEEDS_3DS, Shop, codes, key},
};

pub(crate) const KEY: &str = "sandbox-key";

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").unwrap())
}

fn card(number: &str) -> CardDetails {
    CardDetails {
        number: CardNumber::parse(Zeroizing::new(number.to_owned())).unwrap(),
        exp_month: 12,
        exp_year: 2030,
        cvc: Zeroizing::new("123".to_owned()),
        postal_code: None,
    }
}

fn attempt() -> PaymentAttemptId {
    PaymentAttemptId::new(Clock::system().now())
}

struct Suite<'a> {
    connector: &'a dyn Connector,
}

impl Suite<'_> {
    async fn authorize(
        &self,
        number: &str,
        minor: i64,
        capture: bool,
        attempt: PaymentAttemptId,
    ) -> Outcome {
        let stored = self.connector.store_card(&card(number)).await.unwrap();
        self.connector
            .authorize(AuthorizeRequest {
                attempt,
                method: PaymentMethodId::new(Timestamp(1)),
                card_token: stored.token,
                amount: eur(minor),
                capture,
                return_url: Some("https://shop.example/back".to_owned()),
            })
            .await
    }

    async fn approved(&self, minor: i64, capture: bool) -> (PaymentAttemptId, String) {
        let attempt = attempt();
        let outcome = self.authorize(APPROVES, minor, capture, attempt).await;
        (attempt, reference(&outcome))
    }

    async fn fetch(
        &self,
        attempt: PaymentAttemptId,
        operation: AttemptOperation,
        minor: i64,
        processor_ref: Option<&str>,
    ) -> Outcome {
        let now = Clock::system().now();
        let asked = Asked {
            attempt,
            operation,
            amount: eur(minor),
            processor_ref: processor_ref.map(str::to_owned),
            started_at: now.minus(std::time::Duration::from_hours(1)),
            now,
        };
        self.connector.fetch(asked).await
    }
}

fn follow_up(processor_ref: &str, minor: i64) -> FollowUpRequest {
    FollowUpRequest {
        attempt: attempt(),
        processor_ref: processor_ref.to_owned(),
        amount: eur(minor),
    }
}

fn reference(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Approved { processor_ref } => processor_ref.clone(),
        other => panic!("not approved: {other:?}"),
    }
}

/// What the service relies on, whoever the processor is.
async fn conforms(connector: &dyn Connector) {
    let suite = Suite { connector };
    let start = Clock::system().now().minus(std::time::Duration::from_mins(5));

    let stored = connector.store_card(&card(APPROVES)).await.unwrap();
    assert!(!stored.token.contains("4242424242424242"));
    let verified = connector.verify(attempt(), &stored.token).await;
    assert!(matches!(verified, Verification::Verified(_)), "{verified:?}");
    connector.forget_card(&stored.token).await.unwrap();
    connector.forget_card(&stored.token).await.unwrap();

    // The same attempt is carried out once.
    let charge = attempt();
    let stored = connector.store_card(&card(APPROVES)).await.unwrap();
    let request = || AuthorizeRequest {
        attempt: charge,
        method: PaymentMethodId::new(Timestamp(1)),
        card_token: stored.token.clone(),
        amount: eur(5000),
        capture: true,
        return_url: None,
    };
    let first = connector.authorize(request()).await;
    assert_eq!(first, connector.authorize(request()).await);
    let paid = reference(&first);
    assert_eq!(suite.fetch(charge, AttemptOperation::Authorize, 5000, None).await, first);
    let conflict = suite.fetch(charge, AttemptOperation::Authorize, 4999, None).await;
    assert!(matches!(conflict, Outcome::Conflicted { .. }), "{conflict:?}");
    let unknown = suite.fetch(attempt(), AttemptOperation::Authorize, 5000, None).await;
    assert!(matches!(unknown, Outcome::NotAttempted { .. }), "{unknown:?}");

    // Refunds, each once, never more than was taken.
    let refund = follow_up(&paid, 3000);
    let refunded = connector.refund(refund.clone()).await;
    assert_eq!(refunded, connector.refund(refund.clone()).await);
    reference(&refunded);
    let found = suite.fetch(refund.attempt, AttemptOperation::Refund, 3000, Some(&paid)).await;
    assert_eq!(found, refunded);
    let missing = suite.fetch(attempt(), AttemptOperation::Refund, 3000, Some(&paid)).await;
    assert!(matches!(missing, Outcome::NotAttempted { .. }), "{missing:?}");
    let too_much = connector.refund(follow_up(&paid, 2001)).await;
    assert!(
        matches!(too_much, Outcome::Declined { .. } | Outcome::NotAttempted { .. }),
        "{too_much:?}"
    );

    // Held, taken in part, and not a second time.
    let (_, held) = suite.approved(7000, false).await;
    let capture = follow_up(&held, 6000);
    let nothing = suite.fetch(capture.attempt, AttemptOperation::Capture, 6000, Some(&held)).await;
    assert!(matches!(nothing, Outcome::NotAttempted { .. }), "{nothing:?}");
    let captured = connector.capture(capture.clone()).await;
    reference(&captured);
    assert_eq!(captured, connector.capture(capture.clone()).await);
    let found = suite.fetch(capture.attempt, AttemptOperation::Capture, 6000, Some(&held)).await;
    reference(&found);
    let again = connector.void(follow_up(&held, 7000)).await;
    assert!(matches!(again, Outcome::Declined { .. } | Outcome::NotAttempted { .. }), "{again:?}");

    // Held and let go.
    let (_, held) = suite.approved(7000, false).await;
    let void = follow_up(&held, 7000);
    reference(&connector.void(void.clone()).await);
    let found = suite.fetch(void.attempt, AttemptOperation::Void, 7000, Some(&held)).await;
    reference(&found);
    let late = connector.capture(follow_up(&held, 7000)).await;
    assert!(matches!(late, Outcome::Declined { .. } | Outcome::NotAttempted { .. }), "{late:?}");

    for (number, code) in [
        ("4000000000009995", DeclineCode::InsufficientFunds),
        ("4000000000000119", DeclineCode::ProcessingError),
        ("4000000000000341", DeclineCode::CardDeclined),
    ] {
        let declined = suite.authorize(number, 1000, true, attempt()).await;
        assert!(
            matches!(&declined, Outcome::Declined { code: found, .. } if *found == code),
            "{number}: {declined:?}"
        );
    }
    let asked = suite.authorize(NEEDS_3DS, 1000, true, attempt()).await;
    assert!(matches!(asked, Outcome::ActionRequired { .. }), "{asked:?}");

    let payout =
        PayoutRequest { attempt: attempt(), payee: UserId::new(Timestamp(1)), amount: eur(900) };
    let sent = connector.payout(payout.clone()).await;
    assert_eq!(sent, connector.payout(payout.clone()).await);
    reference(&sent);
    let progress = connector.payout_progress(payout.attempt).await.unwrap();
    assert!(!matches!(progress, PayoutProgress::NotFound | PayoutProgress::Failed { .. }));
    let nothing = connector.payout_progress(attempt()).await.unwrap();
    assert_eq!(nothing, PayoutProgress::NotFound);

    assert_eq!(connector.dispute("none").await.unwrap(), None);
    let end = Clock::system().now().plus(std::time::Duration::from_mins(5));
    let lines = connector.settlement(start, end).await.unwrap();
    let of =
        |kind| lines.iter().filter(move |line| line.kind == kind).map(|line| line.amount.minor);
    assert_eq!(of(SettlementKind::Refund).sum::<i64>(), 3000);
    assert!(of(SettlementKind::Charge).any(|minor| minor == 5000));
}

async fn books() -> Sandbox {
    let database = testing::database::<migrations::payments::Migrator>().await;
    Sandbox::with("sandbox", database, Clock::system(), SandboxRules::default())
}

#[tokio::test]
async fn the_sandbox_conforms() {
    conforms(&books().await).await;
}

/// A sandbox behind HTTP, with the door for faults.
pub(crate) struct Remote {
    pub(crate) sandbox: Sandbox,
    pub(crate) faults: Faults,
    pub(crate) url: String,
    pub(crate) stop: CancellationToken,
}

impl Remote {
    pub(crate) async fn start() -> Self {
        Self::telling("").await
    }

    async fn telling(webhook_url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (faults, stop) = (Faults::default(), CancellationToken::new());
        let rules = SandboxRules { tells_everything: true, ..SandboxRules::default() };
        let database = testing::database::<migrations::payments::Migrator>().await;
        let sandbox = Sandbox::with("sandbox", database, Clock::system(), rules);
        let server = Server {
            sandbox: sandbox.clone(),
            key: Secret::from(KEY),
            public_url: url.clone(),
            webhook_url: webhook_url.to_owned(),
            faults: faults.clone(),
        };
        tokio::spawn(serve(server, listener, stop.clone()));
        Self { sandbox, faults, url, stop }
    }

    pub(crate) fn settings(&self, name: &str) -> ConnectorSettings {
        ConnectorSettings {
            name: name.to_owned(),
            kind: ConnectorKind::SandboxHttp,
            url: self.url.clone(),
            key: Secret::from(KEY),
            webhook_secrets: SandboxRules::default().webhook_secrets,
        }
    }

    fn fault(&self, kind: FaultKind, call: &str) {
        let fault = Fault { kind, call: call.to_owned(), times: 1, millis: 0 };
        self.faults.replace(vec![fault]);
    }

    pub(crate) async fn booked(&self, table: &str) -> i64 {
        use sea_orm::{ConnectionTrait, Statement};

        let database = self.sandbox.books();
        let sql = format!("SELECT COUNT(*) AS n FROM {table}");
        let statement = Statement::from_string(database.backend(), sql);
        let row = database.read().query_one_raw(statement).await.unwrap().unwrap();
        row.try_get("", "n").unwrap()
    }
}

#[tokio::test]
async fn the_sandbox_behind_http_conforms() {
    let remote = Remote::start().await;
    let secrets = SandboxRules::default().webhook_secrets;
    conforms(&SandboxHttp::new("remote", &remote.url, Secret::from(KEY), secrets)).await;
}

#[tokio::test]
async fn the_stripe_shaped_connector_conforms() {
    let fake = fake_stripe::start().await;
    let connector = Stripe::new("stripe", &fake, Secret::from(fake_stripe::KEY), Vec::new());
    conforms(&connector).await;
}

#[tokio::test]
async fn signatures_agree_with_the_stripe_library() {
    // Made by `stripe.webhooks.generateTestHeaderString` of the npm package `stripe`.
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("stripe_signatures.json")).unwrap();
    for vector in vectors.as_array().unwrap() {
        let text = |field: &str| vector[field].as_str().unwrap();
        let connector = Stripe::new(
            "stripe",
            "http://127.0.0.1:9",
            Secret::from("x"),
            vec![Secret::from(text("secret"))],
        );
        let now = Timestamp::from_seconds(vector["timestamp"].as_i64().unwrap());
        let body = text("payload").as_bytes();
        connector.check_signature(Some(text("header")), body, now).unwrap();
        connector.parse_event(body).unwrap();
        assert!(connector.check_signature(Some(text("header")), b"{}", now).is_err());
    }
}

async fn shop_with(remotes: &[(&str, &Remote)]) -> Shop {
    let database = testing::database::<migrations::payments::Migrator>().await;
    Shop::with_clock(database, Clock::system(), |config| {
        config.connectors = remotes.iter().map(|(name, remote)| remote.settings(name)).collect();
        config.processing.timeout = kit::settings::Period(std::time::Duration::from_secs(5));
        config.processing.stale = kit::settings::Period(std::time::Duration::ZERO);
    })
}

async fn unpaid(shop: &Shop) -> (kit::Caller, String, String) {
    let lamp = shop.product(6000, 50).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
    let method = shop.card(&customer, APPROVES).await;
    (customer, payment, method)
}

#[tokio::test]
async fn f01_twenty_clicks_are_one_charge() {
    let remote = Remote::start().await;
    let shop = shop_with(&[("remote", &remote)]).await;
    let (customer, payment, method) = unpaid(&shop).await;
    let key = key();
    let clicks = (0..20).map(|_| shop.confirm(&customer, &payment, &method, &key));
    for answer in futures::future::join_all(clicks).await {
        let fine = answer["payment"]["status"] == "SUCCEEDED"
            || codes(&answer) == ["IDEMPOTENCY_KEY_IN_USE"];
        assert!(fine, "{answer}");
    }
    assert_eq!(remote.booked("sandbox_operations").await, 1);
    shop.assert_books().await;
}

#[tokio::test]
async fn f05_a_lost_answer_is_not_tried_elsewhere_but_asked_about() {
    for kind in [FaultKind::DropAnswer, FaultKind::Garbage, FaultKind::ErrorAfter] {
        let (first, second) = (Remote::start().await, Remote::start().await);
        let shop = shop_with(&[("first", &first), ("second", &second)]).await;
        let (customer, payment, method) = unpaid(&shop).await;
        first.fault(kind, "authorize");
        let unknown = shop.confirm(&customer, &payment, &method, &key()).await;
        assert_eq!(unknown["payment"]["status"], "UNKNOWN", "{kind:?}: {unknown}");
        assert_eq!(unknown["errors"][0]["outcomeUnknown"], true);
        assert_eq!(second.booked("sandbox_operations").await, 0, "no fail-over");
        let sync = "mutation($id: ID!) { paymentSync(id: $id) { payment { status } } }";
        let synced = shop.data(&customer, sync, json!({ "id": payment })).await;
        assert_eq!(synced["paymentSync"]["payment"]["status"], "SUCCEEDED");
        assert_eq!(first.booked("sandbox_operations").await, 1);
        shop.assert_books().await;
    }
}

#[tokio::test]
async fn f06_an_unreachable_processor_is_passed_over_then_left_alone() {
    let (first, second) = (Remote::start().await, Remote::start().await);
    let shop = shop_with(&[("first", &first), ("second", &second)]).await;
    let mut unpaid_ones = Vec::new();
    for _ in 0..4 {
        unpaid_ones.push(unpaid(&shop).await);
    }
    for (index, (customer, payment, method)) in unpaid_ones.iter().enumerate() {
        let fault = Fault { kind: FaultKind::Refuse, call: String::new(), times: 1, millis: 0 };
        first.faults.replace(vec![fault]);
        let paid = shop.confirm(customer, payment, method, &key()).await;
        assert_eq!(paid["payment"]["status"], "SUCCEEDED", "{paid}");
        let seen = shop.payment_fields(customer, payment, "attempts { connector status }").await;
        let tried = seen["attempts"].as_array().unwrap();
        if index < 3 {
            assert_eq!(tried[0], json!({ "connector": "first", "status": "FAILED" }));
            assert_eq!(tried[1], json!({ "connector": "second", "status": "SUCCEEDED" }));
        } else {
            assert_eq!(tried.len(), 1, "the breaker is open: {seen}");
            assert_eq!(tried[0]["connector"], "second");
        }
    }
    assert_eq!(first.booked("sandbox_operations").await, 0);
    assert_eq!(second.booked("sandbox_operations").await, 4);
    shop.assert_books().await;
}

#[tokio::test]
async fn a_dead_processor_refuses_connections_and_the_next_one_is_tried() {
    let (first, second) = (Remote::start().await, Remote::start().await);
    let shop = shop_with(&[("first", &first), ("second", &second)]).await;
    let (customer, payment, method) = unpaid(&shop).await;
    let dead = SandboxHttp::new("dead", "http://127.0.0.1:9", Secret::from(KEY), Vec::new());
    let stored = dead.store_card(&card(APPROVES)).await;
    assert!(stored.is_err());
    let outcome = dead
        .capture(FollowUpRequest {
            attempt: attempt(),
            processor_ref: "x".to_owned(),
            amount: eur(1),
        })
        .await;
    assert!(matches!(outcome, Outcome::NotAttempted { .. }), "{outcome:?}");
    first.stop.cancel();
    let paid = shop.confirm(&customer, &payment, &method, &key()).await;
    assert_eq!(paid["payment"]["status"], "SUCCEEDED", "{paid}");
}

#[tokio::test]
async fn a_processor_that_books_another_amount_is_held_for_a_person() {
    let remote = Remote::start().await;
    let shop = shop_with(&[("remote", &remote)]).await;
    let (customer, payment, method) = unpaid(&shop).await;
    remote.fault(FaultKind::WrongAmount, "authorize");
    let held = shop.confirm(&customer, &payment, &method, &key()).await;
    assert_eq!(held["payment"]["status"], "UNKNOWN", "{held}");
    reconcile(&shop.app).await.unwrap();
    let conflicted = shop.count("payment_attempts WHERE raw_code = 'conflicted'").await;
    assert_eq!(conflicted, 1, "not asked about again by itself");
    shop.assert_books().await;
}

#[tokio::test]
async fn the_processor_is_switched_by_configuration_under_load() {
    let (old, new) = (Remote::start().await, Remote::start().await);
    let database = testing::database::<migrations::payments::Migrator>().await;
    let shop = |order: [&str; 2]| {
        let (old, new, database) = (&old, &new, database.clone());
        Shop::with_clock(database, Clock::system(), move |config| {
            config.connectors = order
                .iter()
                .map(|name| if *name == "old" { old.settings("old") } else { new.settings("new") })
                .collect();
        })
    };
    let before = shop(["old", "new"]);
    let mut payments = Vec::new();
    for _ in 0..6 {
        payments.push(unpaid(&before).await);
    }
    // Two replicas during a rolling restart: one still with the old configuration.
    let after = shop(["new", "old"]);
    let keys: Vec<String> = payments.iter().map(|_| key()).collect();
    let confirms = payments.iter().zip(&keys).enumerate().map(|(index, ((who, id, card), key))| {
        if index < 3 {
            before.confirm(who, id, card, key)
        } else {
            after.confirm(who, id, card, key)
        }
    });
    for answer in futures::future::join_all(confirms.map(Box::pin)).await {
        assert_eq!(answer["payment"]["status"], "SUCCEEDED", "{answer}");
    }
    assert_eq!(old.booked("sandbox_operations").await, 3);
    assert_eq!(new.booked("sandbox_operations").await, 3);
    // What was paid with the old processor is refunded there.
    let refund = after.refund(&after.support(), json!({ "paymentId": payments[0].1 })).await;
    assert_eq!(refund["refund"]["status"], "SUCCEEDED", "{refund}");
    assert_eq!(old.booked("sandbox_operations WHERE op = 'REFUND'").await, 1);
    after.assert_books().await;
}

#[tokio::test]
async fn the_settlement_report_finds_what_does_not_agree() {
    use payments::report::{Match, settlement};

    let remote = Remote::start().await;
    let shop = shop_with(&[("remote", &remote)]).await;
    let (customer, payment, method) = unpaid(&shop).await;
    shop.confirm(&customer, &payment, &method, &key()).await;
    shop.refund(&shop.support(), json!({ "paymentId": payment })).await;
    let now = Clock::system().now();
    let hour = std::time::Duration::from_hours(1);
    let report = settlement(&shop.app, "remote", now.minus(hour), now.plus(hour)).await.unwrap();
    assert!(report.is_clean() && report.lines.len() == 2, "{report:?}");
    // A charge we know nothing of.
    let direct = SandboxHttp::new("x", &remote.url, Secret::from(KEY), Vec::new());
    let foreign = Suite { connector: &direct };
    foreign.approved(100, true).await;
    let report = settlement(&shop.app, "remote", now.minus(hour), now.plus(hour)).await.unwrap();
    assert_eq!((report.count(Match::MissingHere), report.count(Match::Matched)), (1, 2));
}

#[tokio::test]
async fn the_sandbox_process_conforms() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_payments"));
    command.args(["sandbox", "--listen", "127.0.0.1:0"]);
    let process = crate::process::Process::start(command, "listening on");
    conforms(&SandboxHttp::new("process", &process.url, Secret::from(KEY), Vec::new())).await;
}

#[tokio::test]
async fn operators_have_commands() {
    let site = crate::process::Site::new("").await;
    let shop = Shop::with_clock(site.database().await, Clock::system(), |_| {});
    let lamp = shop.product(6000, 5).await;
    shop.paid(&shop.customer(), &[(&lamp, 1)]).await;
    let (fine, said) = site.run(&["ledger", "verify"]);
    assert!(fine && said.contains("the ledger balances"), "{said}");
    let span = ["--from", "2020-01-01T00:00:00Z", "--to", "2100-01-01T00:00:00Z"];
    let (fine, said) = site.run(&[&["admin", "settlement-report"], &span[..]].concat());
    assert!(fine && said.contains("1 matched, 0 missing here, 0 missing there"), "{said}");
    let (fine, said) = site.run(&["admin", "retry-reconciliation", "--all"]);
    assert!(fine && said.is_empty(), "{said}");
    let (fine, said) = site.run(&["admin", "add-webhook", "https://shop.example/hook"]);
    assert!(fine, "{said}");
    let id = said.split('\t').next().unwrap().to_owned();
    let (fine, newer) = site.run(&["admin", "rotate-webhook-secret", &id, "--grace", "1h"]);
    assert!(fine && newer.starts_with("whsec_") && !said.contains(newer.trim()), "{newer}");
    let (fine, _) = site.run(&["admin", "disable-webhook", &id]);
    assert!(fine);
    let (fine, said) = site.run(&["admin", "requeue-mail", "--all"]);
    assert!(fine && said.contains("0 queued again"), "{said}");

    let broken: Result<(), sea_orm::DbErr> = shop
        .app
        .database
        .write(|tx| {
            Box::pin(async move {
                use sea_orm::ConnectionTrait;

                let spoil =
                    "UPDATE ledger_balances SET debits = debits + 1 WHERE account = 'psp_clearing'";
                tx.execute_unprepared(spoil).await?;
                Ok(())
            })
        })
        .await;
    broken.unwrap();
    let (fine, said) = site.run(&["ledger", "verify"]);
    assert!(!fine && said.contains("psp_clearing"), "{said}");
}
