//! The sandbox's payouts: under way for a moment, then paid, unless it was told to fail.

use std::sync::atomic::Ordering;

use kit::id::PaymentAttemptId;
use sea_orm::{ActiveValue::Set, entity::prelude::*};

use super::{Sandbox, processor_ref};
use crate::{
    connector::{Outcome, PayoutProgress, PayoutRequest},
    entity::sandbox_payout::{ActiveModel, Entity, Model},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PayoutBooking {
    InTransit,
    Paid,
    Failed,
}

impl Sandbox {
    pub(super) async fn book_payout(&self, request: &PayoutRequest) -> Outcome {
        let fails = self
            .failing_payouts
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok();
        let row = ActiveModel {
            reference: Set(request.attempt.uuid()),
            amount: Set(request.amount.minor),
            currency: Set(request.amount.currency),
            state: Set(if fails { PayoutBooking::Failed } else { PayoutBooking::InTransit }),
            failure: Set(fails.then(|| "account_closed".to_owned())),
            created_at: Set(self.clock.now()),
        };
        let (row, reference) = (&row, request.attempt.uuid());
        let booked: Result<(), DbErr> = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    if Entity::find_by_id(reference).one(tx).await?.is_none() {
                        Entity::insert(row.clone()).exec_without_returning(tx).await?;
                    }
                    Ok(())
                })
            })
            .await;
        match booked {
            Ok(()) => Outcome::Approved { processor_ref: processor_ref(reference) },
            Err(error) => Outcome::Unknown { reason: error.to_string() },
        }
    }

    pub(super) async fn payout_state(
        &self,
        attempt: PaymentAttemptId,
    ) -> Result<PayoutProgress, DbErr> {
        let row = Entity::find_by_id(attempt.uuid()).one(self.database.read()).await?;
        let processor_ref = processor_ref(attempt.uuid());
        Ok(row.map_or(PayoutProgress::NotFound, |row| match row.state {
            PayoutBooking::Failed => PayoutProgress::Failed {
                processor_ref,
                reason: row.failure.unwrap_or_else(|| "refused".to_owned()),
            },
            _ if self.has_arrived(&row) => PayoutProgress::Paid { processor_ref },
            _ => PayoutProgress::InTransit { processor_ref },
        }))
    }

    fn has_arrived(&self, row: &Model) -> bool {
        row.state == PayoutBooking::Paid
            || row.created_at.plus(self.rules.payout_transit) <= self.clock.now()
    }
}
