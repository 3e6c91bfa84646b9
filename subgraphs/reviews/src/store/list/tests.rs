//! Every order reads its own index, in both directions, and sorts nothing of a list; searches,
//! counts and summaries read indexes too.

use kit::Timestamp;
use kit::id::{ReviewId, UserId};
use sea_orm::{DbErr, QueryTrait as _, Statement};

use super::*;
use crate::domain::subject::Subject;
use crate::import::{ImportedReview, import};
use crate::store::read;

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
                body: Some(format!(
                    "Text {at}, every {}",
                    if at % 7 == 0 { "seventh" } else { "one" }
                )),
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
    plan_without(database, &["seqscan", "bitmapscan"], statement).await
}

async fn plan_without(
    database: &kit::Database,
    disabled: &'static [&'static str],
    statement: Statement,
) -> String {
    let statement = &statement;
    database
        .write(|tx| {
            Box::pin(async move {
                let backend = tx.get_database_backend();
                let explain = if backend == DbBackend::Postgres {
                    for way in disabled {
                        tx.execute_unprepared(&format!("SET LOCAL enable_{way} = off")).await?;
                    }
                    for table in ["reviews", "review_search", "rating_summaries"] {
                        tx.execute_unprepared(&format!("ANALYZE {table}")).await?;
                    }
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
                let statement = pages(database.backend(), &products, &request, None, kind);
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

fn most_helpful(filter: Filter) -> Request {
    let (order, shown) = (Order::MostHelpful, Shown::Published);
    Request { order, shown, filter, forward: true, fetch: 21, from: None }
}

#[tokio::test]
async fn a_search_reads_the_words_index_and_then_either_the_few_found_or_the_list_in_its_order() {
    let (database, products) = shelf().await;
    let backend = database.backend();
    let postgres = backend == DbBackend::Postgres;
    let words = |word: &str| vec![word.to_owned()];

    let lookup = search::lookup(backend, &words("seventh")).bind(1_001_i64).on(backend);
    // An inverted index can only be read by way of a bitmap.
    let plan_of_lookup = plan_without(&database, &["seqscan"], lookup).await;
    let index = if postgres { "Scan on review_search_words" } else { "VIRTUAL TABLE INDEX" };
    assert!(plan_of_lookup.contains(index), "{plan_of_lookup}");
    assert!(!plan_of_lookup.contains("SCAN d"), "{plan_of_lookup}");

    let few = search::find(database.read(), &words("seventh")).await.unwrap();
    let Found::Few(ids) = &few else { panic!("{few:?}") };
    assert_eq!(ids.len(), 286);
    let many = search::find(database.read(), &words("every")).await.unwrap();
    assert_eq!(many, Found::Many);
    let none = search::find(database.read(), &words("eighth")).await.unwrap();
    assert_eq!(none, Found::Few(Vec::new()));

    for (word, found) in [("seventh", &few), ("every", &many)] {
        let filter = Filter { words: words(word), ..Filter::default() };
        let kind = of_subject_type(SubjectType::Product);
        let statement = pages(backend, &products, &most_helpful(filter.clone()), Some(found), kind);
        let plan = plan(&database, statement).await;
        let expected = match (found, postgres) {
            // On a list this short either index does.
            (Found::Few(_), true) => ["\"*VALUES*_1\"", "Index Scan using reviews_"],
            (Found::Few(_), false) => ["SEARCH x USING INDEX sqlite_autoindex_reviews_1", "f"],
            (Found::Many, true) => ["reviews_most_helpful", "review_search_pkey"],
            (Found::Many, false) => {
                ["reviews_most_helpful", "SEARCH d USING INDEX sqlite_autoindex_review_search_1"]
            }
        };
        assert!(expected.iter().all(|part| plan.contains(part)), "{word}:\n{plan}");
        assert!(!plan.contains("SCAN x") && !plan.contains("SCAN r"), "{plan}");
        assert!(!plan.contains("SCAN d"), "{plan}");
    }
}

#[tokio::test]
async fn counts_and_summaries_read_indexes() {
    let (database, products) = shelf().await;
    let backend = database.backend();
    let filter = Filter { ratings: Some(vec![5]), verified_only: true, ..Filter::default() };
    let counted = counting(backend, SubjectType::Product, &products, &filter, None);
    let plan_of_count = plan(&database, counted).await;
    assert!(plan_of_count.contains("reviews_"), "{plan_of_count}");
    assert!(!plan_of_count.contains("SCAN x"), "{plan_of_count}");

    let subjects: Vec<Subject> = products.iter().map(|id| Subject::product(*id)).collect();
    let plan_of_summaries = plan(&database, read::of_summaries(&subjects).build(backend)).await;
    let index = if backend == DbBackend::Postgres {
        "rating_summaries_pkey"
    } else {
        "SEARCH rating_summaries USING INDEX sqlite_autoindex_rating_summaries_1"
    };
    assert!(plan_of_summaries.contains(index), "{plan_of_summaries}");
}

#[test]
fn counters_tell_how_many_pass_simple_filters() {
    let histogram = Histogram { counts: [1, 2, 4, 8, 16] };
    let count = |filter: Filter| filter.count(&histogram, 7);
    let none = Filter::default;
    assert_eq!(count(none()), Some(31));
    assert_eq!(count(Filter { verified_only: true, ..none() }), Some(7));
    assert_eq!(count(Filter { ratings: Some(vec![1, 5]), ..none() }), Some(17));
    assert_eq!(count(Filter { ratings: Some(vec![0, 6]), ..none() }), Some(0));
    for uncounted in [
        Filter { ratings: Some(vec![5]), verified_only: true, ..none() },
        Filter { with_text: Some(false), ..none() },
        Filter { locales: Some(vec!["en".to_owned()]), ..none() },
        Filter { words: vec!["water".to_owned()], ..none() },
    ] {
        assert_eq!(count(uncounted.clone()), None, "{uncounted:?}");
    }
}
