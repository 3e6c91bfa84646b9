//! Payments: create, confirm, capture, cancel, ask. Each step is on record and committed before
//! a processor hears of it.

use kit::{
    Caller, Timestamp, Transaction,
    database::is_unique_violation,
    id::{OrderId, PaymentAttemptId, PaymentId, PaymentMethodId},
};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DbErr, PaginatorTrait, QueryOrder, entity::prelude::*,
};
use serde::Serialize;

use super::{
    attempt,
    card_tokens::CardTokens,
    idempotent::{Claim, Key, Recorded},
    method, risk, stock, transition,
};
use crate::{
    app::{App, key_owner, person},
    entity::{
        order,
        payment::{self, CaptureMethod, PaymentRole, PurposeType},
        payment_attempt::{self, AttemptOperation, AttemptStatus},
        payment_method,
    },
    money::Money,
    refusal::{Failure, Refusal},
    state::{OrderStatus, PaymentEvent, PaymentStatus},
};

/// Why a payment was given up; stored with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CancelReason {
    RequestedByCustomer,
    OrderCanceled,
    OrderExpired,
    RideCanceled,
    AttemptsExhausted,
    CaptureExpired,
    RidePaymentFailed,
}

impl CancelReason {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::RequestedByCustomer => "requested_by_customer",
            Self::OrderCanceled => "order_canceled",
            Self::OrderExpired => "order_expired",
            Self::RideCanceled => "ride_canceled",
            Self::AttemptsExhausted => "attempts_exhausted",
            Self::CaptureExpired => "capture_expired",
            Self::RidePaymentFailed => "ride_payment_failed",
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct CreatePayment {
    pub order_id: OrderId,
    pub capture_method: CaptureMethod,
}

/// Opens a payment for an order.
pub async fn create(
    app: &App,
    caller: &Caller,
    command: CreatePayment,
    idempotency_key: &str,
) -> Result<Recorded, Failure> {
    let payer = person(caller)?;
    let key = Key::new(key_owner(caller)?, "paymentCreate", idempotency_key, &command)?;
    let (command, key, now) = (&command, &key, app.now());
    let created = app
        .database
        .write(|tx| {
            Box::pin(async move {
                if let Claim::Replay(recorded) = key.claim(tx, now).await? {
                    return Ok(recorded);
                }
                let order = order::Entity::find_by_id(command.order_id)
                    .one(tx)
                    .await?
                    .filter(|row| row.buyer_id == payer)
                    .ok_or_else(|| {
                        Refusal::not_found("you have no such order", &["input", "orderId"])
                    })?;
                if order.status != OrderStatus::PendingPayment {
                    return Err(Refusal::state(order.status.to_value(), "paymentCreate").into());
                }
                let id = PaymentId::new(now);
                let row = payment::ActiveModel {
                    purpose_type: Set(PurposeType::Order),
                    purpose_id: Set(order.id.uuid()),
                    role: Set(PaymentRole::Order),
                    payer_id: Set(payer),
                    capture_method: Set(command.capture_method),
                    ..opened(id, order.currency, order.total_minor, now)
                };
                payment::Entity::insert(row).exec_without_returning(tx).await?;
                let recorded = Recorded::done(id);
                key.finish(tx, &recorded).await?;
                Ok(recorded)
            })
        })
        .await;
    match created {
        Err(Failure::Storage(error)) if is_unique_violation(&error) => {
            Err(Refusal::conflict("PAYMENT_EXISTS", "this order already has a payment").into())
        }
        created => created,
    }
}

/// A payment nobody has confirmed yet; purpose, payer and capture method are to be set.
pub(crate) fn opened(
    id: PaymentId,
    currency: crate::money::Currency,
    amount: i64,
    now: Timestamp,
) -> payment::ActiveModel {
    payment::ActiveModel {
        id: Set(id),
        currency: Set(currency),
        amount: Set(amount),
        authorized: Set(0),
        captured: Set(0),
        refund_reserved: Set(0),
        refunded: Set(0),
        status: Set(PaymentStatus::RequiresPaymentMethod),
        capture_method: Set(CaptureMethod::Automatic),
        method_id: Set(None),
        connector: Set(None),
        processor_ref: Set(None),
        last_decline: Set(None),
        last_raw_code: Set(None),
        declines: Set(0),
        cancel_reason: Set(None),
        action_key: Set(None),
        action_expires_at: Set(None),
        return_url: Set(None),
        capture_before: Set(None),
        captured_at: Set(None),
        canceled_at: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
        version: Set(1),
        ..Default::default()
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct Confirm {
    pub payment_id: PaymentId,
    pub payment_method_id: PaymentMethodId,
    pub return_url: Option<String>,
}

/// Charges (or authorises) a payment with one of the payer's cards.
pub async fn confirm(
    app: &App,
    caller: &Caller,
    command: Confirm,
    idempotency_key: &str,
) -> Result<Recorded, Failure> {
    let payer = person(caller)?;
    let key = Key::new(key_owner(caller)?, "paymentConfirm", idempotency_key, &command)?;
    check_return_url(command.return_url.as_deref())?;
    own(app.database.read(), command.payment_id, payer).await?;
    resolve_unknown(app, command.payment_id).await?;
    let (command, key, now) = (&command, &key, app.now());
    let begun = app
        .database
        .write(|tx| {
            Box::pin(async move {
                if let Claim::Replay(recorded) = key.claim(tx, now).await? {
                    return Ok(Begun::Done(recorded));
                }
                let row = own(tx, command.payment_id, payer).await?;
                let method = method::usable(tx, payer, command.payment_method_id, now).await?;
                risk::check(tx, app, payer, row.money(row.amount), now).await?;
                hold_stock(tx, app, &row, now).await?;
                let change = payment::ActiveModel {
                    method_id: Set(Some(method.id)),
                    connector: Set(Some(choose_connector(app, &method, row.money(row.amount))?)),
                    return_url: Set(command.return_url.clone()),
                    ..Default::default()
                };
                let event = PaymentEvent::Confirm;
                let row =
                    transition::payment(tx, &row, event, "paymentConfirm", now, change).await?;
                let intent = Intent {
                    op: AttemptOperation::Authorize,
                    amount: row.amount,
                    waiting: Some(key),
                };
                begin_attempt(tx, app, &row, intent, now).await.map(Begun::Attempt)
            })
        })
        .await?;
    begun.finish(app).await
}

/// The processor a payment goes to first: the best by the routes that has the card and is not
/// known to be out of reach.
pub(crate) fn choose_connector(
    app: &App,
    method: &payment_method::Model,
    amount: Money,
) -> Result<String, Failure> {
    let tokens = CardTokens::open(&app.secrets, &method.connector, &method.connector_token_enc)?;
    let country = method.funding_country.as_deref();
    let route = app.connectors.route(amount, method.brand, country, &tokens.connectors());
    let now = app.now();
    let awake = route.iter().find(|name| !app.connectors.is_resting(name, now));
    Ok(awake.or_else(|| route.first()).unwrap_or(&method.connector).clone())
}

/// A mutation after its first transaction: answered already, or an attempt to be made.
pub(crate) enum Begun {
    Done(Recorded),
    Attempt(PaymentAttemptId),
}

impl Begun {
    pub(crate) async fn finish(self, app: &App) -> Result<Recorded, Failure> {
        match self {
            Self::Done(recorded) => Ok(recorded),
            Self::Attempt(attempt) => attempt::run_all(app, attempt).await,
        }
    }
}

/// What is about to be asked of a processor.
pub(crate) struct Intent<'a> {
    pub(crate) op: AttemptOperation,
    pub(crate) amount: i64,
    /// The key of the mutation that waits for it.
    pub(crate) waiting: Option<&'a Key>,
}

/// Puts an attempt on record. The payment row has been changed in this transaction, so nobody
/// else can do the same at the same time.
pub(crate) async fn begin_attempt(
    tx: &impl ConnectionTrait,
    app: &App,
    row: &payment::Model,
    intent: Intent<'_>,
    now: Timestamp,
) -> Result<PaymentAttemptId, Failure> {
    let open = open_attempts(tx, row.id).await?;
    let alone = match intent.op {
        AttemptOperation::Void => open.iter().all(|attempt| {
            attempt.op == AttemptOperation::Authorize && row.status == PaymentStatus::RequiresAction
        }),
        AttemptOperation::Refund => true,
        _ => open.is_empty(),
    };
    if !alone {
        let message = "another operation on this payment is still running";
        return Err(Refusal::conflict("PAYMENT_BUSY", message).into());
    }
    let seq = payment_attempt::Entity::find()
        .filter(payment_attempt::Column::PaymentId.eq(row.id))
        .count(tx)
        .await?;
    let id = PaymentAttemptId::new(now);
    let attempt = payment_attempt::ActiveModel {
        id: Set(id),
        payment_id: Set(Some(row.id)),
        refund_id: Set(None),
        payout_id: Set(None),
        chain_id: Set(None),
        user_id: Set(row.payer_id),
        seq: Set(i64::try_from(seq).unwrap_or(i64::MAX) + 1),
        op: Set(intent.op),
        connector: Set(connector_of(row)?.to_owned()),
        connector_ref: Set(None),
        amount: Set(intent.amount),
        currency: Set(row.currency),
        status: Set(AttemptStatus::Pending),
        decline: Set(None),
        raw_code: Set(None),
        checks: Set(0),
        next_check_at: Set(Some(now.plus(app.config.processing.stale.0))),
        waiting_owner: Set(intent.waiting.map(Key::owner)),
        waiting_operation: Set(intent.waiting.map(|key| key.operation().to_owned())),
        waiting_key: Set(intent.waiting.map(|key| key.text().to_owned())),
        started_at: Set(now),
        finished_at: Set(None),
    };
    match payment_attempt::Entity::insert(attempt).exec_without_returning(tx).await {
        Ok(_) => Ok(id),
        Err(error) if is_unique_violation(&error) => {
            let message = "another operation on this payment is still running";
            Err(Refusal::conflict("PAYMENT_BUSY", message).into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn open_attempts(
    tx: &impl ConnectionTrait,
    id: PaymentId,
) -> Result<Vec<payment_attempt::Model>, DbErr> {
    payment_attempt::Entity::find()
        .filter(payment_attempt::Column::PaymentId.eq(id))
        .filter(payment_attempt::Column::Op.ne(AttemptOperation::Refund))
        .filter(
            payment_attempt::Column::Status.is_in([AttemptStatus::Pending, AttemptStatus::Unknown]),
        )
        .all(tx)
        .await
}

pub(crate) fn connector_of(row: &payment::Model) -> Result<&str, Failure> {
    row.connector
        .as_deref()
        .ok_or_else(|| Failure::Broken(format!("payment {} has no connector", row.id)))
}

/// The payer's own payment.
pub(crate) async fn own(
    tx: &impl ConnectionTrait,
    id: PaymentId,
    payer: kit::id::UserId,
) -> Result<payment::Model, Failure> {
    payment::Entity::find_by_id(id).one(tx).await?.filter(|row| row.payer_id == payer).ok_or_else(
        || Refusal::not_found("you have no such payment", &["input", "paymentId"]).into(),
    )
}

/// An order's stock is held, and will be long enough for the payment.
async fn hold_stock(
    tx: &Transaction<'_>,
    app: &App,
    row: &payment::Model,
    now: Timestamp,
) -> Result<(), Failure> {
    if row.role != PaymentRole::Order {
        return Ok(());
    }
    let order = order_of(tx, row).await?;
    if order.status != OrderStatus::PendingPayment {
        return Err(Refusal::state(order.status.to_value(), "paymentConfirm").into());
    }
    let lifetime = app.config.orders.reservation.0;
    match stock::hold_again(tx, order.id, now, lifetime).await? {
        Some(expires_at) => {
            order::Entity::update_many()
                .col_expr(order::Column::ReservationExpiresAt, Expr::value(expires_at))
                .filter(order::Column::Id.eq(order.id))
                .exec(tx)
                .await?;
            Ok(())
        }
        None => Err(sold_out(tx, order.id).await?.into()),
    }
}

/// Names the first product of an order there is not enough of any more.
pub(crate) async fn sold_out(
    tx: &impl ConnectionTrait,
    order_id: OrderId,
) -> Result<Refusal, Failure> {
    let lines = super::order::lines_of(tx, order_id).await?;
    for line in &lines {
        let available = stock::available(tx, line.product_id).await?;
        if available < line.qty {
            return Ok(Refusal::InsufficientStock {
                product_id: line.product_id,
                available,
                requested: line.qty,
                path: vec!["input".into()],
            });
        }
    }
    Ok(Refusal::conflict("CONFLICT", "the stock of this order changed; try again"))
}

pub(crate) async fn order_of(
    tx: &impl ConnectionTrait,
    row: &payment::Model,
) -> Result<order::Model, Failure> {
    order::Entity::find_by_id(OrderId(row.purpose_id))
        .one(tx)
        .await?
        .ok_or_else(|| Failure::Broken(format!("payment {} has no order", row.id)))
}

/// Gives a payment up. Money that is held for it is let go.
pub async fn cancel(
    app: &App,
    caller: &Caller,
    id: PaymentId,
    idempotency_key: &str,
) -> Result<Recorded, Failure> {
    let payer = person(caller)?;
    let key = Key::new(key_owner(caller)?, "paymentCancel", idempotency_key, &id)?;
    own(app.database.read(), id, payer).await?;
    resolve_unknown(app, id).await?;
    let (key, now) = (&key, app.now());
    let begun = app
        .database
        .write(|tx| {
            Box::pin(async move {
                if let Claim::Replay(recorded) = key.claim(tx, now).await? {
                    return Ok(Begun::Done(recorded));
                }
                let row = own(tx, id, payer).await?;
                if row.purpose_type == PurposeType::Ride {
                    return Err(Refusal::state(row.status.to_value(), "paymentCancel").into());
                }
                let reason = CancelReason::RequestedByCustomer;
                if matches!(
                    row.status,
                    PaymentStatus::RequiresCapture | PaymentStatus::RequiresAction
                ) {
                    return begin_void(tx, app, &row, reason, Some(key), now)
                        .await
                        .map(Begun::Attempt);
                }
                cancel_unpaid(tx, &row, reason, now).await?;
                let recorded = Recorded::done(id);
                key.finish(tx, &recorded).await?;
                Ok(Begun::Done(recorded))
            })
        })
        .await?;
    begun.finish(app).await
}

/// Ends a payment nothing is held for.
pub(crate) async fn cancel_unpaid(
    tx: &impl ConnectionTrait,
    row: &payment::Model,
    reason: CancelReason,
    now: Timestamp,
) -> Result<payment::Model, Failure> {
    let change = payment::ActiveModel {
        cancel_reason: Set(Some(reason.text().to_owned())),
        canceled_at: Set(Some(now)),
        ..Default::default()
    };
    transition::payment(tx, row, PaymentEvent::Cancel, "paymentCancel", now, change).await
}

/// Puts on record that held money is to be let go.
pub(crate) async fn begin_void(
    tx: &Transaction<'_>,
    app: &App,
    row: &payment::Model,
    reason: CancelReason,
    waiting: Option<&Key>,
    now: Timestamp,
) -> Result<PaymentAttemptId, Failure> {
    let change = payment::ActiveModel {
        cancel_reason: Set(Some(reason.text().to_owned())),
        ..Default::default()
    };
    let row = transition::touch(tx, row, now, change).await?;
    let intent = Intent { op: AttemptOperation::Void, amount: row.amount, waiting };
    begin_attempt(tx, app, &row, intent, now).await
}

/// What is not known of a payment is found out before anything else is done with it.
pub(crate) async fn resolve_unknown(app: &App, id: PaymentId) -> Result<(), Failure> {
    let row = payment::Entity::find_by_id(id).one(app.database.read()).await?;
    if row.is_some_and(|row| row.status == PaymentStatus::Unknown) {
        for attempt in unsettled(app, id).await? {
            attempt::check(app, attempt.id).await?;
        }
    }
    Ok(())
}

async fn unsettled(app: &App, id: PaymentId) -> Result<Vec<payment_attempt::Model>, DbErr> {
    payment_attempt::Entity::find()
        .filter(payment_attempt::Column::PaymentId.eq(id))
        .filter(
            payment_attempt::Column::Status.is_in([AttemptStatus::Pending, AttemptStatus::Unknown]),
        )
        .order_by_asc(payment_attempt::Column::Seq)
        .all(app.database.read())
        .await
}

/// Asks the processor what became of a payment's open attempts, now.
pub async fn sync(app: &App, caller: &Caller, id: PaymentId) -> Result<PaymentId, Failure> {
    let payer = person(caller)?;
    let row = payment::Entity::find_by_id(id)
        .one(app.database.read())
        .await?
        .filter(|row| row.payer_id == payer || crate::app::sees_everything(caller))
        .ok_or_else(|| Refusal::not_found("you have no such payment", &["id"]))?;
    for attempt in unsettled(app, row.id).await? {
        // A call that is still running has the right to finish first.
        let fresh = row.status == PaymentStatus::Processing
            && attempt.started_at.plus(app.config.processing.timeout.0) > app.now();
        if !fresh {
            attempt::check(app, attempt.id).await?;
        }
    }
    Ok(id)
}

fn check_return_url(url: Option<&str>) -> Result<(), Refusal> {
    let fits = |url: &str| {
        url.len() <= 2000
            && (url.starts_with("https://") || url.starts_with("http://"))
            && !url.chars().any(|char| char.is_control() || char.is_whitespace())
    };
    if url.is_none_or(fits) {
        Ok(())
    } else {
        let message = "a return address is an http or https address";
        Err(Refusal::invalid("INVALID_URL", message, &["input", "returnUrl"]))
    }
}
