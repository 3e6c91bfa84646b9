//! Sends what is in the outbox.
//!
//! Any number of workers may run, in any number of processes: each leases a few rows for a
//! minute and writes the outcome only while it still holds the lease. A worker that dies leaves
//! rows that are leased again when the minute is over.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sea_query::{Condition, LockBehavior, LockType, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    QuerySelect,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::transport::{Delivery, SendError, Transport, from_settings};
use super::{Recipients, Templates, status, suppression};
use crate::clock::{Clock, Timestamp};
use crate::database::Database;
use crate::entity::outbox::{Column, Entity, Model};
use crate::id::{UserId, new_id};
use crate::settings::{MailSettings, SettingsError};

const LEASE: Duration = Duration::from_mins(1);
const BATCH: u64 = 10;
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_ATTEMPTS: i32 = 12;
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// Permanent failures after which an address gets no more mail.
const FAILURES_TO_SUPPRESS: u64 = 3;

/// Why a mail is dead.
mod failure {
    pub(super) const PERMANENT: &str = "PERMANENT";
    pub(super) const EXHAUSTED: &str = "EXHAUSTED";
    pub(super) const TEMPLATE: &str = "TEMPLATE";
}

/// One worker.
#[derive(Clone)]
pub struct Worker {
    name: String,
    database: Database,
    clock: Clock,
    templates: Arc<dyn Templates>,
    transport: Arc<dyn Transport>,
    recipients: Option<Arc<dyn Recipients>>,
    poll: Duration,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Worker {
    pub fn new(
        settings: &MailSettings,
        database: &Database,
        clock: &Clock,
        templates: Arc<dyn Templates>,
    ) -> Result<Self, SettingsError> {
        let transport = Arc::from(from_settings(settings, database, clock)?);
        Ok(Self::with_transport(database, clock, templates, transport, settings.poll.0))
    }

    /// A worker with a transport of one's own.
    pub fn with_transport(
        database: &Database,
        clock: &Clock,
        templates: Arc<dyn Templates>,
        transport: Arc<dyn Transport>,
        poll: Duration,
    ) -> Self {
        Self {
            name: new_id(clock.now()).to_string(),
            database: database.clone(),
            clock: clock.clone(),
            templates,
            transport,
            recipients: None,
            poll,
        }
    }

    /// Resolves mails that are addressed to people's ids.
    #[must_use]
    pub fn with_recipients(self, recipients: Option<Arc<dyn Recipients>>) -> Self {
        Self { recipients, ..self }
    }

    /// The same worker under another name: leases belong to names.
    #[must_use]
    pub fn twin(&self) -> Self {
        Self { name: new_id(self.clock.now()).to_string(), ..self.clone() }
    }

    /// Works until `shutdown`; then gives back what it has leased and not sent.
    pub async fn run(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let pause = match self.work_once(&shutdown).await {
                Ok(0) => self.poll,
                Ok(_) => continue,
                Err(error) => {
                    tracing::error!(error = %error, "the outbox cannot be read");
                    self.poll.max(Duration::from_secs(1))
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        if let Err(error) = self.release().await {
            tracing::warn!(error = %error, "leases not released; they end by themselves");
        }
    }

    /// Leases and handles one batch; returns how many mails it had.
    pub async fn work_once(&self, shutdown: &CancellationToken) -> Result<usize, DbErr> {
        if !self.anything_due().await? {
            return Ok(0);
        }
        let leased = self.lease().await?;
        for mail in &leased {
            if shutdown.is_cancelled() {
                break;
            }
            self.handle(mail).await?;
        }
        Ok(leased.len())
    }

    async fn anything_due(&self) -> Result<bool, DbErr> {
        let now = self.clock.now();
        let due = Entity::find().filter(due(now)).limit(1).count(self.database.read()).await?;
        Ok(due > 0)
    }

    /// Takes up to [`BATCH`] due rows. The outer condition repeats the inner one on purpose:
    /// PostgreSQL checks only the outer one again after it has waited for a lock.
    pub(crate) async fn lease(&self) -> Result<Vec<Model>, DbErr> {
        let now = self.clock.now();
        let mut ids: Vec<Uuid> = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    let candidates = candidates(now, tx.get_database_backend());
                    let update = Query::update()
                        .table(Entity)
                        .value(Column::LeaseOwner, self.name.as_str())
                        .value(Column::LeaseUntil, now.plus(LEASE).0)
                        .cond_where(
                            Condition::all().add(Column::Id.in_subquery(candidates)).add(free(now)),
                        )
                        .returning_col(Column::Id)
                        .to_owned();
                    let rows = tx.query_all_raw(tx.get_database_backend().build(&update)).await?;
                    rows.iter().map(|row| row.try_get("", "id")).collect::<Result<_, DbErr>>()
                })
            })
            .await?;
        ids.sort();
        let mut mails =
            Entity::find().filter(Column::Id.is_in(ids)).all(self.database.read()).await?;
        mails.sort_by_key(|mail| mail.id);
        Ok(mails)
    }

    async fn handle(&self, mail: &Model) -> Result<(), DbErr> {
        let (to, locale) = match self.resolve(mail).await {
            Resolved::Address { to, locale } => (to, locale),
            Resolved::Nobody => return self.suppressed(mail).await,
            Resolved::Later(message) => return self.retry(mail, &message).await,
            Resolved::Never(message) => return self.bury(mail, failure::PERMANENT, &message).await,
        };
        let rendered =
            serde_json::from_str(&mail.data).map_err(|error| error.to_string()).and_then(|data| {
                self.templates
                    .render(&mail.template, &locale, &data)
                    .map_err(|error| error.to_string())
            });
        let rendered = match rendered {
            Ok(rendered) => rendered,
            Err(message) => return self.bury(mail, failure::TEMPLATE, &message).await,
        };
        let delivery =
            Delivery { id: mail.id, to: &to, template: &mail.template, rendered: &rendered };
        let sent = tokio::time::timeout(SEND_TIMEOUT, self.transport.send(&delivery)).await;
        match sent {
            Ok(Ok(())) => self.sent(mail).await,
            Ok(Err(SendError::Permanent { message })) => {
                self.bury(mail, failure::PERMANENT, &message).await?;
                self.suppress_after_failures(mail, &to).await
            }
            Ok(Err(SendError::Transient { message })) => self.retry(mail, &message).await,
            Err(_) => self.retry(mail, "the transport took too long").await,
        }
    }

    /// The address, which for a person's id has to be asked for.
    async fn resolve(&self, mail: &Model) -> Resolved {
        let Some(user) = UserId::parse(&mail.recipient) else {
            return Resolved::Address { to: mail.recipient.clone(), locale: mail.locale.clone() };
        };
        let Some(recipients) = &self.recipients else {
            return Resolved::Never("nobody resolves people's addresses here".to_owned());
        };
        match recipients.contact(user).await {
            Ok(Some(contact)) => {
                match suppression::is_suppressed(self.database.read(), &contact.email).await {
                    Ok(false) => Resolved::Address { to: contact.email, locale: contact.locale },
                    Ok(true) => Resolved::Nobody,
                    Err(error) => Resolved::Later(error.to_string()),
                }
            }
            Ok(None) => Resolved::Nobody,
            Err(error) => Resolved::Later(error.to_string()),
        }
    }

    async fn suppressed(&self, mail: &Model) -> Result<(), DbErr> {
        count(mail, "suppressed");
        self.settle(mail, |row| {
            row.value(Column::Status, status::SUPPRESSED).value(Column::Data, "{}");
        })
        .await
    }

    async fn sent(&self, mail: &Model) -> Result<(), DbErr> {
        count(mail, "sent");
        let now = self.clock.now();
        // The data may hold a link with a token; it has served its purpose.
        self.settle(mail, |row| {
            row.value(Column::Status, status::SENT)
                .value(Column::SentAt, now.0)
                .value(Column::Data, "{}")
                .value(Column::LastError, Option::<String>::None);
        })
        .await
    }

    async fn retry(&self, mail: &Model, message: &str) -> Result<(), DbErr> {
        if mail.attempts + 1 >= MAX_ATTEMPTS {
            return self.bury(mail, failure::EXHAUSTED, message).await;
        }
        count(mail, "retry");
        tracing::warn!(mail = %mail.id, template = %mail.template, attempts = mail.attempts + 1, error = message, "mail not sent yet");
        let next = self.clock.now().plus(pause_after(mail.attempts));
        self.settle(mail, |row| {
            row.value(Column::NextAttemptAt, next.0).value(Column::LastError, message);
        })
        .await
    }

    async fn bury(&self, mail: &Model, failure: &str, message: &str) -> Result<(), DbErr> {
        count(mail, "dead");
        tracing::error!(mail = %mail.id, template = %mail.template, failure, error = message, "mail is dead");
        self.settle(mail, |row| {
            row.value(Column::Status, status::DEAD)
                .value(Column::Failure, failure)
                .value(Column::LastError, message);
        })
        .await
    }

    /// `to` is where the mail went, which is not always what it was queued for.
    async fn suppress_after_failures(&self, mail: &Model, to: &str) -> Result<(), DbErr> {
        let failures = Entity::find()
            .filter(Column::Recipient.eq(mail.recipient.as_str()))
            .filter(Column::Failure.eq(failure::PERMANENT))
            .count(self.database.read())
            .await?;
        if failures < FAILURES_TO_SUPPRESS {
            return Ok(());
        }
        let now = self.clock.now();
        self.database.write(|tx| Box::pin(suppression::suppress(tx, to, "BOUNCED", now))).await
    }

    /// Writes an outcome, if the lease is still ours: otherwise another worker has the mail.
    async fn settle(
        &self,
        mail: &Model,
        change: impl Fn(&mut sea_orm::sea_query::UpdateStatement) + Send + Sync,
    ) -> Result<(), DbErr> {
        let now = self.clock.now();
        let mut update = Query::update()
            .table(Entity)
            .value(Column::Attempts, mail.attempts + 1)
            .value(Column::LeaseOwner, Option::<String>::None)
            .value(Column::LeaseUntil, Option::<i64>::None)
            .value(Column::UpdatedAt, now.0)
            .cond_where(
                Condition::all()
                    .add(Column::Id.eq(mail.id))
                    .add(Column::LeaseOwner.eq(self.name.as_str()))
                    .add(Column::Status.eq(status::QUEUED)),
            )
            .to_owned();
        change(&mut update);
        let update = &update;
        let outcome = self.database.write(|tx| Box::pin(tx.execute(update))).await?;
        if outcome.rows_affected() == 0 {
            tracing::warn!(mail = %mail.id, "the lease ran out while sending");
        }
        Ok(())
    }

    async fn release(&self) -> Result<(), DbErr> {
        let update = &Query::update()
            .table(Entity)
            .value(Column::LeaseOwner, Option::<String>::None)
            .value(Column::LeaseUntil, Option::<i64>::None)
            .cond_where(Column::LeaseOwner.eq(self.name.as_str()))
            .to_owned();
        self.database.write(|tx| Box::pin(tx.execute(update))).await.map(drop)
    }
}

/// To whom a mail goes.
enum Resolved {
    Address { to: String, locale: String },
    Nobody,
    Later(String),
    Never(String),
}

fn count(mail: &Model, outcome: &'static str) {
    metrics::counter!("mails_total", "template" => mail.template.clone(), "outcome" => outcome)
        .increment(1);
}

fn free(now: Timestamp) -> Condition {
    Condition::any().add(Column::LeaseUntil.is_null()).add(Column::LeaseUntil.lt(now.0))
}

fn due(now: Timestamp) -> Condition {
    Condition::all()
        .add(Column::Status.eq(status::QUEUED))
        .add(Column::NextAttemptAt.lte(now.0))
        .add(free(now))
}

fn candidates(now: Timestamp, backend: DbBackend) -> SelectStatement {
    let mut select = Query::select()
        .column(Column::Id)
        .from(Entity)
        .cond_where(due(now))
        .order_by(Column::NextAttemptAt, sea_orm::Order::Asc)
        .order_by(Column::Id, sea_orm::Order::Asc)
        .limit(BATCH)
        .to_owned();
    if backend == DbBackend::Postgres {
        select.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    select
}

/// 10 s · 2ⁿ, at most an hour, anywhere between nothing and that.
fn pause_after(attempts: i32) -> Duration {
    let factor = 2_u32.saturating_pow(attempts.unsigned_abs());
    let ceiling = FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE);
    ceiling.mul_f64(rand::random::<f64>())
}
