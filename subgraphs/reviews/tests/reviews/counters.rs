//! Counters against a recount and against a simple model, after random work on several tasks.

use std::collections::{BTreeMap, BTreeSet};

use kit::Caller;
use kit::id::{ProductId, ReviewId, UserId};
use reviews::domain::subject::Subject;
use reviews::import::{ImportedReply, ImportedReview, import};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::world::{NOW, World, codes, customer, moderator};

/// A small generator: the same numbers every time for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }
}

/// Products, authors, voters and reporters of one task. Tasks share all tables and the days'
/// figures, but no product: each knows exactly what its own products must show.
struct Street<'w> {
    world: &'w World,
    dice: Dice,
    products: Vec<ProductId>,
    authors: Vec<UserId>,
    readers: Vec<UserId>,
    model: BTreeMap<(usize, usize), Modelled>,
    /// Product and rating of published reviews whose author was erased.
    orphans: Vec<(usize, i64)>,
}

/// A review as the model knows it.
#[derive(Clone, Debug, Default)]
struct Modelled {
    id: Value,
    version: i64,
    rating: i64,
    published: bool,
    /// Voter and whether they found it helpful.
    votes: BTreeMap<usize, bool>,
    reporters: BTreeSet<usize>,
    /// Reports that no moderator has dealt with.
    open_reports: usize,
}

const PRODUCTS: usize = 4;
const AUTHORS: usize = 5;
const READERS: usize = 6;

impl<'w> Street<'w> {
    async fn new(world: &'w World, seed: u64) -> Self {
        let mut street = Self {
            world,
            dice: Dice(seed),
            products: Vec::new(),
            authors: Vec::new(),
            readers: Vec::new(),
            model: BTreeMap::new(),
            orphans: Vec::new(),
        };
        for _ in 0..PRODUCTS {
            street.products.push(world.product().await);
        }
        for _ in 0..AUTHORS {
            street.authors.push(street.new_author().await);
        }
        for _ in 0..READERS {
            street.readers.push(world.person("Reader").await);
        }
        street
    }

    async fn new_author(&self) -> UserId {
        let author = self.world.person("Author").await;
        for product in &self.products {
            self.world.buys(author, *product).await;
        }
        author
    }

    async fn walk(mut self, steps: usize) -> usize {
        for step in 0..steps {
            self.step(step).await;
            if self.dice.roll(40) == 0 {
                self.compare().await;
            }
        }
        self.compare().await;
        steps
    }

    async fn step(&mut self, step: usize) {
        let (product, author) = (self.dice.roll(PRODUCTS), self.dice.roll(AUTHORS));
        let at = (product, author);
        if !self.model.contains_key(&at) {
            return self.create(at).await;
        }
        match self.dice.roll(20) {
            0..4 => self.edit(at, step).await,
            4..7 => self.hide_or_restore(at).await,
            7..9 => self.delete(at).await,
            9..16 => self.vote(at).await,
            16..19 => self.report(at).await,
            _ => self.erase(author).await,
        }
    }

    async fn create(&mut self, (product, author): (usize, usize)) {
        let rating = i64::try_from(1 + self.dice.roll(5)).unwrap();
        let input = json!({
            "productId": self.products[product], "rating": rating, "body": "Fine.",
        });
        let payload = self.world.create(self.authors[author], input).await;
        assert_eq!(payload["review"]["status"], "PUBLISHED", "{payload}");
        let created = Modelled {
            id: payload["review"]["id"].clone(),
            version: 1,
            rating,
            published: true,
            ..Modelled::default()
        };
        self.model.insert((product, author), created);
    }

    async fn edit(&mut self, at: (usize, usize), step: usize) {
        let rating = i64::try_from(1 + self.dice.roll(5)).unwrap();
        let update = "mutation($id: ID!, $input: ReviewUpdateInput!) { reviewUpdate(id: $id, input: $input) { review { version status rating } errors { __typename ... on UserError { code } } } }";
        let review = self.model.get_mut(&at).unwrap();
        let input = json!({ "rating": rating, "body": format!("Edit {step}"), "expectedVersion": review.version });
        let caller = customer(self.authors[at.1]);
        let payload =
            self.world.data(caller, update, json!({ "id": review.id, "input": input })).await;
        let answer = &payload["reviewUpdate"]["review"];
        review.version = answer["version"].as_i64().unwrap_or_else(|| panic!("{payload}"));
        review.rating = rating;
        assert_eq!(answer["rating"], rating);
        assert_eq!(answer["status"] == "PUBLISHED", review.published, "{payload}");
    }

    async fn hide_or_restore(&mut self, at: (usize, usize)) {
        let review = self.model.get_mut(&at).unwrap();
        let status = if review.published { "HIDDEN" } else { "PUBLISHED" };
        let moderate = "mutation($id: ID!, $d: ModerationInput!) { reviewModerate(id: $id, decision: $d) { review { version status } errors { __typename ... on UserError { code } } } }";
        let decision =
            json!({ "status": status, "reason": "OTHER", "expectedVersion": review.version });
        let payload =
            self.world.data(moderator(), moderate, json!({ "id": review.id, "d": decision })).await;
        let answer = &payload["reviewModerate"]["review"];
        assert_eq!(answer["status"], status, "{payload}");
        review.version = answer["version"].as_i64().unwrap();
        review.published = !review.published;
        review.open_reports = 0;
    }

    async fn delete(&mut self, at: (usize, usize)) {
        let review = self.model.remove(&at).unwrap();
        let delete =
            "mutation($id: ID!) { reviewDelete(id: $id) { deletedId errors { __typename } } }";
        let caller = customer(self.authors[at.1]);
        let payload = self.world.data(caller, delete, json!({ "id": review.id })).await;
        assert_eq!(payload["reviewDelete"]["deletedId"], review.id, "{payload}");
    }

    async fn vote(&mut self, at: (usize, usize)) {
        let reader = self.dice.roll(READERS);
        let kind = [json!("HELPFUL"), json!("UNHELPFUL"), Value::Null][self.dice.roll(3)].clone();
        let vote = "mutation($id: ID!, $vote: VoteKind) { reviewVote(id: $id, vote: $vote) { review { id } errors { __typename } } }";
        let review = self.model.get_mut(&at).unwrap();
        let variables = json!({ "id": review.id, "vote": kind });
        let caller = customer(self.readers[reader]);
        let payload = self.world.data(caller, vote, variables).await;
        let taken = payload["reviewVote"]["errors"] == json!([]);
        assert_eq!(taken, review.published, "{payload}");
        if !taken {
            return;
        }
        match kind.as_str() {
            Some(word) => review.votes.insert(reader, word == "HELPFUL"),
            None => review.votes.remove(&reader),
        };
    }

    async fn report(&mut self, at: (usize, usize)) {
        let reader = self.dice.roll(READERS);
        let report = "mutation($id: ID!) { reviewReport(id: $id, reason: FAKE) { accepted errors { __typename } } }";
        let review = self.model.get_mut(&at).unwrap();
        let caller = customer(self.readers[reader]);
        let payload = self.world.data(caller, report, json!({ "id": review.id })).await;
        let expected = review.published && !review.reporters.contains(&reader);
        assert_eq!(payload["reviewReport"]["accepted"], expected, "{payload}");
        if !expected {
            return;
        }
        review.reporters.insert(reader);
        review.open_reports += 1;
        if review.open_reports == 3 {
            review.published = false;
            review.version += 1;
        }
    }

    /// The reviews stay, without an author; somebody new moves in.
    async fn erase(&mut self, author: usize) {
        let erased =
            json!({ "id": self.authors[author], "status": "ERASED", "deleteContent": false });
        self.world.user_event("user.erased", erased).await;
        self.authors[author] = self.new_author().await;
        // What the erased author left cannot be changed by anybody of the street any more.
        for product in 0..PRODUCTS {
            if let Some(left) = self.model.remove(&(product, author))
                && left.published
            {
                let delete = "mutation($id: ID!) { reviewDelete(id: $id) { deletedId } }";
                let caller = customer(self.authors[author]);
                let answer = self.world.run(caller, delete, json!({ "id": left.id })).await;
                assert_eq!(codes(&answer), ["FORBIDDEN"], "{answer}");
                self.orphans.push((product, left.rating));
            }
        }
    }

    /// What everybody sees of the street's products equals the model.
    async fn compare(&self) {
        for (number, product) in self.products.iter().enumerate() {
            let mut ratings: Vec<i64> = self
                .model
                .iter()
                .filter(|((of, _), review)| *of == number && review.published)
                .map(|(_, review)| review.rating)
                .collect();
            ratings.extend(self.orphans.iter().filter(|(of, _)| *of == number).map(|it| it.1));
            let summary = self.world.summary(*product).await;
            assert_eq!(summary["count"], ratings.len());
            for stars in 1..=5_i64 {
                let count = ratings.iter().filter(|rating| **rating == stars).count();
                let bucket = &summary["histogram"][usize::try_from(stars - 1).unwrap()];
                assert_eq!(bucket["count"], count, "{stars} stars: {summary}");
            }
        }
        for review in self.model.values().filter(|review| review.published) {
            let helpful = review.votes.values().filter(|helpful| **helpful).count();
            let query = "query($id: ID!) { review(id: $id) { rating version helpfulCount unhelpfulCount } }";
            let shown = self.world.data(Caller::Anonymous, query, json!({ "id": review.id })).await;
            let expected = json!({
                "rating": review.rating,
                "version": review.version,
                "helpfulCount": helpful,
                "unhelpfulCount": review.votes.len() - helpful,
            });
            assert_eq!(shown["review"], expected);
        }
    }
}

/// `REVIEWS_RANDOM_STEPS` sets the steps of each of the eight tasks: 25000 make 200 000.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f32_random_work_on_eight_tasks_leaves_counters_equal_to_model_and_recount() {
    let steps =
        std::env::var("REVIEWS_RANDOM_STEPS").ok().and_then(|n| n.parse().ok()).unwrap_or(100);
    let world = &World::new().await;
    let walks = (0..8_u64).map(|number| async move {
        Street::new(world, 0x9e37_79b9 + 7_919 * number).await.walk(steps).await
    });
    let walked: usize = futures::future::join_all(walks).await.into_iter().sum();
    assert_eq!(walked, 8 * steps);
    world.assert_counters().await;
}

#[tokio::test]
async fn the_recount_notices_a_counter_that_is_off() {
    let world = World::new().await;
    let product = world.product().await;
    world.review(product, 4, "Good.").await;
    world.assert_counters().await;
    world
        .database
        .write(|tx| {
            Box::pin(async move {
                tx.execute_unprepared("UPDATE rating_summaries SET n5 = n5 + 1").await?;
                tx.execute_unprepared(
                    "UPDATE analytics_daily SET rejected = 1 WHERE subject_type = 'ALL'",
                )
                .await?;
                Ok::<_, sea_orm::DbErr>(())
            })
        })
        .await
        .unwrap();
    let drift = world.drift().await;
    assert_eq!(drift.len(), 2, "{drift:#?}");
    assert!(drift[0].counter.starts_with("rating_summaries PRODUCT"));
}

#[tokio::test]
async fn history_can_only_grow() {
    let world = World::new().await;
    let product = world.product().await;
    world.review(product, 4, "Good.").await;
    for sql in [
        "UPDATE review_revisions SET body = 'other'",
        "UPDATE review_revisions SET rating = 1, title = NULL, body = NULL",
        "DELETE FROM review_revisions",
        "UPDATE moderation_log SET note = 'other'",
        "DELETE FROM moderation_log",
    ] {
        let outcome = world
            .database
            .write(|tx| Box::pin(async move { tx.execute_unprepared(sql).await }))
            .await;
        assert!(outcome.is_err_and(|error| error.to_string().contains("append-only")), "{sql}");
    }
    world.assert_counters().await;
}

#[tokio::test]
async fn imported_reviews_count_like_written_ones() {
    let world = World::new().await;
    let mut reviews = Vec::new();
    let driver = world.person("Driver").await;
    for at in 0..700_u32 {
        let created_at = kit::Timestamp(NOW.0 - i64::from(at) * 3_600_000);
        let ride = at % 10 == 0;
        let id = kit::id::new_id(created_at);
        reviews.push(ImportedReview {
            id: ReviewId::new(created_at),
            author: UserId::new(created_at),
            subject: if ride {
                Subject::ride(id)
            } else {
                Subject::product(kit::Uuid::from_u128(u128::from(at % 7)))
            },
            driver: ride.then_some(driver),
            rating: i32::try_from(1 + at % 5).unwrap(),
            title: (at % 2 == 0).then(|| format!("Title {at}")),
            body: (at % 3 != 0).then(|| {
                "A text of more than eight words so that it has a fingerprint too.".to_owned()
            }),
            locale: "en".to_owned(),
            verified: at % 4 != 0,
            created_at,
            votes: (0..at % 4).map(|voter| (UserId::new(created_at), voter != 0)).collect(),
            reply: (at % 5 == 0).then(|| ImportedReply {
                author: world.seller,
                body: "Thank you.".to_owned(),
                created_at,
            }),
        });
    }
    import(&world.database, &reviews).await.unwrap();
    world.assert_counters().await;
    let page = world
        .data(
            Caller::Anonymous,
            "{ latestReviews(first: 1) { totalCount edges { node { reply { body } } } } }",
            json!({}),
        )
        .await;
    assert_eq!(page["latestReviews"]["totalCount"], 700);
    assert_eq!(page["latestReviews"]["edges"][0]["node"]["reply"]["body"], "Thank you.");
    let events = kit::events::page(world.database.read(), 0, 1000).await.unwrap();
    assert_eq!(events.events.len(), 700);
    world.assert_counters().await;
}
