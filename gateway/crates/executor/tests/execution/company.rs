//! Queries of concurrent client requests that go out as one document.

use std::sync::Arc;
use std::time::Duration;

use apollo_compiler::ast::{Definition, Document, Selection};
use bytes::Bytes;
use executor::{
    CompiledPlan, Execution, GraphqlResponse, LoaderOptions, Loaders, SubgraphRequest,
    SubgraphResponse, SubgraphTransport, TransportError, execute,
};
use federation::plan::{OperationKind, QueryPlan};
use futures::future::{BoxFuture, join_all};
use futures::poll;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{Asked, Script, block_on, ok, plan, pretty, root};

const TOGETHER: LoaderOptions = LoaderOptions {
    batch_queries: true,
    max_wait: Duration::from_hours(1),
    ..LoaderOptions::ALONE
};

/// People by ids and language; what a client does not ask for stays out of its request.
fn people() -> QueryPlan {
    let document = "query($ids:[ID!]!,$in:Language){ps:people(ids:$ids in:$in){name}n:count}";
    let mut fetch = root("a", document);
    fetch.variables = vec!["in".to_owned(), "ids".to_owned()];
    plan(vec![fetch], "ps: [P] { name: String } n: Int")
}

/// Answers every root field as the document asks for it.
fn answer(asked: &Asked, reader: &str) -> Result<SubgraphResponse, TransportError> {
    let document = Document::parse(asked.body["query"].as_str().unwrap(), "query.graphql").unwrap();
    let Some(Definition::OperationDefinition(operation)) = document.definitions.first() else {
        panic!("{document}")
    };
    assert_eq!(operation.variables.len() % 2, 0);
    let (mut data, mut errors) = (Map::new(), Vec::new());
    for selection in &operation.selection_set {
        let Selection::Field(field) = selection else { panic!("{document}") };
        let key = field.response_name().as_str();
        if field.name == "count" {
            data.insert(key.to_owned(), json!(7));
            continue;
        }
        let value = |argument: &str| {
            let given = field.arguments.iter().find(|given| given.name == argument).unwrap();
            asked.variable(given.value.as_variable().unwrap().as_str())
        };
        let language = value("in").as_str().unwrap_or("any");
        let mut people = Vec::new();
        for (at, id) in value("ids").as_array().unwrap().iter().enumerate() {
            match id.as_str().unwrap() {
                "down" => return Err(TransportError::Unreachable),
                "refused" => return Err(TransportError::Status { status: 500 }),
                "garbage" => return Ok(ok("<html>")),
                "spoil" => errors.push(json!({ "message": "spoilt" })),
                "all" => return Ok(ok(r#"{"data":null,"errors":[{"message":"all"}]}"#)),
                "bad" => errors.push(json!({ "message": "bad", "path": [key, at, "name"] })),
                _ => {}
            }
            people.push(json!({ "name": format!("{id} in {language} for {reader}") }));
        }
        data.insert(key.to_owned(), people.into());
    }
    Ok(ok(&json!({ "data": data, "errors": errors }).to_string()))
}

async fn request(
    plan: &CompiledPlan,
    loaders: &Loaders,
    transport: Arc<dyn SubgraphTransport>,
    variables: &Value,
) -> GraphqlResponse {
    let execution = Execution {
        variables: variables.as_object().unwrap(),
        introspection: &Map::new(),
        transport,
        loaders,
        deadline: None,
    };
    execute(plan, execution).await
}

/// The variables of every request, when these come while the first is under way.
fn requests(plan: &QueryPlan, options: LoaderOptions, clients: &[Value]) -> Vec<Value> {
    let loaders = Loaders::new(options);
    let (script, gate) = Script::new(|asked| answer(asked, "ada")).in_partition("ada").gated("a");
    let script = Arc::new(script);
    let plan = CompiledPlan::new(plan);
    block_on(async {
        let ask = |variables| {
            request(&plan, &loaders, Arc::clone(&script) as Arc<dyn SubgraphTransport>, variables)
        };
        let mut running = Box::pin(join_all(clients.iter().map(ask)));
        assert!(poll!(&mut running).is_pending());
        gate.add_permits(clients.len());
        for (client, response) in clients.iter().zip(running.await) {
            let language = client["in"].as_str().unwrap_or("any");
            let name = |id: &Value| json!({ "name": format!("{id} in {language} for ada") });
            let people: Vec<Value> = client["ids"].as_array().unwrap().iter().map(name).collect();
            let expected = json!({ "ps": people, "n": 7 }).to_string();
            assert_eq!(String::from_utf8_lossy(response.data()), expected);
        }
    });
    script.asked().iter().map(|asked| asked.body["variables"].clone()).collect()
}

#[test]
fn queries_that_come_while_one_is_in_flight_go_out_together() {
    let clients = [
        json!({ "ids": ["1"], "in": "en" }),
        json!({ "ids": ["2", "3"] }),
        json!({ "ids": ["1"], "in": "en" }),
        json!({ "ids": ["4"], "in": "\u{0}\"" }),
        json!({ "ids": ["2", "3"] }),
    ];
    assert_eq!(
        requests(&people(), TOGETHER, &clients),
        [
            // Nothing was in flight, so nobody waited; who asks for the same has the same answer.
            json!({ "ids": ["1"], "in": "en" }),
            json!({ "ids_0": ["2", "3"], "ids_1": ["4"], "in_1": "\u{0}\"" }),
        ]
    );
}

#[test]
fn a_company_has_so_many_seats() {
    let clients: Vec<Value> = (0..40).map(|id| json!({ "ids": [id.to_string()] })).collect();
    let asked = requests(&people(), TOGETHER, &clients);
    let sizes: Vec<usize> = asked.iter().map(|asked| asked.as_object().unwrap().len()).collect();
    assert_eq!(sizes, [1, 16, 16, 7]);
}

#[test]
fn queries_go_out_for_themselves_unless_company_is_wanted() {
    let clients = [json!({ "ids": ["1"] }), json!({ "ids": ["2"] })];
    assert_eq!(requests(&people(), LoaderOptions::default(), &clients), clients);
}

#[test]
fn mutations_never_go_out_together() {
    let mut mutation = people();
    mutation.kind = OperationKind::Mutation;
    mutation.fetches[0].kind = OperationKind::Mutation;
    let clients = [json!({ "ids": ["1"] }), json!({ "ids": ["2"] }), json!({ "ids": ["3"] })];
    assert_eq!(requests(&mutation, TOGETHER, &clients), clients);
}

/// Says who asked, after a number of turns of the scheduler.
struct Telling {
    reader: Option<&'static str>,
    turns: usize,
}

impl SubgraphTransport for Telling {
    fn send(
        &self,
        request: SubgraphRequest,
    ) -> BoxFuture<'_, Result<SubgraphResponse, TransportError>> {
        Box::pin(async move {
            for _ in 0..self.turns {
                tokio::task::yield_now().await;
            }
            let asked = Asked {
                subgraph: request.subgraph.to_string(),
                body: serde_json::from_slice(&request.body).unwrap(),
                representations: request.representations,
            };
            answer(&asked, self.reader.unwrap_or("nobody"))
        })
    }

    fn partition(&self, _subgraph: &str) -> Option<Bytes> {
        self.reader.map(Bytes::from)
    }
}

type Client = (Option<&'static str>, usize, Vec<&'static str>);

async fn told(plan: &CompiledPlan, loaders: &Loaders, client: &Client) -> String {
    let (reader, turns, ids) = client;
    let transport = Arc::new(Telling { reader: *reader, turns: *turns });
    pretty(request(plan, loaders, transport, &json!({ "ids": ids })).await)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever goes with whomever, every answer is the one without company, but for subgraphs that
    /// are not there at all.
    #[test]
    fn company_changes_no_answer(
        clients in prop::collection::vec(
            (
                prop::sample::select(vec![None, Some("ada"), Some("bob")]),
                0..6_usize,
                prop::collection::vec(
                    prop::sample::select(vec!["1", "2", "3", "bad", "spoil", "all", "refused", "garbage"]),
                    0..4,
                ),
            ),
            1..12,
        ),
    ) {
        let plan = CompiledPlan::new(&people());
        let (alone, together) = (Loaders::new(LoaderOptions::ALONE), Loaders::new(TOGETHER));
        let (alone, together) = block_on(async {
            let mut answers = Vec::new();
            for client in &clients {
                answers.push(told(&plan, &alone, client).await);
            }
            (answers, join_all(clients.iter().map(|client| told(&plan, &together, client))).await)
        });
        prop_assert_eq!(&alone, &together);
    }
}

#[test]
fn a_subgraph_that_is_not_there_is_not_asked_again_for_each() {
    let loaders = Loaders::new(TOGETHER);
    let (script, gate) = Script::new(|asked| answer(asked, "ada")).in_partition("ada").gated("a");
    let script = Arc::new(script);
    let plan = CompiledPlan::new(&people());
    let clients = [["1"], ["2"], ["down"]].map(|ids| json!({ "ids": ids }));
    block_on(async {
        let ask = |variables| {
            request(&plan, &loaders, Arc::clone(&script) as Arc<dyn SubgraphTransport>, variables)
        };
        let mut running = Box::pin(join_all(clients.iter().map(ask)));
        assert!(poll!(&mut running).is_pending());
        gate.add_permits(clients.len());
        let errors: Vec<usize> =
            running.await.iter().map(|response| response.errors.len()).collect();
        // Two root fields each.
        assert_eq!(errors, [0, 2, 2]);
    });
    assert_eq!(script.asked().len(), 2);
}
