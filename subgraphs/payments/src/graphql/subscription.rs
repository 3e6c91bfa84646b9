//! The root of being told: changes of stock.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, Result, Subscription};
use futures::{Stream, stream};
use kit::{batch::Loader, graphql::bad_request, id::ProductId};

use super::{
    context::app,
    product::Product,
    reader::{ProductRow, Reader},
};
use crate::stock_watch::Watcher;

/// Products one subscription may watch.
const MAX_PRODUCTS: usize = 100;

#[derive(Debug, Default)]
pub(crate) struct Subscription;

#[Subscription]
impl Subscription {
    async fn stock_changed(
        &self,
        ctx: &Context<'_>,
        product_ids: Vec<ID>,
    ) -> Result<impl Stream<Item = Result<Product>>> {
        if product_ids.is_empty() || product_ids.len() > MAX_PRODUCTS {
            return Err(bad_request("1 to 100 products can be watched"));
        }
        let ids: Vec<ProductId> =
            product_ids.iter().filter_map(|id| ProductId::parse(id)).collect();
        let watcher = app(ctx).stock_watch.watch();
        let reader = Reader::new(&app(ctx).database);
        let known = read(&reader, &ids).await?;
        if known.is_empty() {
            return Err(bad_request("there are no such products"));
        }
        let levels = known.into_iter().map(|(id, row)| (id, level(&row))).collect();
        let watch = Watch { watcher, reader, levels, waiting: Vec::new() };
        Ok(stream::unfold(watch, |mut watch| async move {
            let product = watch.next().await;
            Some((product, watch))
        }))
    }
}

/// Pieces on hand and reserved.
type Level = (i64, i64);

fn level(row: &ProductRow) -> Level {
    (row.stock.on_hand, row.stock.reserved)
}

async fn read(reader: &Reader, ids: &[ProductId]) -> Result<HashMap<ProductId, Arc<ProductRow>>> {
    Ok(reader.load(ids).await?)
}

/// One subscription: what it has told last, and what it still has to tell.
struct Watch {
    watcher: Watcher,
    reader: Reader,
    levels: HashMap<ProductId, Level>,
    waiting: Vec<Arc<ProductRow>>,
}

impl Watch {
    /// The next product whose stock differs from what was told last.
    async fn next(&mut self) -> Result<Product> {
        loop {
            if let Some(row) = self.waiting.pop() {
                return Ok(Product(row));
            }
            let ids: Vec<ProductId> = match self.watcher.next().await {
                Some(change) => {
                    let told = self.levels.get(&change.product_id);
                    let news = told.is_some_and(|told| *told != (change.on_hand, change.reserved));
                    if news { vec![change.product_id] } else { continue }
                }
                // Some changes were missed: everything is looked at.
                None => self.levels.keys().copied().collect(),
            };
            let mut rows: Vec<_> = read(&self.reader, &ids).await?.into_iter().collect();
            rows.sort_by_key(|(id, _)| *id);
            for (id, row) in rows {
                if self.levels.insert(id, level(&row)) != Some(level(&row)) {
                    self.waiting.push(row);
                }
            }
        }
    }
}
