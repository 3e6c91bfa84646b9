//! Trying the next processor after one that was certainly not reached.
//!
//! Never after a timeout or an unreadable answer: then the first one may have charged.

use kit::id::PaymentAttemptId;
use sea_orm::{ActiveValue::Set, QuerySelect, entity::prelude::*};

use super::{Mode, Scope};
use crate::{
    entity::{
        payment,
        payment_attempt::{self, AttemptOperation},
        payment_method,
    },
    operation::{card_tokens::CardTokens, payment as payments, transition},
    refusal::Failure,
    state::PaymentStatus,
};

/// Puts an attempt at the next processor on record, which inherits the mutation that waits.
pub(super) async fn next_attempt(
    scope: &Scope<'_, '_>,
    failed: &payment_attempt::Model,
    payment: &payment::Model,
) -> Result<Option<PaymentAttemptId>, Failure> {
    if scope.mode != Mode::Live || payment.status != PaymentStatus::Processing {
        return Ok(None);
    }
    let chain = failed.chain_id.unwrap_or_else(|| failed.id.uuid());
    let Some(connector) = untried(scope, failed, payment, chain).await? else { return Ok(None) };
    tracing::warn!(payment = %payment.id, from = failed.connector, to = connector, "fail-over");
    metrics::counter!("payments_failovers_total", "to" => connector.clone()).increment(1);
    let change = payment::ActiveModel { connector: Set(Some(connector)), ..Default::default() };
    let payment = transition::touch(scope.tx, payment, scope.now, change).await?;
    let intent =
        payments::Intent { op: AttemptOperation::Authorize, amount: failed.amount, waiting: None };
    let id = payments::begin_attempt(scope.tx, scope.app, &payment, intent, scope.now).await?;
    let change = payment_attempt::ActiveModel {
        chain_id: Set(Some(chain)),
        waiting_owner: Set(failed.waiting_owner),
        waiting_operation: Set(failed.waiting_operation.clone()),
        waiting_key: Set(failed.waiting_key.clone()),
        ..Default::default()
    };
    payment_attempt::Entity::update_many()
        .set(change)
        .filter(payment_attempt::Column::Id.eq(id))
        .exec(scope.tx)
        .await?;
    Ok(Some(id))
}

/// The best processor that has the card and was not tried in this chain of attempts.
async fn untried(
    scope: &Scope<'_, '_>,
    failed: &payment_attempt::Model,
    payment: &payment::Model,
    chain: Uuid,
) -> Result<Option<String>, Failure> {
    let Some(method_id) = payment.method_id else { return Ok(None) };
    let method = payment_method::Entity::find_by_id(method_id).one(scope.tx).await?;
    let Some(method) = method else { return Ok(None) };
    let app = scope.app;
    let tokens = CardTokens::open(&app.secrets, &method.connector, &method.connector_token_enc)?;
    let mut tried: Vec<String> = payment_attempt::Entity::find()
        .select_only()
        .column(payment_attempt::Column::Connector)
        .filter(payment_attempt::Column::ChainId.eq(chain))
        .into_tuple()
        .all(scope.tx)
        .await?;
    tried.push(failed.connector.clone());
    let route = app.connectors.route(
        failed.money(),
        method.brand,
        method.funding_country.as_deref(),
        &tokens.connectors(),
    );
    Ok(route.into_iter().find(|name| !tried.contains(name)))
}
