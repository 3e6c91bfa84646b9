//! Running a plan: the graph of fetches, each started as soon as those it waits for have ended.
//!
//! One task drives everything. Requests are in flight concurrently, but answers are merged one at
//! a time, so the data needs no lock. A fetch that fails ends like any other: what depends on it
//! finds fewer entities, what does not is untouched.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use federation::plan::OperationKind;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use serde_json::{Map, Value as Json};
use tokio::time::{Instant, timeout_at};

use crate::answer::{self, Answer, FetchError, PathStep, SubgraphError};
use crate::batch::{Batch, Cause, Problem};
use crate::compiled::{CompiledPlan, FetchProgram};
use crate::data::{Data, ROOT};
use crate::entities::{self, Entities, Target};
use crate::error::{GraphqlError, PathSegment};
use crate::json::write_string;
use crate::loader::{Key, Loaded, Loaders};
use crate::path::{DataStep, client_paths, common_beginning};
use crate::project::{self, Source};
use crate::response::GraphqlResponse;
use crate::transport::{SubgraphRequest, SubgraphTransport, TransportError};

/// What one run of a plan needs beside the plan.
#[expect(missing_debug_implementations, reason = "a transport has none")]
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
pub async fn execute(plan: &CompiledPlan, execution: Execution<'_>) -> GraphqlResponse {
    let mut run = Run::new(plan, execution);
    run.fetch_all().await;
    run.complete()
}

struct Run<'a> {
    plan: &'a CompiledPlan,
    execution: Execution<'a>,
    included: Vec<bool>,
    data: Data,
    fetches: Vec<FetchState>,
}

#[derive(Default)]
struct FetchState {
    /// How many fetches it still waits for.
    waits_for: usize,
    progress: Progress,
    errors: Vec<GraphqlError>,
}

#[derive(Default)]
enum Progress {
    #[default]
    Waiting,
    Running(Job),
    Ended,
}

/// What an answer is needed for.
enum Job {
    Root,
    Entities(Vec<Entities>),
}

enum Outcome {
    Root(Result<Answer, FetchError>),
    Entities(Vec<Loaded>),
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
        Self { plan, execution, included, data: Data::new(), fetches }
    }

    async fn fetch_all(&mut self) {
        let mut running = Running::new();
        let mut ready: VecDeque<usize> =
            (0..self.fetches.len()).filter(|&fetch| self.fetches[fetch].waits_for == 0).collect();
        loop {
            while let Some(fetch) = ready.pop_front() {
                match self.start(fetch) {
                    Some(future) => running.push(future),
                    None => self.end(fetch, &mut ready),
                }
            }
            let next = match self.execution.deadline {
                Some(deadline) => timeout_at(deadline, running.next()).await,
                None => Ok(running.next().await),
            };
            match next {
                Ok(Some((fetch, outcome))) => {
                    self.merge(fetch, outcome);
                    self.end(fetch, &mut ready);
                }
                Ok(None) => return,
                Err(_) => return self.give_up(),
            }
        }
    }

    /// None if the fetch has nothing to ask.
    fn start(&mut self, fetch: usize) -> Option<BoxFuture<'a, (usize, Outcome)>> {
        let program = Arc::clone(&self.plan.fetches[fetch]);
        if !self.included[program.when] {
            return None;
        }
        let variables = variables(&program.variables, self.execution.variables);
        let transport = Arc::clone(&self.execution.transport);
        if program.entities.is_empty() {
            self.fetches[fetch].progress = Progress::Running(Job::Root);
            let request = root_request(&program, &variables);
            return Some(Box::pin(async move {
                let answer = match transport.send(request).await {
                    Ok(response) => answer::read(response, &program.names),
                    Err(error) => Err(error.into()),
                };
                (fetch, Outcome::Root(answer))
            }));
        }
        let lists: Vec<Entities> = program
            .entities
            .iter()
            .map(|entities| entities::collect(self.plan, &mut self.data, entities))
            .collect();
        let keys = keys(&lists);
        if keys.is_empty() {
            return None;
        }
        self.fetches[fetch].progress = Progress::Running(Job::Entities(lists));
        let loaders = self.execution.loaders;
        let may_share = self.plan.kind != OperationKind::Mutation;
        Some(Box::pin(async move {
            (
                fetch,
                Outcome::Entities(
                    loaders.load(program, variables, transport, may_share, keys).await,
                ),
            )
        }))
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
        let timeout = FetchError::Transport(TransportError::Timeout);
        for fetch in 0..self.fetches.len() {
            if matches!(self.fetches[fetch].progress, Progress::Waiting) {
                // Not sent, only prepared, to know whom it would have served.
                drop(self.start(fetch));
            }
            match std::mem::replace(&mut self.fetches[fetch].progress, Progress::Ended) {
                Progress::Running(Job::Root) => self.root_failed(fetch, &timeout),
                Progress::Running(Job::Entities(lists)) => {
                    let batch = Arc::new(Batch::failed(1, timeout.clone()));
                    let loaded = keys(&lists)
                        .iter()
                        .map(|_| Loaded { batch: Arc::clone(&batch), at: 0 })
                        .collect();
                    self.merge_entities(fetch, &lists, loaded);
                }
                Progress::Waiting | Progress::Ended => {}
            }
        }
    }

    fn merge(&mut self, fetch: usize, outcome: Outcome) {
        let progress = std::mem::replace(&mut self.fetches[fetch].progress, Progress::Ended);
        match (outcome, progress) {
            (Outcome::Root(Ok(answer)), _) => self.merge_root(fetch, answer),
            (Outcome::Root(Err(error)), _) => self.root_failed(fetch, &error),
            (Outcome::Entities(loaded), Progress::Running(Job::Entities(lists))) => {
                self.merge_entities(fetch, &lists, loaded);
            }
            (
                Outcome::Entities(_),
                Progress::Waiting | Progress::Running(Job::Root) | Progress::Ended,
            ) => {}
        }
    }

    fn merge_root(&mut self, fetch: usize, answer: Answer) {
        let Answer { document, data, errors } = answer;
        if let Some(object) = data {
            let document = self.data.adopt(Arc::new(document));
            self.data.merge(ROOT, document, object);
        }
        for error in &errors {
            let steps = self.data_steps(Vec::new(), &error.path);
            let paths =
                if steps.is_empty() { self.root_paths(fetch) } else { self.client_paths(&steps) };
            self.report_subgraph(fetch, error, paths);
        }
    }

    fn root_failed(&mut self, fetch: usize, error: &FetchError) {
        let paths = self.root_paths(fetch);
        self.report_fetch(fetch, error, paths);
    }

    fn merge_entities(&mut self, fetch: usize, lists: &[Entities], loaded: Vec<Loaded>) {
        let mut batches: Vec<(Arc<Batch>, Option<u32>)> = Vec::new();
        let mut loaded = loaded.into_iter();
        let loaded: Vec<Vec<Loaded>> = lists
            .iter()
            .map(|list| loaded.by_ref().take(list.representations.len()).collect())
            .collect();
        for (list, loaded) in lists.iter().zip(&loaded) {
            for target in &list.targets {
                let Loaded { batch, at } = &loaded[target.representation];
                let known = batches.iter().find(|(known, _)| Arc::ptr_eq(known, batch));
                let document = known.map(|(_, document)| *document).unwrap_or_else(|| {
                    let document = batch.document.clone().map(|document| self.data.adopt(document));
                    batches.push((Arc::clone(batch), document));
                    document
                });
                if let (Some(object), Some(document)) = (batch.entities[*at].object, document) {
                    self.data.merge(target.object, document, object);
                }
            }
        }
        for (list, loaded) in lists.iter().zip(&loaded) {
            self.report_entities(fetch, list, loaded);
        }
        for (batch, _) in &batches {
            for problem in &batch.problems {
                self.report_problem(fetch, lists, &loaded, batch, problem);
            }
        }
    }

    /// Errors of single entities, at each of their targets.
    fn report_entities(&mut self, fetch: usize, list: &Entities, loaded: &[Loaded]) {
        for target in &list.targets {
            let Loaded { batch, at } = &loaded[target.representation];
            let entity = &batch.entities[*at];
            for error in &entity.errors {
                let steps = self.data_steps(list.trails.steps(target.trail), &error.path);
                let paths = self.client_paths(&steps);
                self.report_subgraph(fetch, error, paths);
            }
            if let Some(failure) = &entity.failure {
                let paths = self.client_paths(&list.trails.steps(target.trail));
                self.report_fetch(fetch, failure, paths);
            }
        }
    }

    /// Errors of a batch or a list, once per flatten path, at what the targets that got nothing
    /// have in common.
    fn report_problem(
        &mut self,
        fetch: usize,
        lists: &[Entities],
        loaded: &[Vec<Loaded>],
        batch: &Arc<Batch>,
        problem: &Problem,
    ) {
        let concerned = |only_missing: bool| {
            let mut steps: Vec<Vec<DataStep>> = Vec::new();
            for (at, (list, loaded)) in lists.iter().zip(loaded).enumerate() {
                if problem.list.is_some_and(|only| only != at) {
                    continue;
                }
                let of_batch = |target: &&Target| {
                    let loaded = &loaded[target.representation];
                    let missing = loaded.batch.entities[loaded.at].object.is_none();
                    Arc::ptr_eq(&loaded.batch, batch) && (missing || !only_missing)
                };
                for path in 0..self.plan.fetches[fetch].entities[at].paths.len() {
                    let targets =
                        list.targets.iter().filter(|target| target.path == path).filter(of_batch);
                    steps.extend(common_beginning(
                        targets.map(|target| list.trails.steps(target.trail)),
                    ));
                }
            }
            steps
        };
        let missing = concerned(true);
        let concerned = if missing.is_empty() { concerned(false) } else { missing };
        let mut paths: Vec<_> =
            concerned.iter().flat_map(|steps| self.client_paths(steps)).collect();
        paths.sort();
        paths.dedup();
        match &problem.cause {
            Cause::Reported(error) => self.report_subgraph(fetch, error, paths),
            Cause::Failed(error) => self.report_fetch(fetch, error, paths),
        }
    }

    fn report_subgraph(
        &mut self,
        fetch: usize,
        error: &SubgraphError,
        paths: Vec<Vec<PathSegment>>,
    ) {
        let subgraph = &self.plan.fetches[fetch].subgraph;
        let errors = paths.into_iter().map(|path| GraphqlError::subgraph(subgraph, error, path));
        self.fetches[fetch].errors.extend(errors);
    }

    fn report_fetch(&mut self, fetch: usize, error: &FetchError, paths: Vec<Vec<PathSegment>>) {
        let subgraph = &self.plan.fetches[fetch].subgraph;
        let errors = paths.into_iter().map(|path| GraphqlError::fetch(subgraph, error, path));
        self.fetches[fetch].errors.extend(errors);
    }

    fn client_paths(&self, steps: &[DataStep]) -> Vec<Vec<PathSegment>> {
        client_paths(self.plan, &self.included, &self.data, steps)
    }

    /// Where the client sees what a root fetch asks for.
    fn root_paths(&self, fetch: usize) -> Vec<Vec<PathSegment>> {
        let roots = &self.plan.fetches[fetch].roots;
        let mut paths: Vec<_> =
            roots.iter().flat_map(|root| self.client_paths(&[DataStep::Key(*root)])).collect();
        paths.retain(|path| !path.is_empty());
        if paths.is_empty() { vec![Vec::new()] } else { paths }
    }

    /// Continues a data path with a subgraph's own path, as far as the plan knows its keys.
    fn data_steps(&self, mut steps: Vec<DataStep>, path: &[PathStep]) -> Vec<DataStep> {
        steps.extend(path.iter().map_while(|step| match step {
            PathStep::Key(key) => self.plan.names.find(key.as_bytes()).map(DataStep::Key),
            PathStep::Index(at) => Some(DataStep::Index(*at)),
        }));
        steps
    }

    fn complete(self) -> GraphqlResponse {
        let Self { plan, execution, included, data, fetches } = self;
        let mut errors: Vec<GraphqlError> =
            fetches.into_iter().flat_map(|fetch| fetch.errors).collect();
        let introspection = execution.introspection;
        let source = Source { plan, included: &included, data: &data, introspection };
        let mut text = GraphqlResponse::head(data.size());
        let found = project::project(&source, &errors, &mut text);
        errors.extend(found);
        GraphqlResponse::new(text, errors)
    }
}

/// The loads of all lists of a fetch, list after list.
fn keys(lists: &[Entities]) -> Vec<Key> {
    let mut keys = Vec::new();
    for (list, entities) in lists.iter().enumerate() {
        for (order, representation) in entities.representations.iter().enumerate() {
            keys.push(Key { list, representation: representation.clone(), order });
        }
    }
    keys
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

fn root_request(program: &FetchProgram, variables: &[u8]) -> SubgraphRequest {
    let mut body = Vec::with_capacity(program.head.len() + variables.len() + 2);
    body.extend_from_slice(&program.head);
    body.extend_from_slice(variables);
    body.extend_from_slice(b"}}");
    SubgraphRequest {
        subgraph: Arc::clone(&program.subgraph),
        kind: program.kind,
        operation_name: Arc::clone(&program.operation_name),
        body: body.into(),
        representations: 0,
    }
}
