//! The books: append-only, balanced, recounted.

use kit::Uuid;
use payments::{
    ledger::{Account, LedgerError, Posting, post},
    money::{Currency, Money},
};
use sea_orm::{ConnectionTrait, DbErr};

use crate::support::Shop;

fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").unwrap())
}

#[tokio::test]
async fn f14_rows_of_the_books_cannot_be_changed_or_deleted() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 5).await;
    shop.paid(&shop.customer(), &[(&lamp, 1)]).await;
    for statement in [
        "UPDATE ledger_entries SET debit = debit + 1 WHERE debit > 0",
        "DELETE FROM ledger_entries",
        "UPDATE ledger_transactions SET kind = 'other'",
        "DELETE FROM ledger_transactions",
        "UPDATE stock_movements SET delta = 100",
        "DELETE FROM stock_movements",
    ] {
        let done: Result<(), DbErr> = shop
            .app
            .database
            .write(|tx| Box::pin(async move { tx.execute_unprepared(statement).await.map(|_| ()) }))
            .await;
        let error = done.expect_err(statement).to_string();
        assert!(error.contains("append-only"), "{statement}: {error}");
    }
    shop.assert_books().await;
}

#[tokio::test]
async fn unbalanced_and_repeated_postings_are_refused() {
    let shop = Shop::open().await;
    let source = Uuid::from_u128(1);
    let posting = |debit, credit| {
        Posting::new("TEST", source, "test", shop.clock.now())
            .debit(Account::PspClearing, euro(debit))
            .credit(Account::MerchantRevenue, euro(credit))
    };
    let write = async |posting: Posting| {
        let posting = &posting;
        shop.app
            .database
            .write(|tx| Box::pin(async move { post(tx, posting.clone()).await.map(|_| ()) }))
            .await
    };
    assert!(matches!(write(posting(100, 99)).await, Err(LedgerError::Unbalanced { .. })));
    assert!(matches!(write(posting(0, 0)).await, Err(LedgerError::Empty { .. })));
    write(posting(100, 100)).await.unwrap();
    let Err(LedgerError::Storage(error)) = write(posting(100, 100)).await else {
        panic!("posted twice")
    };
    assert!(kit::database::is_unique_violation(&error));
}

#[tokio::test]
async fn f14_an_injected_drift_is_found() {
    let shop = Shop::open().await;
    let lamp = shop.product(1000, 5).await;
    shop.paid(&shop.customer(), &[(&lamp, 1)]).await;
    shop.assert_books().await;
    for (statement, what) in [
        (
            "UPDATE ledger_balances SET debits = debits + 1 WHERE account = 'psp_clearing'",
            "debits of account",
        ),
        ("UPDATE stock SET on_hand = on_hand + 1", "pieces on hand of"),
        ("UPDATE payments SET captured = captured - 1", "captured amount of payments in"),
    ] {
        let done: Result<(), DbErr> = shop
            .app
            .database
            .write(|tx| Box::pin(async move { tx.execute_unprepared(statement).await.map(|_| ()) }))
            .await;
        done.unwrap();
        let drifts = payments::verify(&shop.app.database).await.unwrap();
        assert!(drifts.iter().any(|drift| drift.what == what), "{what}: {drifts:?}");
    }
}
