//! What the sandbox says it has moved: its settlement file.

use kit::{Timestamp, id::PaymentAttemptId};
use sea_orm::{QueryOrder, entity::prelude::*};

use super::{BookingState, OperationKind, PayoutBooking, Sandbox};
use crate::{
    connector::{SettlementKind, SettlementLine},
    entity::{sandbox_operation, sandbox_payout},
    money::Money,
};

impl Sandbox {
    pub(super) async fn settled(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SettlementLine>, DbErr> {
        let reader = self.database.read();
        let operations = sandbox_operation::Entity::find()
            .filter(sandbox_operation::Column::CreatedAt.gte(from))
            .filter(sandbox_operation::Column::CreatedAt.lt(to))
            .order_by_asc(sandbox_operation::Column::Reference)
            .all(reader)
            .await?;
        let mut lines: Vec<SettlementLine> = operations
            .into_iter()
            .filter_map(|row| {
                let kind = match (row.op, row.state) {
                    (OperationKind::Authorize, BookingState::Captured) if row.capture => {
                        SettlementKind::Charge
                    }
                    (OperationKind::Capture, BookingState::Approved) => SettlementKind::Charge,
                    (OperationKind::Refund, BookingState::Approved) => SettlementKind::Refund,
                    _ => return None,
                };
                Some(line(row.reference, kind, Money::new(row.amount, row.currency)))
            })
            .collect();
        let payouts = sandbox_payout::Entity::find()
            .filter(sandbox_payout::Column::CreatedAt.gte(from))
            .filter(sandbox_payout::Column::CreatedAt.lt(to))
            .filter(sandbox_payout::Column::State.ne(PayoutBooking::Failed))
            .order_by_asc(sandbox_payout::Column::Reference)
            .all(reader)
            .await?;
        lines.extend(payouts.into_iter().map(|row| {
            let amount = Money::new(row.amount, row.currency);
            line(row.reference, SettlementKind::Payout, amount)
        }));
        Ok(lines)
    }
}

fn line(reference: Uuid, kind: SettlementKind, amount: Money) -> SettlementLine {
    SettlementLine { attempt: PaymentAttemptId(reference), kind, amount }
}
