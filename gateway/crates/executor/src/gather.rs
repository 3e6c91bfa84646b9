//! Entity loads, and queries, of concurrent client requests that go out together.
//!
//! A group holds the batches of one [`LoadKey`]: those in flight, and at most one that gathers. It
//! departs when nothing is in flight any more, when it is full, or when it has waited long enough,
//! whichever comes first.

use std::collections::HashMap;
use std::sync::Arc;

use futures::channel::oneshot;
use futures::future::FutureExt as _;
use tokio::time::timeout;

use crate::batch::Ask;
use crate::flight::{Answering, Received, WeakAnswering};
use crate::loader::{Load, LoadKey, LoaderOptions, Meeting};
use crate::transport::LoadEvent;

#[derive(Debug, Default)]
pub(crate) struct Groups {
    by_key: HashMap<LoadKey, Group>,
    next: u64,
}

#[derive(Debug, Default)]
struct Group {
    in_flight: Vec<Batch>,
    gathering: Option<Gathering>,
}

#[derive(Debug)]
struct Batch {
    number: u64,
    /// Where each representation stands in the request.
    seats: HashMap<Ask, usize>,
    answering: WeakAnswering,
}

#[derive(Debug)]
struct Gathering {
    batch: Batch,
    asks: Vec<Ask>,
    /// Tells it to depart.
    depart: Option<oneshot::Sender<Vec<Ask>>>,
}

/// Where to find the answer to one representation.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub(crate) answering: Answering,
    pub(crate) at: usize,
}

impl Groups {
    /// Finds a seat for every representation: in a batch that has it already, else in the one that
    /// gathers, else in a new one that departs at once.
    pub(crate) fn seat(
        &mut self,
        meeting: &Arc<Meeting>,
        key: &LoadKey,
        load: &Load,
        options: LoaderOptions,
        asks: &[Ask],
    ) -> Vec<Seat> {
        let group = self.by_key.entry(key.clone()).or_default();
        let mut seats: Vec<Option<Seat>> = asks.iter().map(|ask| group.find(ask)).collect();
        let left: Vec<usize> = (0..asks.len()).filter(|&at| seats[at].is_none()).collect();
        let idle = group.in_flight.is_empty() && group.gathering.is_none();
        if left.is_empty() || !idle {
            load.note(LoadEvent::Batched);
        }
        let max = options.max_batch_size.max(1);
        let mut left = left.into_iter().peekable();
        while left.peek().is_some() {
            if idle {
                let chosen: Vec<usize> = left.by_ref().take(max).collect();
                let wanted: Vec<Ask> = chosen.iter().map(|&at| asks[at].clone()).collect();
                let number = self.next;
                self.next += 1;
                let answering = send(meeting, key, load, number, wanted.clone());
                for (seat, &at) in chosen.iter().enumerate() {
                    seats[at] = Some(Seat { answering: answering.clone(), at: seat });
                }
                group.in_flight.extend(Batch::new(number, &wanted, &answering));
                continue;
            }
            if !group.gathering.as_ref().is_some_and(Gathering::is_alive) {
                let number = self.next;
                self.next += 1;
                group.gathering = None;
                let (gathering, answering) = gather(meeting, key, load, number, options);
                group.gathering = gathering;
                group.fill(asks, &mut left, max, &mut seats, &answering);
            } else if let Some(answering) = group.gathering.as_ref().and_then(Gathering::answering)
            {
                group.fill(asks, &mut left, max, &mut seats, &answering);
            }
        }
        seats.into_iter().flatten().collect()
    }

    /// A batch has been answered or given up.
    fn end(&mut self, key: &LoadKey, number: u64) {
        let Some(group) = self.by_key.get_mut(key) else { return };
        group.in_flight.retain(|batch| batch.number != number);
        if group.gathering.as_ref().is_some_and(|gathering| gathering.batch.number == number) {
            group.gathering = None;
        }
        if group.in_flight.is_empty() {
            group.depart();
        }
        if group.in_flight.is_empty() && group.gathering.is_none() {
            self.by_key.remove(key);
        }
    }

    /// A batch has waited long enough.
    fn depart(&mut self, key: &LoadKey, number: u64) {
        if let Some(group) = self.by_key.get_mut(key)
            && group.gathering.as_ref().is_some_and(|gathering| gathering.batch.number == number)
        {
            group.depart();
        }
    }
}

impl Group {
    fn find(&self, ask: &Ask) -> Option<Seat> {
        let gathering = self.gathering.iter().map(|gathering| &gathering.batch);
        self.in_flight.iter().chain(gathering).find_map(|batch| {
            let at = *batch.seats.get(ask)?;
            Some(Seat { answering: batch.answering.upgrade()?, at })
        })
    }

    /// Seats as many as there is room for; a full batch departs.
    fn fill(
        &mut self,
        asks: &[Ask],
        left: &mut impl Iterator<Item = usize>,
        max: usize,
        seats: &mut [Option<Seat>],
        answering: &Answering,
    ) {
        let Some(gathering) = &mut self.gathering else { return };
        let room = max.saturating_sub(gathering.asks.len());
        for at in left.take(room) {
            let seat = gathering.asks.len();
            gathering.asks.push(asks[at].clone());
            gathering.batch.seats.insert(asks[at].clone(), seat);
            seats[at] = Some(Seat { answering: answering.clone(), at: seat });
        }
        if gathering.asks.len() >= max {
            self.depart();
        }
    }

    fn depart(&mut self) {
        let Some(Gathering { batch, asks, depart }) = self.gathering.take() else { return };
        if let Some(depart) = depart
            && depart.send(asks).is_ok()
        {
            self.in_flight.push(batch);
        }
    }
}

impl Batch {
    fn new(number: u64, asks: &[Ask], answering: &Answering) -> Option<Self> {
        let seats = asks.iter().enumerate().map(|(at, ask)| (ask.clone(), at)).collect();
        Some(Self { number, seats, answering: answering.downgrade()? })
    }
}

impl Gathering {
    fn answering(&self) -> Option<Answering> {
        self.batch.answering.upgrade()
    }

    /// Somebody waits for it.
    fn is_alive(&self) -> bool {
        self.answering().is_some()
    }
}

/// A batch that departs at once.
fn send(
    meeting: &Arc<Meeting>,
    key: &LoadKey,
    load: &Load,
    number: u64,
    asks: Vec<Ask>,
) -> Answering {
    let ending = Ending { meeting: Arc::clone(meeting), key: key.clone(), number };
    let load = load.clone();
    let answering = async move {
        let _ending = ending;
        let request = load.request(&asks);
        Arc::new(Received::new(asks, load.transport.send(request).await))
    };
    answering.boxed().shared()
}

/// A batch that waits until it is told to depart, or has waited long enough.
fn gather(
    meeting: &Arc<Meeting>,
    key: &LoadKey,
    load: &Load,
    number: u64,
    options: LoaderOptions,
) -> (Option<Gathering>, Answering) {
    let (depart, mut told) = oneshot::channel::<Vec<Ask>>();
    let ending = Ending { meeting: Arc::clone(meeting), key: key.clone(), number };
    let load = load.clone();
    let answering = async move {
        let ending = ending;
        let asks = if let Ok(asks) = timeout(options.max_wait, &mut told).await {
            asks
        } else {
            ending.meeting.groups().depart(&ending.key, number);
            told.await
        };
        // The sender is only dropped together with what it would have sent.
        let asks: Vec<Ask> = asks.unwrap_or_default();
        let request = load.request(&asks);
        Arc::new(Received::new(asks, load.transport.send(request).await))
    };
    let answering = answering.boxed().shared();
    let batch = Batch::new(number, &[], &answering);
    let gathering = batch.map(|batch| Gathering { batch, asks: Vec::new(), depart: Some(depart) });
    (gathering, answering)
}

/// Takes a batch out of its group, whether it was answered or given up.
struct Ending {
    meeting: Arc<Meeting>,
    key: LoadKey,
    number: u64,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.meeting.groups().end(&self.key, self.number);
    }
}
