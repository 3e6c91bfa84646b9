//! The search through the supergraph.

use apollo_compiler::Name;
use apollo_compiler::ast::OperationType;
use indexmap::{IndexMap, IndexSet};

use super::explain;
use super::graph::Graph;
use super::moves::{Choices, Excluded, Moves, Narrowed, Position, Positions};
use crate::composition::hints::hint;
use crate::diagnostic::Diagnostic;
use crate::subgraph::model::{self, Field, Kind, ROOTS};

/// One element on the way from the root.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Field(Name, Name),
    On(Name),
}

/// A place in the supergraph and where a router may then be.
#[derive(Clone, Debug)]
struct State {
    ty: Name,
    positions: Positions,
    choices: Choices,
    path: Option<std::rc::Rc<Path>>,
}

/// The way here, shared between states.
#[derive(Debug)]
struct Path {
    step: Step,
    before: Option<std::rc::Rc<Path>>,
}

fn steps(path: Option<&std::rc::Rc<Path>>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut next = path;
    while let Some(path) = next {
        steps.push(path.step.clone());
        next = path.before.as_ref();
    }
    steps.reverse();
    steps
}

pub(super) fn walk(graph: &Graph<'_>, budget: usize) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let mut walker = Walker {
        graph,
        budget,
        moves: Moves::new(graph),
        visited: IndexMap::new(),
        errors: Vec::new(),
        hints: Vec::new(),
        reported: IndexSet::new(),
        operation: OperationType::Query,
    };
    for operation in ROOTS {
        walker.operation = operation;
        walker.walk_root(operation);
        if walker.moves.steps > budget {
            return Err(vec![
                Diagnostic::error(
                    "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED",
                    format!(
                        "{operation}: there are too many ways through the subgraphs to check them \
                     all (more than {budget} steps)"
                    ),
                )
                .help("fewer subgraphs per type, or simpler keys and @requires, need fewer steps"),
            ]);
        }
    }
    if walker.errors.is_empty() { Ok(walker.hints) } else { Err(walker.errors) }
}

struct Walker<'g, 'a> {
    graph: &'g Graph<'a>,
    /// How many steps may be taken.
    budget: usize,
    moves: Moves<'g, 'a>,
    visited: IndexMap<Name, Vec<(Positions, Choices)>>,
    errors: Vec<Diagnostic>,
    hints: Vec<Diagnostic>,
    reported: IndexSet<String>,
    operation: OperationType,
}

impl Walker<'_, '_> {
    fn walk_root(&mut self, operation: OperationType) {
        let Some(root) = self.graph.schema.root(operation) else { return };
        let positions: Positions = (0..self.graph.subgraphs.len())
            .filter(|index| self.graph.subgraphs[*index].contains_key(root))
            .map(|index| Moves::at(index, root))
            .collect();
        let start = State { ty: root.clone(), positions, choices: Choices::default(), path: None };
        if operation == OperationType::Mutation {
            self.walk_mutations(&start);
        } else {
            self.walk_from(vec![start]);
        }
    }

    /// A mutation runs in one subgraph, so one alone must be able to answer all of it.
    fn walk_mutations(&mut self, start: &State) {
        let Some(def) = self.graph.schema.types.get(&start.ty) else { return };
        for field in def.fields.values() {
            let able: Vec<&Position> = start
                .positions
                .iter()
                .filter(|position| {
                    let own = self.graph.subgraph_type(position.subgraph, &position.ty);
                    own.and_then(|own| own.fields.get(&field.name)).is_some_and(|f| !f.external)
                })
                .collect();
            if able.len() < 2 || !self.graph.is_composite(field.ty.inner_named_type()) {
                let next = self.field_states(start, field);
                self.walk_from(next);
                continue;
            }
            let mut failures = Vec::new();
            let mut answered = false;
            for position in able {
                let alone =
                    State { positions: Positions::from([position.clone()]), ..start.clone() };
                let (errors, reported) =
                    (std::mem::take(&mut self.errors), std::mem::take(&mut self.reported));
                let visited = std::mem::take(&mut self.visited);
                let next = self.field_states(&alone, field);
                self.walk_from(next);
                let found = std::mem::replace(&mut self.errors, errors);
                self.reported = reported;
                self.visited = visited;
                answered |= found.is_empty();
                failures.push(found);
            }
            if !answered {
                self.errors.extend(failures.into_iter().flatten());
            }
        }
    }

    fn walk_from(&mut self, states: Vec<State>) {
        let mut open = states;
        open.reverse();
        while let Some(mut state) = open.pop() {
            if self.moves.steps > self.budget {
                return;
            }
            state.choices.contexts.extend(self.graph.contexts_of(&state.ty).cloned());
            if self.was_visited(&state) {
                continue;
            }
            let next = self.next_states(&state);
            open.extend(next.into_iter().rev());
        }
    }

    /// Whether an earlier visit had no more positions and made the same choices.
    fn was_visited(&mut self, state: &State) -> bool {
        let visits = self.visited.entry(state.ty.clone()).or_default();
        let known = visits.iter().any(|(positions, choices)| {
            choices.labels == state.choices.labels
                && choices.contexts.is_subset(&state.choices.contexts)
                && positions.is_subset(&state.positions)
        });
        if !known {
            visits.push((state.positions.clone(), state.choices.clone()));
        }
        known
    }

    fn next_states(&mut self, state: &State) -> Vec<State> {
        let Some(def) = self.graph.schema.types.get(&state.ty) else { return Vec::new() };
        if def.kind == Kind::Object {
            let fields = def.fields.values();
            return fields.flat_map(|field| self.field_states(state, field)).collect();
        }
        // What is asked of an interface is asked of each object that implements it.
        let graph = self.graph;
        let mut next = Vec::new();
        for object in graph.schema.possible_types(&state.ty) {
            if graph.is_hidden_type(&object) {
                continue;
            }
            let narrowed = self.moves.narrow(
                &state.positions,
                &state.ty,
                &object,
                &state.choices,
                &Excluded::new(),
            );
            let Narrowed::To(positions) = narrowed else { continue };
            if self.only_interface_objects(&positions) {
                self.report_unknown_type(state, &object);
                continue;
            }
            let path = std::rc::Rc::new(Path {
                step: Step::On(object.clone()),
                before: state.path.clone(),
            });
            next.push(State {
                ty: object,
                positions,
                choices: state.choices.clone(),
                path: Some(path),
            });
        }
        next
    }

    /// An @interfaceObject does not know of which object type its values are.
    fn only_interface_objects(&self, positions: &Positions) -> bool {
        !positions.is_empty()
            && positions.iter().all(|position| {
                let own = self.graph.subgraph_type(position.subgraph, &position.ty);
                own.is_some_and(|own| own.interface_object)
            })
    }

    fn report_unknown_type(&mut self, state: &State, object: &Name) {
        if !self.reported.insert(format!("{} on {object}", state.ty)) {
            return;
        }
        let error = explain::unknown_type(
            self.graph,
            self.operation,
            &steps(state.path.as_ref()),
            &state.positions,
            (&state.ty, object),
        );
        self.errors.push(error);
    }

    /// The states after a field; for fields that move by a label, with and without it.
    fn field_states(&mut self, state: &State, field: &Field) -> Vec<State> {
        let target = field.ty.inner_named_type();
        if self.graph.is_hidden(&field.directives) || self.graph.is_hidden_type(target) {
            return Vec::new();
        }
        let label = model::all_of(&field.directives, "join__field")
            .find_map(|mark| mark.str_arg("overrideLabel"));
        let choices: Vec<Choices> = match label {
            Some(label) if !state.choices.labels.contains_key(label) => [true, false]
                .into_iter()
                .map(|chosen| {
                    let mut choices = state.choices.clone();
                    choices.labels.insert(label.to_owned(), chosen);
                    choices
                })
                .collect(),
            _ => vec![state.choices.clone()],
        };
        let mut next = Vec::new();
        for choices in choices {
            let path = std::rc::Rc::new(Path {
                step: Step::Field(state.ty.clone(), field.name.clone()),
                before: state.path.clone(),
            });
            let positions = self.follow(state, field, &choices);
            if positions.is_empty() {
                self.report(state, field, &steps(Some(&path)), &choices);
                continue;
            }
            if !self.graph.is_composite(target) {
                continue;
            }
            self.check_runtime_types(state, field, target, &positions);
            next.push(State { ty: target.clone(), positions, choices, path: Some(path) });
        }
        next
    }

    fn follow(&mut self, state: &State, field: &Field, choices: &Choices) -> Positions {
        self.moves.follow(&state.positions, &state.ty, &field.name, choices, &Excluded::new())
    }

    fn report(&mut self, state: &State, field: &Field, path: &[Step], choices: &Choices) {
        let coordinate = format!("{}.{}", state.ty, field.name);
        let subgraphs: Vec<usize> = state.positions.iter().map(|p| p.subgraph).collect();
        if !self.reported.insert(format!("{coordinate} {subgraphs:?} {:?}", choices.labels)) {
            return;
        }
        let error = explain::unsatisfiable(
            self.graph,
            self.operation,
            path,
            &state.positions,
            &state.ty,
            field,
        );
        self.errors.push(error);
    }

    /// Subgraphs that share a field must be able to give the same answer.
    fn check_runtime_types(
        &mut self,
        state: &State,
        field: &Field,
        target: &Name,
        positions: &Positions,
    ) {
        let graph = self.graph;
        if !graph.schema.kind(target).is_some_and(Kind::is_abstract) || positions.len() < 2 {
            return;
        }
        let mut common = graph.schema.possible_types(target);
        common.retain(|object| !graph.is_hidden_type(object));
        let mut by_subgraph: IndexMap<usize, Vec<&Name>> = IndexMap::new();
        for position in positions {
            let Some(own) = graph.subgraph_type(position.subgraph, &position.ty) else { continue };
            if own.interface_object || graph.schema.kind(&position.ty) == Some(Kind::Object) {
                continue;
            }
            common.retain(|object| own.runtime_types.contains(object));
            let mut names: Vec<&Name> = own.runtime_types.iter().collect();
            names.sort();
            by_subgraph.insert(position.subgraph, names);
        }
        let all_empty = by_subgraph.values().all(Vec::is_empty);
        let mut different = by_subgraph.values();
        let first = different.next();
        if all_empty || different.all(|names| Some(names) == first) {
            return;
        }
        let coordinate = format!("{}.{}", state.ty, field.name);
        if !self.reported.insert(format!("runtime types of {coordinate}")) {
            return;
        }
        let listed = explain::runtime_types(graph, &by_subgraph);
        if common.is_empty() {
            self.errors.push(Diagnostic::error(
                "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES",
                format!(
                    "`{coordinate}` is shared and has type `{}`, but no object type is possible \
                     in every subgraph: {listed}",
                    field.ty
                ),
            ));
        } else {
            self.hints.push(hint(
                "INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN",
                format!(
                    "`{coordinate}` is shared, but may be of different object types: {listed}; \
                     only common ones should be returned"
                ),
            ));
        }
    }
}
