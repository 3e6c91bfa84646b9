//! Turns scheduled steps into the fetches of a plan.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::{IndexMap, IndexSet};

use super::PlanOptions;
use super::cost::Level;
use super::print::Printer;
use super::schedule::schedule;
use super::steps::{Selections, Step, StepContext, StepId, StepKind, Template};
use crate::operation::{Operation, or};
use crate::plan::{
    EntityFetch, Fetch, FlattenPath, Inclusion, OperationKind, PathStep, RepresentationTemplate,
};
use crate::query_graph::{QueryGraph, TypeId};
use crate::supergraph::{SubgraphId, Supergraph};

pub(super) struct Lowering<'a> {
    pub(super) supergraph: &'a Supergraph,
    pub(super) graph: &'a QueryGraph,
    pub(super) operation: &'a Operation,
    pub(super) options: &'a PlanOptions,
    pub(super) steps: &'a [Step],
    pub(super) selections: &'a [Selections],
}

/// Steps that become one request.
struct Request {
    subgraph: SubgraphId,
    wave: Level,
    steps: Vec<StepId>,
}

impl Lowering<'_> {
    pub(super) fn fetches(&self) -> Vec<Fetch> {
        let waves = schedule(self.steps, self.options.merge_fetches);
        let requests = self.requests(&waves);
        let mut request_of: Vec<usize> = vec![0; self.steps.len()];
        for (index, request) in requests.iter().enumerate() {
            request.steps.iter().for_each(|step| request_of[*step] = index);
        }
        let mut after: Vec<BTreeSet<usize>> = Vec::new();
        for (index, request) in requests.iter().enumerate() {
            let inputs = request.steps.iter().flat_map(|step| &self.steps[*step].after);
            let direct: BTreeSet<usize> =
                inputs.map(|step| request_of[*step]).filter(|other| *other != index).collect();
            after.push(direct);
        }
        let after = reduce(&after);
        requests
            .iter()
            .enumerate()
            .map(|(index, request)| self.fetch(index, request, after[index].clone()))
            .collect()
    }

    fn requests(&self, waves: &[Level]) -> Vec<Request> {
        let mut requests: IndexMap<(Level, SubgraphId, Vec<PathStep>, usize), Vec<StepId>> =
            IndexMap::new();
        for (index, step) in self.steps.iter().enumerate() {
            // Root fields of a nested root type are merged where they stand: a request of its own.
            let nested = if step.kind == StepKind::Root { step.path.clone() } else { Vec::new() };
            // Its variables may differ from entity to entity.
            let own_variables = !step.contexts.is_empty();
            let alone = if self.options.merge_fetches && !own_variables { 0 } else { index + 1 };
            requests.entry((waves[index], step.subgraph, nested, alone)).or_default().push(index);
        }
        let mut requests: Vec<Request> = requests
            .into_iter()
            .flat_map(|((wave, subgraph, _, _), steps)| {
                self.capped(steps).into_iter().map(move |steps| Request { subgraph, wave, steps })
            })
            .collect();
        requests.sort_by_key(|request| request.wave);
        requests
    }

    /// At most so many lists of entities in one request.
    fn capped(&self, steps: Vec<StepId>) -> Vec<Vec<StepId>> {
        let limit = self.options.max_entity_lists.max(1);
        steps.chunks(limit).map(<[StepId]>::to_vec).collect()
    }

    fn fetch(&self, index: usize, request: &Request, after: BTreeSet<usize>) -> Fetch {
        let subgraph = &self.supergraph.subgraph(request.subgraph).name;
        let when = self.when(request);
        let mut printer = Printer {
            supergraph: self.supergraph,
            graph: self.graph,
            selections: self.selections,
            variables: BTreeSet::new(),
            given: when.clone(),
        };
        let mut kind = OperationKind::Query;
        let mut at = FlattenPath::default();
        let mut roots = Vec::new();
        let mut root_keys: IndexSet<String> = IndexSet::new();
        // Steps that ask for the same of equal representations become one list.
        let mut lists: IndexMap<(Vec<RepresentationTemplate>, String), Vec<FlattenPath>> =
            IndexMap::new();
        for step in request.steps.iter().map(|step| &self.steps[*step]) {
            let bodies = step.roots.iter().map(|(node, id)| (node, *id));
            match step.kind {
                StepKind::Root => {
                    if step.path.is_empty() {
                        kind = self.operation.kind;
                    }
                    at = FlattenPath(step.path.clone());
                    for (_, id) in bodies {
                        let keys = self.selections[id].fields.iter().map(|field| field.key.clone());
                        root_keys.extend(keys);
                        let text = printer.selection_set(id);
                        roots.push(text[1..text.len() - 1].to_owned());
                    }
                }
                StepKind::Entities => {
                    let fragments: Vec<String> = bodies
                        .map(|(node, id)| {
                            format!(
                                "...on {}{}",
                                self.graph.node(*node).type_name,
                                printer.selection_set(id)
                            )
                        })
                        .collect();
                    let key = (self.templates(&step.templates), fragments.join(" "));
                    let paths = lists.entry(key).or_default();
                    let path = FlattenPath(step.path.clone());
                    if !paths.contains(&path) {
                        paths.push(path);
                    }
                }
            }
        }
        let several = lists.len() > 1 || !roots.is_empty();
        let mut entities = Vec::new();
        let mut variables = Vec::new();
        for (number, ((templates, selection), paths)) in lists.into_iter().enumerate() {
            let (key, variable) = if several {
                (format!("_e{number}"), self.free_variable(&format!("r{number}")))
            } else {
                ("_entities".to_owned(), self.free_variable("representations"))
            };
            let alias = if several { format!("{key}:") } else { String::new() };
            roots.push(format!("{alias}_entities(representations:${variable}){{{selection}}}"));
            variables.push(format!("${variable}:[_Any!]!"));
            entities.push(EntityFetch { key, variable, paths, templates, contexts: Vec::new() });
        }
        if let ([step], [entity]) = (request.steps.as_slice(), entities.as_mut_slice()) {
            for StepContext { variable, ty } in &self.steps[*step].contexts {
                variables.push(format!("${}:{ty}", variable.name));
                entity.contexts.push(variable.clone());
            }
        }
        let used = std::mem::take(&mut printer.variables);
        let mut client_variables = Vec::new();
        for definition in self
            .operation
            .variables
            .iter()
            .filter(|definition| used.contains(definition.name.as_str()))
        {
            let default = definition.default.as_ref();
            let default = default
                .map_or_else(String::new, |value| format!("={}", value.serialize().no_indent()));
            variables.push(format!("${}:{}{default}", definition.name, definition.ty));
            client_variables.push(definition.name.to_string());
        }
        let operation_name = self.operation_name(subgraph, index);
        let variables =
            if variables.is_empty() { String::new() } else { format!("({})", variables.join(",")) };
        let keyword = match kind {
            OperationKind::Query => "query",
            OperationKind::Mutation => "mutation",
            OperationKind::Subscription => "subscription",
        };
        Fetch {
            subgraph: subgraph.clone(),
            after: after.into_iter().collect(),
            when,
            kind,
            document: format!("{keyword} {operation_name}{variables}{{{}}}", roots.join(" ")),
            operation_name,
            variables: client_variables,
            entities,
            roots: root_keys.into_iter().collect(),
            at,
        }
    }

    /// When at least one of the request's own selections is included.
    fn when(&self, request: &Request) -> Inclusion {
        let roots = request.steps.iter().flat_map(|step| self.steps[*step].roots.values());
        let mut when: Option<Inclusion> = None;
        for selections in roots.map(|id| &self.selections[*id]) {
            let own = selections.fields.iter().map(|field| &field.when).chain(&selections.typename);
            for own in own {
                when = Some(when.map_or_else(|| own.clone(), |when| or(&when, own)));
            }
        }
        when.unwrap_or(Inclusion::ALWAYS)
    }

    fn templates(&self, templates: &IndexMap<TypeId, Template>) -> Vec<RepresentationTemplate> {
        let mut printed: Vec<RepresentationTemplate> = Vec::new();
        for (id, template) in templates {
            let name = self.graph.type_name(*id).to_string();
            let same = |other: &&mut RepresentationTemplate| {
                other.typename == template.typename.as_str() && other.fields == template.fields
            };
            match printed.iter_mut().find(same) {
                Some(other) => other.types.push(name),
                None => printed.push(RepresentationTemplate {
                    types: vec![name],
                    typename: template.typename.to_string(),
                    fields: template.fields.clone(),
                }),
            }
        }
        printed
    }

    fn free_variable(&self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while self.operation.variables.iter().any(|variable| variable.name == name.as_str()) {
            name.insert(0, '_');
        }
        name
    }

    fn operation_name(&self, subgraph: &str, index: usize) -> String {
        let subgraph: String = subgraph
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' })
            .collect();
        match &self.operation.name {
            Some(name) => format!("{name}__{subgraph}__{index}"),
            None if subgraph.starts_with(|first: char| first.is_ascii_digit()) => {
                format!("_{subgraph}__{index}")
            }
            None => format!("{subgraph}__{index}"),
        }
    }
}

/// Leaves out waiting for what another input waits for anyway.
fn reduce(after: &[BTreeSet<usize>]) -> Vec<BTreeSet<usize>> {
    let mut all: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut reduced = Vec::new();
    for (index, direct) in after.iter().enumerate() {
        let implied: BTreeSet<usize> =
            direct.iter().filter_map(|other| all.get(other)).flatten().copied().collect();
        all.insert(index, direct.union(&implied).copied().collect());
        reduced.push(direct.difference(&implied).copied().collect());
    }
    reduced
}
