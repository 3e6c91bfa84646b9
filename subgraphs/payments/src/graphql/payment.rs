//! Payments and what happened to them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject, Union};
use kit::{
    PageArgs, connection,
    graphql::{DateTime, EmailDelivery, scopes},
    id::{OrderId, RefundId, RideId},
};
use sea_orm::{QueryOrder, entity::prelude::*};

use super::{
    context::{app, loaders, owner_or_support},
    dispute::Dispute,
    int,
    method::PaymentMethod,
    order::Order,
    reader::{Email, PaymentRow, RefundRow},
    refund::{Refund, RefundConnection},
    ride::Ride,
    user::User,
    value::{Decline, MoneyValue, NextActionKind, Split},
};
use crate::{
    entity::{
        ledger_entry, ledger_transaction,
        payment::{CaptureMethod, PurposeType},
        payment_attempt::{self, AttemptOperation, AttemptStatus},
    },
    mail::PAYMENT_RECEIPT,
    money::Money,
    state::PaymentStatus,
};

#[derive(Clone, Debug)]
pub(crate) struct Payment(pub(super) Arc<PaymentRow>);

#[derive(Clone, Debug, Union)]
pub(super) enum PaymentPurpose {
    Order(Order),
    Ride(Ride),
}

#[Object]
impl Payment {
    pub(super) async fn id(&self) -> ID {
        self.0.payment.id.into()
    }

    async fn payer(&self) -> Option<User> {
        Some(User(self.0.payment.payer_id))
    }

    async fn purpose(&self, ctx: &Context<'_>) -> Option<Result<PaymentPurpose>> {
        purpose(ctx, &self.0).await.transpose()
    }

    async fn amount(&self) -> MoneyValue {
        self.0.payment.money(self.0.payment.amount).into()
    }

    async fn amount_authorized(&self) -> MoneyValue {
        self.0.payment.money(self.0.payment.authorized).into()
    }

    async fn amount_capturable(&self) -> MoneyValue {
        self.0.payment.money(self.0.payment.capturable()).into()
    }

    async fn amount_captured(&self) -> MoneyValue {
        self.0.payment.money(self.0.payment.captured).into()
    }

    async fn amount_refunded(&self) -> MoneyValue {
        self.0.payment.money(self.0.payment.refunded).into()
    }

    async fn status(&self) -> PaymentStatus {
        self.0.payment.status
    }

    async fn capture_method(&self) -> CaptureMethod {
        self.0.payment.capture_method
    }

    async fn method(&self, ctx: &Context<'_>) -> Option<Result<PaymentMethod>> {
        let id = self.0.payment.method_id?;
        let now = app(ctx).now();
        match loaders(ctx).load(id).await {
            Ok(row) => row.map(|row| Ok(PaymentMethod { row, now })),
            Err(error) => Some(Err(error.into())),
        }
    }

    async fn next_action(&self, ctx: &Context<'_>) -> Option<PaymentNextAction> {
        let payment = &self.0.payment;
        let (key, expires_at) = (payment.action_key.as_deref()?, payment.action_expires_at?);
        (payment.status == PaymentStatus::RequiresAction).then(|| PaymentNextAction {
            kind: NextActionKind::ThreeDSecure,
            // The sandbox names a page of ours; other processors give its address.
            redirect_url: Some(if key.contains("://") {
                key.to_owned()
            } else {
                format!("{}/sandbox/3ds/{key}", app(ctx).public_url)
            }),
            expires_at,
        })
    }

    async fn last_error(&self) -> Option<Decline> {
        let payment = &self.0.payment;
        payment.last_decline.map(|code| Decline::new(code, payment.last_raw_code.clone()))
    }

    async fn attempts(&self) -> Vec<PaymentAttempt> {
        self.0.attempts.iter().map(PaymentAttempt::new).collect()
    }

    async fn refunds(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 20)] first: Option<i32>,
        after: Option<String>,
    ) -> RefundConnection {
        refunds(ctx, &self.0, PageArgs::new(first, after, None, None))
    }

    async fn disputes(&self) -> Vec<Dispute> {
        let disputes = self.0.disputes.iter();
        disputes
            .map(|row| Dispute { row: Arc::new(row.clone()), payment: self.0.clone() })
            .collect()
    }

    async fn splits(&self) -> Vec<Split> {
        // Shares of money that has not been taken yet are nobody's business.
        if self.0.payment.captured == 0 {
            return Vec::new();
        }
        let currency = self.0.payment.currency;
        self.0.splits.iter().map(|row| Split::new(row, currency)).collect()
    }

    async fn capture_before(&self) -> Option<DateTime> {
        self.0.payment.capture_before
    }

    async fn created_at(&self) -> DateTime {
        self.0.payment.created_at
    }

    async fn succeeded_at(&self) -> Option<DateTime> {
        self.0.payment.captured_at
    }

    async fn canceled_at(&self) -> Option<DateTime> {
        self.0.payment.canceled_at
    }

    #[graphql(tag = "private")]
    async fn confirmation_email(&self, ctx: &Context<'_>) -> Option<Result<EmailDelivery>> {
        if let Err(error) = owner_or_support(ctx, &self.0.payment.payer_id) {
            return Some(Err(error));
        }
        let key = Email(PAYMENT_RECEIPT, self.0.payment.id.uuid());
        loaders(ctx).load(key).await.map_err(Into::into).transpose()
    }

    #[graphql(requires_scopes = "payments:admin")]
    async fn ledger(&self, ctx: &Context<'_>) -> Option<Result<Vec<LedgerEntry>>> {
        Some(match scopes(ctx, &["payments:admin"]) {
            Ok(()) => ledger(ctx, &self.0).await,
            Err(error) => Err(error),
        })
    }

    async fn version(&self) -> i32 {
        int(self.0.payment.version)
    }
}

async fn purpose(ctx: &Context<'_>, row: &PaymentRow) -> Result<Option<PaymentPurpose>> {
    let id = row.payment.purpose_id;
    match row.payment.purpose_type {
        PurposeType::Order => match loaders(ctx).load(OrderId(id)).await? {
            Some(row) => Ok(Some(PaymentPurpose::Order(Order::new(row)?))),
            None => Ok(None),
        },
        PurposeType::Ride => {
            let ride = loaders(ctx).load(RideId(id)).await?;
            Ok(ride.map(|ride| PaymentPurpose::Ride(Ride::new(ride))))
        }
    }
}

/// A page of the refunds that were loaded with the payment; a cursor that does not fit gives an
/// empty page, because this field cannot be null.
fn refunds(ctx: &Context<'_>, row: &Arc<PaymentRow>, args: PageArgs) -> RefundConnection {
    const LIST: &str = "payment/refunds";
    let cursors = &app(ctx).cursors;
    let empty =
        || connection::Slice { rows: Vec::new(), has_next_page: false, has_previous_page: false };
    let slice = match args.validate() {
        Err(error) => {
            ctx.add_error(error.into_server_error(ctx.item.pos));
            empty()
        }
        Ok(page) => {
            let start = match &page.cursor {
                None => Ok(0),
                Some(cursor) => cursors.decode::<RefundId>(LIST, cursor).map(|id| {
                    row.refunds.iter().position(|refund| refund.id == id).map_or(0, |at| at + 1)
                }),
            };
            match start {
                Ok(start) => {
                    let fetch = usize::try_from(page.fetch()).unwrap_or(usize::MAX);
                    page.slice(row.refunds.iter().skip(start).take(fetch).cloned().collect())
                }
                Err(error) => {
                    ctx.add_error(error.into_server_error(ctx.item.pos));
                    empty()
                }
            }
        }
    };
    RefundConnection::new(slice, |refund| {
        let cursor = cursors.encode(LIST, &refund.id);
        (cursor, Refund(Arc::new(RefundRow { refund, payment: row.clone() })))
    })
}

async fn ledger(ctx: &Context<'_>, row: &PaymentRow) -> Result<Vec<LedgerEntry>> {
    let reader = app(ctx).database.read();
    let transactions = ledger_transaction::Entity::find()
        .filter(ledger_transaction::Column::PaymentId.eq(row.payment.id))
        .all(reader)
        .await?;
    let entries = ledger_entry::Entity::find()
        .filter(ledger_entry::Column::TxId.is_in(transactions.iter().map(|row| row.id)))
        .order_by_asc(ledger_entry::Column::Id)
        .all(reader)
        .await?;
    Ok(entries.iter().map(LedgerEntry::new).collect())
}

#[derive(Clone, Debug, SimpleObject)]
pub(super) struct PaymentNextAction {
    kind: NextActionKind,
    redirect_url: Option<String>,
    expires_at: DateTime,
}

#[derive(Clone, Debug, SimpleObject)]
pub(super) struct PaymentAttempt {
    id: ID,
    connector: String,
    operation: AttemptOperation,
    status: AttemptStatus,
    amount: MoneyValue,
    decline: Option<Decline>,
    started_at: DateTime,
    finished_at: Option<DateTime>,
}

impl PaymentAttempt {
    fn new(row: &payment_attempt::Model) -> Self {
        Self {
            id: row.id.into(),
            connector: row.connector.clone(),
            operation: row.op,
            status: row.status,
            amount: row.money().into(),
            decline: row.decline.map(|code| Decline::new(code, row.raw_code.clone())),
            started_at: row.started_at,
            finished_at: row.finished_at,
        }
    }
}

#[derive(Clone, Debug, SimpleObject)]
pub(super) struct LedgerEntry {
    id: ID,
    account: String,
    debit: Option<MoneyValue>,
    credit: Option<MoneyValue>,
    at: DateTime,
}

impl LedgerEntry {
    fn new(row: &ledger_entry::Model) -> Self {
        let side =
            |minor: i64| (minor > 0).then(|| MoneyValue::from(Money::new(minor, row.currency)));
        Self {
            id: kit::id::encode("led", row.id).into(),
            account: row.account.clone(),
            debit: side(row.debit),
            credit: side(row.credit),
            at: row.at,
        }
    }
}

connection!(PaymentConnection, PaymentEdge, Payment);
