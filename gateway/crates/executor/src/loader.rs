//! Data loaders across service boundaries: everything that one fetch document should load at one
//! moment goes out as one request.
//!
//! A *load* is (the document's `_entities` field, the representation's bytes). Loads meet in a
//! [`dataloader`] loader. Two loads may only meet if one request can serve both: same document,
//! same client variables, same partition of the transport. Within one client request a loader
//! lives for one fetch. With [`LoaderOptions::share`] it is found by that key and concurrent
//! client requests meet in it: a load goes out at once when nothing is in flight for its loader,
//! and gathers while something is. Mutations never share. A batch that fails for a reason that may
//! lie with one of its entities is asked again by each client request for its own, so that nobody
//! pays for the bad luck of another.
//!
//! What the crate (0.18) does, found in its source and relied on or worked around here:
//! - The loader's mutex is held during a batch, so loads that come meanwhile queue at the mutex,
//!   which is first come, first served: when the batch ends, all of them register before the first
//!   of them sends. Yielding to gather loads is therefore switched off; an idle loader sends at
//!   once.
//! - Above its own maximum it sends batch after batch. The size limit is applied in the batch
//!   function instead, whose requests run side by side.
//! - A batch runs in the future of whoever triggered it. Were that future dropped, the others
//!   would wait for results that never come (the crate panics). Shared batches therefore run in a
//!   task of their own, and a waiter that goes away takes nothing with it.
//! - Every key ever loaded stays in the loader's list of failures. A shared loader is therefore
//!   replaced after a number of keys.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use dataloader::BatchFn;
use dataloader::non_cached::Loader;
use futures::future::join_all;

use crate::answer::FetchError;
use crate::batch::{self, Ask, Batch};
use crate::compiled::FetchProgram;
use crate::transport::SubgraphTransport;

/// A shared loader is replaced when it has loaded so many keys.
const KEYS_PER_LOADER: usize = 50_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoaderOptions {
    /// The most representations that one request carries; more are split over several requests.
    pub max_batch_size: usize,
    /// Lets loads of concurrent client requests with equal partitions meet. Needs a Tokio runtime:
    /// what is loaded for several does not end with one of them.
    pub share: bool,
}

impl Default for LoaderOptions {
    fn default() -> Self {
        Self { max_batch_size: 1000, share: false }
    }
}

/// Where the loads of all client requests of a process meet. One per schema is enough.
#[derive(Debug, Default)]
pub struct Loaders {
    options: LoaderOptions,
    shared: Mutex<HashMap<LoaderKey, Arc<SharedLoader>>>,
}

/// What must be equal for two loads to go out in one request.
#[derive(Clone, Debug)]
struct LoaderKey {
    program: Arc<FetchProgram>,
    partition: Bytes,
    variables: Bytes,
}

impl PartialEq for LoaderKey {
    fn eq(&self, other: &Self) -> bool {
        let Self { program, partition, variables } = self;
        Arc::ptr_eq(program, &other.program)
            && *partition == other.partition
            && *variables == other.variables
    }
}

impl Eq for LoaderKey {}

impl Hash for LoaderKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { program, partition, variables } = self;
        Arc::as_ptr(program).hash(state);
        partition.hash(state);
        variables.hash(state);
    }
}

/// One representation to load.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) list: usize,
    pub(crate) representation: Bytes,
    /// Keeps batches in the order of the data; not part of the identity.
    pub(crate) order: usize,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let Self { list, representation, order: _ } = self;
        *list == other.list && *representation == other.representation
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { list, representation, order: _ } = self;
        list.hash(state);
        representation.hash(state);
    }
}

/// Where to find what was loaded for a key.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) batch: Arc<Batch>,
    pub(crate) at: usize,
}

impl Loaders {
    pub fn new(options: LoaderOptions) -> Self {
        Self { options, shared: Mutex::default() }
    }

    /// Loads distinct keys; the results stand in the order of the keys.
    pub(crate) async fn load(
        &self,
        program: Arc<FetchProgram>,
        variables: Bytes,
        transport: Arc<dyn SubgraphTransport>,
        may_share: bool,
        keys: Vec<Key>,
    ) -> Vec<Loaded> {
        let partition = if self.options.share && may_share {
            transport.partition(&program.subgraph)
        } else {
            None
        };
        let Some(partition) = partition else {
            return self.load_alone(&program, &variables, transport, keys).await;
        };
        let shared = LoaderKey { program, partition, variables };
        let mut loaded = self.load_together(&shared, &transport, keys.clone()).await;
        // What went wrong because of others is tried again without them.
        let spoilt: Vec<usize> =
            (0..keys.len()).filter(|&at| is_spoilt_by_others(&loaded, &loaded[at].batch)).collect();
        if !spoilt.is_empty() {
            let keys = spoilt.iter().map(|&at| keys[at].clone()).collect();
            let LoaderKey { program, partition: _, variables } = &shared;
            let again = self.load_alone(program, variables, transport, keys).await;
            for (at, again) in spoilt.into_iter().zip(again) {
                loaded[at] = again;
            }
        }
        loaded
    }

    async fn load_alone(
        &self,
        program: &Arc<FetchProgram>,
        variables: &Bytes,
        transport: Arc<dyn SubgraphTransport>,
        keys: Vec<Key>,
    ) -> Vec<Loaded> {
        let function = self.batch_function(program, variables, Slot::new(transport));
        let loaded = loader(function).try_load_many(keys.clone()).await;
        in_order(&keys, loaded.unwrap_or_default())
    }

    async fn load_together(
        &self,
        shared: &LoaderKey,
        transport: &Arc<dyn SubgraphTransport>,
        keys: Vec<Key>,
    ) -> Vec<Loaded> {
        let lease = self.lease(shared.clone(), transport, keys.len());
        lease.loader.transport.set(Arc::clone(transport));
        let (loader, wanted) = (lease.loader.loader.clone(), keys.clone());
        let task = tokio::spawn(async move { loader.try_load_many(wanted).await.ok() });
        in_order(&keys, task.await.ok().flatten().unwrap_or_default())
    }

    fn batch_function(
        &self,
        program: &Arc<FetchProgram>,
        variables: &Bytes,
        transport: Slot,
    ) -> BatchFunction {
        BatchFunction {
            program: Arc::clone(program),
            variables: variables.clone(),
            transport,
            max_batch_size: self.options.max_batch_size.max(1),
        }
    }

    fn lease(
        &self,
        key: LoaderKey,
        transport: &Arc<dyn SubgraphTransport>,
        keys: usize,
    ) -> Lease<'_> {
        let mut shared = self.shared();
        let known =
            shared.get(&key).filter(|known| known.keys.load(Ordering::Relaxed) < KEYS_PER_LOADER);
        let loader = known.cloned().unwrap_or_else(|| {
            let slot = Slot::new(Arc::clone(transport));
            let loader = loader(self.batch_function(&key.program, &key.variables, slot.clone()));
            let fresh =
                Arc::new(SharedLoader { loader, transport: slot, keys: AtomicUsize::new(0) });
            shared.insert(key.clone(), Arc::clone(&fresh));
            fresh
        });
        loader.keys.fetch_add(keys, Ordering::Relaxed);
        Lease { loaders: self, key, loader }
    }

    fn shared(&self) -> MutexGuard<'_, HashMap<LoaderKey, Arc<SharedLoader>>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct SharedLoader {
    loader: Loader<Key, Loaded, BatchFunction>,
    transport: Slot,
    keys: AtomicUsize,
}

impl std::fmt::Debug for SharedLoader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SharedLoader").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// The right to use a shared loader; the last one to go removes it from the registry.
struct Lease<'a> {
    loaders: &'a Loaders,
    key: LoaderKey,
    loader: Arc<SharedLoader>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut shared = self.loaders.shared();
        let registered =
            shared.get(&self.key).is_some_and(|known| Arc::ptr_eq(known, &self.loader));
        // One is the registry's, one is ours.
        if registered && Arc::strong_count(&self.loader) == 2 {
            shared.remove(&self.key);
        }
    }
}

/// The transport that sends the next batch: the one of the latest load, whose deadline is the
/// farthest away. All transports of a loader have the same partition.
#[derive(Clone)]
struct Slot(Arc<Mutex<Arc<dyn SubgraphTransport>>>);

impl Slot {
    fn new(transport: Arc<dyn SubgraphTransport>) -> Self {
        Self(Arc::new(Mutex::new(transport)))
    }

    fn set(&self, transport: Arc<dyn SubgraphTransport>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = transport;
    }

    fn get(&self) -> Arc<dyn SubgraphTransport> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct BatchFunction {
    program: Arc<FetchProgram>,
    variables: Bytes,
    transport: Slot,
    max_batch_size: usize,
}

impl BatchFn<Key, Loaded> for BatchFunction {
    async fn load(&mut self, keys: &[Key]) -> HashMap<Key, Loaded> {
        let mut keys = keys.to_vec();
        keys.sort_by(|a, b| {
            (a.list, a.order, &a.representation).cmp(&(b.list, b.order, &b.representation))
        });
        let transport = self.transport.get();
        let batches = keys.chunks(self.max_batch_size).map(async |keys| {
            let ask =
                |key: &Key| Ask { list: key.list, representation: key.representation.clone() };
            let asks: Vec<Ask> = keys.iter().map(ask).collect();
            let batch = batch::load(&self.program, &self.variables, &*transport, &asks).await;
            (keys, Arc::new(batch))
        });
        let mut loaded = HashMap::with_capacity(keys.len());
        for (keys, batch) in join_all(batches).await {
            for (at, key) in keys.iter().enumerate() {
                loaded.insert(key.clone(), Loaded { batch: Arc::clone(&batch), at });
            }
        }
        loaded
    }
}

fn loader(function: BatchFunction) -> Loader<Key, Loaded, BatchFunction> {
    Loader::new(function).with_yield_count(0).with_max_batch_size(usize::MAX)
}

/// Whether a batch failed that also carried what others wanted.
fn is_spoilt_by_others(loaded: &[Loaded], batch: &Arc<Batch>) -> bool {
    let ours = loaded.iter().filter(|loaded| Arc::ptr_eq(&loaded.batch, batch)).count();
    batch.may_be_spoilt() && batch.entities.len() > ours
}

/// The batch function answers every key; if its task died, all keys share one failure.
fn in_order(keys: &[Key], mut loaded: HashMap<Key, Loaded>) -> Vec<Loaded> {
    let lost = Arc::new(Batch::failed(1, FetchError::Abandoned));
    let find =
        |key| loaded.remove(key).unwrap_or_else(|| Loaded { batch: Arc::clone(&lost), at: 0 });
    keys.iter().map(find).collect()
}
