//! Another service takes a part over from reviews, and gives it back, while clients go on.
//!
//! The replacement is a small subgraph of its own that answers `Product.ratingSummary`. The
//! gateway learns of it by new supergraph files: first with a progressive `@override` that sends
//! it none, half and all of the requests, then with a plain one, which is withdrawn again later.
//! No request may fail meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_graphql::{EmptyMutation, EmptySubscription, ID, Object, Schema, SimpleObject};
use federation::composition::{SubgraphSource, compose};
use kit::id::{ProductId, ReviewId, UserId};
use kit::{Clock, Database, DatabaseOptions, Running, Service, Settings, Timestamp};
use reviews::domain::subject::Subject;
use reviews::import::{ImportedReview, import};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the replacement counts; reviews counts one review.
const COUNT_OF_THE_REPLACEMENT: i32 = 4711;

const OVERRIDE: &str = "@override(from: \"reviews\")";

/// Requests of a stage, one after the other, whose answers are told apart.
const ASKED: u32 = 200;

const PAGE: &str = "{ latestReviews(first: 5) { edges { node { rating subject { ... on Product { id ratingSummary { count average } } } } } } }";

#[derive(SimpleObject)]
#[graphql(shareable)]
struct RatingSummary {
    count: i32,
    verified_count: i32,
    average: Option<f64>,
    bayesian_average: f64,
    histogram: Vec<RatingBucket>,
    updated_at: Option<Timestamp>,
}

#[derive(SimpleObject)]
#[graphql(shareable)]
struct RatingBucket {
    rating: i32,
    count: i32,
    share: f64,
}

struct Product {
    id: ID,
}

#[Object]
impl Product {
    async fn id(&self) -> &ID {
        &self.id
    }

    #[graphql(override_from = "reviews")]
    async fn rating_summary(&self) -> Option<RatingSummary> {
        let share = |rating| if rating == 5 { 1.0 } else { 0.0 };
        Some(RatingSummary {
            count: COUNT_OF_THE_REPLACEMENT,
            verified_count: 0,
            average: Some(5.0),
            bayesian_average: 5.0,
            histogram: (1..=5)
                .map(|rating| RatingBucket {
                    rating,
                    count: if rating == 5 { COUNT_OF_THE_REPLACEMENT } else { 0 },
                    share: share(rating),
                })
                .collect(),
            updated_at: None,
        })
    }
}

struct Query;

#[Object]
impl Query {
    /// A subgraph cannot be without a query field; clients do not see this one.
    #[graphql(inaccessible)]
    async fn ratings_service(&self) -> bool {
        true
    }

    #[graphql(entity)]
    async fn find_product_by_id(&self, id: ID) -> Option<Product> {
        ProductId::parse(&id).map(|_| Product { id })
    }
}

fn replacement_schema() -> Schema<Query, EmptyMutation, EmptySubscription> {
    Schema::build(Query, EmptyMutation, EmptySubscription).enable_federation().finish()
}

/// How far the replacement has come.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Absent,
    /// Answers so many percent of the requests.
    Share(u8),
    InUse,
}

struct Parts {
    reviews: String,
    ratings: String,
    folder: tempfile::TempDir,
}

impl Parts {
    fn write_supergraph(&self, stage: Stage) {
        let printed = kit::graphql::sdl(&replacement_schema());
        assert!(printed.contains(OVERRIDE), "{printed}");
        let replacement = match stage {
            Stage::Absent => None,
            Stage::Share(percent) => {
                let label = format!("@override(from: \"reviews\", label: \"percent({percent})\")");
                let labelled = printed.replace(OVERRIDE, &label);
                // Labels came with that version; the library prints an older one.
                Some(labelled.replace("federation/v2.5", "federation/v2.7"))
            }
            Stage::InUse => Some(printed),
        };
        let source = |name: &str, url: &str, sdl: String| SubgraphSource {
            name: name.to_owned(),
            url: format!("{url}/graphql"),
            sdl,
        };
        let nobody = "http://127.0.0.1:9";
        let mut sources = vec![
            source("payments", nobody, payments::sdl()),
            source("reviews", &self.reviews, reviews::sdl()),
            source("users", nobody, users::sdl()),
        ];
        sources.extend(replacement.map(|sdl| source("ratings", &self.ratings, sdl)));
        let composition = compose(sources).unwrap_or_else(|diagnostics| {
            panic!("{stage:?} does not compose: {diagnostics:?}");
        });
        // In one step, as a deployment would: the gateway never sees half a file.
        let draft = self.folder.path().join("draft.graphql");
        std::fs::write(&draft, composition.supergraph_sdl).unwrap();
        std::fs::rename(draft, self.supergraph()).unwrap();
    }

    fn supergraph(&self) -> std::path::PathBuf {
        self.folder.path().join("supergraph.graphql")
    }
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn settings(gateway: &str) -> Settings {
    let mut settings = Settings::default();
    settings.passport.jwks_url = format!("{gateway}/.well-known/jwks.json");
    "sqlite::memory:".clone_into(&mut settings.database.url);
    settings
}

async fn start_reviews(gateway: &str, listener: TcpListener, stop: &CancellationToken) -> Running {
    let mut config = reviews::Config { kit: settings(gateway), ..reviews::Config::default() };
    config.peers.users_url.clear();
    config.peers.payments_url.clear();
    let running = reviews::start(config, listener, stop.clone()).await.unwrap();
    let now = Clock::system().now();
    let review = ImportedReview {
        id: ReviewId::new(now),
        author: UserId::new(now),
        subject: Subject::product(ProductId::new(now).uuid()),
        driver: None,
        rating: 4,
        title: None,
        body: Some("Boils quickly.".to_owned()),
        locale: "en".to_owned(),
        verified: true,
        created_at: now,
        votes: Vec::new(),
        reply: None,
    };
    import(&running.database, &[review]).await.unwrap();
    running
}

async fn start_ratings(gateway: &str, listener: TcpListener, stop: &CancellationToken) -> Running {
    let database = Database::connect("sqlite::memory:", DatabaseOptions::default()).await.unwrap();
    Service::new("ratings", settings(gateway), database, Clock::system())
        .graphql(replacement_schema())
        .spawn(listener, stop.clone())
        .unwrap()
}

/// One page, which must be whole: who counted?
async fn count(client: &reqwest::Client, gateway: &str) -> i32 {
    let answer = client.post(format!("{gateway}/graphql")).json(&json!({ "query": PAGE }));
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    assert!(answer.get("errors").is_none(), "a request failed: {answer}");
    let summary = &answer["data"]["latestReviews"]["edges"][0]["node"]["subject"]["ratingSummary"];
    i32::try_from(summary["count"].as_i64().unwrap_or_else(|| panic!("{answer}"))).unwrap()
}

/// Waits until the gateway has taken so many supergraphs into use after its first.
async fn reloads(client: &reqwest::Client, gateway: &str, times: usize) {
    let line = format!("concord_schema_reloads_total {times}");
    let mut every = tokio::time::interval(Duration::from_millis(10));
    let reached = async {
        loop {
            every.tick().await;
            let answer = client.get(format!("{gateway}/metrics")).send().await.unwrap();
            if answer.text().await.unwrap().lines().any(|found| found == line) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), reached).await.expect("the gateway reloads");
}

/// How many of a stage's requests the replacement answers.
async fn answered_by_the_replacement(client: &reqwest::Client, gateway: &str) -> u32 {
    let mut answered = 0;
    for _ in 0..ASKED {
        answered += u32::from(count(client, gateway).await == COUNT_OF_THE_REPLACEMENT);
    }
    answered
}

#[tokio::test(flavor = "multi_thread")]
async fn another_service_takes_the_summaries_over_step_by_step_and_back_without_a_failed_request() {
    let stop = CancellationToken::new();
    let (
        (gateway_listener, gateway),
        (reviews_listener, reviews_url),
        (ratings_listener, ratings_url),
    ) = (listener().await, listener().await, listener().await);
    let reviews = start_reviews(&gateway, reviews_listener, &stop).await;
    let ratings = start_ratings(&gateway, ratings_listener, &stop).await;
    let parts =
        Parts { reviews: reviews_url, ratings: ratings_url, folder: tempfile::tempdir().unwrap() };
    parts.write_supergraph(Stage::Absent);
    let mut config = gateway::config::Config::default();
    config.supergraph.file = Some(parts.supergraph());
    config.supergraph.poll_interval = Duration::from_millis(20);
    config.passport.enabled = true;
    let app = gateway::App::build(config).await.unwrap();
    let serving = tokio::spawn(app.serve(gateway_listener, stop.clone()));

    let client = reqwest::Client::new();
    assert_eq!(count(&client, &gateway).await, 1);
    let done = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (client, gateway, done) = (client.clone(), gateway.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let mut requests = 0_u32;
                while !done.load(Ordering::Relaxed) {
                    let counted = count(&client, &gateway).await;
                    assert!([1, COUNT_OF_THE_REPLACEMENT].contains(&counted), "{counted}");
                    requests += 1;
                }
                requests
            })
        })
        .collect();

    // Of fair coins; less than one run in a billion is outside.
    let some = || ASKED / 4..=ASKED * 3 / 4;
    let stages = [
        (Stage::Share(0), 0..=0),
        (Stage::Share(50), some()),
        (Stage::Share(100), ASKED..=ASKED),
        (Stage::InUse, ASKED..=ASKED),
        (Stage::Share(50), some()),
        (Stage::Absent, 0..=0),
    ];
    for (number, (stage, expected)) in (1..).zip(stages) {
        parts.write_supergraph(stage);
        reloads(&client, &gateway, number).await;
        let answered = answered_by_the_replacement(&client, &gateway).await;
        assert!(expected.contains(&answered), "{stage:?}: {answered} of {ASKED}");
    }

    done.store(true, Ordering::Relaxed);
    let mut requests = 0;
    for task in load {
        requests += task.await.expect("no request of the load failed");
    }
    assert!(requests > 0);
    assert_eq!(reviews::verify(&reviews.database).await.unwrap(), []);
    stop.cancel();
    serving.await.unwrap().unwrap();
    reviews.handle.await.unwrap().unwrap();
    ratings.handle.await.unwrap().unwrap();
}
