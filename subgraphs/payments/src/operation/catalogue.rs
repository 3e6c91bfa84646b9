//! Products and their stock, as merchants change them.

use kit::{
    Caller, Timestamp, Transaction,
    database::is_unique_violation,
    id::{ProductId, UserId},
};
use sea_orm::{ActiveValue::Set, ConnectionTrait, entity::prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::json;
use unicode_normalization::UnicodeNormalization;

use super::{
    idempotent::{Claim, Key, Recorded},
    stock,
};
use crate::{
    app::{App, key_owner, person},
    entity::{product, stock as stock_row, stock_movement::MovementKind},
    money::{Currency, MAX_MINOR},
    refusal::{Failure, Refusal},
};

/// A product as its merchant wants it.
#[derive(Clone, Debug, Serialize)]
pub struct SaveProduct {
    pub id: Option<ProductId>,
    pub sku: String,
    pub title: String,
    pub description: Option<String>,
    pub image_url: Option<String>,
    pub price_minor: i64,
    pub currency: Currency,
    pub active: bool,
    pub expected_version: Option<i64>,
}

/// Creates a product, or changes one the caller sells.
pub async fn save_product(
    app: &App,
    caller: &Caller,
    command: SaveProduct,
) -> Result<ProductId, Failure> {
    let seller = person(caller)?;
    let command = checked(command)?;
    let now = app.now();
    let any_seller = caller.has_role("ADMIN");
    let command = &command;
    let saved = app
        .database
        .write(|tx| {
            Box::pin(async move {
                match command.id {
                    Some(id) => change(tx, id, seller, any_seller, command, now).await,
                    None => create(tx, seller, command, now).await,
                }
            })
        })
        .await;
    match saved {
        Err(Failure::Storage(error)) if is_unique_violation(&error) => {
            Err(Refusal::conflict("DUPLICATE_SKU", "another product has this SKU").into())
        }
        saved => saved,
    }
}

async fn create(
    tx: &Transaction<'_>,
    seller: UserId,
    command: &SaveProduct,
    now: Timestamp,
) -> Result<ProductId, Failure> {
    let id = ProductId::new(now);
    let row = product::ActiveModel {
        id: Set(id),
        seller_id: Set(seller),
        created_at: Set(now),
        version: Set(1),
        ..fields(command, now)
    };
    product::Entity::insert(row).exec_without_returning(tx).await?;
    let row = stock_row::ActiveModel {
        product_id: Set(id),
        on_hand: Set(0),
        reserved: Set(0),
        updated_at: Set(now),
    };
    stock_row::Entity::insert(row).exec_without_returning(tx).await?;
    announce(tx, "product.created", id, seller, command, now).await?;
    Ok(id)
}

async fn change(
    tx: &Transaction<'_>,
    id: ProductId,
    caller: UserId,
    any_seller: bool,
    command: &SaveProduct,
    now: Timestamp,
) -> Result<ProductId, Failure> {
    let known = product::Entity::find_by_id(id).one(tx).await?;
    let known = known
        .filter(|row| any_seller || row.seller_id == caller)
        .ok_or_else(|| Refusal::not_found("you sell no such product", &["input", "id"]))?;
    let expected = command.expected_version.unwrap_or(known.version);
    let row = product::ActiveModel { version: Set(expected + 1), ..fields(command, now) };
    let updated = product::Entity::update_many()
        .set(row)
        .filter(product::Column::Id.eq(id))
        .filter(product::Column::Version.eq(expected))
        .exec(tx)
        .await?;
    if updated.rows_affected != 1 {
        return Err(Refusal::conflict("CONFLICT", "the product has been changed meanwhile").into());
    }
    let kind =
        if known.active && !command.active { "product.deactivated" } else { "product.updated" };
    announce(tx, kind, id, known.seller_id, command, now).await?;
    Ok(id)
}

fn fields(command: &SaveProduct, now: Timestamp) -> product::ActiveModel {
    product::ActiveModel {
        sku: Set(command.sku.clone()),
        title: Set(command.title.clone()),
        description: Set(command.description.clone()),
        image_url: Set(command.image_url.clone()),
        price_minor: Set(command.price_minor),
        currency: Set(command.currency),
        active: Set(command.active),
        search_text: Set(search_text(&command.sku, &command.title, command.description.as_deref())),
        updated_at: Set(now),
        ..Default::default()
    }
}

async fn announce(
    tx: &impl ConnectionTrait,
    kind: &str,
    id: ProductId,
    seller: UserId,
    command: &SaveProduct,
    now: Timestamp,
) -> Result<(), Failure> {
    let payload = product_event(id, seller, command.active, &command.sku, &command.title);
    kit::events::append(tx, now, kind, &id.to_string(), &payload).await?;
    Ok(())
}

/// What the feed says about a product.
pub(crate) fn product_event(
    id: ProductId,
    seller: UserId,
    active: bool,
    sku: &str,
    title: &str,
) -> serde_json::Value {
    json!({ "productId": id, "sellerId": seller, "active": active, "sku": sku, "title": title })
}

/// Lower-case text of a product that a search looks through.
pub(crate) fn search_text(sku: &str, title: &str, description: Option<&str>) -> String {
    let text = format!("{title} {sku} {}", description.unwrap_or_default());
    text.nfc().collect::<String>().to_lowercase()
}

fn checked(command: SaveProduct) -> Result<SaveProduct, Refusal> {
    let invalid = |code, message, field| Err(Refusal::invalid(code, message, &["input", field]));
    let sku = command.sku.trim().to_owned();
    let title = command.title.nfc().collect::<String>().trim().to_owned();
    if sku.is_empty()
        || sku.len() > 64
        || !sku.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    {
        return invalid("INVALID_SKU", "a SKU has 1 to 64 letters, digits, hyphens or dots", "sku");
    }
    if title.is_empty() || title.chars().count() > 200 || title.chars().any(char::is_control) {
        return invalid("INVALID_TITLE", "a title has 1 to 200 characters", "title");
    }
    if command.description.as_ref().is_some_and(|text| text.chars().count() > 5000) {
        return invalid("TOO_LONG", "a description has at most 5000 characters", "description");
    }
    let image_ok = |url: &String| {
        url.len() <= 2000 && (url.starts_with("https://") || url.starts_with("http://"))
    };
    if !command.image_url.as_ref().is_none_or(image_ok) {
        return invalid("INVALID_URL", "an image has an http or https address", "imageUrl");
    }
    if !(0..=MAX_MINOR).contains(&command.price_minor) {
        return invalid("INVALID_AMOUNT", "a price is not negative and not too large", "price");
    }
    Ok(SaveProduct { sku, title, ..command })
}

/// Why pieces are added or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StockReason {
    Received,
    Damaged,
    Correction,
    Returned,
}

#[derive(Clone, Debug, Serialize)]
pub struct AdjustStock {
    pub product_id: ProductId,
    pub delta: i64,
    pub reason: StockReason,
}

/// Adds pieces to stock or takes them out.
pub async fn adjust_stock(
    app: &App,
    caller: &Caller,
    command: AdjustStock,
    idempotency_key: &str,
) -> Result<Recorded, Failure> {
    let merchant = person(caller)?;
    let any_seller = caller.has_role("ADMIN");
    let key = Key::new(key_owner(caller)?, "stockAdjust", idempotency_key, &command)?;
    let kind = movement_kind(&command)?;
    let now = app.now();
    let (command, key) = (&command, &key);
    app.database
        .write(|tx| {
            Box::pin(async move {
                if let Claim::Replay(recorded) = key.claim(tx, now).await? {
                    return Ok(recorded);
                }
                let product = product::Entity::find_by_id(command.product_id).one(tx).await?;
                product.filter(|row| any_seller || row.seller_id == merchant).ok_or_else(|| {
                    Refusal::not_found("you sell no such product", &["input", "productId"])
                })?;
                let source = ("ADJUSTMENT", kit::id::new_id(now));
                let id = command.product_id;
                if !stock::adjust(tx, id, command.delta, kind, source, now).await? {
                    return Err(Refusal::InsufficientStock {
                        product_id: id,
                        available: stock::available(tx, id).await?,
                        requested: -command.delta,
                        path: vec!["input".into(), "delta".into()],
                    }
                    .into());
                }
                let recorded = Recorded::done(id);
                key.finish(tx, &recorded).await?;
                Ok(recorded)
            })
        })
        .await
}

fn movement_kind(command: &AdjustStock) -> Result<MovementKind, Refusal> {
    let (kind, fits) = match command.reason {
        StockReason::Received => (MovementKind::Received, command.delta > 0),
        StockReason::Returned => (MovementKind::Returned, command.delta > 0),
        StockReason::Damaged => (MovementKind::Correction, command.delta < 0),
        StockReason::Correction => (MovementKind::Correction, command.delta != 0),
    };
    let in_range = command.delta.abs() <= 1_000_000;
    if fits && in_range {
        Ok(kind)
    } else {
        Err(Refusal::invalid(
            "INVALID_QUANTITY",
            "the sign of the change must fit its reason",
            &["input", "delta"],
        ))
    }
}
