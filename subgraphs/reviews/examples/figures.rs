//! How long the usual questions take over many reviews, and how many statements they cost.
//!
//! `cargo run --release -p reviews --example figures -- [REVIEWS] [DATABASE_URL]` loads so many
//! reviews (a hundred per product; by default 1 000 000, into a temporary SQLite file) unless the
//! database holds some already, asks each question a few hundred times and prints a table.

use std::io::Write as _;
use std::time::{Duration, Instant};

use kit::id::{ProductId, ReviewId, UserId};
use kit::{Caller, Clock, Database, Service, Timestamp};
use reviews::domain::subject::Subject;
use reviews::import::{ImportedReview, import};
use reviews::purchases::NoPurchaseCheck;
use reviews::{Config, Core};
use serde_json::{Value, json};

const PER_PRODUCT: usize = 100;
const CHUNK: usize = 10_000;
const RUNS: usize = 300;
const YEAR: Duration = Duration::from_hours(365 * 24);
/// 2025-11-01.
const START: i64 = 1_761_955_200_000;

const WORDS: [&str; 24] = [
    "boils", "quickly", "quiet", "handle", "stays", "cool", "lid", "closes", "well", "pours",
    "without", "dripping", "easy", "to", "clean", "battery", "lasts", "long", "fits", "my",
    "kitchen", "would", "buy", "again",
];

/// The same numbers every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap_or_default()
    }
}

/// Ids that are the same for every run over the same database.
fn product(number: usize) -> ProductId {
    ProductId::from(kit::Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_0000_0000 + number as u128,
    ))
}

fn review(number: usize, products: usize, dice: &mut Dice) -> ImportedReview {
    let year = i64::try_from(YEAR.as_millis()).unwrap_or(i64::MAX);
    let at =
        Timestamp(START + year / 1_000_000 * i64::try_from(number % 1_000_000).unwrap_or_default());
    let text: Vec<&str> = (0..12 + dice.roll(20)).map(|_| WORDS[dice.roll(WORDS.len())]).collect();
    let voters = dice.roll(3);
    ImportedReview {
        id: ReviewId::new(at),
        author: UserId::new(at),
        subject: Subject::product(product(dice.roll(products)).uuid()),
        driver: None,
        rating: i32::try_from(1 + dice.roll(5)).unwrap_or(1),
        title: None,
        body: (dice.roll(5) > 0).then(|| text.join(" ")),
        locale: if dice.roll(4) == 0 { "de" } else { "en" }.to_owned(),
        verified: dice.roll(3) > 0,
        created_at: at,
        votes: (0..voters).map(|_| (UserId::new(at), dice.roll(2) == 0)).collect(),
        reply: None,
    }
}

struct Asked {
    statements: u64,
    median: Duration,
    p99: Duration,
    last: Value,
}

async fn ask(
    service: &Service,
    caller: &Caller,
    query: &str,
    mut variables: impl FnMut(usize) -> Value,
) -> anyhow::Result<Asked> {
    let mut times = Vec::with_capacity(RUNS);
    let mut last = Value::Null;
    let mut statements = 0;
    for run in 0..RUNS {
        let request = async_graphql::Request::new(query)
            .variables(async_graphql::Variables::from_json(variables(run)));
        let before = service.database().statements();
        let started = Instant::now();
        let response = service.execute(caller.clone(), request).await;
        times.push(started.elapsed());
        statements = service.database().statements() - before;
        anyhow::ensure!(response.errors.is_empty(), "{:?}", response.errors);
        last = serde_json::to_value(response.data)?;
    }
    times.sort();
    Ok(Asked { statements, median: times[RUNS / 2], p99: times[RUNS * 99 / 100], last })
}

async fn load(database: &Database, reviews: usize, products: usize) -> anyhow::Result<()> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let started = Instant::now();
    for from in (0..reviews).step_by(CHUNK) {
        let until = reviews.min(from + CHUNK);
        let chunk: Vec<_> =
            (from..until).map(|number| review(number, products, &mut dice)).collect();
        import(database, &chunk).await?;
        if until.is_multiple_of(100_000) {
            writeln!(std::io::stderr(), "{until} reviews after {} s", started.elapsed().as_secs())?;
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let reviews: usize = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let products = (reviews / PER_PRODUCT).max(1);
    let folder = tempfile::tempdir()?;
    let url = arguments.next().unwrap_or_else(|| {
        format!("sqlite://{}?mode=rwc", folder.path().join("figures.sqlite").display())
    });
    let mut config = Config::default();
    config.kit.database.url = url;
    config.kit.database.durability = kit::Durability::Normal;
    let database = reviews::app::open(&config).await?;
    let core = Core::new(
        database.clone(),
        Clock::system(),
        config.kit.cursor_key(),
        config.rules.clone(),
        std::sync::Arc::new(NoPurchaseCheck),
    );
    let service = reviews::app::service(&config, &core);
    let some = "{ latestReviews(first: 1) { edges { cursor } } }";
    let anybody = &Caller::Anonymous;
    let found = ask(&service, anybody, some, |_| json!({})).await?.last;
    if found["latestReviews"]["edges"] == json!([]) {
        load(&database, reviews, products).await?;
    }
    core.refresh_prior().await?;
    report(&service, products).await?;
    database.close().await?;
    Ok(())
}

async fn report(service: &Service, products: usize) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{:<34} {:>10} {:>10} {:>10}", "question", "statements", "median", "p99")?;
    let mut line = |what: &str, asked: &Asked| {
        let Asked { statements, median, p99, last: _ } = asked;
        writeln!(out, "{what:<34} {statements:>10} {median:>10.2?} {p99:>10.2?}")
    };
    let anybody = Caller::Anonymous;
    let page = "query($r: [_Any!]!, $after: String, $sort: ReviewSort, $filter: ReviewFilter) { _entities(representations: $r) { ... on Product { \
        ratingSummary { count average histogram { rating count } } \
        reviews(first: 20, after: $after, sort: $sort, filter: $filter) { totalCount pageInfo { hasNextPage } \
        edges { cursor node { id rating title body helpfulCount author { displayName } reply { body } } } } } } }";
    let one = |run: usize| json!([{ "__typename": "Product", "id": product(run * 37 % products) }]);
    for sort in ["MOST_HELPFUL", "NEWEST", "LOWEST_RATING"] {
        let asked =
            ask(service, &anybody, page, |run| json!({ "r": one(run), "sort": sort })).await?;
        line(&format!("first page, {sort}"), &asked)?;
    }
    let fixed = json!([{ "__typename": "Product", "id": product(0) }]);
    let mut cursor = Value::Null;
    for _ in 0..4 {
        let asked = json!({ "r": fixed, "sort": "MOST_HELPFUL", "after": cursor });
        let request =
            async_graphql::Request::new(page).variables(async_graphql::Variables::from_json(asked));
        let data = serde_json::to_value(service.execute(anybody.clone(), request).await.data)?;
        let edges = &data["_entities"][0]["reviews"]["edges"];
        cursor = edges[edges.as_array().map_or(0, Vec::len).saturating_sub(1)]["cursor"].clone();
    }
    let deep = json!({ "r": fixed, "sort": "MOST_HELPFUL", "after": cursor });
    line("fifth page of a product", &ask(service, &anybody, page, |_| deep.clone()).await?)?;
    for (what, filter) in [
        ("filtered: five stars, verified", json!({ "ratings": [5], "verifiedOnly": true })),
        ("searched: two words", json!({ "search": "quiet kitchen" })),
    ] {
        let asked =
            ask(service, &anybody, page, |run| json!({ "r": one(run), "filter": filter })).await?;
        line(what, &asked)?;
    }
    let hundred = |run: usize| {
        let of = |n: usize| json!({ "__typename": "Product", "id": product((run * 101 + n) % products) });
        json!({ "r": (0..100).map(of).collect::<Vec<_>>() })
    };
    let summaries = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Product { ratingSummary { count average bayesianAverage } } } }";
    line("summaries of 100 products", &ask(service, &anybody, summaries, hundred).await?)?;
    line("first page of 100 products", &ask(service, &anybody, page, hundred).await?)?;
    let latest = "{ latestReviews(first: 20) { edges { node { rating body } } } }";
    line("latest of all", &ask(service, &anybody, latest, |_| json!({})).await?)?;
    let analyst = kit::testing::service("operator", &["reviews:analytics"]);
    let analytics = "query($range: AnalyticsRange!) { reviewAnalytics(range: $range) { submitted published averageRating \
        medianHoursToPublish series { start published } topProducts(first: 10) { rank } } }";
    let end = Timestamp(START).plus(YEAR);
    for interval in ["DAY", "MONTH"] {
        let range = json!({ "range": { "from": Timestamp(START).to_string(), "to": end.to_string(), "interval": interval } });
        let asked = ask(service, &analyst, analytics, |_| range.clone()).await?;
        line(&format!("analytics of a year by {interval}"), &asked)?;
    }
    Ok(())
}
