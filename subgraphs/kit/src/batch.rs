//! Collects what the resolvers of one request ask for one by one, and reads it together.
//!
//! A request's resolvers all run in one task. The first to ask for something of a kind becomes
//! the leader of the next batch: it lets every other resolver that can run do so, and reads
//! when a whole round has brought no new question. So a batch is complete whatever the machine
//! is busy with, and nobody waits for a timer. What reads, and what a key means, is the
//! service's.

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::future::poll_fn;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

pub use async_graphql::dataloader::Loader;
use futures::channel::oneshot;

/// Rounds without a new question after which the leader reads.
const QUIET_ROUNDS: u32 = 2;

/// The batches of one request. What was read once is remembered for the request's duration.
pub struct Batches<L> {
    loader: L,
    queues: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
}

impl<L> fmt::Debug for Batches<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Batches")
    }
}

type Answer<K, L> = Result<Option<<L as Loader<K>>::Value>, <L as Loader<K>>::Error>;

/// Keys in the order in which they were asked for, and who waits for each.
type Waiting<K, L> = Vec<(K, oneshot::Sender<Answer<K, L>>)>;

struct Queue<K: Send + Sync + Hash + Eq + Clone + 'static, L: Loader<K>> {
    known: HashMap<K, Option<L::Value>>,
    waiting: Waiting<K, L>,
    /// Counts questions, to see whether a round has brought new ones.
    asked: u64,
    has_leader: bool,
}

impl<K: Send + Sync + Hash + Eq + Clone + 'static, L: Loader<K>> Default for Queue<K, L> {
    fn default() -> Self {
        Self { known: HashMap::new(), waiting: Vec::new(), asked: 0, has_leader: false }
    }
}

impl<L: Send + Sync + 'static> Batches<L> {
    pub fn new(loader: L) -> Self {
        Self { loader, queues: Mutex::default() }
    }

    /// The value of the key, read together with all keys of its kind asked for meanwhile.
    pub async fn load<K>(&self, key: K) -> Answer<K, L>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        L: Loader<K>,
    {
        loop {
            let (answer, leads) = {
                let mut queues = self.lock();
                let queue = queue_of::<K, L>(&mut queues);
                if let Some(known) = queue.known.get(&key) {
                    return Ok(known.clone());
                }
                let (sender, answer) = oneshot::channel();
                queue.waiting.push((key.clone(), sender));
                queue.asked += 1;
                (answer, !std::mem::replace(&mut queue.has_leader, true))
            };
            if leads {
                let leadership = Leadership::<K, L> { batches: self, kind: PhantomData };
                self.gather::<K>().await;
                self.read(leadership.end()).await;
            }
            // Without an answer the leader was dropped with its part of the request: ask anew.
            if let Ok(answer) = answer.await {
                return answer;
            }
        }
    }

    /// Lets the other resolvers run until they have nothing more to ask.
    async fn gather<K>(&self)
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        L: Loader<K>,
    {
        let (mut seen, mut quiet) = (0, 0);
        while quiet < QUIET_ROUNDS {
            next_round().await;
            let asked = queue_of::<K, L>(&mut self.lock()).asked;
            quiet = if asked == seen { quiet + 1 } else { 0 };
            seen = asked;
        }
    }

    /// Reads a batch and answers everybody in it.
    async fn read<K>(&self, waiting: Waiting<K, L>)
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        L: Loader<K>,
    {
        let mut once = HashSet::new();
        let asked = waiting.iter().map(|(key, _)| key);
        let keys: Vec<K> = asked.filter(|key| once.insert(*key)).cloned().collect();
        let found = self.loader.load(&keys).await;
        let mut queues = self.lock();
        let queue = queue_of::<K, L>(&mut queues);
        for (key, sender) in waiting {
            let answer = match &found {
                Ok(values) => Ok(values.get(&key).cloned()),
                Err(error) => Err(error.clone()),
            };
            if let Ok(value) = &answer {
                queue.known.insert(key, value.clone());
            }
            // Whoever asked may be gone by now.
            drop(sender.send(answer));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TypeId, Box<dyn Any + Send>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn queue_of<K, L>(queues: &mut HashMap<TypeId, Box<dyn Any + Send>>) -> &mut Queue<K, L>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    L: Loader<K>,
{
    queues
        .entry(TypeId::of::<K>())
        .or_insert_with(|| Box::new(Queue::<K, L>::default()))
        .downcast_mut()
        .expect("a queue is stored under the type of its keys")
}

/// Goes to the end of the task's queue once.
async fn next_round() {
    let mut polled = false;
    poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Held by the leader of a batch; dropped early, it frees those who wait to find a new one.
struct Leadership<'a, K: Send + Sync + Hash + Eq + Clone + 'static, L: Loader<K>> {
    batches: &'a Batches<L>,
    kind: PhantomData<fn(K)>,
}

impl<K: Send + Sync + Hash + Eq + Clone + 'static, L: Loader<K>> Leadership<'_, K, L> {
    /// Takes the batch; whoever asks from now on begins a new one.
    fn end(self) -> Waiting<K, L> {
        let mut queues = self.batches.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue_of::<K, L>(&mut queues);
        // Dropping `self` finds nobody left who waits.
        std::mem::take(&mut queue.waiting)
    }
}

impl<K: Send + Sync + Hash + Eq + Clone + 'static, L: Loader<K>> Drop for Leadership<'_, K, L> {
    fn drop(&mut self) {
        let mut queues = self.batches.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue_of::<K, L>(&mut queues);
        queue.has_leader = false;
        queue.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::FutureExt as _;
    use futures::future::join_all;

    use super::*;

    /// Doubles even numbers, knows no odd ones, fails for the largest.
    #[derive(Default)]
    struct Doubler {
        batches: AtomicUsize,
    }

    impl Loader<u64> for Doubler {
        type Value = u64;
        type Error = String;

        async fn load(&self, keys: &[u64]) -> Result<HashMap<u64, u64>, String> {
            self.batches.fetch_add(1, Ordering::SeqCst);
            next_round().await;
            if keys.contains(&u64::MAX) {
                return Err("too large".to_owned());
            }
            Ok(keys.iter().filter(|key| *key % 2 == 0).map(|key| (*key, key * 2)).collect())
        }
    }

    #[tokio::test]
    async fn thousands_of_questions_of_a_kind_are_one_read() {
        let batches = Batches::new(Doubler::default());
        let answers = join_all((0..5_000).map(|key| batches.load(key))).await;
        assert_eq!(answers[4], Ok(Some(8)));
        assert_eq!(answers[5], Ok(None));
        assert_eq!(batches.loader.batches.load(Ordering::SeqCst), 1);
        assert_eq!(batches.load(4).await, Ok(Some(8)), "remembered");
        assert_eq!(batches.loader.batches.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn questions_that_follow_from_answers_make_the_next_read() {
        let batches = Batches::new(Doubler::default());
        let chain = |key| async move { (key, ()) };
        let answers = join_all((0..200_u64).map(|key| {
            let batches = &batches;
            async move {
                let (key, ()) = chain(key * 2).await;
                let first = batches.load(key).await.unwrap().unwrap();
                batches.load(first + 100_000).await.unwrap()
            }
        }))
        .await;
        assert_eq!(answers[1], Some(2 * 100_004));
        assert_eq!(batches.loader.batches.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn an_error_reaches_everybody_and_is_not_remembered() {
        let batches = Batches::new(Doubler::default());
        let (one, two) = futures::join!(batches.load(u64::MAX), batches.load(2));
        assert_eq!((one, two), (Err("too large".to_owned()), Err("too large".to_owned())));
        assert_eq!(batches.load(2).await, Ok(Some(4)));
    }

    #[tokio::test]
    async fn when_the_leader_is_dropped_another_one_takes_over() {
        let batches = Batches::new(Doubler::default());
        let mut leader = Box::pin(batches.load(2));
        assert_eq!((&mut leader).now_or_never(), None);
        let mut follower = Box::pin(batches.load(4));
        assert_eq!((&mut follower).now_or_never(), None);
        drop(leader);
        assert_eq!(follower.await, Ok(Some(8)));
    }
}
