//! Writing a review.
//!
//! Whether the person bought the thing is settled before the transaction (it may need the
//! network). Uniqueness is not looked up but inserted: the index decides between fifty
//! simultaneous attempts.

use kit::database::is_unique_violation;
use kit::id::{ReviewId, UserId};
use kit::idempotency::{self, Begin};
use kit::{RequestOrigin, Timestamp, Transaction};
use serde_json::json;

use super::consequences::{Grounds, follow};
use super::{Refusal, rate_key};
use crate::core::Core;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::moderation::{Reason, Submission, Verdict, contains_card_number, judge};
use crate::domain::status::Status;
use crate::domain::subject::Subject;
use crate::domain::text::{MAX_BODY, MAX_TITLE, clean_line, clean_text};
use crate::eligibility::{Ineligible, Standing, standing};
use crate::entity::review;
use crate::store::limits::{self, DAY_MS, Limit};
use crate::store::{copies, read, write};

const OPERATION: &str = "reviewCreate";

/// A review as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct NewReview {
    pub subject: Subject,
    pub rating: i32,
    pub title: Option<String>,
    pub body: Option<String>,
    pub locale: String,
    pub incentivized: bool,
    pub idempotency_key: String,
    /// Hash of the whole input.
    pub input_hash: [u8; 32],
}

pub(crate) async fn create(
    core: &Core,
    author: UserId,
    origin: &RequestOrigin,
    input: NewReview,
) -> Result<review::Model, Refusal> {
    let content = Content::clean(input.rating, input.title.as_deref(), input.body.as_deref())?;
    if !idempotency::is_valid_key(&input.idempotency_key) {
        let message = "must have 1 to 255 characters";
        return Err(Refusal::invalid(message, &["input", "idempotencyKey"]));
    }
    let standing = standing(core, author, input.subject).await?;
    let (verified, driver, waits) = match standing {
        Standing::Eligible { verified, driver } => (verified, driver, false),
        Standing::Unknown { driver } => (false, driver, true),
        Standing::NoSubject => return Err(Refusal::NotFound(input.subject.kind.noun())),
        Standing::Ineligible(Ineligible::AlreadyReviewed) => {
            return Err(Refusal::Duplicate { existing: None });
        }
        Standing::Ineligible(reason) => return Err(Refusal::NotEligible(reason)),
    };
    let now = core.now();
    let review = review::Model {
        id: ReviewId::new(now).uuid(),
        author_id: Some(author.uuid()),
        subject_type: input.subject.kind.as_str().to_owned(),
        subject_id: input.subject.id,
        driver_id: driver.map(|driver| driver.uuid()),
        rating: content.rating,
        title: content.title,
        body: content.body,
        locale: input.locale.clone(),
        status: Status::Pending.as_str().to_owned(),
        verified,
        incentivized: input.incentivized,
        replied: false,
        helpful: 0,
        unhelpful: 0,
        helpfulness_ppm: 0,
        edits: 0,
        verification: if waits { review::WAITING } else { review::DONE }.to_owned(),
        verify_at: waits.then_some(now.0),
        verify_attempts: 0,
        pending_version: None,
        queued_at: None,
        text_hash: None,
        created_at: now.0,
        updated_at: now.0,
        published_at: None,
        edited_at: None,
        deleted_at: None,
        version: 1,
    };
    store(core, author, origin, &input, review).await
}

async fn store(
    core: &Core,
    author: UserId,
    origin: &RequestOrigin,
    input: &NewReview,
    review: review::Model,
) -> Result<review::Model, Refusal> {
    let now = core.now();
    let review = &review;
    let stored = core
        .database
        .write(|tx| {
            Box::pin(async move {
                let key = input.idempotency_key.as_str();
                let user = author.uuid();
                match idempotency::begin(tx, user, OPERATION, key, input.input_hash, now).await? {
                    Begin::Fresh => {}
                    Begin::Replay(response) => return replayed(tx, &response).await,
                    Begin::Reused => {
                        let message = "the idempotency key was used with another input";
                        return Err(Refusal::conflict("IDEMPOTENCY_KEY_REUSED", message));
                    }
                    Begin::InUse => {
                        let message = "a request with this idempotency key is still running";
                        return Err(Refusal::conflict("IDEMPOTENCY_KEY_IN_USE", message));
                    }
                }
                let mut review = review.clone();
                let fingerprint = Fingerprint::of(review.title.as_deref(), review.body.as_deref());
                review.text_hash = fingerprint.map(|fingerprint| fingerprint.exact);
                let verdict = verdict(tx, &review, fingerprint).await?;
                decide(&mut review, &verdict, now);
                write::insert(tx, now, &review).await?;
                copies::remember(tx, &review, fingerprint).await?;
                count(tx, core, author, origin, now).await?;
                log_verdict(tx, now, None, &review, &verdict).await?;
                let response = json!({ "reviewId": ReviewId(review.id) });
                idempotency::finish(tx, user, OPERATION, key, &response).await?;
                let grounds = Grounds { reason: None, note: None };
                follow(tx, now, None, &review, grounds).await?;
                Ok(review)
            })
        })
        .await;
    match stored {
        Err(Refusal::Database(error)) if is_unique_violation(&error) => {
            let existing = read::own_reviews(core.database.read(), author.uuid(), &[input.subject])
                .await?
                .remove(&input.subject);
            match existing {
                Some(existing) => Err(Refusal::Duplicate { existing: Some(Box::new(existing)) }),
                None => Err(Refusal::Database(error)),
            }
        }
        stored => stored,
    }
}

async fn replayed(
    tx: &Transaction<'_>,
    response: &serde_json::Value,
) -> Result<review::Model, Refusal> {
    let id = response["reviewId"].as_str().and_then(ReviewId::parse);
    let review = match id {
        Some(id) => read::review(tx, id.uuid()).await?,
        None => None,
    };
    review.ok_or(Refusal::NotFound("review"))
}

/// Publishes what the rules do not object to; the rest waits for a person. What still waits
/// for payments is judged when payments has answered.
pub(super) fn decide(review: &mut review::Model, verdict: &Verdict, now: Timestamp) {
    if review.is_waiting_for_verification() {
        return;
    }
    if verdict.publishes() {
        Status::Published.as_str().clone_into(&mut review.status);
        review.published_at = review.published_at.or(Some(now.0));
        review.queued_at = None;
    } else {
        review.queued_at = Some(now.0);
    }
}

/// Counts the review against the limits of its author and of the client's address.
async fn count(
    tx: &Transaction<'_>,
    core: &Core,
    author: UserId,
    origin: &RequestOrigin,
    now: Timestamp,
) -> Result<(), Refusal> {
    let per_day = |most| Limit { most, window_ms: DAY_MS };
    let key = rate_key("reviews", author.uuid());
    limits::hit(tx, &key, per_day(core.rules.reviews_per_day), now)
        .await?
        .map_err(Refusal::RateLimited)?;
    let Some(ip) = origin.ip.filter(|ip| core.rules.limit_loopback || !ip.is_loopback()) else {
        return Ok(());
    };
    let key = format!("reviews:address:{ip}");
    limits::hit(tx, &key, per_day(core.rules.reviews_per_address_per_day), now)
        .await?
        .map_err(Refusal::RateLimited)
}

/// What the rules say about the review's present text.
pub(super) async fn verdict(
    tx: &Transaction<'_>,
    review: &review::Model,
    fingerprint: Option<Fingerprint>,
) -> Result<Verdict, Refusal> {
    let same_text_by_others = match fingerprint {
        Some(fingerprint) => copies::by_others(tx, review.author_id, fingerprint).await?,
        None => 0,
    };
    Ok(judge(&Submission {
        title: review.title.as_deref(),
        body: review.body.as_deref(),
        locale: &review.locale,
        same_text_by_others,
    }))
}

/// Logs what the rules decided, and why.
pub(super) async fn log_verdict(
    tx: &Transaction<'_>,
    now: Timestamp,
    before: Option<Status>,
    after: &review::Model,
    verdict: &Verdict,
) -> Result<(), Refusal> {
    let explanation = if after.is_waiting_for_verification() {
        Some("waiting for the purchase to be confirmed".to_owned())
    } else {
        verdict.explanation()
    };
    let decision = write::Decision {
        from: before,
        to: after.status(),
        reason: verdict.reason().filter(|_| !verdict.publishes()),
        note: explanation.as_deref(),
        actor: None,
        automatic: true,
    };
    Ok(write::log_decision(tx, now, after.id, decision).await?)
}

/// What a review says, cleaned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub rating: i32,
    pub title: Option<String>,
    pub body: Option<String>,
}

impl Content {
    pub(super) fn clean(
        rating: i32,
        title: Option<&str>,
        body: Option<&str>,
    ) -> Result<Self, Refusal> {
        if !(1..=5).contains(&rating) {
            let message = "must be a whole number of stars from 1 to 5";
            return Err(Refusal::invalid(message, &["input", "rating"]));
        }
        let title = clean_line(title.unwrap_or_default(), MAX_TITLE)
            .map_err(|error| Refusal::invalid(error.to_string(), &["input", "title"]))?;
        let body = clean_text(body.unwrap_or_default(), MAX_BODY)
            .map_err(|error| Refusal::invalid(error.to_string(), &["input", "body"]))?;
        for (text, path) in [(&title, "title"), (&body, "body")] {
            if text.as_deref().is_some_and(contains_card_number) {
                return Err(Refusal::ContentRejected {
                    reason: Reason::PersonalData,
                    message: "contains a payment card number, which is never stored".to_owned(),
                    path: vec!["input", path],
                });
            }
        }
        Ok(Self { rating, title, body })
    }
}
