//! When a person is erased: their cards are forgotten here and at the processors, and what of
//! their orders has been kept long enough loses its address. The ledger and the payments stay;
//! the id in them is the pseudonym.

use std::time::Duration;

use kit::{
    Timestamp, Transaction, async_trait,
    events::{Event, Handler},
    id::UserId,
};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, QuerySelect, entity::prelude::*};
use serde::Deserialize;

use super::card_tokens::CardTokens;
use crate::{
    app::App,
    entity::{order, payment_method},
};

/// The event that says a person has been forgotten here.
const DONE: &str = "user.erasure_completed";
/// Cards that processors are told to forget in one round.
const BATCH: u64 = 100;

/// Follows the feed of users.
#[derive(Clone, Debug)]
pub struct UsersFollower {
    pub app: App,
}

#[derive(Deserialize)]
struct Person {
    id: UserId,
}

#[async_trait]
impl Handler for UsersFollower {
    async fn apply(&self, tx: &Transaction<'_>, event: &Event) -> Result<(), DbErr> {
        if event.kind == "user.erased" {
            let person: Person = event.decode()?;
            erase(tx, person.id, self.app.now()).await?;
        }
        Ok(())
    }
}

/// Takes all cards of a person off file and removes what identifies them from the rest.
pub(crate) async fn erase(
    tx: &impl ConnectionTrait,
    user: UserId,
    now: Timestamp,
) -> Result<(), DbErr> {
    payment_method::Entity::update_many()
        .set(payment_method::ActiveModel {
            detached_at: Set(Some(now)),
            is_default: Set(false),
            billing_address: Set(None),
            updated_at: Set(now),
            ..Default::default()
        })
        .filter(payment_method::Column::UserId.eq(user))
        .filter(payment_method::Column::DetachedAt.is_null())
        .exec(tx)
        .await?;
    kit::mail::erase_user(tx, user.uuid(), now).await?;
    // Users waits for every service's word.
    kit::events::append(tx, now, DONE, &user.to_string(), &serde_json::json!({})).await?;
    Ok(())
}

/// Has processors forget the cards that were taken off file; returns how many.
pub async fn forget_cards(app: &App) -> Result<usize, DbErr> {
    let gone = payment_method::Entity::find()
        .filter(payment_method::Column::DetachedAt.is_not_null())
        .filter(payment_method::Column::ConnectorTokenEnc.ne(Vec::<u8>::new()))
        .limit(BATCH)
        .all(app.database.read())
        .await?;
    let mut count = 0;
    for method in gone {
        if in_use(app, &method).await? {
            continue;
        }
        let tokens = CardTokens::open(&app.secrets, &method.connector, &method.connector_token_enc);
        let Ok(tokens) = tokens else { continue };
        let mut forgotten = true;
        for (connector, token) in tokens.iter() {
            if let Ok(connector) = app.connectors.named(connector) {
                forgotten &= connector.forget_card(token).await.is_ok();
            }
        }
        if forgotten {
            count += 1;
            blank(app, &method).await?;
        }
    }
    Ok(count)
}

/// A payment that is under way still needs the card.
async fn in_use(app: &App, method: &payment_method::Model) -> Result<bool, DbErr> {
    use crate::{entity::payment, state::PaymentStatus};

    let running = payment::Entity::find()
        .filter(payment::Column::MethodId.eq(method.id))
        .filter(payment::Column::Status.is_in([
            PaymentStatus::Processing,
            PaymentStatus::RequiresAction,
            PaymentStatus::RequiresCapture,
            PaymentStatus::Unknown,
        ]))
        .one(app.database.read())
        .await?;
    Ok(running.is_some())
}

async fn blank(app: &App, method: &payment_method::Model) -> Result<(), DbErr> {
    app.database
        .write(|tx| {
            Box::pin(async move {
                payment_method::Entity::update_many()
                    .col_expr(
                        payment_method::Column::ConnectorTokenEnc,
                        Expr::value(Vec::<u8>::new()),
                    )
                    .filter(payment_method::Column::Id.eq(method.id))
                    .filter(payment_method::Column::DetachedAt.is_not_null())
                    .exec(tx)
                    .await?;
                Ok(())
            })
        })
        .await
}

/// Removes the addresses of orders that are older than invoices must be kept; returns how many.
pub async fn drop_addresses(app: &App) -> Result<u64, DbErr> {
    let days = u64::from(app.config.retention_days);
    let oldest = app.now().minus(Duration::from_hours(24 * days));
    let found = order::Entity::find()
        .filter(order::Column::CreatedAt.lt(oldest))
        .filter(order::Column::Address.ne(GONE))
        .one(app.database.read())
        .await?;
    if found.is_none() {
        return Ok(0);
    }
    app.database
        .write(|tx| {
            Box::pin(async move {
                let dropped = order::Entity::update_many()
                    .col_expr(order::Column::Address, Expr::value(GONE))
                    .filter(order::Column::CreatedAt.lt(oldest))
                    .filter(order::Column::Address.ne(GONE))
                    .exec(tx)
                    .await?;
                Ok(dropped.rows_affected)
            })
        })
        .await
}

/// An address of which nothing is left.
const GONE: &str = r#"{"recipient":null,"organization":null,"lines":[],"dependentLocality":null,"locality":null,"administrativeArea":null,"postalCode":null,"sortingCode":null,"countryCode":"ZZ","formatted":[]}"#;
