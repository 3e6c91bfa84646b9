//! Every order reads its own index, in both directions, and sorts nothing of a list.

use kit::Timestamp;
use kit::id::{ReviewId, UserId};
use sea_orm::{DbErr, Statement};

use super::*;
use crate::domain::subject::Subject;
use crate::import::{ImportedReview, import};

const ORDERS: [(Order, &str); 5] = [
    (Order::MostHelpful, "reviews_most_helpful"),
    (Order::Newest, "reviews_newest"),
    (Order::Oldest, "reviews_newest"),
    (Order::HighestRating, "reviews_highest"),
    (Order::LowestRating, "reviews_lowest"),
];

async fn shelf() -> (kit::Database, Vec<Uuid>) {
    let database = kit::testing::database::<migrations::reviews::Migrator>().await;
    let products: Vec<Uuid> = (0..40).map(|_| kit::id::new_id(Timestamp(5))).collect();
    let reviews: Vec<ImportedReview> = (0..2_000_u32)
        .map(|at| {
            let created_at = Timestamp(i64::from(at) * 1_000);
            ImportedReview {
                id: ReviewId::new(created_at),
                author: UserId::new(created_at),
                subject: Subject::product(products[usize::try_from(at % 40).unwrap()]),
                driver: None,
                rating: i32::try_from(1 + at % 5).unwrap(),
                title: None,
                body: Some(format!("Text {at}")),
                locale: "en".to_owned(),
                verified: true,
                created_at,
                votes: Vec::new(),
                reply: None,
            }
        })
        .collect();
    import(&database, &reviews).await.unwrap();
    (database, products)
}

/// The engine's plan as text. PostgreSQL is told to avoid what only pays in small tables.
async fn plan(database: &kit::Database, statement: Statement) -> String {
    let statement = &statement;
    database
        .write(|tx| {
            Box::pin(async move {
                let backend = tx.get_database_backend();
                let explain = if backend == DbBackend::Postgres {
                    tx.execute_unprepared("SET LOCAL enable_seqscan = off").await?;
                    tx.execute_unprepared("SET LOCAL enable_bitmapscan = off").await?;
                    tx.execute_unprepared("ANALYZE reviews").await?;
                    "EXPLAIN"
                } else {
                    "EXPLAIN QUERY PLAN"
                };
                let mut asked = statement.clone();
                asked.sql = format!("{explain} {}", asked.sql);
                let column = if backend == DbBackend::Postgres { "QUERY PLAN" } else { "detail" };
                let rows = tx.query_all_raw(asked).await?;
                let lines: Result<Vec<String>, DbErr> =
                    rows.iter().map(|row| row.try_get("", column)).collect();
                Ok::<_, DbErr>(lines?.join("\n"))
            })
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn each_order_reads_its_index_for_one_list_and_for_many() {
    let (database, products) = shelf().await;
    for (order, index) in ORDERS {
        for forward in [true, false] {
            // In the middle of the list, where no other way is cheaper by chance.
            let key = if order.column() == Some("published_at") { 1_000_000 } else { 3 };
            for from in [None, Some(Position { key, id: products[0] })] {
                let request = Request {
                    order,
                    shown: Shown::Published,
                    filter: Filter::default(),
                    forward,
                    fetch: 21,
                    from,
                };
                let kind = of_subject_type(SubjectType::Product);
                let statement = pages(database.backend(), &products, &request, kind);
                let plan = plan(&database, statement).await;
                assert!(plan.contains(index), "{order:?} {forward} {from:?}:\n{plan}");
                assert!(!plan.contains("SCAN x") && !plan.contains("SCAN r"), "{plan}");
                // What is sorted are the pages at the end, not the lists: one sort at most.
                let sorts = plan.matches("TEMP B-TREE FOR ORDER").count()
                    + plan.matches("TEMP B-TREE FOR LAST").count();
                assert!(sorts <= 1, "{order:?} {forward} {from:?}:\n{plan}");
            }
        }
    }
}
