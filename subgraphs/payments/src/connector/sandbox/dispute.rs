//! The sandbox's disputes: some test cards contest what was taken from them. Evidence decides:
//! `winning_evidence` wins, `losing_evidence` or none loses, anything else waits for a verdict.

use std::time::Duration;

use kit::{Timestamp, Transaction};
use sea_orm::{ActiveValue::Set, entity::prelude::*};

use super::{Sandbox, event};
use crate::{
    connector::{DisputeAnswer, DisputeReport, DisputeVerdict},
    entity::{
        sandbox_dispute::{ActiveModel, Column, Entity},
        sandbox_operation,
    },
    money::Money,
};

/// In the code of an authorisation: its card contests what is captured, for the reason behind it.
pub(super) const DISPUTES: &str = "disputes:";
const RESPONSE_TIME: Duration = Duration::from_hours(7 * 24);
/// In hundredths of a major unit.
const FEE_HUNDREDTHS: i64 = 1500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DisputeBooking {
    NeedsResponse,
    UnderReview,
    Won,
    Lost,
}

/// Contests what was captured of an authorisation, if its card is one that does.
pub(super) async fn open(
    tx: &Transaction<'_>,
    authorization: &sandbox_operation::Model,
    captured: i64,
    now: Timestamp,
) -> Result<(), DbErr> {
    let reason = authorization.code.as_deref().and_then(|code| code.strip_prefix(DISPUTES));
    let Some(reason) = reason else { return Ok(()) };
    let dispute_ref = format!("sbxdp_{}", authorization.reference.simple());
    let row = ActiveModel {
        dispute_ref: Set(dispute_ref.clone()),
        payment_ref: Set(authorization.processor_ref.clone()),
        amount: Set(captured),
        currency: Set(authorization.currency),
        fee: Set(authorization.currency.from_hundredths(FEE_HUNDREDTHS)),
        reason: Set(reason.to_owned()),
        state: Set(DisputeBooking::NeedsResponse),
        due_by: Set(now.plus(RESPONSE_TIME)),
        created_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    event::enqueue(tx, event::DISPUTE_CREATED, &dispute_ref, now).await
}

impl Sandbox {
    pub(super) async fn dispute_report(
        &self,
        dispute_ref: &str,
    ) -> Result<Option<DisputeReport>, DbErr> {
        let row = Entity::find_by_id(dispute_ref.to_owned()).one(self.database.read()).await?;
        Ok(row.map(|row| DisputeReport {
            verdict: match row.state {
                DisputeBooking::NeedsResponse => DisputeVerdict::NeedsResponse,
                DisputeBooking::UnderReview => DisputeVerdict::UnderReview,
                DisputeBooking::Won => DisputeVerdict::Won,
                DisputeBooking::Lost => DisputeVerdict::Lost,
            },
            amount: Money::new(row.amount, row.currency),
            fee: Money::new(row.fee, row.currency),
            dispute_ref: row.dispute_ref,
            processor_ref: row.payment_ref,
            reason: row.reason,
            evidence_due_by: Some(row.due_by),
        }))
    }

    pub(super) async fn book_answer(
        &self,
        dispute_ref: &str,
        answer: &DisputeAnswer,
    ) -> Result<(), DbErr> {
        let state = match answer {
            DisputeAnswer::Accept => DisputeBooking::Lost,
            DisputeAnswer::Contest { evidence } if evidence.contains("winning_evidence") => {
                DisputeBooking::Won
            }
            DisputeAnswer::Contest { evidence }
                if evidence.trim().is_empty() || evidence.contains("losing_evidence") =>
            {
                DisputeBooking::Lost
            }
            DisputeAnswer::Contest { .. } => DisputeBooking::UnderReview,
        };
        self.move_dispute(dispute_ref, DisputeBooking::NeedsResponse, state).await.map(drop)
    }

    /// The bank decides a dispute that is under review; `false` when there is none.
    pub async fn decide_dispute(&self, dispute_ref: &str, won: bool) -> Result<bool, DbErr> {
        let state = if won { DisputeBooking::Won } else { DisputeBooking::Lost };
        self.move_dispute(dispute_ref, DisputeBooking::UnderReview, state).await
    }

    async fn move_dispute(
        &self,
        dispute_ref: &str,
        from: DisputeBooking,
        to: DisputeBooking,
    ) -> Result<bool, DbErr> {
        let now = self.clock.now();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    let updated = Entity::update_many()
                        .col_expr(Column::State, Expr::value(to))
                        .filter(Column::DisputeRef.eq(dispute_ref))
                        .filter(Column::State.eq(from))
                        .exec(tx)
                        .await?;
                    if updated.rows_affected == 1 {
                        event::enqueue(tx, event::DISPUTE_UPDATED, dispute_ref, now).await?;
                    }
                    Ok(updated.rows_affected == 1)
                })
            })
            .await
    }
}
