//! Fetches of one operation that ask one subgraph for the same selection, at different places of
//! the answer: what they ask for at one moment goes out together, each entity once.
//!
//! That is what the `dataloader` crate is for, and does here. It holds its lock until its batch
//! function has returned, so the function sends the request and returns where the answer will be,
//! not the answer: later moments need not wait for earlier ones.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dataloader::BatchFn;
use dataloader::non_cached::Loader;

use crate::batch::Ask;
use crate::gather::Seat;
use crate::loader::{Load, Loaders};
use crate::transport::LoadEvent;

/// Where the fetches of one operation with one selection meet.
#[derive(Clone)]
pub(crate) struct Moment<'a> {
    loader: Loader<Ask, Seat, Departures<'a>>,
    departures: Departures<'a>,
}

impl<'a> Moment<'a> {
    pub(crate) fn new(loaders: &'a Loaders, load: Load) -> Self {
        let departures = Departures { loaders, load, loads: Arc::default() };
        // Too large batches are split where they depart. One round of the other fetches is enough:
        // those that can start at this moment are all polled in it.
        let loader =
            Loader::new(departures.clone()).with_max_batch_size(usize::MAX).with_yield_count(1);
        Self { loader, departures }
    }

    /// A seat for each of the asks, in their order.
    pub(crate) async fn seats(&self, asks: &[Ask]) -> Vec<Seat> {
        let Departures { loaders, load, loads } = &self.departures;
        loads.fetch_add(1, Ordering::Relaxed);
        let found = self.loader.try_load_many(asks.to_vec()).await.unwrap_or_default();
        let seats: Option<Vec<Seat>> = asks.iter().map(|ask| found.get(ask).cloned()).collect();
        // The batch function has a seat for everybody; without one, they depart on their own.
        seats.unwrap_or_else(|| loaders.depart(load, asks))
    }
}

impl fmt::Debug for Moment<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { loader: _, departures } = self;
        let subgraph = &departures.load.program.subgraph;
        formatter.debug_struct("Moment").field("subgraph", subgraph).finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Departures<'a> {
    loaders: &'a Loaders,
    load: Load,
    /// How many loads wait for the next departure.
    loads: Arc<AtomicUsize>,
}

impl BatchFn<Ask, Seat> for Departures<'_> {
    async fn load(&mut self, asks: &[Ask]) -> HashMap<Ask, Seat> {
        for _ in 1..self.loads.swap(0, Ordering::Relaxed) {
            self.load.note(LoadEvent::Batched);
        }
        // Keys come in the order of a hash; equal loads shall be equal requests.
        let mut asks = asks.to_vec();
        asks.sort_unstable();
        let seats = self.loaders.depart(&self.load, &asks);
        asks.into_iter().zip(seats).collect()
    }
}
