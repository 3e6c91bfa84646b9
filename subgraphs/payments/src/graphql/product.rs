//! Products, their stock and lists of them.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, ID, Object, Result, SimpleObject};
use kit::{
    Page, PageArgs, caller, connection,
    graphql::{DateTime, scopes},
};
use sea_orm::{
    Condition, Order as Direction, PaginatorTrait, QueryOrder, QuerySelect, Select,
    entity::prelude::*,
    sea_query::{ExprTrait, LikeExpr},
};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::{
    context::{app, fresh, loaders},
    int,
    reader::{Bought, ProductRow},
    user::User,
    value::MoneyValue,
};
use crate::{
    entity::{
        product::{self, Column},
        stock,
    },
    money::Money,
};

#[derive(Clone, Debug)]
pub(crate) struct Product(pub(super) Arc<ProductRow>);

#[Object]
impl Product {
    pub(super) async fn id(&self) -> ID {
        self.0.product.id.into()
    }

    async fn sku(&self) -> &str {
        &self.0.product.sku
    }

    async fn title(&self) -> &str {
        &self.0.product.title
    }

    async fn description(&self) -> Option<&str> {
        self.0.product.description.as_deref()
    }

    async fn image_url(&self) -> Option<&str> {
        self.0.product.image_url.as_deref()
    }

    async fn price(&self) -> MoneyValue {
        Money::new(self.0.product.price_minor, self.0.product.currency).into()
    }

    async fn active(&self) -> bool {
        self.0.product.active
    }

    async fn seller(&self) -> Option<User> {
        Some(User(self.0.product.seller_id))
    }

    async fn stock(&self) -> Stock {
        Stock::new(&self.0.stock)
    }

    /// null when anonymous
    async fn viewer_has_purchased(&self, ctx: &Context<'_>) -> Option<Result<bool>> {
        let viewer = caller(ctx).user_id()?;
        let key = Bought(viewer, self.0.product.id);
        match loaders(ctx).load(key).await {
            Ok(bought) => Some(Ok(bought.unwrap_or(false))),
            Err(error) => Some(Err(error.into())),
        }
    }

    async fn version(&self) -> i32 {
        int(self.0.product.version)
    }
}

#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
#[expect(clippy::struct_field_names, reason = "the contract's name")]
pub(super) struct Stock {
    available: i32,
    in_stock: bool,
    updated_at: DateTime,
    #[graphql(skip)]
    on_hand: i64,
    #[graphql(skip)]
    reserved: i64,
}

impl Stock {
    fn new(row: &stock::Model) -> Self {
        let available = row.on_hand - row.reserved;
        Self {
            available: int(available),
            in_stock: available > 0,
            updated_at: row.updated_at,
            on_hand: row.on_hand,
            reserved: row.reserved,
        }
    }
}

#[ComplexObject]
impl Stock {
    #[graphql(requires_scopes = "inventory:read")]
    async fn on_hand(&self, ctx: &Context<'_>) -> Option<Result<i32>> {
        Some(scopes(ctx, &["inventory:read"]).map(|()| int(self.on_hand)))
    }

    #[graphql(requires_scopes = "inventory:read")]
    async fn reserved(&self, ctx: &Context<'_>) -> Option<Result<i32>> {
        Some(scopes(ctx, &["inventory:read"]).map(|()| int(self.reserved)))
    }
}

connection!(ProductConnection, ProductEdge, Product, total_count: i32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ProductSort {
    Newest,
    PriceAsc,
    PriceDesc,
    Title,
}

impl ProductSort {
    fn list(self) -> &'static str {
        match self {
            Self::Newest => "products/newest",
            Self::PriceAsc => "products/price-asc",
            Self::PriceDesc => "products/price-desc",
            Self::Title => "products/title",
        }
    }

    fn column(self) -> Column {
        match self {
            Self::Newest => Column::CreatedAt,
            Self::PriceAsc | Self::PriceDesc => Column::PriceMinor,
            Self::Title => Column::Title,
        }
    }

    fn direction(self) -> Direction {
        match self {
            Self::Newest | Self::PriceDesc => Direction::Desc,
            Self::PriceAsc | Self::Title => Direction::Asc,
        }
    }

    fn position(self, row: &product::Model) -> Position {
        let key = match self {
            Self::Newest => SortKey::Number(row.created_at.0),
            Self::PriceAsc | Self::PriceDesc => SortKey::Number(row.price_minor),
            Self::Title => SortKey::Text(row.title.clone()),
        };
        Position { key, id: row.id }
    }
}

/// Where a row stands in its list.
#[derive(Debug, Serialize, Deserialize)]
struct Position {
    key: SortKey,
    id: kit::id::ProductId,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum SortKey {
    Number(i64),
    Text(String),
}

impl SortKey {
    fn value(&self) -> Value {
        match self {
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.clone().into(),
        }
    }
}

/// What to list, and in which order.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) search: Option<String>,
    pub(super) in_stock: Option<bool>,
    pub(super) sort: ProductSort,
}

pub(super) async fn list(
    ctx: &Context<'_>,
    args: PageArgs,
    listing: Listing,
) -> Result<ProductConnection> {
    let page = args.validate()?;
    let sort = listing.sort;
    let matching = filtered(&listing);
    let total = matching.clone().count(app(ctx).database.read()).await?;
    let rows = after(ctx, matching, &page, sort)?
        .order_by(sort.column(), sort.direction())
        .order_by(Column::Id, sort.direction())
        .limit(page.fetch())
        .all(app(ctx).database.read())
        .await?;
    let rows = fresh(ctx).with_stock(rows).await?;
    let cursors = &app(ctx).cursors;
    let connection = ProductConnection::new(
        page.slice(rows),
        |row| {
            let cursor = cursors.encode(sort.list(), &sort.position(&row.product));
            (cursor, Product(Arc::new(row)))
        },
        i32::try_from(total).unwrap_or(i32::MAX),
    );
    Ok(connection)
}

fn filtered(listing: &Listing) -> Select<product::Entity> {
    let mut query = product::Entity::find().filter(Column::Active.eq(true));
    for word in words(listing.search.as_deref().unwrap_or_default()) {
        let pattern = LikeExpr::new(format!("%{word}%")).escape('\\');
        query = query.filter(Expr::col((product::Entity, Column::SearchText)).like(pattern));
    }
    if let Some(in_stock) = listing.in_stock {
        let available = Expr::col((stock::Entity, stock::Column::OnHand))
            .sub(Expr::col((stock::Entity, stock::Column::Reserved)));
        query = query
            .join_rev(
                sea_orm::JoinType::InnerJoin,
                stock::Entity::belongs_to(product::Entity)
                    .from(stock::Column::ProductId)
                    .to(Column::Id)
                    .into(),
            )
            .filter(if in_stock { available.gt(0) } else { available.lte(0) });
    }
    query
}

/// At most eight words, with the pattern characters taken literally.
fn words(search: &str) -> Vec<String> {
    let text: String = search.nfc().collect::<String>().to_lowercase();
    text.split_whitespace()
        .take(8)
        .map(|word| word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
        .collect()
}

fn after(
    ctx: &Context<'_>,
    query: Select<product::Entity>,
    page: &Page,
    sort: ProductSort,
) -> Result<Select<product::Entity>> {
    let Some(cursor) = &page.cursor else { return Ok(query) };
    let Position { key, id } = app(ctx).cursors.decode(sort.list(), cursor)?;
    let (column, id_column) = (sort.column(), Column::Id);
    let same = column.eq(key.value());
    let beyond = match sort.direction() {
        Direction::Desc => {
            Condition::any().add(column.lt(key.value())).add(same.and(id_column.lt(id)))
        }
        _ => Condition::any().add(column.gt(key.value())).add(same.and(id_column.gt(id))),
    };
    Ok(query.filter(beyond))
}
