//! Merchants change products and stock.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Object, Result, SimpleObject};
use kit::{batch::Loader, caller, graphql::scopes, id::ProductId};

use crate::{
    graphql::{
        context::{Outcome, app, fresh},
        error::{ProductError, errors},
        input::{ProductSaveInput, StockAdjustInput},
        product::Product,
        reader::ProductRow,
    },
    operation::catalogue,
    refusal::Failure,
};

#[derive(Debug, Default)]
pub(crate) struct CatalogueMutation;

#[derive(Debug, SimpleObject)]
struct ProductPayload {
    product: Option<Product>,
    errors: Vec<ProductError>,
}

#[Object]
impl CatalogueMutation {
    #[graphql(requires_scopes = "inventory:write")]
    async fn product_save(
        &self,
        ctx: &Context<'_>,
        input: ProductSaveInput,
    ) -> Option<Result<ProductPayload>> {
        Some(product_save(ctx, input).await)
    }

    #[graphql(requires_scopes = "inventory:write")]
    async fn stock_adjust(
        &self,
        ctx: &Context<'_>,
        input: StockAdjustInput,
    ) -> Option<Result<ProductPayload>> {
        Some(stock_adjust(ctx, input).await)
    }
}

async fn product_save(ctx: &Context<'_>, input: ProductSaveInput) -> Result<ProductPayload> {
    scopes(ctx, &["inventory:write"])?;
    let done = match input.command() {
        Ok(command) => catalogue::save_product(app(ctx), caller(ctx), command).await,
        Err(refusal) => Err(refusal.into()),
    };
    payload(ctx, Outcome::of_id(done)?).await
}

async fn stock_adjust(ctx: &Context<'_>, input: StockAdjustInput) -> Result<ProductPayload> {
    scopes(ctx, &["inventory:write"])?;
    let done = match input.command() {
        Ok(command) => {
            let key = &input.idempotency_key;
            catalogue::adjust_stock(app(ctx), caller(ctx), command, key).await
        }
        Err(refusal) => Err(Failure::from(refusal)),
    };
    payload(ctx, Outcome::of(done)?).await
}

async fn payload(ctx: &Context<'_>, outcome: Outcome) -> Result<ProductPayload> {
    let product = match outcome.subject {
        None => None,
        Some(id) => {
            let id = ProductId(id);
            let mut rows: HashMap<ProductId, Arc<ProductRow>> = fresh(ctx).load(&[id]).await?;
            rows.remove(&id).map(Product)
        }
    };
    Ok(ProductPayload { product, errors: errors(ctx, outcome.refusals).await })
}
