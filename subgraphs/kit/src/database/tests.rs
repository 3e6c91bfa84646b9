//! Transactions on both engines.

use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, EntityTrait, ExprTrait, Set};

use super::{Database, DatabaseError, DatabaseOptions, is_unique_violation};
use crate::entity::{feed_counter, suppression};
use crate::fixture::{self, Migrator, NOW};

fn row(address: &str) -> suppression::ActiveModel {
    suppression::ActiveModel {
        address: Set(address.to_owned()),
        reason: Set("TEST".to_owned()),
        created_at: Set(NOW.0),
    }
}

async fn count(database: &Database) -> usize {
    suppression::Entity::find().all(database.read()).await.unwrap().len()
}

#[tokio::test]
async fn ok_commits_and_err_rolls_back() {
    let database = fixture::database().await;
    let address = String::from("a@example.org");
    let address = &address;
    let written: Result<(), DbErr> = database
        .write(|tx| {
            Box::pin(async move {
                suppression::Entity::insert(row(address)).exec_without_returning(tx).await?;
                Ok(())
            })
        })
        .await;
    written.unwrap();
    let refused: Result<(), DbErr> = database
        .write(|tx| {
            Box::pin(async move {
                suppression::Entity::insert(row("b@example.org"))
                    .exec_without_returning(tx)
                    .await?;
                Err(DbErr::Custom("no".to_owned()))
            })
        })
        .await;
    assert!(refused.is_err());
    assert_eq!(count(&database).await, 1);
    let twice: Result<_, DbErr> = database
        .write(|tx| Box::pin(suppression::Entity::insert(row(address)).exec_without_returning(tx)))
        .await;
    assert!(is_unique_violation(&twice.unwrap_err()));
}

#[tokio::test]
async fn reading_connections_cannot_write_to_sqlite() {
    let database = fixture::database().await;
    if database.backend() == DbBackend::Sqlite {
        let written =
            suppression::Entity::insert(row("x")).exec_without_returning(database.read()).await;
        assert!(written.is_err());
    }
    database.ping().await.unwrap();
    assert_eq!(count(&database).await, 0);
}

#[tokio::test]
async fn statements_are_counted_for_both_kinds_of_connection() {
    let database = fixture::database().await;
    let before = database.statements();
    count(&database).await;
    let written: Result<_, DbErr> = database
        .write(|tx| Box::pin(suppression::Entity::insert(row("x")).exec_without_returning(tx)))
        .await;
    written.unwrap();
    assert_eq!(database.statements() - before, 2);
}

#[tokio::test]
async fn migrations_go_up_and_down_again() {
    let database = fixture::database().await;
    let applied = database.migration_status::<Migrator>().await.unwrap();
    assert!(applied.len() == 3 && applied.iter().all(|(_, applied)| *applied));
    database.migrate_down::<Migrator>(3).await.unwrap();
    let applied = database.migration_status::<Migrator>().await.unwrap();
    assert!(applied.iter().all(|(_, applied)| !applied));
    database.migrate_up::<Migrator>().await.unwrap();
    assert_eq!(count(&database).await, 0);
}

#[tokio::test]
async fn events_cannot_be_changed_or_deleted() {
    let database = fixture::database().await;
    let appended: Result<_, DbErr> = database
        .write(|tx| Box::pin(async move { crate::events::append(tx, NOW, "a.b", "k", &1).await }))
        .await;
    appended.unwrap();
    for statement in [
        "UPDATE events SET key = 'x'",
        "UPDATE events SET payload = '2'",
        "UPDATE events SET payload = '{\"redacted\":true}', at = 1",
        "DELETE FROM events",
    ] {
        let changed: Result<_, DbErr> =
            database.write(|tx| Box::pin(tx.execute_unprepared(statement))).await;
        assert!(changed.is_err(), "{statement}");
    }
}

/// Two handles stand for two processes: they share nothing but the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f45_parallel_writers_of_two_processes_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("shared.sqlite").display());
    let open = || Database::connect(&url, DatabaseOptions::default());
    let (one, two) = (open().await.unwrap(), open().await.unwrap());
    one.migrate_up::<Migrator>().await.unwrap();
    let tasks = (0..50).map(|n| {
        let database = if n % 2 == 0 { one.clone() } else { two.clone() };
        tokio::spawn(async move {
            let update = feed_counter::Entity::update_many()
                .col_expr(feed_counter::Column::N, Expr::col(feed_counter::Column::N).add(1));
            let update = &update;
            database.write(|tx| Box::pin(async move { update.clone().exec(tx).await })).await
        })
    });
    for done in futures::future::join_all(tasks).await {
        let done: Result<_, DbErr> = done.unwrap();
        assert_eq!(done.unwrap().rows_affected, 1);
    }
    let counter = feed_counter::Entity::find_by_id(1).one(one.read()).await.unwrap().unwrap();
    assert_eq!(counter.n, 50);
}

#[tokio::test]
async fn work_runs_again_when_the_engine_says_so_and_not_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("busy.sqlite").display());
    let database = Database::connect(&url, DatabaseOptions::default()).await.unwrap();
    database.migrate_up::<Migrator>().await.unwrap();
    let runs = AtomicU32::new(0);
    let runs = &runs;
    let failed: Result<(), DbErr> = database
        .write(|tx| {
            Box::pin(async move {
                runs.fetch_add(1, Ordering::SeqCst);
                tx.execute_unprepared("SELECT nonsense").await.map(drop)
            })
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_named_without_its_password() {
    let error =
        Database::connect("mysql://u:secret@h/d", DatabaseOptions::default()).await.unwrap_err();
    assert!(matches!(error, DatabaseError::UnknownScheme { .. }));
    assert!(!error.to_string().contains("secret"));
    let error = Database::connect("sqlite:///no/such/folder/x.sqlite", DatabaseOptions::default())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
}
