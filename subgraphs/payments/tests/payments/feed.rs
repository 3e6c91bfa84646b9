//! The feed that other services follow.

use std::sync::Arc;

use futures::future::join_all;
use kit::{events, settings::development_credential};
use sea_orm::DbErr;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;

use crate::support::{APPROVES, Shop, key};

/// Somebody who follows, page by page.
struct Follower {
    url: String,
    client: reqwest::Client,
    seen: Vec<(i64, String)>,
}

impl Follower {
    /// Reads what is new.
    async fn read(&mut self) {
        let after = self.seen.last().map_or(0, |(seq, _)| *seq);
        let page: Value = self
            .client
            .get(format!("{}/internal/events?after={after}&limit=3", self.url))
            .bearer_auth(development_credential("reviews").expose())
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        for event in page["events"].as_array().unwrap() {
            let id = event["id"].as_str().unwrap().to_owned();
            self.seen.push((event["seq"].as_i64().unwrap(), id));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f36_a_late_commit_is_neither_skipped_nor_seen_twice() {
    let first = Shop::open().await;
    let second = Shop::over(first.app.database.clone(), |_| {});
    let lamp = first.product(6000, 9).await;
    let customer = first.customer();
    let method = first.card(&customer, APPROVES).await;
    let mut payments = Vec::new();
    for _ in 0..9 {
        let order = first.order(&customer, &[(&lamp, 1)]).await;
        payments.push(first.payment(&customer, &order, "AUTOMATIC").await);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stop = CancellationToken::new();
    let url = payments::serve::service(&first.app).spawn(listener, stop.clone()).unwrap().url();
    let mut follower = Follower { url, client: reqwest::Client::new(), seen: Vec::new() };
    follower.read().await;
    assert_eq!(follower.seen.len(), 1, "the product");

    // A writer has its number and does not commit; others come after it.
    let (numbered, commit) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = tokio::spawn({
        let (database, now) = (first.app.database.clone(), first.clock.now());
        let (numbered, commit) = (numbered.clone(), commit.clone());
        async move {
            let (numbered, commit) = (&numbered, &commit);
            let written: Result<i64, DbErr> = database
                .write(|tx| {
                    Box::pin(async move {
                        let payload = json!({});
                        let seq =
                            events::append(tx, now, "product.updated", "slow", &payload).await?;
                        numbered.notify_one();
                        commit.notified().await;
                        Ok(seq)
                    })
                })
                .await;
            written.unwrap()
        }
    });
    numbered.notified().await;
    let confirm = |(index, payment): (usize, &String)| {
        let shop = if index % 2 == 0 { &first } else { &second };
        let (customer, method, payment) = (customer.clone(), method.clone(), payment.clone());
        async move { shop.confirm(&customer, &payment, &method, &key()).await }
    };
    let buying = join_all(payments[..3].iter().enumerate().map(confirm));
    let following = async {
        follower.read().await;
        assert_eq!(follower.seen.len(), 1, "nobody's number is seen before the slow one's");
        commit.notify_one();
        while follower.seen.len() < 5 {
            follower.read().await;
        }
    };
    let (bought, ()) = futures::future::join(buying, following).await;
    let slow = slow.await.unwrap();

    let buying = join_all(payments[3..].iter().enumerate().map(confirm));
    let following = async {
        while follower.seen.len() < 11 {
            follower.read().await;
        }
    };
    let (more, ()) = futures::future::join(buying, following).await;
    for answer in bought.iter().chain(&more) {
        assert_eq!(answer["payment"]["status"], "SUCCEEDED", "{answer}");
    }
    follower.read().await;
    let numbers: Vec<i64> = follower.seen.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=11).collect::<Vec<_>>(), "in order, without a gap");
    assert_eq!(slow, 2);
    let mut ids: Vec<&String> = follower.seen.iter().map(|(_, id)| id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 11, "each once");
    stop.cancel();
}
