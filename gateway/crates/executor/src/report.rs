//! Turning what went wrong with a fetch into errors at the client's paths.
//!
//! Reported errors of single fields and entities go to every place that shows them. What concerns
//! a whole request goes to the places that got nothing from it: root fields one by one, entities
//! once per flatten path, at what their paths have in common.

use std::sync::Arc;

use crate::answer::{FetchError, PathStep, SubgraphError};
use crate::batch::{Batch, Cause, Problem, Scope};
use crate::compiled::CompiledPlan;
use crate::data::Data;
use crate::entities::{Entities, Target};
use crate::error::{ErrorList, GraphqlError, PathSegment};
use crate::loader::Loaded;
use crate::names::Name;
use crate::path::{DataStep, client_paths, common_beginning};
use crate::run::{Job, Outcome};

#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) plan: &'a CompiledPlan,
    /// By inclusion.
    pub(crate) included: &'a [bool],
    /// With all answers merged.
    pub(crate) data: &'a Data,
    pub(crate) fetch: usize,
    pub(crate) errors: &'a mut ErrorList,
}

impl Report<'_> {
    pub(crate) fn all(mut self, job: &Job, outcome: &Outcome, batches: &[Arc<Batch>]) {
        for (list, loaded) in job.lists.iter().zip(&outcome.lists) {
            self.entities(list, loaded);
        }
        if let Some(batch) = &outcome.roots {
            self.root_fields(job, batch);
        }
        for batch in batches {
            for problem in &batch.problems {
                self.problem(job, outcome, batch, problem);
            }
        }
    }

    fn entities(&mut self, list: &Entities, loaded: &[Loaded]) {
        for target in &list.targets {
            let Loaded { batch, at } = &loaded[target.representation];
            let entity = &batch.entities[*at];
            if self.errors.is_full() {
                self.errors.leave_out(entity.errors.len() + usize::from(entity.failure.is_some()));
                continue;
            }
            for error in &entity.errors {
                let trail = list.trails.steps(target.place.trail);
                let lost = entity.object.is_none().then_some(trail.len());
                let paths = self.client_paths(&self.continued(trail, &error.path), lost);
                self.reported(error, paths);
            }
            if let Some(failure) = &entity.failure {
                let paths = self.client_paths(&list.trails.steps(target.place.trail), None);
                self.failed(failure, paths);
            }
        }
    }

    fn root_fields(&mut self, job: &Job, batch: &Batch) {
        for error in &batch.root_errors {
            for place in job.roots.iter().flat_map(|roots| &roots.places) {
                let trail = job.roots.as_ref().map(|roots| roots.trails.steps(place.trail));
                let trail = trail.unwrap_or_default();
                let lost = batch.data.is_none().then_some(trail.len() + 1);
                let paths = self.client_paths(&self.continued(trail, &error.path), lost);
                self.reported(error, paths);
            }
        }
    }

    fn problem(&mut self, job: &Job, outcome: &Outcome, batch: &Arc<Batch>, problem: &Problem) {
        let mut concerned = self.concerned(job, outcome, batch, problem, true);
        if concerned.is_empty() {
            concerned = self.concerned(job, outcome, batch, problem, false);
        }
        let mut paths: Vec<_> =
            concerned.iter().flat_map(|steps| self.client_paths(steps, None)).collect();
        if paths.iter().any(|path| !path.is_empty()) {
            paths.retain(|path| !path.is_empty());
        }
        if paths.is_empty() {
            paths.push(Vec::new());
        }
        paths.sort();
        paths.dedup();
        match (&problem.cause, problem.scope) {
            (Cause::Reported(error), Scope::Root(_)) => {
                let subgraph = &self.plan.fetches[self.fetch].subgraph;
                for path in paths {
                    self.errors.push_beside(GraphqlError::subgraph(subgraph, error, path));
                }
            }
            (Cause::Reported(error), Scope::Everything | Scope::List(_)) => {
                self.reported(error, paths);
            }
            (Cause::Failed(error), _) => self.failed(error, paths),
        }
    }

    /// The places that a problem may be about; if wanted, only those that have got nothing.
    fn concerned(
        &self,
        job: &Job,
        outcome: &Outcome,
        batch: &Arc<Batch>,
        problem: &Problem,
        only_missing: bool,
    ) -> Vec<Vec<DataStep>> {
        let program = &self.plan.fetches[self.fetch];
        let mut concerned: Vec<Vec<DataStep>> = Vec::new();
        for (at, (list, loaded)) in job.lists.iter().zip(&outcome.lists).enumerate() {
            match problem.scope {
                Scope::Everything => {}
                Scope::List(list) if list == at => {}
                Scope::List(_) | Scope::Root(_) => continue,
            }
            let of_batch = |target: &&Target| {
                let loaded = &loaded[target.representation];
                let missing = loaded.batch.entities[loaded.at].object.is_none();
                Arc::ptr_eq(&loaded.batch, batch) && (missing || !only_missing)
            };
            for path in 0..program.entities[at].paths.len() {
                let targets = list.targets.iter().filter(|target| target.path == path);
                let steps =
                    targets.filter(of_batch).map(|target| list.trails.steps(target.place.trail));
                concerned.extend(common_beginning(steps));
            }
        }
        let missing = |root: &Name| {
            let object = batch.data.zip(batch.document.as_ref());
            object.is_none_or(|(object, document)| document.is_missing(object, *root))
        };
        let is_concerned = |root: &&Name| match problem.scope {
            Scope::Everything => !only_missing || missing(root),
            Scope::Root(only) => only == **root,
            Scope::List(_) => false,
        };
        for place in job.roots.iter().flat_map(|roots| &roots.places) {
            for &root in program.roots.iter().filter(is_concerned) {
                let trail = job.roots.as_ref().map(|roots| roots.trails.steps(place.trail));
                let mut steps = trail.unwrap_or_default();
                steps.push(DataStep::Key(root));
                concerned.push(steps);
            }
        }
        concerned
    }

    fn reported(&mut self, error: &SubgraphError, paths: Vec<Vec<PathSegment>>) {
        let subgraph = &self.plan.fetches[self.fetch].subgraph;
        for path in paths {
            self.errors.push(|| GraphqlError::subgraph(subgraph, error, path));
        }
    }

    fn failed(&mut self, error: &FetchError, paths: Vec<Vec<PathSegment>>) {
        let subgraph = &self.plan.fetches[self.fetch].subgraph;
        for path in paths {
            self.errors.push(|| GraphqlError::fetch(subgraph, error, path));
        }
    }

    fn client_paths(&self, steps: &[DataStep], lost: Option<usize>) -> Vec<Vec<PathSegment>> {
        client_paths(self.plan, self.included, self.data, steps, lost)
    }

    /// Continues a data path with a subgraph's own path, as far as the plan knows its keys.
    fn continued(&self, mut steps: Vec<DataStep>, path: &[PathStep]) -> Vec<DataStep> {
        steps.extend(path.iter().map_while(|step| match step {
            PathStep::Key(key) => self.plan.names.find(key.as_bytes()).map(DataStep::Key),
            PathStep::Index(at) => Some(DataStep::Index(*at)),
        }));
        steps
    }
}
