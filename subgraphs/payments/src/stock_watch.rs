//! Who watches which product's stock, on this replica or another.
//!
//! While somebody watches, one task looks for changed rows four times a second, whoever made the
//! change, and tells all watchers; so a product is told of at most four times a second, and
//! watchers cost one statement together.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use kit::{Database, Timestamp, id::ProductId};
use sea_orm::{DbErr, QueryOrder, QuerySelect, entity::prelude::*};
use tokio::sync::broadcast;

use crate::entity::stock::{Column, Entity, Model};

const PAUSE: Duration = Duration::from_millis(250);
/// Rows that are committed late carry an older time than rows that were seen already.
const OVERLAP: Duration = Duration::from_secs(10);
/// Changes a slow watcher may be behind.
const BUFFER: usize = 1024;

/// The stock of one product after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) product_id: ProductId,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
}

impl From<Model> for Changed {
    fn from(row: Model) -> Self {
        Self { product_id: row.product_id, on_hand: row.on_hand, reserved: row.reserved }
    }
}

/// Starts and ends the looking with the watchers.
#[derive(Clone, Debug)]
pub struct StockWatch {
    database: Database,
    running: Arc<Mutex<Weak<broadcast::Sender<Changed>>>>,
}

/// A watcher's end; the looking ends with the last of them.
#[derive(Debug)]
pub(crate) struct Watcher {
    changes: broadcast::Receiver<Changed>,
    _keeps_running: Arc<broadcast::Sender<Changed>>,
}

impl Watcher {
    /// The next change. `None` when it missed some: what is known has to be read again.
    pub(crate) async fn next(&mut self) -> Option<Changed> {
        self.changes.recv().await.ok()
    }
}

impl StockWatch {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, running: Arc::default() }
    }

    /// Everything that changes from now on.
    pub(crate) fn watch(&self) -> Watcher {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = running.upgrade().unwrap_or_else(|| {
            let sender = Arc::new(broadcast::channel(BUFFER).0);
            *running = Arc::downgrade(&sender);
            tokio::spawn(look(self.database.clone(), Arc::downgrade(&sender)));
            sender
        });
        Watcher { changes: sender.subscribe(), _keeps_running: sender }
    }
}

async fn look(database: Database, watchers: Weak<broadcast::Sender<Changed>>) {
    let mut known: HashMap<ProductId, (Changed, Timestamp)> = HashMap::new();
    let mut newest = None;
    loop {
        match round(&database, &mut known, &mut newest).await {
            Ok(changes) => {
                let Some(sender) = watchers.upgrade() else { return };
                for change in changes {
                    // Nobody may be listening for the moment.
                    drop(sender.send(change));
                }
            }
            Err(error) => tracing::warn!(%error, "changes of stock cannot be read"),
        }
        if watchers.strong_count() == 0 {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn round(
    database: &Database,
    known: &mut HashMap<ProductId, (Changed, Timestamp)>,
    newest: &mut Option<Timestamp>,
) -> Result<Vec<Changed>, DbErr> {
    let seen = if let Some(at) = *newest { at } else { last_change(database).await? };
    let since = seen.minus(OVERLAP);
    let rows = Entity::find().filter(Column::UpdatedAt.gte(since)).all(database.read()).await?;
    let first = newest.is_none();
    let mut changes = Vec::new();
    for row in rows {
        let at = row.updated_at;
        *newest = Some(newest.map_or(at, |newest: Timestamp| newest.max(at)));
        let change = Changed::from(row);
        let before = known.insert(change.product_id, (change, at));
        if !first && before.is_none_or(|(before, _)| before != change) {
            changes.push(change);
        }
    }
    let oldest = newest.unwrap_or_default().minus(OVERLAP);
    known.retain(|_, (_, at)| *at >= oldest);
    if newest.is_none() {
        *newest = Some(Timestamp::default());
    }
    Ok(changes)
}

async fn last_change(database: &Database) -> Result<Timestamp, DbErr> {
    let last: Option<Timestamp> = Entity::find()
        .select_only()
        .column(Column::UpdatedAt)
        .order_by_desc(Column::UpdatedAt)
        .limit(1)
        .into_tuple()
        .one(database.read())
        .await?;
    Ok(last.unwrap_or_default())
}
