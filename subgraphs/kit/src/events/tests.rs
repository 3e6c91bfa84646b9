//! The feed's promises: no gaps, order of commits, each event applied once.

use std::sync::{Arc, Mutex};

use sea_orm::{DbErr, EntityTrait};
use serde_json::json;

use super::{Consumer, Event, Handler, NewEvent, append, append_all, last_seq, page};
use crate::async_trait;
use crate::clock::Clock;
use crate::database::{Database, Transaction};
use crate::entity::{cursor, inbox};
use crate::fixture::{self, NOW};
use crate::mail;
use crate::settings::development_credential;

async fn emit(database: &Database, n: i32, fail: bool) -> Result<i64, DbErr> {
    database
        .write(|tx| {
            Box::pin(async move {
                let seq = append(tx, NOW, "order.paid", "ord_1", &json!({ "n": n })).await?;
                if fail { Err(DbErr::Custom("no".to_owned())) } else { Ok(seq) }
            })
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f36_numbers_have_no_gaps_even_when_transactions_fail() {
    let database = fixture::database().await;
    let writers = (0..100).map(|n| {
        let database = database.clone();
        tokio::spawn(async move { emit(&database, n, n % 3 == 0).await.is_ok() })
    });
    let written = futures::future::join_all(writers).await;
    let expected = written.into_iter().filter(|ok| *ok.as_ref().unwrap()).count();
    let events = page(database.read(), 0, 1000).await.unwrap().events;
    let numbers: Vec<i64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=i64::try_from(expected).unwrap()).collect::<Vec<_>>());
}

#[tokio::test]
async fn many_events_are_appended_in_order() {
    let database = fixture::database().await;
    emit(&database, 0, false).await.unwrap();
    let events: Vec<NewEvent> = (0..1200)
        .map(|n| NewEvent { at: NOW, kind: "a.b".into(), key: n.to_string(), payload: json!(n) })
        .collect();
    let events = &events;
    let last = database.write(|tx| Box::pin(append_all(tx, events.clone()))).await;
    assert_eq!(last.map_err(|error: DbErr| error).unwrap(), 1201);
    assert_eq!(last_seq(database.read()).await.unwrap(), 1201);
    let page = page(database.read(), 1200, 10).await.unwrap();
    assert_eq!((page.events[0].key.as_str(), page.next), ("1199", 1201));
}

/// Notes what it was given, and fails on command.
#[derive(Default)]
struct Notebook {
    seen: Mutex<Vec<i64>>,
    fail_at: Mutex<Option<i64>>,
}

#[async_trait]
impl Handler for Notebook {
    async fn apply(&self, tx: &Transaction<'_>, event: &Event) -> Result<(), DbErr> {
        mail::suppress(tx, &format!("{}@example.org", event.seq), "TEST", NOW).await?;
        if *self.fail_at.lock().unwrap() == Some(event.seq) {
            return Err(DbErr::Custom("not now".to_owned()));
        }
        self.seen.lock().unwrap().push(event.seq);
        Ok(())
    }
}

#[tokio::test]
async fn f36_a_consumer_applies_every_event_once_and_in_order() {
    let source = fixture::serve("source", |_| {}).await;
    let target = fixture::database().await;
    for n in 0..450 {
        emit(&source.running.database, n, false).await.unwrap();
    }
    let notebook = Arc::new(Notebook::default());
    *notebook.fail_at.lock().unwrap() = Some(205);
    let consumer = || {
        Consumer::new(
            "source",
            &source.running.url(),
            development_credential("reviews"),
            target.clone(),
            Clock::manual(NOW),
            Arc::clone(&notebook) as Arc<dyn Handler>,
        )
    };
    let first = consumer();
    assert_eq!(first.poll().await.unwrap(), 200);
    assert!(!first.progress().is_caught_up());
    assert!(first.poll().await.is_err(), "stops at the event that fails");
    let cursor = cursor::Entity::find_by_id("source").one(target.read()).await.unwrap().unwrap();
    assert_eq!(cursor.seq, 204);
    assert!(!mail::is_suppressed(target.read(), "205@example.org").await.unwrap(), "rolled back");

    *notebook.fail_at.lock().unwrap() = None;
    let second = consumer();
    let mut progress = second.progress();
    let stop = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(second.run(stop.clone()));
    progress.reached(450).await;
    progress.caught_up().await;
    emit(&source.running.database, 450, false).await.unwrap();
    progress.reached(451).await;
    stop.cancel();
    running.await.unwrap();
    assert_eq!(*notebook.seen.lock().unwrap(), (1..=451).collect::<Vec<i64>>());

    // The cursor is lost: nothing is applied a second time.
    let reset: Result<_, DbErr> =
        target.write(|tx| Box::pin(cursor::Entity::delete_by_id("source").exec(tx))).await;
    reset.unwrap();
    assert_eq!(consumer().poll().await.unwrap(), 200);
    assert_eq!(notebook.seen.lock().unwrap().len(), 451);
    assert_eq!(inbox::Entity::find().all(target.read()).await.unwrap().len(), 451);
    source.stop().await;
}

#[tokio::test]
async fn a_consumer_without_the_scope_or_the_source_reports_why() {
    let source = fixture::serve("source", |_| {}).await;
    let target = fixture::database().await;
    let consumer = |url: &str, credential: &str| {
        Consumer::new(
            "source",
            url,
            credential.into(),
            target.clone(),
            Clock::manual(NOW),
            Arc::new(Notebook::default()),
        )
    };
    let refused = consumer(&source.running.url(), "svc_reviews_wrong").poll().await.unwrap_err();
    assert_eq!(refused.to_string(), "the feed answered 401");
    let unreachable = consumer("http://127.0.0.1:1", "x").poll().await.unwrap_err();
    assert!(unreachable.to_string().starts_with("cannot reach the feed"));
    source.stop().await;
}

#[tokio::test]
async fn redacted_events_tell_nothing_and_are_passed_over() {
    let source = fixture::serve("source", |_| {}).await;
    let target = fixture::database().await;
    let database = &source.running.database;
    let name = |name: &'static str, key: &'static str| {
        database.write(move |tx| {
            Box::pin(async move {
                append(tx, NOW, "user.updated", key, &json!({ "displayName": name })).await
            })
        })
    };
    for (person, key) in [("Ann", "usr_a"), ("Bob", "usr_b"), ("Anna", "usr_a")] {
        name(person, key).await.map_err(|error: DbErr| error).unwrap();
    }
    let redacted: Result<u64, DbErr> =
        database.write(|tx| Box::pin(super::redact(tx, "usr_a"))).await;
    assert_eq!(redacted.unwrap(), 2);
    let events = page(database.read(), 0, 10).await.unwrap().events;
    assert!(events[0].is_redacted() && !events[1].is_redacted() && events[2].is_redacted());

    let notebook = Arc::new(Notebook::default());
    let consumer = Consumer::new(
        "source",
        &source.running.url(),
        development_credential("reviews"),
        target,
        Clock::manual(NOW),
        Arc::clone(&notebook) as Arc<dyn Handler>,
    );
    assert_eq!(consumer.poll().await.unwrap(), 3);
    assert_eq!(*notebook.seen.lock().unwrap(), [2]);
    source.stop().await;
}
