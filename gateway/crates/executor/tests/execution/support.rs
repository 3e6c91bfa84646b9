//! Hand-written plans and a transport that answers from a script.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use executor::{
    CompiledPlan, Execution, GraphqlResponse, LoaderOptions, Loaders, SubgraphRequest,
    SubgraphResponse, SubgraphTransport, TransportError, execute,
};
use expect_test::Expect;
use federation::plan::{
    Condition, EntityFetch, Fetch, FlattenPath, Inclusion, OperationKind, PathStep, Projection,
    QueryPlan, RepresentationField, RepresentationTemplate,
};
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use crate::selection::projection;

/// A plan for a query; see [`projection`] for the notation.
pub(crate) fn plan(fetches: Vec<Fetch>, selection: &str) -> QueryPlan {
    let root_type = "Query".to_owned();
    QueryPlan {
        kind: OperationKind::Query,
        fetches,
        projection: Projection { root_type, fields: projection(selection) },
    }
}

/// A fetch of root fields. Roots are the top-level names of the document.
pub(crate) fn root(subgraph: &str, document: &str) -> Fetch {
    Fetch {
        subgraph: subgraph.to_owned(),
        after: Vec::new(),
        when: Inclusion::ALWAYS,
        kind: OperationKind::Query,
        operation_name: format!("Test__{subgraph}"),
        document: document.to_owned(),
        variables: Vec::new(),
        entities: Vec::new(),
        roots: top_level(document),
        at: FlattenPath::default(),
    }
}

/// The names (or aliases) at the top level of a document.
fn top_level(document: &str) -> Vec<String> {
    let spaced: String = document
        .chars()
        .flat_map(|character| match character {
            '{' | '}' | '(' | ')' => vec![' ', character, ' '],
            character => vec![character],
        })
        .collect();
    let (mut braces, mut parentheses, mut names) = (0, 0, Vec::new());
    for token in spaced.split_whitespace() {
        match token {
            "{" => braces += 1,
            "}" => braces -= 1,
            "(" => parentheses += 1,
            ")" => parentheses -= 1,
            name if braces == 1 && parentheses == 0 => {
                names.push(name.split(':').next().unwrap().to_owned());
            }
            _ => {}
        }
    }
    names
}

/// A fetch of entities at one flatten path, with one template.
pub(crate) fn entities(
    subgraph: &str,
    after: &[usize],
    path: &str,
    template: RepresentationTemplate,
) -> Fetch {
    Fetch {
        after: after.to_vec(),
        entities: vec![entity_list("_entities", "representations", &[path], vec![template])],
        roots: Vec::new(),
        ..root(
            subgraph,
            "query($representations:[_Any!]!){_entities(representations:$representations){...}}",
        )
    }
}

pub(crate) fn entity_list(
    key: &str,
    variable: &str,
    paths: &[&str],
    templates: Vec<RepresentationTemplate>,
) -> EntityFetch {
    EntityFetch {
        key: key.to_owned(),
        variable: variable.to_owned(),
        paths: paths.iter().map(|path| flatten_path(path)).collect(),
        templates,
        contexts: Vec::new(),
    }
}

/// `products.@.[Book|Movie].author`
pub(crate) fn flatten_path(path: &str) -> FlattenPath {
    let step = |step: &str| match step.strip_prefix('[') {
        Some(types) => {
            PathStep::Types(types.trim_end_matches(']').split('|').map(str::to_owned).collect())
        }
        None if step == "@" => PathStep::List,
        None => PathStep::Key(step.to_owned()),
    };
    FlattenPath(path.split('.').map(step).collect())
}

/// Key fields are written as they are, fields of `@requires` with a question mark.
pub(crate) fn template(type_name: &str, fields: &[&str]) -> RepresentationTemplate {
    RepresentationTemplate {
        types: vec![type_name.to_owned()],
        typename: type_name.to_owned(),
        fields: fields.iter().map(|field| representation_field(field)).collect(),
    }
}

pub(crate) fn representation_field(field: &str) -> RepresentationField {
    let name = field.trim_end_matches('?');
    RepresentationField {
        name: name.to_owned(),
        key: name.to_owned(),
        required: name == field,
        types: None,
        fields: Vec::new(),
    }
}

pub(crate) fn only_if(variable: &str, value: bool) -> Inclusion {
    Inclusion(vec![vec![Condition { variable: variable.to_owned(), value }]])
}

/// What a subgraph was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) subgraph: String,
    pub(crate) body: Value,
    pub(crate) representations: usize,
}

impl Asked {
    pub(crate) fn variable(&self, name: &str) -> &Value {
        &self.body["variables"][name]
    }
}

type Answers = Box<dyn Fn(&Asked) -> Result<SubgraphResponse, TransportError> + Send + Sync>;

/// Answers by script and records what it was asked.
pub(crate) struct Script {
    answers: Answers,
    asked: Mutex<Vec<Asked>>,
    /// Subgraphs that only answer when a permit is given.
    gates: HashMap<String, Arc<Semaphore>>,
    partition: Option<Bytes>,
}

impl Script {
    pub(crate) fn new(
        answers: impl Fn(&Asked) -> Result<SubgraphResponse, TransportError> + Send + Sync + 'static,
    ) -> Self {
        let answers = Box::new(answers);
        Self { answers, asked: Mutex::default(), gates: HashMap::new(), partition: None }
    }

    /// The same JSON answer per subgraph, whatever it is asked.
    pub(crate) fn fixed(answers: &[(&str, Value)]) -> Self {
        let answers: HashMap<String, Value> = answers
            .iter()
            .map(|(subgraph, answer)| ((*subgraph).to_owned(), answer.clone()))
            .collect();
        Self::new(move |asked| Ok(ok(&answers[&asked.subgraph].to_string())))
    }

    pub(crate) fn gated(mut self, subgraph: &str) -> (Self, Arc<Semaphore>) {
        let gate = Arc::new(Semaphore::new(0));
        self.gates.insert(subgraph.to_owned(), Arc::clone(&gate));
        (self, gate)
    }

    pub(crate) fn in_partition(self, partition: &'static str) -> Self {
        Self { partition: Some(partition.into()), ..self }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// One line per request: `subgraph variables`.
    pub(crate) fn log(&self) -> String {
        let mut log = String::new();
        for asked in self.asked() {
            writeln!(log, "{} {}", asked.subgraph, asked.body["variables"]).unwrap();
        }
        log
    }
}

pub(crate) fn ok(body: &str) -> SubgraphResponse {
    SubgraphResponse { status: 200, body: Bytes::copy_from_slice(body.as_bytes()) }
}

impl SubgraphTransport for Script {
    fn send(
        &self,
        request: SubgraphRequest,
    ) -> BoxFuture<'_, Result<SubgraphResponse, TransportError>> {
        let asked = Asked {
            subgraph: request.subgraph.to_string(),
            body: serde_json::from_slice(&request.body).expect("request bodies are JSON"),
            representations: request.representations,
        };
        Box::pin(async move {
            self.asked.lock().unwrap().push(asked.clone());
            if let Some(gate) = self.gates.get(&asked.subgraph) {
                gate.acquire().await.unwrap().forget();
            }
            (self.answers)(&asked)
        })
    }

    fn partition(&self, _subgraph: &str) -> Option<Bytes> {
        self.partition.clone()
    }
}

pub(crate) async fn run(
    plan: &QueryPlan,
    variables: &Value,
    transport: &Arc<Script>,
) -> GraphqlResponse {
    run_compiled(&CompiledPlan::new(plan), variables, transport).await
}

pub(crate) async fn run_compiled(
    plan: &CompiledPlan,
    variables: &Value,
    transport: &Arc<Script>,
) -> GraphqlResponse {
    let loaders = Loaders::new(LoaderOptions::ALONE);
    let execution = Execution {
        variables: variables.as_object().unwrap(),
        introspection: &Map::new(),
        transport: Arc::clone(transport) as Arc<dyn SubgraphTransport>,
        loaders: &loaders,
        deadline: None,
    };
    execute(plan, execution).await
}

/// Runs a plan and compares requests and answer.
pub(crate) fn check_requests(
    plan: &QueryPlan,
    variables: &Value,
    script: Script,
    expected: Expect,
) {
    let script = Arc::new(script);
    let response = block_on(run(plan, variables, &script));
    expected.assert_eq(&format!("{}{}", script.log(), pretty(response)));
}

/// Runs a plan and compares the answer.
pub(crate) fn check(plan: &QueryPlan, answers: &[(&str, Value)], expected: Expect) {
    check_script(plan, Script::fixed(answers), expected);
}

pub(crate) fn check_script(plan: &QueryPlan, script: Script, expected: Expect) {
    let response = block_on(run(plan, &json!({}), &Arc::new(script)));
    expected.assert_eq(&pretty(response));
}

/// Data on one line as it was written, then one line per error.
pub(crate) fn pretty(response: GraphqlResponse) -> String {
    let mut out = String::from_utf8(response.data().to_vec()).unwrap() + "\n";
    for error in &response.errors {
        let path: Value = serde_json::to_value(&error.path).unwrap();
        writeln!(out, "{path} {} {}", Value::Object(error.extensions.clone()), error.message)
            .unwrap();
    }
    let body: Value = serde_json::from_slice(&response.into_body()).expect("the response is JSON");
    assert_eq!(body.get("errors").is_some(), out.lines().count() > 1);
    out
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}
