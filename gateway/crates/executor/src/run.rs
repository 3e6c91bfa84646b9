//! Running a plan: the graph of fetches, each started as soon as those it waits for have ended.
//!
//! One task drives everything. Requests are in flight concurrently, but answers are merged one at
//! a time, so the data needs no lock. A fetch that fails ends like any other: what depends on it
//! finds fewer entities, what does not is untouched.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use federation::plan::OperationKind;
use futures::future::{BoxFuture, join_all};
use futures::stream::{FuturesUnordered, StreamExt as _};
use serde_json::{Map, Value as Json};
use tokio::time::{Instant, sleep_until};

use crate::answer::FetchError;
use crate::batch::{Ask, Batch};
use crate::compiled::{CompiledPlan, FetchProgram};
use crate::data::Data;
use crate::entities::{Entities, Roots};
use crate::error::ErrorList;
use crate::json::write_string;
use crate::loader::{Load, Loaded, Loaders};
use crate::moment::Moment;
use crate::project::{self, Source};
use crate::remember::{Memory, Stored, recall};
use crate::report::Report;
use crate::response::GraphqlResponse;
use crate::transport::{LoadEvent, SubgraphTransport, TransportError};

/// What one run of a plan needs beside the plan.
pub struct Execution<'a> {
    /// Coerced, with defaults applied.
    pub variables: &'a Map<String, Json>,
    /// Answers to `__schema` and `__type`, by response key.
    pub introspection: &'a Map<String, Json>,
    pub transport: Arc<dyn SubgraphTransport>,
    pub loaders: &'a Loaders,
    /// What has not been answered by then is reported as `GATEWAY_TIMEOUT`, the rest is kept.
    pub deadline: Option<Instant>,
}

/// Runs a plan and writes the client's answer. Dropping the future gives the run up.
///
/// ```
/// use std::sync::Arc;
///
/// use executor::*;
/// use federation::plan::QueryPlan;
/// use futures::future::{BoxFuture, FutureExt, ready};
///
/// /// Has one answer to everything.
/// struct Same(&'static str);
///
/// impl SubgraphTransport for Same {
///     fn send(&self, _: SubgraphRequest) -> BoxFuture<'_, Result<SubgraphResponse, TransportError>> {
///         ready(Ok(SubgraphResponse { status: 200, body: self.0.into() })).boxed()
///     }
///
///     fn partition(&self, _: &str) -> Option<bytes::Bytes> {
///         None
///     }
/// }
///
/// let plan: QueryPlan = serde_json::from_str(
///     r#"{
///         "kind": "query",
///         "fetches": [{
///             "subgraph": "users", "after": [], "when": [], "kind": "query",
///             "operation_name": "users__0", "document": "query users__0{hello}",
///             "variables": [], "entities": [], "roots": ["hello"], "at": []
///         }],
///         "projection": {"root_type": "Query", "fields": [{
///             "response_key": "greeting", "coordinate": "Query.hello", "types": null, "when": [],
///             "value": {"data": {"key": "hello", "output": {"leaf": "string"}}}
///         }]}
///     }"#,
/// )
/// .unwrap();
/// let plan = CompiledPlan::new(&plan);
///
/// # let nothing = serde_json::Map::new();
/// let execution = Execution {
///     variables: &nothing,
///     introspection: &nothing,
///     transport: Arc::new(Same(r#"{"data": {"hello": "world"}}"#)),
///     loaders: &Loaders::default(),
///     deadline: None,
/// };
/// let response = execute(&plan, execution).now_or_never().unwrap();
/// assert_eq!(response.into_body(), r#"{"data":{"greeting":"world"}}"#);
/// ```
pub async fn execute(plan: &CompiledPlan, execution: Execution<'_>) -> GraphqlResponse {
    let mut run = Run::new(plan, execution);
    run.fetch_all().await;
    run.complete()
}

impl fmt::Debug for Execution<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variables, introspection, transport: _, loaders, deadline } = self;
        formatter
            .debug_struct("Execution")
            .field("variables", variables)
            .field("introspection", introspection)
            .field("loaders", loaders)
            .field("deadline", deadline)
            .finish_non_exhaustive()
    }
}

struct Run<'a> {
    plan: &'a CompiledPlan,
    execution: Execution<'a>,
    included: Vec<bool>,
    data: Data,
    fetches: Vec<FetchState>,
    /// By fetch, what later ones may do without.
    memories: Vec<Option<Memory>>,
    /// By selection, where fetches meet.
    moments: HashMap<usize, Moment<'a>>,
}

#[derive(Default)]
struct FetchState {
    /// How many fetches it still waits for.
    waits_for: usize,
    progress: Progress,
    trouble: Option<Trouble>,
}

#[derive(Default)]
enum Progress {
    #[default]
    Waiting,
    Running(Job),
    Ended,
}

/// A fetch with errors. They are reported when all data is there: only then the types of all
/// objects are known, and with them the places that the errors are about.
struct Trouble {
    job: Job,
    outcome: Outcome,
    batches: Vec<Arc<Batch>>,
}

/// Where the answer of a fetch belongs.
#[derive(Debug)]
pub(crate) struct Job {
    /// None if the fetch asks for entities only.
    pub(crate) roots: Option<Roots>,
    pub(crate) lists: Vec<Entities>,
}

/// What a fetch brought.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The request that carried the root fields.
    pub(crate) roots: Option<Arc<Batch>>,
    /// For every list, what was loaded for each representation.
    pub(crate) lists: Vec<Vec<Loaded>>,
}

type Running<'a> = FuturesUnordered<BoxFuture<'a, (usize, Outcome)>>;

impl<'a> Run<'a> {
    fn new(plan: &'a CompiledPlan, execution: Execution<'a>) -> Self {
        let included = plan.inclusions(execution.variables);
        let state = |fetch: &Arc<FetchProgram>| FetchState {
            waits_for: fetch.waits_for,
            ..FetchState::default()
        };
        let fetches = plan.fetches.iter().map(state).collect();
        let memories = plan.fetches.iter().map(|_| None).collect();
        let moments = HashMap::new();
        Self { plan, execution, included, data: Data::new(), fetches, memories, moments }
    }

    async fn fetch_all(&mut self) {
        let mut running = Running::new();
        let mut deadline = pin!(self.execution.deadline.map(sleep_until));
        let mut ready: VecDeque<usize> =
            (0..self.fetches.len()).filter(|&fetch| self.fetches[fetch].waits_for == 0).collect();
        loop {
            while let Some(fetch) = ready.pop_front() {
                match self.start(fetch) {
                    Some(future) => running.push(future),
                    None => self.end(fetch, &mut ready),
                }
            }
            // The clock is only looked at when there is nothing else to do.
            let next = poll_fn(|context| match running.poll_next_unpin(context) {
                Poll::Ready(next) => Poll::Ready(Ok(next)),
                Poll::Pending => match deadline.as_mut().as_pin_mut() {
                    Some(deadline) => deadline.poll(context).map(Err),
                    None => Poll::Pending,
                },
            });
            let next = next.await;
            match next {
                Ok(Some((fetch, outcome))) => {
                    self.merge(fetch, outcome);
                    self.end(fetch, &mut ready);
                }
                Ok(None) => return,
                Err(()) => return self.give_up(),
            }
        }
    }

    /// None if the fetch has nothing to ask.
    fn start(&mut self, fetch: usize) -> Option<BoxFuture<'a, (usize, Outcome)>> {
        let job = self.prepare(fetch)?;
        let program = Arc::clone(&self.plan.fetches[fetch]);
        let load = Load {
            variables: variables(&program.variables, self.execution.variables),
            program,
            transport: Arc::clone(&self.execution.transport),
            may_share: self.plan.kind != OperationKind::Mutation,
        };
        let asks = asks(&job.lists);
        let sizes = sizes(&job.lists);
        let has_roots = job.roots.is_some();
        self.fetches[fetch].progress = Progress::Running(job);
        let loaders = self.execution.loaders;
        if has_roots {
            let companion = loaders.companion(&load.program, self.execution.variables);
            return Some(Box::pin(async move {
                let batch = loaders.fetch(load, asks, companion).await;
                (fetch, Outcome::of_one(batch, &sizes))
            }));
        }
        let contexts: Vec<Bytes> = match &self.fetches[fetch].progress {
            Progress::Running(job) => {
                job.lists.iter().flat_map(|list| &list.contexts).cloned().collect()
            }
            Progress::Waiting | Progress::Ended => Vec::new(),
        };
        if !contexts.is_empty() {
            return Some(Box::pin(async move {
                let loaded = load_in_contexts(loaders, &load, &contexts, &asks).await;
                (fetch, Outcome { roots: None, lists: by_list(loaded, &sizes) })
            }));
        }
        let moment = load.program.moment.map(|selection| {
            let load = || Moment::new(loaders, load.clone());
            self.moments.entry(selection).or_insert_with(load).clone()
        });
        Some(Box::pin(async move {
            let loaded = loaders.load(load, asks, moment.as_ref()).await;
            (fetch, Outcome { roots: None, lists: by_list(loaded, &sizes) })
        }))
    }

    /// Finds out where the answer of a fetch belongs. None if there is no such place.
    fn prepare(&mut self, fetch: usize) -> Option<Job> {
        let program = &self.plan.fetches[fetch];
        if !self.included[program.when] {
            return None;
        }
        let has_roots = !program.roots.is_empty() || program.entities.is_empty();
        let roots = has_roots.then(|| Roots::find(&mut self.data, &program.at));
        let collect = |entities| Entities::collect(&mut self.data, entities);
        let mut lists: Vec<Entities> = program.entities.iter().map(collect).collect();
        self.recall(fetch, &mut lists);
        let wanted = lists.iter().any(|list| !list.targets.is_empty())
            || roots.as_ref().is_some_and(|roots| !roots.places.is_empty());
        wanted.then_some(Job { roots, lists })
    }

    /// Does without what the same subgraph has said before.
    fn recall(&mut self, fetch: usize, lists: &mut [Entities]) {
        let Self { plan, execution, data, memories, .. } = self;
        let program = &plan.fetches[fetch];
        if program.entities.iter().all(|list| list.sources.is_empty())
            || !execution.loaders.remembers(&program.subgraph)
        {
            return;
        }
        let mut any = false;
        for (list, program) in lists.iter_mut().zip(&program.entities) {
            let recalled = recall(data, program, memories, &list.representations);
            any |= !recalled.is_empty();
            list.take_recalled(data, &recalled);
        }
        let nothing_left = lists.iter().all(|list| list.representations.is_empty());
        if any && nothing_left && program.roots.is_empty() {
            execution.transport.note(&program.subgraph, LoadEvent::Remembered);
        }
    }

    /// Lets those start that waited for nothing else.
    fn end(&mut self, fetch: usize, ready: &mut VecDeque<usize>) {
        self.fetches[fetch].progress = Progress::Ended;
        for &dependent in &self.plan.fetches[fetch].dependents {
            self.fetches[dependent].waits_for -= 1;
            if self.fetches[dependent].waits_for == 0 {
                ready.push_back(dependent);
            }
        }
    }

    /// The deadline has passed: what is still running or waiting has failed.
    fn give_up(&mut self) {
        for fetch in 0..self.fetches.len() {
            if matches!(self.fetches[fetch].progress, Progress::Waiting)
                && let Some(job) = self.prepare(fetch)
            {
                self.fetches[fetch].progress = Progress::Running(job);
            }
            if let Progress::Running(job) = &self.fetches[fetch].progress {
                let sizes = sizes(&job.lists);
                let timeout = FetchError::Transport(TransportError::Timeout);
                let batch = Batch::failed(sizes.iter().sum(), timeout);
                self.merge(fetch, Outcome::of_one(Arc::new(batch), &sizes));
            }
        }
    }

    fn merge(&mut self, fetch: usize, outcome: Outcome) {
        let progress = std::mem::replace(&mut self.fetches[fetch].progress, Progress::Ended);
        let Progress::Running(job) = progress else { return };
        let mut adopted: Vec<(Arc<Batch>, Option<u32>)> = Vec::new();
        let Self { plan, data, .. } = self;
        let traced = outcome.has_errors().then(|| job.traced(data, &plan.fetches[fetch]));
        for (list, loaded) in job.lists.iter().zip(&outcome.lists) {
            for target in &list.targets {
                let Loaded { batch, at } = &loaded[target.representation];
                let document = adopt(data, &mut adopted, batch, &outcome);
                match batch.entities[*at].object.zip(document) {
                    Some((object, document)) => {
                        for target in list.objects(data, target) {
                            data.merge(target, document, object);
                        }
                    }
                    None => {
                        for target in list.objects(data, target) {
                            data.set_incomplete(target);
                        }
                    }
                }
            }
        }
        if let (Some(roots), Some(batch)) = (&job.roots, &outcome.roots)
            && let (Some(document), Some(object)) =
                (adopt(data, &mut adopted, batch, &outcome), batch.data)
        {
            for place in roots.objects(data) {
                data.merge_only(place, document, object, &plan.fetches[fetch].roots);
            }
        }
        if plan.fetches[fetch].is_source && traced.is_none() {
            self.memories[fetch] = Some(memory(&job, &outcome, &adopted));
        }
        if let Some(job) = traced {
            let batches = adopted.into_iter().map(|(batch, _)| batch).collect();
            self.fetches[fetch].trouble = Some(Trouble { job, outcome, batches });
        }
    }

    fn complete(self) -> GraphqlResponse {
        let Self { plan, execution, included, data, fetches, memories: _, moments: _ } = self;
        let mut errors = ErrorList::default();
        for (fetch, state) in fetches.iter().enumerate() {
            if let Some(Trouble { job, outcome, batches }) = &state.trouble {
                let report =
                    Report { plan, included: &included, data: &data, fetch, errors: &mut errors };
                report.all(job, outcome, batches);
            }
        }
        let introspection = execution.introspection;
        let source = Source { plan, included: &included, data: &data, introspection };
        let mut text = GraphqlResponse::head(plan.expected_size(data.size()));
        let found = project::project(&source, errors.as_slice(), &mut text);
        plan.note_size(text.len());
        errors.append(found);
        GraphqlResponse::new(text, errors)
    }
}

impl Job {
    /// The same with all the ways to the places concerned: something went wrong.
    fn traced(&self, data: &Data, program: &FetchProgram) -> Self {
        let lists = self.lists.iter().zip(&program.entities);
        Self {
            roots: self.roots.as_ref().map(|roots| roots.traced(data, &program.at)),
            lists: lists.map(|(list, program)| list.traced(data, program)).collect(),
        }
    }
}

impl Outcome {
    fn has_errors(&self) -> bool {
        let loaded = self.lists.iter().flatten().map(|loaded| &loaded.batch);
        self.roots.iter().chain(loaded).any(|batch| batch.has_errors())
    }

    /// Everything came with one request.
    fn of_one(batch: Arc<Batch>, sizes: &[usize]) -> Self {
        let loaded = (0..sizes.iter().sum()).map(|at| Loaded { batch: Arc::clone(&batch), at });
        Self { lists: by_list(loaded.collect(), sizes), roots: Some(batch) }
    }
}

/// The batch's document in the data, taken in at most once.
fn adopt(
    data: &mut Data,
    adopted: &mut Vec<(Arc<Batch>, Option<u32>)>,
    batch: &Arc<Batch>,
    outcome: &Outcome,
) -> Option<u32> {
    if let Some((_, document)) = adopted.iter().find(|(known, _)| Arc::ptr_eq(known, batch)) {
        return *document;
    }
    let ours = outcome.lists.iter().flatten();
    let ours = ours.filter(|loaded| Arc::ptr_eq(&loaded.batch, batch)).count();
    let all = batch.entities.len();
    let document = batch.document.clone().map(|document| data.adopt(document, ours, all));
    adopted.push((Arc::clone(batch), document));
    document
}

/// What a fetch without errors leaves for later ones.
fn memory(job: &Job, outcome: &Outcome, adopted: &[(Arc<Batch>, Option<u32>)]) -> Memory {
    let document = |batch: &Arc<Batch>| {
        adopted
            .iter()
            .find(|(known, _)| Arc::ptr_eq(known, batch))
            .and_then(|(_, document)| *document)
    };
    let stored = |batch: &Arc<Batch>, object: Option<u32>| {
        Some(Stored { document: document(batch)?, object: object? })
    };
    let entity = |(representation, Loaded { batch, at }): (&Bytes, &Loaded)| {
        Some((representation.clone(), stored(batch, batch.entities[*at].object)?))
    };
    let lists =
        job.lists.iter().zip(&outcome.lists).map(|(list, loaded)| {
            list.representations.iter().zip(loaded).filter_map(entity).collect()
        });
    Memory {
        root: outcome.roots.as_ref().and_then(|batch| stored(batch, batch.data)),
        lists: lists.collect(),
    }
}

/// One request for each set of variables that contexts give.
async fn load_in_contexts(
    loaders: &Loaders,
    load: &Load,
    contexts: &[Bytes],
    asks: &[Ask],
) -> Vec<Loaded> {
    let mut groups: Vec<(&Bytes, Vec<usize>)> = Vec::new();
    let mut known: HashMap<&Bytes, usize> = HashMap::new();
    for (at, context) in contexts.iter().enumerate() {
        let group = *known.entry(context).or_insert_with(|| {
            groups.push((context, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(at);
    }
    let answers = groups.iter().map(async |(context, places)| {
        let mut variables = load.variables.to_vec();
        if !variables.is_empty() {
            variables.push(b',');
        }
        variables.extend_from_slice(context);
        let load = Load { variables: variables.into(), ..load.clone() };
        let asks = places.iter().map(|&at| asks[at].clone()).collect();
        loaders.load(load, asks, None).await
    });
    let answers = join_all(answers).await;
    let places = groups.into_iter().flat_map(|(_, places)| places);
    let mut loaded: Vec<(usize, Loaded)> = places.zip(answers.into_iter().flatten()).collect();
    loaded.sort_by_key(|(at, _)| *at);
    loaded.into_iter().map(|(_, loaded)| loaded).collect()
}

/// The representations of all lists of a fetch, list after list.
fn asks(lists: &[Entities]) -> Vec<Ask> {
    let of_list = |(list, entities): (usize, &Entities)| {
        let ask =
            move |representation: &Bytes| Ask { list, representation: representation.clone() };
        entities.representations.iter().map(ask).collect::<Vec<_>>()
    };
    lists.iter().enumerate().flat_map(of_list).collect()
}

fn sizes(lists: &[Entities]) -> Vec<usize> {
    lists.iter().map(|list| list.representations.len()).collect()
}

fn by_list(loaded: Vec<Loaded>, sizes: &[usize]) -> Vec<Vec<Loaded>> {
    let mut loaded = loaded.into_iter();
    sizes.iter().map(|&size| loaded.by_ref().take(size).collect()).collect()
}

/// The members of `variables` that come from the client, without braces.
fn variables(names: &[String], values: &Map<String, Json>) -> Bytes {
    let mut out = Vec::new();
    for name in names {
        if let Some(value) = values.get(name) {
            if !out.is_empty() {
                out.push(b',');
            }
            write_string(&mut out, name);
            out.push(b':');
            serde_json::to_writer(&mut out, value).expect("JSON can always be written into memory");
        }
    }
    out.into()
}
