//! Data loaders across service boundaries: what should be loaded at one moment goes out as one
//! request, within one client request and across several.
//!
//! Two things can meet. *Equal requests* to one subgraph: who asks what is being asked already
//! waits for that answer. *Entity loads* of one selection: a load goes out at once when nothing is
//! in flight for it, and gathers with others while something is, for a bounded time and up to a
//! bounded size ([`crate::gather`]). A representation that is in flight is not asked for again.
//! *Queries* that are equal but for their variables do likewise where that is wanted
//! ([`crate::company`]).
//! What several fetches of one client request ask for at one moment goes out together in any case
//! ([`crate::moment`]).
//!
//! Two loads may only meet if one request can serve both: same subgraph, same document (but for
//! its operation's name), for entities the same client variables, same partition of the transport, which stands for
//! everything the subgraph can see of the caller. Mutations never share. A batch that fails for a
//! reason that may lie with one of its entities is asked again by each client request for its own,
//! so that nobody pays for the bad luck of another.
//!
//! Shared requests belong to all who wait for them: each of them drives the request on, none takes
//! it along when it goes away, and when the last one has gone it is given up.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{FutureExt as _, join_all};
use serde_json::{Map, Value};

use crate::batch::{self, Ask, Batch};
use crate::compiled::FetchProgram;
use crate::flight::{Answering, Flights, Received};
use crate::gather::{Groups, Seat};
use crate::moment::Moment;
use crate::transport::{LoadEvent, SubgraphRequest, SubgraphTransport};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "switches that are set independently")]
pub struct LoaderOptions {
    /// The most representations that one request carries; more are split over several requests.
    pub max_batch_size: usize,
    /// Equal requests of concurrent client requests with equal partitions are sent once.
    pub share_queries: bool,
    /// Entity loads of concurrent client requests with equal partitions go out together.
    pub batch_entities: bool,
    /// So do queries that are equal but for their variables, as one document that nobody wrote:
    /// off unless wanted.
    pub batch_queries: bool,
    /// The longest time that a load gathers others before it goes out.
    pub max_wait: Duration,
    /// Within one client request, what a subgraph has said of an entity is not asked for again.
    pub remember: bool,
}

impl LoaderOptions {
    /// Nothing is shared between client requests.
    pub const ALONE: Self = Self {
        max_batch_size: 1000,
        share_queries: false,
        batch_entities: false,
        batch_queries: false,
        max_wait: Duration::ZERO,
        remember: true,
    };
}

impl Default for LoaderOptions {
    fn default() -> Self {
        Self {
            share_queries: true,
            batch_entities: true,
            max_wait: Duration::from_millis(2),
            ..Self::ALONE
        }
    }
}

/// The most client requests whose queries go out as one: subgraphs limit what one query costs.
const MAX_COMPANY: usize = 16;

/// Where the loads of all client requests of a process meet. One per schema is enough.
#[derive(Debug, Default)]
pub struct Loaders {
    options: LoaderOptions,
    /// What differs for single subgraphs.
    named: HashMap<String, LoaderOptions>,
    meeting: Arc<Meeting>,
}

/// What is in flight or about to be.
#[derive(Debug, Default)]
pub(crate) struct Meeting {
    flights: Mutex<Flights>,
    groups: Mutex<Groups>,
}

impl Meeting {
    pub(crate) fn flights(&self) -> MutexGuard<'_, Flights> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What must be equal for two loads to go out in one request.
#[derive(Clone, Debug)]
pub(crate) struct LoadKey {
    pub(crate) program: Arc<FetchProgram>,
    pub(crate) partition: Bytes,
    pub(crate) variables: Bytes,
}

impl PartialEq for LoadKey {
    fn eq(&self, other: &Self) -> bool {
        let Self { program, partition, variables } = self;
        let same = Arc::ptr_eq(program, &other.program)
            || (program.subgraph == other.program.subgraph
                && program.load_key == other.program.load_key);
        same && *partition == other.partition && *variables == other.variables
    }
}

impl Eq for LoadKey {}

impl Hash for LoadKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { program, partition, variables } = self;
        program.load_key.hash(state);
        partition.hash(state);
        variables.hash(state);
    }
}

/// One load of a fetch: on whose behalf, and with what.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) program: Arc<FetchProgram>,
    /// The members of `variables` that come from the client.
    pub(crate) variables: Bytes,
    pub(crate) transport: Arc<dyn SubgraphTransport>,
    /// Not for mutations.
    pub(crate) may_share: bool,
}

/// Where to find what was loaded for a representation.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) batch: Arc<Batch>,
    pub(crate) at: usize,
}

impl Loaders {
    pub fn new(options: LoaderOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// Gives one subgraph options of its own.
    #[must_use]
    pub fn with(mut self, subgraph: &str, options: LoaderOptions) -> Self {
        self.named.insert(subgraph.to_owned(), options);
        self
    }

    fn options(&self, subgraph: &str) -> LoaderOptions {
        self.named.get(subgraph).copied().unwrap_or(self.options)
    }

    pub(crate) fn remembers(&self, subgraph: &str) -> bool {
        self.options(subgraph).remember
    }

    /// What a query brings along into company, if it may go there.
    pub(crate) fn companion(
        &self,
        program: &FetchProgram,
        values: &Map<String, Value>,
    ) -> Option<Ask> {
        let wanted = self.options(&program.subgraph).batch_queries;
        wanted.then(|| program.company())?.map(|company| company.ask(values))
    }

    /// Sends one request with root fields, and entities if it has any.
    pub(crate) async fn fetch(
        &self,
        load: Load,
        asks: Vec<Ask>,
        companion: Option<Ask>,
    ) -> Arc<Batch> {
        let options = self.options(&load.program.subgraph);
        match (load.partition(options.share_queries || companion.is_some()), companion) {
            (Some(partition), Some(companion)) => {
                self.accompany(&load, partition, options, companion).await
            }
            (Some(partition), None) => self.join(&load, partition, asks).await.batch(&load.program),
            (None, _) => Arc::new(load.alone(&asks).await),
        }
    }

    /// Sends a query, with those of other client requests that are equal but for their variables
    /// if one of them is in flight.
    async fn accompany(
        &self,
        load: &Load,
        partition: Bytes,
        options: LoaderOptions,
        companion: Ask,
    ) -> Arc<Batch> {
        let program = &load.program;
        let key = LoadKey { program: Arc::clone(program), partition, variables: Bytes::new() };
        let options = LoaderOptions { max_batch_size: MAX_COMPANY, ..options };
        let seats = self.meeting.groups().seat(&self.meeting, &key, load, options, &[companion]);
        if let Some(Seat { answering, at }) = seats.first()
            && let Some(batch) = answering.clone().await.of_seat(program, *at)
        {
            return batch;
        }
        Arc::new(load.alone(&[]).await)
    }

    /// Loads distinct representations; the results stand in the order of `asks`. With a moment, in
    /// company of the other fetches of the operation that have the same selection.
    pub(crate) async fn load(
        &self,
        load: Load,
        asks: Vec<Ask>,
        moment: Option<&Moment<'_>>,
    ) -> Vec<Loaded> {
        let options = self.options(&load.program.subgraph);
        let seats = match (moment, load.departure(options)) {
            (Some(moment), _) => moment.seats(&asks).await,
            (None, Departure::Alone) => return load.in_batches(asks, options.max_batch_size).await,
            (None, departure) => self.seats(&load, departure, options, &asks),
        };
        let loaded = arrive(&load.program, &seats).await;
        if moment.is_none() && !options.batch_entities {
            return loaded;
        }
        // What went wrong in company is tried again without it, all of it: that is what the answer
        // would have been alone.
        let is_alone = loaded.iter().all(|one| {
            Arc::ptr_eq(&one.batch, &loaded[0].batch) && one.batch.entities.len() == asks.len()
        });
        if !is_alone && loaded.iter().any(|one| one.batch.may_be_spoilt()) {
            return load.in_batches(asks, options.max_batch_size).await;
        }
        loaded
    }

    /// Sends representations on their way, with those of other client requests where that may be.
    pub(crate) fn depart(&self, load: &Load, asks: &[Ask]) -> Vec<Seat> {
        let options = self.options(&load.program.subgraph);
        self.seats(load, load.departure(options), options, asks)
    }

    fn seats(
        &self,
        load: &Load,
        departure: Departure,
        options: LoaderOptions,
        asks: &[Ask],
    ) -> Vec<Seat> {
        let each = |send: &dyn Fn(Vec<Ask>) -> Answering| {
            let seat = |asks: Vec<Ask>| {
                let many = asks.len();
                let answering = send(asks);
                (0..many).map(move |at| Seat { answering: answering.clone(), at })
            };
            chunks(asks, options.max_batch_size).flat_map(seat).collect()
        };
        match departure {
            Departure::Gathered(partition) => {
                let key = LoadKey {
                    program: Arc::clone(&load.program),
                    partition,
                    variables: load.variables.clone(),
                };
                self.meeting.groups().seat(&self.meeting, &key, load, options, asks)
            }
            Departure::Shared(partition) => each(&|asks| self.join(load, partition.clone(), asks)),
            Departure::Alone => each(&|asks| load.clone().answering(asks)),
        }
    }

    /// Takes part in an equal request if there is one in flight, else sends it.
    fn join(&self, load: &Load, partition: Bytes, asks: Vec<Ask>) -> Answering {
        let request = batch::request(&load.program, &load.variables, &asks);
        self.meeting.flights().join(&self.meeting, load, partition, request, asks)
    }
}

/// With whom a load may meet.
enum Departure {
    /// Entity loads of a partition go out together.
    Gathered(Bytes),
    /// Equal requests of a partition are sent once.
    Shared(Bytes),
    Alone,
}

/// Waits for the answers, and finds in them what was asked for.
async fn arrive(program: &Arc<FetchProgram>, seats: &[Seat]) -> Vec<Loaded> {
    let mut answers: Vec<&Answering> = Vec::new();
    let mut places = Vec::with_capacity(seats.len());
    for Seat { answering, at } in seats {
        // Neighbours mostly travel together.
        let known = answers.iter().rposition(|known| known.ptr_eq(answering));
        places.push((known.unwrap_or(answers.len()), *at));
        if known.is_none() {
            answers.push(answering);
        }
    }
    let received = join_all(answers.into_iter().cloned()).await;
    let batches: Vec<Arc<Batch>> =
        received.iter().map(|received| received.batch(program)).collect();
    let find = |(answer, at): (usize, usize)| Loaded { batch: Arc::clone(&batches[answer]), at };
    places.into_iter().map(find).collect()
}

impl Load {
    /// Whom this load may be shared with; none if with nobody.
    fn partition(&self, wanted: bool) -> Option<Bytes> {
        if wanted && self.may_share {
            self.transport.partition(&self.program.subgraph)
        } else {
            None
        }
    }

    fn departure(&self, options: LoaderOptions) -> Departure {
        match self.partition(options.share_queries || options.batch_entities) {
            Some(partition) if options.batch_entities => Departure::Gathered(partition),
            Some(partition) => Departure::Shared(partition),
            None => Departure::Alone,
        }
    }

    /// What several client requests ask for together.
    pub(crate) fn request(&self, asks: &[Ask]) -> SubgraphRequest {
        match self.program.company() {
            Some(company) => company.request(&self.program, asks),
            None => batch::request(&self.program, &self.variables, asks),
        }
    }

    /// A request of its own that several can wait for.
    fn answering(self, asks: Vec<Ask>) -> Answering {
        let request = batch::request(&self.program, &self.variables, &asks);
        let answering =
            async move { Arc::new(Received::new(asks, self.transport.send(request).await)) };
        answering.boxed().shared()
    }

    async fn alone(&self, asks: &[Ask]) -> Batch {
        batch::load(&self.program, &self.variables, &*self.transport, asks).await
    }

    async fn in_batches(&self, asks: Vec<Ask>, max_batch_size: usize) -> Vec<Loaded> {
        if asks.len() <= max_batch_size {
            return in_order(vec![Arc::new(self.alone(&asks).await)]);
        }
        let batches =
            chunks(&asks, max_batch_size).map(async |asks| Arc::new(self.alone(&asks).await));
        in_order(join_all(batches).await)
    }

    pub(crate) fn note(&self, event: LoadEvent) {
        self.transport.note(&self.program.subgraph, event);
    }
}

fn chunks(asks: &[Ask], max_batch_size: usize) -> impl Iterator<Item = Vec<Ask>> {
    asks.chunks(max_batch_size.max(1)).map(<[Ask]>::to_vec)
}

fn in_order(batches: Vec<Arc<Batch>>) -> Vec<Loaded> {
    let entities = |batch: Arc<Batch>| {
        (0..batch.entities.len()).map(move |at| Loaded { batch: Arc::clone(&batch), at })
    };
    batches.into_iter().flat_map(entities).collect()
}
