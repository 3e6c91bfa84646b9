//! Messages in and out.

use payments::{
    connector::{Connector, sandbox::WEBHOOK_HEADER, signature},
    webhook::{incoming, outgoing},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;

use crate::support::{Shop, key};

const SECRET: &[u8] = b"concord-development-sandbox-webhooks";

#[tokio::test]
async fn f08_forged_stale_and_future_messages_are_refused() {
    let shop = Shop::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = shop.service.spawn(listener, CancellationToken::new()).unwrap();
    let url = format!("{}/webhooks/sandbox", running.url());
    let body = json!({ "id": "evt_1", "type": "nothing.we.know", "subject": "x" }).to_string();
    let now = shop.clock.now();
    let at = |seconds: i64| kit::Timestamp(now.0 + seconds * 1000);
    let cases = [
        (signature::sign(&[b"another"], body.as_bytes(), now), 400),
        (signature::sign(&[SECRET], b"other", now), 400),
        (signature::sign(&[SECRET], body.as_bytes(), at(-301)), 400),
        (signature::sign(&[SECRET], body.as_bytes(), at(301)), 400),
        (signature::sign(&[b"new", SECRET], body.as_bytes(), now), 200),
        (signature::sign(&[SECRET], body.as_bytes(), now), 200),
    ];
    let client = reqwest::Client::new();
    for (header, status) in cases {
        let sent = client.post(&url).header(WEBHOOK_HEADER, &header).body(body.clone()).send();
        assert_eq!(sent.await.unwrap().status().as_u16(), status, "{header}");
    }
    let unsigned = client.post(&url).body(body.clone()).send().await.unwrap();
    assert_eq!(unsigned.status().as_u16(), 400);
    let unknown = client.post(format!("{}/webhooks/nobody", running.url())).body(body).send();
    assert_eq!(unknown.await.unwrap().status().as_u16(), 404);
    assert_eq!(shop.app.database.read_count("webhook_events").await, 1, "stored once");
}

trait Count {
    async fn read_count(&self, table: &str) -> i64;
}

impl Count for kit::Database {
    async fn read_count(&self, table: &str) -> i64 {
        use sea_orm::{ConnectionTrait, Statement};

        let sql = format!("SELECT COUNT(*) AS n FROM {table}");
        let statement = Statement::from_string(self.backend(), sql);
        let row = self.read().query_one_raw(statement).await.unwrap().unwrap();
        row.try_get("", "n").unwrap()
    }
}

#[tokio::test]
async fn f07_messages_may_come_three_times_and_in_any_order() {
    let shop = Shop::open().await;
    let lamp = shop.product(6000, 5).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
    let method = shop.card(&customer, "4000000000000259").await;
    shop.confirm(&customer, &payment, &method, &key()).await;
    let app = &shop.app;
    let created = app.sandbox.due_events().await.unwrap();
    app.sandbox
        .answer_dispute(
            "sbxdp_none",
            payments::connector::DisputeAnswer::Contest { evidence: String::new() },
        )
        .await
        .unwrap();
    let dispute = serde_json::from_slice::<Value>(&created[0].body).unwrap()["subject"].clone();
    let evidence = "winning_evidence".to_owned();
    let answer = payments::connector::DisputeAnswer::Contest { evidence };
    app.sandbox.answer_dispute(dispute.as_str().unwrap(), answer).await.unwrap();
    let mut events = app.sandbox.due_events().await.unwrap();
    assert_eq!(events.len(), 2, "opened and decided");
    events.reverse();
    for event in events.iter().cycle().take(6) {
        let name = app.sandbox.name();
        incoming::accept(app, name, Some(&event.signature), &event.body).await.unwrap();
        incoming::work(app).await.unwrap();
    }
    let seen = shop.payment_fields(&customer, &payment, "disputes { status }").await;
    assert_eq!(seen, json!({ "disputes": [{ "status": "WON" }] }));
    for kind in ["dispute_opened", "dispute_won"] {
        assert_eq!(shop.count(&format!("ledger_transactions WHERE kind = '{kind}'")).await, 1);
    }
    shop.assert_books().await;
}

/// Somebody who takes messages, and refuses the first `refuses`.
async fn receiver(refuses: usize) -> (String, mpsc::UnboundedReceiver<(String, Vec<u8>)>) {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use axum::{
        Router,
        body::Bytes,
        http::{HeaderMap, StatusCode},
        routing::post,
    };

    let (sender, received) = mpsc::unbounded_channel();
    let left = Arc::new(AtomicUsize::new(refuses));
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let refuse = left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok();
        if refuse {
            return StatusCode::BAD_GATEWAY;
        }
        let header = headers[outgoing::SIGNATURE_HEADER].to_str().unwrap().to_owned();
        sender.send((header, body.to_vec())).unwrap();
        StatusCode::NO_CONTENT
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

#[tokio::test]
async fn others_are_told_of_our_events_signed_and_until_they_listen() {
    let shop = Shop::open().await;
    let lamp = shop.product(6000, 5).await;
    let (url, mut received) = receiver(1).await;
    let kinds = ["order.paid".to_owned()];
    let (id, secret) = outgoing::add(&shop.app, &url, &kinds).await.unwrap();
    let (order, _) = shop.paid(&shop.customer(), &[(&lamp, 1)]).await;
    let client = reqwest::Client::new();
    assert_eq!(outgoing::deliver(&shop.app, &client).await.unwrap(), 1, "refused");
    assert_eq!(outgoing::deliver(&shop.app, &client).await.unwrap(), 0, "not yet again");
    shop.wait(1);
    let newer = outgoing::rotate(&shop.app, id, std::time::Duration::from_hours(1)).await.unwrap();
    assert_eq!(outgoing::deliver(&shop.app, &client).await.unwrap(), 1);
    let (header, body) = received.try_recv().unwrap();
    for secret in [&secret, &newer] {
        let now = shop.clock.now();
        signature::verify(&[secret.as_bytes()], Some(&header), &body, now).unwrap();
    }
    let message: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&message["type"], &message["data"]["orderId"]),
        (&json!("order.paid"), &json!(order))
    );
    assert!(received.try_recv().is_err(), "once");
    assert_eq!(outgoing::deliver(&shop.app, &client).await.unwrap(), 0);
}
