//! A database that takes no writes, and a process that is told to stop.

use payments::connector::sandbox::{
    SandboxRules,
    faults::{Fault, FaultKind},
};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    process::{Site, eventually},
    processors::{KEY, Remote},
    support::{APPROVES, PAYMENT_CONFIRM, Shop, key, top_code},
};

/// As a full disk or a server that has become a replica: reading works, writing does not.
async fn forbid_writes(shop: &Shop) {
    match shop.app.database.backend() {
        DbBackend::Sqlite => run(shop, "PRAGMA query_only = ON").await,
        _ => set_read_only(shop, "on").await,
    }
}

/// PostgreSQL's setting counts for new connections; all old ones have to go.
async fn set_read_only(shop: &Shop, value: &str) {
    let set = format!(
        "SET TRANSACTION READ WRITE; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET \
         default_transaction_read_only = {value}', current_database()); END $$"
    );
    run(shop, &set).await;
    // In one go: the next statement may get another connection, and this one would live on.
    let all = "SELECT pg_sleep(0.5); \
               SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid(); \
               SELECT pg_terminate_backend(pg_backend_pid())";
    run(shop, all).await;
}

async fn run(shop: &Shop, statement: &str) {
    let run: Result<(), DbErr> = shop
        .app
        .database
        .write(|tx| Box::pin(async move { tx.execute_unprepared(statement).await.map(drop) }))
        .await;
    // A statement that ends its own connection has no answer.
    drop(run);
}

struct Served {
    health: String,
    stop: CancellationToken,
    running: kit::Running,
}

async fn serve(shop: &Shop) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stop = CancellationToken::new();
    let running = payments::serve::service(&shop.app).spawn(listener, stop.clone()).unwrap();
    Served { health: format!("{}/health/ready", running.url()), stop, running }
}

impl Served {
    /// The status once the check of writing says so; connections that died are found out first.
    async fn ready(&self, writes: &str) -> u16 {
        eventually(&format!("writes {writes}"), || async {
            let answer = reqwest::get(&self.health).await.ok()?;
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.ok()?;
            let checks = &body["checks"];
            (checks["database"] == "ok" && checks["database_writes"] == writes).then_some(status)
        })
        .await
    }

    async fn stop(self) {
        self.stop.cancel();
        self.running.handle.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn f46_a_database_that_takes_no_writes_books_nothing_by_halves() {
    let site = Site::new("").await;
    let open = async || Shop::with_clock(site.database().await, kit::Clock::system(), |_| {});
    let shop = open().await;
    let lamp = shop.product(6000, 2).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
    let method = shop.card(&customer, APPROVES).await;
    forbid_writes(&shop).await;
    let served = serve(&shop).await;
    assert_eq!(served.ready("takes no writes").await, 503);

    let key = key();
    let input = json!({ "input": { "paymentId": payment, "paymentMethodId": method, "idempotencyKey": key } });
    let refused = shop.ask(&customer, PAYMENT_CONFIRM, input).await;
    assert_eq!(top_code(&refused), "INTERNAL", "{refused}");
    assert!(!refused.to_string().to_lowercase().contains("read"), "{refused}");
    let seen = shop.payment_fields(&customer, &payment, "status attempts { status }").await;
    assert_eq!(seen, json!({ "status": "REQUIRES_PAYMENT_METHOD", "attempts": [] }));
    assert_eq!(shop.count("sandbox_operations").await, 0, "the processor was not asked");

    // There is room again; on SQLite that is a new connection.
    if shop.app.database.backend() == DbBackend::Postgres {
        set_read_only(&shop, "off").await;
    }
    served.stop().await;
    let shop = open().await;
    let served = serve(&shop).await;
    assert_eq!(served.ready("ok").await, 200);
    let paid = shop.confirm(&customer, &payment, &method, &key).await;
    assert_eq!(paid["payment"]["status"], "SUCCEEDED", "the same key is still good: {paid}");
    assert_eq!(shop.stock(&lamp).await, (1, 1, 0));
    shop.assert_books().await;
    served.stop().await;
}

#[tokio::test]
async fn f47_a_process_that_is_told_to_stop_finishes_what_it_has_begun() {
    let remote = Remote::start().await;
    let secret = SandboxRules::default().webhook_secrets[0].expose().to_owned();
    let site = Site::new(&format!(
        "[[connectors]]\nname = \"remote\"\nkind = \"sandbox_http\"\nurl = \"{}\"\nkey = \"{KEY}\"\n\
         webhook_secrets = [\"{secret}\"]\n",
        remote.url
    ))
    .await;
    let settings = remote.settings("remote");
    let shop = Shop::with_clock(site.database().await, kit::Clock::system(), |config| {
        config.connectors = vec![settings];
    });
    let lamp = shop.product(6000, 2).await;
    let customer = shop.customer();
    let method = shop.card(&customer, APPROVES).await;
    let mut confirms = Vec::new();
    for _ in 0..2 {
        let order = shop.order(&customer, &[(&lamp, 1)]).await;
        let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
        confirms.push(json!({ "input": { "paymentId": payment, "paymentMethodId": method, "idempotencyKey": key() } }));
    }
    let delay =
        Fault { kind: FaultKind::Delay, call: "authorize".to_owned(), times: 1, millis: 300 };
    remote.faults.replace(vec![delay]);
    let mut stopping = site.start(None);
    let mut other = site.start(None);
    let answer = {
        let asking = stopping.ask(&site, &customer, PAYMENT_CONFIRM, confirms[0].clone());
        let told = async {
            // The processor has been asked and has not answered.
            eventually("asked", || async { (!remote.faults.has(FaultKind::Delay)).then_some(()) })
                .await;
            stopping.terminate();
        };
        futures::future::join(asking, told).await.0
    };
    let answer = answer.expect("what was begun is answered");
    assert_eq!(answer["data"]["paymentConfirm"]["payment"]["status"], "SUCCEEDED", "{answer}");
    assert!(stopping.ended().success(), "{}", stopping.said.lock().unwrap());
    assert!(stopping.ask(&site, &customer, PAYMENT_CONFIRM, confirms[1].clone()).await.is_none());

    // The other replica goes on, also with what the first has left behind.
    for confirm in &confirms {
        let answer = other.ask(&site, &customer, PAYMENT_CONFIRM, confirm.clone()).await.unwrap();
        assert_eq!(answer["data"]["paymentConfirm"]["payment"]["status"], "SUCCEEDED", "{answer}");
    }
    assert_eq!(remote.booked("sandbox_operations").await, 2);
    other.terminate();
    assert!(other.ended().success());
    assert_eq!(shop.count("outbox WHERE lease_owner IS NOT NULL").await, 0, "no lease is kept");
    assert_eq!(shop.count("outbox WHERE status = 'QUEUED'").await, 4);
    shop.assert_books().await;
}
