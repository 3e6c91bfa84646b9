//! Following another service's feed: poll, apply, remember, all exactly once.
//!
//! Each event is applied in one transaction with the cursor and its id in `inbox`, so a crash
//! repeats nothing. An unreachable feed or a failing handler is retried for ever, slower and
//! slower; other consumers are not affected.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sea_query::OnConflict;
use sea_orm::{DbErr, EntityTrait, Set, TryInsertResult};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Event, FeedPage, Handler};
use crate::clock::Clock;
use crate::database::Database;
use crate::entity::{cursor, inbox};
use crate::settings::Secret;

const PAGE: u64 = 200;
const IDLE: Duration = Duration::from_millis(500);
const SLOWEST: Duration = Duration::from_secs(10);

/// Why a poll of a feed failed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error("cannot reach the feed: {source}")]
    Unreachable { source: reqwest::Error },
    #[error("the feed answered {status}")]
    Refused { status: u16 },
    #[error("cannot apply event {seq}: {source}")]
    Apply { seq: i64, source: DbErr },
    #[error("cannot read the cursor: {source}")]
    Cursor { source: DbErr },
}

/// Applies the events of one source to one database.
#[derive(Clone)]
pub struct Consumer {
    source: String,
    url: String,
    credential: Secret,
    database: Database,
    clock: Clock,
    handler: Arc<dyn Handler>,
    client: reqwest::Client,
    progress: watch::Sender<Position>,
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("source", &self.source).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Position {
    applied: i64,
    /// The last poll found nothing more.
    caught_up: bool,
}

impl Consumer {
    /// Follows `{base_url}/internal/events` under the name `source` (one cursor per name), with a
    /// service credential of the scope `events:read`.
    pub fn new(
        source: &str,
        base_url: &str,
        credential: Secret,
        database: Database,
        clock: Clock,
        handler: Arc<dyn Handler>,
    ) -> Self {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .build()
            .expect("a client without special options can be built");
        Self {
            source: source.to_owned(),
            url: format!("{}/internal/events", base_url.trim_end_matches('/')),
            credential,
            database,
            clock,
            handler,
            client,
            progress: watch::Sender::default(),
        }
    }

    /// Lets others wait for this consumer.
    pub fn progress(&self) -> Progress {
        Progress { position: self.progress.subscribe() }
    }

    /// Follows the feed until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut failures: u32 = 0;
        loop {
            let pause = match self.poll().await {
                Ok(applied) if applied >= PAGE => Duration::ZERO,
                Ok(_) => {
                    failures = 0;
                    IDLE
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    self.report(&error, failures);
                    IDLE.saturating_mul(2_u32.saturating_pow(failures.min(6))).min(SLOWEST)
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn report(&self, error: &FollowError, failures: u32) {
        // The source may just not have started yet; after half a minute somebody should know.
        if failures < 5 && matches!(error, FollowError::Unreachable { .. }) {
            tracing::debug!(source = %self.source, error = %error, "feed not reachable yet");
        } else {
            tracing::warn!(source = %self.source, error = %error, failures, "cannot follow the feed");
        }
        metrics::counter!("feed_failures_total", "source" => self.source.clone()).increment(1);
    }

    /// Fetches and applies one page; returns how many events it had.
    pub async fn poll(&self) -> Result<u64, FollowError> {
        let after = self.position().await.map_err(|source| FollowError::Cursor { source })?;
        let page = self.fetch(after).await?;
        for event in &page.events {
            self.apply(event)
                .await
                .map_err(|source| FollowError::Apply { seq: event.seq, source })?;
            self.progress.send_modify(|position| position.applied = event.seq);
        }
        let count = u64::try_from(page.events.len()).unwrap_or(u64::MAX);
        self.progress.send_modify(|position| {
            position.applied = position.applied.max(after);
            position.caught_up = count < PAGE;
        });
        Ok(count)
    }

    async fn position(&self) -> Result<i64, DbErr> {
        let cursor =
            cursor::Entity::find_by_id(self.source.clone()).one(self.database.read()).await?;
        Ok(cursor.map_or(0, |cursor| cursor.seq))
    }

    async fn fetch(&self, after: i64) -> Result<FeedPage, FollowError> {
        let unreachable = |source| FollowError::Unreachable { source };
        let answer = self
            .client
            .get(format!("{}?after={after}&limit={PAGE}", self.url))
            .bearer_auth(self.credential.expose())
            .send()
            .await
            .map_err(unreachable)?;
        if !answer.status().is_success() {
            return Err(FollowError::Refused { status: answer.status().as_u16() });
        }
        answer.json().await.map_err(unreachable)
    }

    async fn apply(&self, event: &Event) -> Result<(), DbErr> {
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let now = self.clock.now();
                    let row = inbox::ActiveModel {
                        event_id: Set(event.id.uuid()),
                        source: Set(self.source.clone()),
                        at: Set(now.0),
                    };
                    let new = inbox::Entity::insert(row)
                        .on_conflict(
                            OnConflict::column(inbox::Column::EventId).do_nothing().to_owned(),
                        )
                        .try_insert()
                        .exec_without_returning(tx)
                        .await?;
                    if matches!(new, TryInsertResult::Inserted(1..)) && !event.is_redacted() {
                        self.handler.apply(tx, event).await?;
                    }
                    let moved = cursor::ActiveModel {
                        source: Set(self.source.clone()),
                        seq: Set(event.seq),
                        updated_at: Set(now.0),
                    };
                    cursor::Entity::insert(moved)
                        .on_conflict(
                            OnConflict::column(cursor::Column::Source)
                                .update_columns([cursor::Column::Seq, cursor::Column::UpdatedAt])
                                .to_owned(),
                        )
                        .exec_without_returning(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }
}

/// How far a consumer is.
#[derive(Debug, Clone)]
pub struct Progress {
    position: watch::Receiver<Position>,
}

impl Progress {
    /// Waits until the event with this number has been applied. Returns early when the consumer
    /// has ended.
    pub async fn reached(&mut self, seq: i64) {
        // An error means that the consumer is gone: nothing to wait for.
        drop(self.position.wait_for(|position| position.applied >= seq).await);
    }

    /// Waits until a poll has found nothing more.
    pub async fn caught_up(&mut self) {
        drop(self.position.wait_for(|position| position.caught_up).await);
    }

    /// Has a poll found nothing more since the start?
    pub fn is_caught_up(&self) -> bool {
        self.position.borrow().caught_up
    }
}
