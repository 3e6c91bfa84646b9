//! Requests in flight that several client requests wait for.
//!
//! An answer is received once and read once per program that asked for it: equal documents of
//! different operations have different programs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _, Shared, WeakShared};

use crate::answer::FetchError;
use crate::batch::{self, Ask, Batch};
use crate::company;
use crate::compiled::FetchProgram;
use crate::loader::{Load, Meeting};
use crate::transport::{LoadEvent, SubgraphRequest, SubgraphResponse, TransportError};

pub(crate) type Answering = Shared<BoxFuture<'static, Arc<Received>>>;
pub(crate) type WeakAnswering = WeakShared<BoxFuture<'static, Arc<Received>>>;

/// What a request brought, for everybody who waited.
#[derive(Debug)]
pub(crate) struct Received {
    asks: Vec<Ask>,
    response: Result<SubgraphResponse, TransportError>,
    /// What it tells each seat of a company.
    seats: OnceLock<Vec<Option<SubgraphResponse>>>,
    /// By program, what it reads out of the response.
    read: Mutex<Vec<(Arc<FetchProgram>, Arc<Batch>)>>,
}

impl Received {
    pub(crate) fn new(asks: Vec<Ask>, response: Result<SubgraphResponse, TransportError>) -> Self {
        Self { asks, response, seats: OnceLock::new(), read: Mutex::default() }
    }

    pub(crate) fn batch(&self, program: &Arc<FetchProgram>) -> Arc<Batch> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, batch)) = read.iter().find(|(known, _)| Arc::ptr_eq(known, program)) {
            return Arc::clone(batch);
        }
        let batch = Arc::new(batch::read(program, &self.asks, self.response.clone()));
        read.push((Arc::clone(program), Arc::clone(&batch)));
        batch
    }

    /// What one seat of a company reads out of the response. None: it has to ask alone.
    pub(crate) fn of_seat(&self, program: &FetchProgram, seat: usize) -> Option<Arc<Batch>> {
        let own = match &self.response {
            _ if self.asks.len() == 1 => self.response.clone(),
            Ok(response) => {
                let seats = self.seats.get_or_init(|| company::split(response, self.asks.len()));
                Ok(seats.get(seat)?.clone()?)
            }
            Err(error) if FetchError::from(error.clone()).depends_on_request() => return None,
            Err(error) => Err(error.clone()),
        };
        Some(Arc::new(batch::read(program, &[], own)))
    }
}

/// Equal requests are found by all that the subgraph sees of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FlightKey {
    subgraph: Arc<str>,
    partition: Bytes,
    body: Bytes,
}

#[derive(Debug, Default)]
pub(crate) struct Flights {
    by_key: HashMap<FlightKey, (u64, WeakAnswering)>,
    next: u64,
}

impl Flights {
    pub(crate) fn join(
        &mut self,
        meeting: &Arc<Meeting>,
        load: &Load,
        partition: Bytes,
        request: SubgraphRequest,
        asks: Vec<Ask>,
    ) -> Answering {
        let key =
            FlightKey { subgraph: request.subgraph.clone(), partition, body: request.body.clone() };
        if let Some(answering) = self.by_key.get(&key).and_then(|(_, flight)| flight.upgrade()) {
            load.note(LoadEvent::Shared);
            return answering;
        }
        let number = self.next;
        self.next += 1;
        let landing = Landing { meeting: Arc::clone(meeting), key: key.clone(), number };
        let transport = Arc::clone(&load.transport);
        let answering = async move {
            let _landing = landing;
            Arc::new(Received::new(asks, transport.send(request).await))
        };
        let answering = answering.boxed().shared();
        if let Some(weak) = answering.downgrade() {
            self.by_key.insert(key, (number, weak));
        }
        answering
    }
}

/// Takes a flight off the board, whether it was answered or given up.
struct Landing {
    meeting: Arc<Meeting>,
    key: FlightKey,
    number: u64,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut flights = self.meeting.flights();
        if flights.by_key.get(&self.key).is_some_and(|(number, _)| *number == self.number) {
            flights.by_key.remove(&self.key);
        }
    }
}
