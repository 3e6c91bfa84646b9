//! A gateway over a world.

use std::fmt;
use std::sync::Arc;

use executor::{CompiledPlan, Execution, Loaders, SubgraphTransport, execute};
use federation::composition::{SubgraphSource, compose};
use federation::operation::{Operation, coerce_variables};
use federation::plan::QueryPlan;
use federation::planner::{PlanError, PlanOptions, Planner};
use federation::supergraph::Supergraph;
use serde_json::{Map, Value};

use crate::memory::World;

/// Name and SDL of every subgraph.
pub(crate) type Sources = Vec<(&'static str, String)>;

pub(crate) struct Gateway {
    pub(crate) supergraph_sdl: String,
    pub(crate) world: Arc<World>,
    pub(crate) planner: Planner,
    pub(crate) options: PlanOptions,
}

/// What the gateway and the oracle say to one query.
pub(crate) struct Answers {
    pub(crate) data: String,
    pub(crate) error_paths: Vec<Value>,
    pub(crate) errors: Vec<String>,
    pub(crate) expected_data: String,
    pub(crate) expected_error_paths: Vec<Value>,
    /// One line per subgraph request.
    pub(crate) requests: Vec<String>,
    pub(crate) plan: QueryPlan,
}

impl Gateway {
    pub(crate) fn of(sources: &Sources, rows: Value) -> Self {
        let sources: Vec<(&str, &str)> =
            sources.iter().map(|(name, sdl)| (*name, &**sdl)).collect();
        Self::new(&sources, rows)
    }

    pub(crate) fn new(subgraphs: &[(&str, &str)], rows: Value) -> Self {
        Self::with_options(subgraphs, rows, PlanOptions::default())
            .unwrap_or_else(|refused| panic!("the subgraphs do not compose: {refused}"))
    }

    pub(crate) fn with_options(
        subgraphs: &[(&str, &str)],
        rows: Value,
        options: PlanOptions,
    ) -> Result<Self, String> {
        let source = |(name, sdl): &(&str, &str)| SubgraphSource {
            name: (*name).to_owned(),
            url: format!("memory:{name}"),
            sdl: (*sdl).to_owned(),
        };
        let composed = compose(subgraphs.iter().map(source).collect())
            .map_err(|diagnostics| format!("{diagnostics:#?}"))?;
        let supergraph = Supergraph::parse(&composed.supergraph_sdl).unwrap();
        let planner = Planner::new(Arc::new(supergraph)).unwrap();
        let world = World::new(subgraphs, rows, &options.override_labels);
        Ok(Self { supergraph_sdl: composed.supergraph_sdl, world, planner, options })
    }

    /// None if the query is not valid.
    pub(crate) fn ask(&self, query: &str, variables: &Value) -> Option<Answers> {
        let operation = self.planner.operation(query, None).ok()?;
        let answers = self.answer(&operation, query, variables);
        answers
            .map(|answers| answers.unwrap_or_else(|error| panic!("no plan for {query}: {error}")))
    }

    /// None if the variables are not valid.
    pub(crate) fn answer(
        &self,
        operation: &Operation,
        query: &str,
        variables: &Value,
    ) -> Option<Result<Answers, PlanError>> {
        let api_schema = self.planner.supergraph().api_schema();
        let variables =
            coerce_variables(api_schema, &operation.variables, variables.as_object()?).ok()?;
        let plan = match self.planner.plan(operation, &self.options) {
            Ok(plan) => plan,
            Err(error) => return Some(Err(error)),
        };
        let loaders = Loaders::default();
        let execution = Execution {
            variables: &variables,
            introspection: &Map::new(),
            transport: Arc::clone(&self.world) as Arc<dyn SubgraphTransport>,
            loaders: &loaders,
            deadline: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let response = runtime.block_on(execute(&CompiledPlan::new(&plan), execution));
        let (expected_data, expected_error_paths) =
            self.world.oracle(api_schema, query, &Value::Object(variables));
        let asked = self.world.asked();
        Some(Ok(Answers {
            data: String::from_utf8(response.data().to_vec()).unwrap(),
            error_paths: sorted(
                response.errors.iter().map(|error| serde_json::to_value(&error.path).unwrap()),
            ),
            errors: response
                .errors
                .iter()
                .map(|error| serde_json::to_string(error).unwrap())
                .collect(),
            expected_data,
            expected_error_paths: sorted(expected_error_paths.into_iter()),
            requests: asked
                .iter()
                .map(|(subgraph, query, variables)| format!("{subgraph} {query} {variables}"))
                .collect(),
            plan,
        }))
    }

    /// Asserts that the answer is right where fields of other places and hidden fields fail.
    pub(crate) fn check_explained(&self, query: &str) {
        let answers = self.ask(query, &Value::Object(Map::new())).unwrap();
        if let Some(place) = answers.unexplained() {
            panic!("{place} is not explained: {query}\n{answers:#?}");
        }
    }

    /// Asserts that the answer is right, and returns the number of subgraph requests.
    pub(crate) fn check(&self, query: &str, variables: &Value) -> usize {
        let answers = self.ask(query, variables).unwrap_or_else(|| panic!("not valid: {query}"));
        assert_eq!(answers.data, answers.expected_data, "{query}\n{answers:#?}");
        assert_eq!(answers.error_paths, answers.expected_error_paths, "{query}\n{answers:#?}");
        answers.requests.len()
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data, errors, error_paths, expected_data, expected_error_paths, requests, plan } =
            self;
        writeln!(f, "is     {data}\nwanted {expected_data}")?;
        writeln!(f, "errors {errors:#?} at {error_paths:?}\nwanted at {expected_error_paths:?}")?;
        writeln!(f, "{plan}")?;
        requests.iter().try_for_each(|request| writeln!(f, "{request}"))
    }
}

impl Answers {
    /// A place where the answer is not what it should be, without an error that tells why: a value
    /// may only be missing, and an error may only be missing where another one is near.
    pub(crate) fn unexplained(&self) -> Option<String> {
        let data: Value = serde_json::from_str(&self.data).unwrap();
        let expected: Value = serde_json::from_str(&self.expected_data).unwrap();
        let mut path = Vec::new();
        let lost = self.expected_error_paths.iter().find(|path| {
            let path = path.as_array().unwrap();
            !is_below_null(&data, path) && !self.is_reported(path)
        });
        self.differs(&data, &expected, &mut path).or_else(|| lost.map(ToString::to_string))
    }

    fn differs(&self, data: &Value, expected: &Value, path: &mut Vec<Value>) -> Option<String> {
        match (data, expected) {
            (data, expected) if data == expected => None,
            (Value::Null, _) if self.is_reported(path) => None,
            (Value::Object(data), Value::Object(expected)) if data.keys().eq(expected.keys()) => {
                data.iter().find_map(|(key, data)| {
                    path.push(Value::from(key.as_str()));
                    let found = self.differs(data, &expected[key], path);
                    path.pop();
                    found
                })
            }
            (Value::Array(data), Value::Array(expected)) if data.len() == expected.len() => {
                data.iter().zip(expected).enumerate().find_map(|(at, (data, expected))| {
                    path.push(Value::from(at));
                    let found = self.differs(data, expected, path);
                    path.pop();
                    found
                })
            }
            (_, _) => Some(format!("{path:?}")),
        }
    }

    /// Whether the same places are null for a reason that an error tells. Which of several errors
    /// of one place is told does not matter.
    pub(crate) fn explains_the_same(&self) -> bool {
        let data: Value = serde_json::from_str(&self.data).unwrap();
        let places = |paths: &[Value]| {
            sorted(
                paths.iter().map(|path| Value::Array(null_place(&data, path.as_array().unwrap()))),
            )
        };
        places(&self.error_paths) == places(&self.expected_error_paths)
    }

    /// Whether there is an error at this path, above or below.
    fn is_reported(&self, path: &[Value]) -> bool {
        self.error_paths.iter().any(|error| {
            let error = error.as_array().unwrap();
            error.starts_with(path) || path.starts_with(error)
        })
    }
}

/// The part of a path that leads to the first null.
fn null_place(data: &Value, path: &[Value]) -> Vec<Value> {
    let mut here = data;
    let mut place = Vec::new();
    for step in path {
        let below = match step {
            Value::String(key) => here.get(key),
            step => here.get(usize::try_from(step.as_u64().unwrap()).unwrap()),
        };
        let Some(below) = below.filter(|_| !here.is_null()) else { break };
        place.push(step.clone());
        here = below;
    }
    place
}

/// Whether a null above has taken a place along.
fn is_below_null(data: &Value, path: &[Value]) -> bool {
    let Some((step, rest)) = path.split_first() else { return false };
    let below = match step {
        Value::String(key) => data.get(key),
        step => data.get(usize::try_from(step.as_u64().unwrap()).unwrap()),
    };
    below.is_none_or(|below| is_below_null(below, rest))
}

fn sorted(paths: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut paths: Vec<Value> = paths.collect();
    paths.sort_by_key(ToString::to_string);
    paths.dedup();
    paths
}
