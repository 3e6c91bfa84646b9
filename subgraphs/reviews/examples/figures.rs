//! How long the usual questions take over many reviews, and how many statements they cost.
//!
//! `cargo run --release -p reviews --example figures -- [REVIEWS] [DATABASE_URL]` loads so many
//! reviews (by default 1 000 000 over 10 000 products, into a temporary SQLite file) unless the
//! database holds some already, asks each question a few hundred times and prints a Markdown
//! table. A tenth of the reviews are of one product, the others are spread evenly.

use std::io::Write as _;
use std::time::{Duration, Instant};

use kit::id::{ProductId, ReviewId, UserId};
use kit::{Caller, Clock, Database, Service, Timestamp};
use reviews::domain::subject::Subject;
use reviews::import::{ImportedReview, import};
use reviews::purchases::NoPurchaseCheck;
use reviews::{Config, Core};
use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use serde_json::{Value, json};

const PER_PRODUCT: usize = 100;
const CHUNK: usize = 10_000;
const RUNS: usize = 300;
const WARM_UP: usize = 20;
const YEAR: Duration = Duration::from_hours(365 * 24);
/// 2025-11-01.
const START: i64 = 1_761_955_200_000;
/// The product that a tenth of the reviews are of.
const FAVOURITE: usize = 0;

/// Words that about a third of all texts have each; the others come from [`VOCABULARY`] more.
const COMMON: [&str; 24] = [
    "boils", "quickly", "quiet", "handle", "stays", "cool", "lid", "closes", "well", "pours",
    "without", "dripping", "easy", "to", "clean", "battery", "lasts", "long", "fits", "my",
    "kitchen", "would", "buy", "again",
];
const VOCABULARY: usize = 20_000;

/// The same numbers every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap_or_default()
    }

    fn word(&mut self) -> String {
        if self.roll(3) == 0 { rare(self.roll(VOCABULARY)) } else { COMMON[self.roll(24)].into() }
    }
}

/// A word that only a few texts in a thousand have.
fn rare(number: usize) -> String {
    const SYLLABLES: [&str; 28] = [
        "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "qui", "ro", "su",
        "ta", "ve", "wi", "xo", "zu", "bra", "cle", "dri", "flo", "gru", "pla", "ste", "tri",
    ];
    let [a, b, c] = [number % 28, number / 28 % 28, number / 784 % 28];
    [SYLLABLES[a], SYLLABLES[b], SYLLABLES[c]].concat()
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
    let text: Vec<String> = (0..12 + dice.roll(20)).map(|_| dice.word()).collect();
    let of = if dice.roll(10) == 0 { FAVOURITE } else { dice.roll(products) };
    let voters = dice.roll(3);
    ImportedReview {
        id: ReviewId::new(at),
        author: UserId::new(at),
        subject: Subject::product(product(of).uuid()),
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
    for run in 0..WARM_UP + RUNS {
        let request = async_graphql::Request::new(query)
            .variables(async_graphql::Variables::from_json(variables(run)));
        let before = service.database().statements();
        let started = Instant::now();
        let response = service.execute(caller.clone(), request).await;
        if run >= WARM_UP {
            times.push(started.elapsed());
        }
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
    // PostgreSQL does so by itself sooner or later; the plans of today should know.
    if database.backend() == DbBackend::Postgres {
        database
            .write(|tx| Box::pin(async move { tx.execute_unprepared("ANALYZE").await }))
            .await
            .map(drop)
            .map_err(|error: DbErr| anyhow::anyhow!(error))?;
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
    let some = "{ latestReviews(first: 1) { totalCount } }";
    let anybody = &Caller::Anonymous;
    let mut found = ask(&service, anybody, some, |_| json!({})).await?.last;
    if found["latestReviews"]["totalCount"] == json!(0) {
        load(&database, reviews, products).await?;
        found = ask(&service, anybody, some, |_| json!({})).await?.last;
    }
    core.refresh_prior().await?;
    let engine = if database.backend() == DbBackend::Postgres { "PostgreSQL" } else { "SQLite" };
    let count = &found["latestReviews"]["totalCount"];
    writeln!(std::io::stdout(), "{count} reviews of {products} products, {engine}\n")?;
    report(&service, products).await?;
    database.close().await?;
    Ok(())
}

const PAGE: &str = "query($r: [_Any!]!, $after: String, $sort: ReviewSort, $filter: ReviewFilter) { _entities(representations: $r) { ... on Product { \
    ratingSummary { count average histogram { rating count } } \
    reviews(first: 20, after: $after, sort: $sort, filter: $filter) { totalCount pageInfo { hasNextPage } \
    edges { cursor node { id rating title body helpfulCount author { displayName } reply { body } } } } } } }";

const SUMMARIES: &str = "query($r: [_Any!]!) { _entities(representations: $r) { \
    ... on Product { ratingSummary { count average bayesianAverage } } } }";

const ANALYTICS: &str = "query($range: AnalyticsRange!) { reviewAnalytics(range: $range) { \
    submitted published averageRating medianHoursToPublish series { start published } } }";

const BEST: &str = "query($range: AnalyticsRange!) { reviewAnalytics(range: $range) { \
    topProducts(first: 10) { rank summary { count average } } } }";

fn representations(numbers: impl Iterator<Item = usize>) -> Value {
    numbers.map(|number| json!({ "__typename": "Product", "id": product(number) })).collect()
}

async fn report(service: &Service, products: usize) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "| question | statements | median | p99 |\n|---|---|---|---|")?;
    let mut line = |what: &str, asked: &Asked| {
        let Asked { statements, median, p99, last: _ } = asked;
        writeln!(out, "| {what} | {statements} | {} | {} |", shown(*median), shown(*p99))
    };
    let anybody = Caller::Anonymous;
    let usual = |run: usize| representations(std::iter::once(1 + run * 37 % (products - 1).max(1)));
    let favourite = |_: usize| representations(std::iter::once(FAVOURITE));
    let hundred = |run: usize| representations((0..100).map(|n| (run * 101 + n) % products));
    for sort in ["MOST_HELPFUL", "NEWEST", "LOWEST_RATING"] {
        let asked = |run| json!({ "r": usual(run), "sort": sort });
        line(&format!("first page, `{sort}`"), &ask(service, &anybody, PAGE, asked).await?)?;
    }
    let asked = |run| json!({ "r": favourite(run) });
    line("first page of the favourite", &ask(service, &anybody, PAGE, asked).await?)?;
    for pages in [10, 1_000] {
        let cursor = cursor_behind(service, pages).await?;
        let asked = |run| json!({ "r": favourite(run), "after": cursor });
        let what = format!("page {} of the favourite", pages + 1);
        line(&what, &ask(service, &anybody, PAGE, asked).await?)?;
    }
    let filters = [
        ("five stars", json!({ "ratings": [5] })),
        (
            "five stars, verified, German",
            json!({ "ratings": [5], "verifiedOnly": true, "locales": ["de"] }),
        ),
        ("searched for two common words", json!({ "search": "quiet kitchen" })),
        ("searched for a rare word", json!({ "search": rare(11_111) })),
    ];
    for (what, filter) in filters {
        let asked = |run| json!({ "r": usual(run), "filter": filter });
        line(&format!("first page, {what}"), &ask(service, &anybody, PAGE, asked).await?)?;
        let asked = |run| json!({ "r": favourite(run), "filter": filter });
        line("the same of the favourite", &ask(service, &anybody, PAGE, asked).await?)?;
    }
    let asked = |run| json!({ "r": hundred(run) });
    line("summaries of 100 products", &ask(service, &anybody, SUMMARIES, asked).await?)?;
    line("first page of 100 products", &ask(service, &anybody, PAGE, asked).await?)?;
    let latest = "{ latestReviews(first: 20) { edges { node { rating body } } } }";
    line("latest of all", &ask(service, &anybody, latest, |_| json!({})).await?)?;
    let analyst = kit::testing::service("operator", &["reviews:analytics"]);
    let end = Timestamp(START).plus(YEAR);
    for interval in ["DAY", "MONTH"] {
        let range = json!({ "range": { "from": Timestamp(START).to_string(), "to": end.to_string(), "interval": interval } });
        let asked = ask(service, &analyst, ANALYTICS, |_| range.clone()).await?;
        line(&format!("analytics of a year by {interval}"), &asked)?;
    }
    let range = json!({ "range": { "from": Timestamp(START).to_string(), "to": end.to_string(), "interval": "MONTH" } });
    line("best products of a year", &ask(service, &analyst, BEST, |_| range.clone()).await?)?;
    Ok(())
}

/// The cursor behind so many pages of twenty of the favourite's list.
async fn cursor_behind(service: &Service, pages: usize) -> anyhow::Result<Value> {
    let query = "query($r: [_Any!]!, $first: Int, $after: String) { _entities(representations: $r) { \
        ... on Product { reviews(first: $first, after: $after) { pageInfo { hasNextPage endCursor } } } } }";
    let mut cursor = Value::Null;
    for _ in 0..pages.div_ceil(5) {
        let first = if pages < 5 { 20 * pages } else { 100 };
        let asked = json!({ "r": representations(std::iter::once(FAVOURITE)), "first": first, "after": cursor });
        let request = async_graphql::Request::new(query)
            .variables(async_graphql::Variables::from_json(asked));
        let response = service.execute(Caller::Anonymous, request).await;
        anyhow::ensure!(response.errors.is_empty(), "{:?}", response.errors);
        let data = serde_json::to_value(response.data)?;
        let info = &data["_entities"][0]["reviews"]["pageInfo"];
        if info["hasNextPage"] == false {
            break;
        }
        cursor = info["endCursor"].clone();
    }
    Ok(cursor)
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
