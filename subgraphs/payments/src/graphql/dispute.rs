//! Disputes.

use std::sync::Arc;

use async_graphql::{ID, Object};
use kit::graphql::DateTime;

use super::{payment::Payment, reader::PaymentRow, value::MoneyValue};
use crate::{entity::dispute, state::DisputeStatus};

#[derive(Clone, Debug)]
pub(crate) struct Dispute {
    pub(super) row: Arc<dispute::Model>,
    pub(super) payment: Arc<PaymentRow>,
}

#[Object]
impl Dispute {
    pub(super) async fn id(&self) -> ID {
        self.row.id.into()
    }

    async fn payment(&self) -> Payment {
        Payment(self.payment.clone())
    }

    async fn amount(&self) -> MoneyValue {
        self.row.money(self.row.amount).into()
    }

    async fn fee(&self) -> MoneyValue {
        self.row.money(self.row.fee).into()
    }

    async fn status(&self) -> DisputeStatus {
        self.row.status
    }

    async fn reason(&self) -> &str {
        &self.row.reason
    }

    async fn evidence_due_by(&self) -> Option<DateTime> {
        self.row.evidence_due_by
    }

    async fn opened_at(&self) -> DateTime {
        self.row.opened_at
    }

    async fn closed_at(&self) -> Option<DateTime> {
        self.row.closed_at
    }
}
