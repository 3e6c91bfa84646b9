//! Crashes and lost answers.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::future::BoxFuture;
use kit::async_trait;
use payments::{
    connector::Outcome,
    entity::payment_attempt,
    operation::{attempt, reconcile::reconcile},
};
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};

use crate::{
    support::{APPROVES, Shop, codes, key},
    wrapped::{Path, put_between},
};

/// Carries requests out, but may lose the answer or never arrive.
#[derive(Debug, Default)]
struct Flaky {
    loses_answers: AtomicBool,
    unreachable: AtomicBool,
}

#[async_trait]
impl Path for Flaky {
    async fn carry(&self, request: BoxFuture<'_, Outcome>) -> Outcome {
        if self.unreachable.load(Ordering::SeqCst) {
            return Outcome::NotAttempted { reason: "connection refused".to_owned() };
        }
        self.ask(request).await
    }

    async fn ask(&self, question: BoxFuture<'_, Outcome>) -> Outcome {
        let outcome = question.await;
        if self.loses_answers.load(Ordering::SeqCst) {
            return Outcome::Unknown { reason: "the answer was lost".to_owned() };
        }
        outcome
    }
}

async fn flaky_shop() -> (Shop, Arc<Flaky>) {
    let mut shop = Shop::open().await;
    let flaky = Arc::<Flaky>::default();
    put_between(&mut shop, &flaky);
    (shop, flaky)
}

#[tokio::test]
async fn a_lost_answer_is_unknown_until_the_processor_is_asked() {
    let (shop, flaky) = flaky_shop().await;
    let lamp = shop.product(6000, 2).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
    let method = shop.card(&customer, APPROVES).await;
    flaky.loses_answers.store(true, Ordering::SeqCst);
    let key = key();
    let unknown = shop.confirm(&customer, &payment, &method, &key).await;
    assert_eq!(unknown["payment"]["status"], "UNKNOWN");
    assert_eq!(unknown["errors"][0]["outcomeUnknown"], true);
    assert_eq!(
        codes(&shop.confirm(&customer, &payment, &method, &key).await),
        ["IDEMPOTENCY_KEY_IN_USE"]
    );
    assert_eq!(
        codes(&shop.confirm(&customer, &payment, &method, &crate::support::key()).await),
        ["INVALID_STATE"],
        "nothing is done with it while it is not known"
    );

    flaky.loses_answers.store(false, Ordering::SeqCst);
    shop.wait(6);
    assert_eq!(reconcile(&shop.app).await.unwrap(), 1);
    let replay = shop.confirm(&customer, &payment, &method, &key).await;
    assert_eq!(replay["payment"]["status"], "SUCCEEDED");
    assert_eq!(replay["errors"], json!([]));
    assert_eq!(shop.count("sandbox_operations").await, 1, "charged once");
    assert_eq!(shop.count("outbox").await, 2, "mailed once");
    shop.assert_books().await;
}

#[tokio::test]
async fn an_unreachable_processor_changes_nothing_and_the_key_stays_good() {
    let (shop, flaky) = flaky_shop().await;
    let lamp = shop.product(6000, 2).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
    let method = shop.card(&customer, APPROVES).await;
    flaky.unreachable.store(true, Ordering::SeqCst);
    let key = key();
    let refused = shop.confirm(&customer, &payment, &method, &key).await;
    assert_eq!(refused["errors"][0]["outcomeUnknown"], false);
    assert_eq!(refused["payment"]["status"], "REQUIRES_PAYMENT_METHOD");
    flaky.unreachable.store(false, Ordering::SeqCst);
    let paid = shop.confirm(&customer, &payment, &method, &key).await;
    assert_eq!(paid["payment"]["status"], "SUCCEEDED");
    shop.assert_books().await;
}

#[tokio::test]
async fn a_refund_that_could_not_be_sent_is_sent_later() {
    let (shop, flaky) = flaky_shop().await;
    let lamp = shop.product(6000, 2).await;
    let customer = shop.customer();
    let (_, payment) = shop.paid(&customer, &[(&lamp, 1)]).await;
    flaky.unreachable.store(true, Ordering::SeqCst);
    let pending = shop.refund(&shop.support(), json!({ "paymentId": payment })).await;
    assert_eq!(pending["refund"]["status"], "PENDING");
    shop.assert_books().await;
    flaky.unreachable.store(false, Ordering::SeqCst);
    shop.wait(2);
    reconcile(&shop.app).await.unwrap();
    let seen =
        shop.payment_fields(&customer, &payment, "status amountRefunded { amountMinor }").await;
    assert_eq!(seen, json!({ "status": "REFUNDED", "amountRefunded": { "amountMinor": "6000" } }));
    shop.assert_books().await;
}

#[tokio::test]
async fn a_crash_between_intent_and_answer_is_healed() {
    for charged in [true, false] {
        let (shop, flaky) = flaky_shop().await;
        let lamp = shop.product(6000, 2).await;
        let customer = shop.customer();
        let order = shop.order(&customer, &[(&lamp, 1)]).await;
        let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
        let method = shop.card(&customer, APPROVES).await;
        flaky.loses_answers.store(true, Ordering::SeqCst);
        let key = key();
        shop.confirm(&customer, &payment, &method, &key).await;
        // The state in which a process dies right after committing the intent: PROCESSING with a
        // PENDING attempt, and the processor may or may not have heard of it.
        let forget = if charged { "SELECT 1" } else { "DELETE FROM sandbox_operations" };
        let crashed: Result<(), sea_orm::DbErr> = shop
            .app
            .database
            .write(|tx| {
                Box::pin(async move {
                    tx.execute_unprepared("UPDATE payments SET status = 'PROCESSING'").await?;
                    tx.execute_unprepared(
                        "UPDATE payment_attempts SET status = 'PENDING' WHERE op = 'AUTHORIZE'",
                    )
                    .await?;
                    tx.execute_unprepared(forget).await?;
                    Ok(())
                })
            })
            .await;
        crashed.unwrap();
        flaky.loses_answers.store(false, Ordering::SeqCst);
        shop.wait(1);
        reconcile(&shop.app).await.unwrap();
        let seen = shop.payment_fields(&customer, &payment, "status attempts { status }").await;
        let (status, attempt) = if charged {
            ("SUCCEEDED", "SUCCEEDED")
        } else {
            ("REQUIRES_PAYMENT_METHOD", "FAILED")
        };
        assert_eq!(seen, json!({ "status": status, "attempts": [{ "status": attempt }] }));
        let again = shop.confirm(&customer, &payment, &method, &key).await;
        assert_eq!(again["payment"]["status"], "SUCCEEDED", "the same key finishes the job");
        assert_eq!(shop.count("sandbox_operations").await, 1);
        assert_ne!(again["payment"]["id"], Value::Null);
        shop.assert_books().await;
    }
}

/// Holds requests back until they are let go.
#[derive(Debug)]
struct Stalled {
    arrived: Notify,
    let_go: Semaphore,
}

#[async_trait]
impl Path for Stalled {
    async fn carry(&self, request: BoxFuture<'_, Outcome>) -> Outcome {
        self.arrived.notify_one();
        self.let_go.acquire().await.unwrap().forget();
        request.await
    }
}

#[tokio::test]
async fn a_charge_that_comes_after_its_attempt_was_given_up_is_held_for_a_person() {
    let mut shop = Shop::open().await;
    let stalled = Arc::new(Stalled { arrived: Notify::new(), let_go: Semaphore::new(0) });
    put_between(&mut shop, &stalled);
    let lamp = shop.product(6000, 2).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
    let method = shop.card(&customer, APPROVES).await;
    let key = key();
    let confirm = shop.confirm(&customer, &payment, &method, &key);
    let give_up = async {
        stalled.arrived.notified().await;
        shop.wait(1);
        assert_eq!(reconcile(&shop.app).await.unwrap(), 1);
        stalled.let_go.add_permits(1);
    };
    let (confirmed, ()) = tokio::join!(confirm, give_up);
    assert_eq!(confirmed["errors"][0]["outcomeUnknown"], true, "{confirmed}");
    let attempts = payment_attempt::Entity::find().all(shop.app.database.read()).await.unwrap();
    let held = attempts.iter().find(|attempt| attempt.raw_code.is_some()).unwrap();
    assert_eq!(held.raw_code.as_deref(), Some("conflicted"));
    assert!(held.connector_ref.is_some(), "for whoever gives the money back");
    shop.assert_books().await;
}

#[tokio::test]
async fn a_call_whose_time_has_passed_is_not_made() {
    let (shop, flaky) = flaky_shop().await;
    let lamp = shop.product(6000, 2).await;
    let customer = shop.customer();
    let order = shop.order(&customer, &[(&lamp, 1)]).await;
    let payment = shop.payment(&customer, &order, "AUTOMATIC").await;
    let method = shop.card(&customer, APPROVES).await;
    flaky.loses_answers.store(true, Ordering::SeqCst);
    shop.confirm(&customer, &payment, &method, &key()).await;
    flaky.loses_answers.store(false, Ordering::SeqCst);
    let forgotten: Result<(), sea_orm::DbErr> = shop
        .app
        .database
        .write(|tx| {
            Box::pin(async move {
                tx.execute_unprepared("DELETE FROM sandbox_operations").await.map(drop)
            })
        })
        .await;
    forgotten.unwrap();
    let attempts = payment_attempt::Entity::find().all(shop.app.database.read()).await.unwrap();
    let late = attempts.iter().find(|attempt| attempt.is_open()).unwrap();
    shop.wait(1);
    attempt::run(&shop.app, late.id).await.unwrap();
    assert_eq!(shop.count("sandbox_operations").await, 0, "the processor was not called");
    shop.wait(6);
    assert_eq!(reconcile(&shop.app).await.unwrap(), 1);
    let paid = shop.confirm(&customer, &payment, &method, &key()).await;
    assert_eq!(paid["payment"]["status"], "SUCCEEDED", "{paid}");
    assert_eq!(shop.count("sandbox_operations").await, 1);
    shop.assert_books().await;
}
