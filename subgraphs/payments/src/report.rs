//! The settlement report: what a processor says it has moved, line by line against our books.

use std::{collections::BTreeMap, fmt};

use kit::{Timestamp, id::PaymentAttemptId};
use sea_orm::{DbErr, entity::prelude::*};

use crate::{
    app::App,
    connector::{ConnectorError, SettlementKind},
    entity::{
        payment::{self, CaptureMethod},
        payment_attempt::{self, AttemptOperation, AttemptStatus},
        payout,
    },
    money::Money,
    state::PayoutStatus,
};

/// What one line was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    Matched,
    /// The processor has it, we do not.
    MissingHere,
    /// We have it, the processor does not.
    MissingThere,
    /// Both have it, with different amounts.
    Different,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub attempt: PaymentAttemptId,
    pub kind: SettlementKind,
    pub ours: Option<Money>,
    pub theirs: Option<Money>,
}

impl Line {
    pub fn verdict(&self) -> Match {
        match (self.ours, self.theirs) {
            (Some(ours), Some(theirs)) if ours == theirs => Match::Matched,
            (Some(_), Some(_)) => Match::Different,
            (None, _) => Match::MissingHere,
            (Some(_), None) => Match::MissingThere,
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |money: Option<Money>| money.map_or_else(|| "-".to_owned(), |m| m.to_string());
        let Self { attempt, kind, ours, theirs } = self;
        let verdict = match self.verdict() {
            Match::Matched => "matched",
            Match::MissingHere => "missing here",
            Match::MissingThere => "missing there",
            Match::Different => "different",
        };
        write!(formatter, "{verdict}\t{kind:?}\t{attempt}\t{}\t{}", text(*ours), text(*theirs))
    }
}

/// The whole report; lines in the order of their attempts.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub lines: Vec<Line>,
}

impl Report {
    pub fn count(&self, verdict: Match) -> usize {
        self.lines.iter().filter(|line| line.verdict() == verdict).count()
    }

    /// Everything agrees.
    pub fn is_clean(&self) -> bool {
        self.count(Match::Matched) == self.lines.len()
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    #[error("the database failed")]
    Storage(#[from] DbErr),
}

/// Compares what the processor settled in a range with what we have on record for it.
pub async fn settlement(
    app: &App,
    connector: &str,
    from: Timestamp,
    to: Timestamp,
) -> Result<Report, ReportError> {
    let theirs = app.connectors.named(connector)?.settlement(from, to).await?;
    let mut lines: BTreeMap<(PaymentAttemptId, SettlementKind), Line> = BTreeMap::new();
    for (attempt, kind, amount) in ours(app, connector, from, to).await? {
        let line = Line { attempt, kind, ours: Some(amount), theirs: None };
        lines.insert((attempt, kind), line);
    }
    for line in theirs {
        let entry = lines.entry((line.attempt, line.kind)).or_insert(Line {
            attempt: line.attempt,
            kind: line.kind,
            ours: None,
            theirs: None,
        });
        entry.theirs = Some(line.amount);
    }
    // A line at the edge of the range may be on the other side of it for us.
    for line in lines.values_mut().filter(|line| line.ours.is_none()) {
        line.ours = recorded(app, line.attempt).await?;
    }
    Ok(Report { lines: lines.into_values().collect() })
}

async fn ours(
    app: &App,
    connector: &str,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(PaymentAttemptId, SettlementKind, Money)>, DbErr> {
    let rows = payment_attempt::Entity::find()
        .filter(payment_attempt::Column::Connector.eq(connector))
        .filter(payment_attempt::Column::Status.eq(AttemptStatus::Succeeded))
        .filter(payment_attempt::Column::StartedAt.gte(from))
        .filter(payment_attempt::Column::StartedAt.lt(to))
        .all(app.database.read())
        .await?;
    let mut found = Vec::new();
    for row in rows {
        let kind = match row.op {
            AttemptOperation::Capture => SettlementKind::Charge,
            AttemptOperation::Refund => SettlementKind::Refund,
            AttemptOperation::Payout if arrives(app, &row).await? => SettlementKind::Payout,
            AttemptOperation::Authorize if charges(app, &row).await? => SettlementKind::Charge,
            _ => continue,
        };
        found.push((row.id, kind, row.money()));
    }
    Ok(found)
}

/// Did this authorisation take the money at once?
async fn charges(app: &App, row: &payment_attempt::Model) -> Result<bool, DbErr> {
    let Some(id) = row.payment_id else { return Ok(false) };
    let payment = payment::Entity::find_by_id(id).one(app.database.read()).await?;
    Ok(payment.is_some_and(|row| row.capture_method == CaptureMethod::Automatic))
}

/// Is this payout on its way or there? One that failed came back.
async fn arrives(app: &App, row: &payment_attempt::Model) -> Result<bool, DbErr> {
    let Some(id) = row.payout_id else { return Ok(false) };
    let payout = payout::Entity::find_by_id(id).one(app.database.read()).await?;
    Ok(payout.is_some_and(|row| matches!(row.status, PayoutStatus::InTransit | PayoutStatus::Paid)))
}

async fn recorded(app: &App, id: PaymentAttemptId) -> Result<Option<Money>, DbErr> {
    let row = payment_attempt::Entity::find_by_id(id).one(app.database.read()).await?;
    Ok(row.filter(|row| row.status == AttemptStatus::Succeeded).map(|row| row.money()))
}
