//! Data loaders: how loads become requests, within one client request and across several.

use std::sync::Arc;
use std::time::Duration;

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

use crate::support::{Asked, Script, block_on, entities, ok, plan, pretty, root, template};

/// Entity names by id from `b`; the ids are the client's variable, so that clients differ.
fn names() -> QueryPlan {
    let mut first = root("a", "query($ids:[ID!]){ps{id}}");
    first.variables = vec!["ids".to_owned()];
    plan(
        vec![first, entities("b", &[0], "ps.@", template("P", &["id"]))],
        "ps: [P] { name: String }",
    )
}

fn answer(asked: &Asked) -> Result<SubgraphResponse, TransportError> {
    if asked.subgraph == "a" {
        let ids = asked.variable("ids").as_array().unwrap();
        let products: Vec<Value> =
            ids.iter().map(|id| json!({"__typename": "P", "id": id})).collect();
        return Ok(ok(&json!({"data": {"ps": products}}).to_string()));
    }
    let representations = asked.variable("representations").as_array().unwrap();
    if representations.iter().any(|representation| representation["id"] == "fail") {
        return Err(TransportError::Unreachable);
    }
    if representations.iter().any(|representation| representation["id"] == "spoil") {
        return Err(TransportError::Status { status: 500 });
    }
    let entity = |representation: &Value| json!({"name": representation["id"]});
    let entities: Vec<Value> = representations.iter().map(entity).collect();
    let body = json!({"data": {"_entities": entities}});
    Ok(ok(&body.to_string()))
}

fn entity_ids(script: &Script) -> Vec<Vec<String>> {
    let of = |asked: &Asked| {
        let representations = asked.variable("representations").as_array().unwrap().clone();
        assert_eq!(representations.len(), asked.representations);
        representations.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect()
    };
    script.asked().iter().filter(|asked| asked.subgraph == "b").map(of).collect()
}

async fn request(
    plan: &CompiledPlan,
    loaders: &Loaders,
    script: &Arc<Script>,
    ids: &[&str],
) -> GraphqlResponse {
    let variables: Map<String, Value> = Map::from_iter([("ids".to_owned(), json!(ids))]);
    let execution = Execution {
        variables: &variables,
        introspection: &Map::new(),
        transport: Arc::clone(script) as Arc<dyn SubgraphTransport>,
        loaders,
        deadline: None,
    };
    execute(plan, execution).await
}

fn names_of(ids: &[&str]) -> Vec<u8> {
    let products: Vec<Value> = ids.iter().map(|id| json!({"name": id})).collect();
    json!({"ps": products}).to_string().into_bytes()
}

/// Long enough for a test that never ends to be noticed.
const SHARING: LoaderOptions = LoaderOptions {
    share_queries: true,
    batch_entities: true,
    max_wait: Duration::from_hours(1),
    ..LoaderOptions::ALONE
};

#[test]
fn batches_are_split_above_the_maximum_and_run_side_by_side() {
    let loaders = Loaders::new(LoaderOptions { max_batch_size: 2, ..LoaderOptions::ALONE });
    let (script, gate) = Script::new(answer).gated("b");
    let script = Arc::new(script);
    let plan = CompiledPlan::new(&names());
    block_on(async {
        let mut running =
            Box::pin(request(&plan, &loaders, &script, &["1", "2", "3", "1", "4", "5"]));
        assert!(poll!(&mut running).is_pending());
        assert_eq!(entity_ids(&script), [&["1", "2"][..], &["3", "4"], &["5"]]);
        gate.add_permits(3);
        assert_eq!(running.await.data(), names_of(&["1", "2", "3", "1", "4", "5"]));
    });
}

#[test]
fn a_failing_batch_concerns_only_its_own_entities() {
    let loaders = Loaders::new(LoaderOptions { max_batch_size: 2, ..LoaderOptions::ALONE });
    let script = Arc::new(Script::new(answer));
    let plan = CompiledPlan::new(&names());
    let response = block_on(request(&plan, &loaders, &script, &["1", "2", "fail", "4", "5"]));
    let data: Value = serde_json::from_slice(response.data()).unwrap();
    assert_eq!(
        data,
        json!({"ps": [{"name": "1"}, {"name": "2"}, {"name": null}, {"name": null}, {"name": "5"}]})
    );
    assert_eq!(response.errors.len(), 1);
}

#[test]
fn without_sharing_every_client_request_asks_for_itself() {
    let loaders = Loaders::new(LoaderOptions::ALONE);
    let script = Arc::new(Script::new(answer).in_partition("ada"));
    let plan = CompiledPlan::new(&names());
    block_on(join_all((0..3).map(|_| request(&plan, &loaders, &script, &["1"]))));
    assert_eq!(entity_ids(&script).len(), 3);
}

#[test]
fn concurrent_client_requests_of_one_partition_meet_while_a_load_is_in_flight() {
    let loaders = Loaders::new(SHARING);
    let (script, gate) = Script::new(answer).in_partition("ada").gated("b");
    let script = Arc::new(script);
    let plan = CompiledPlan::new(&names());
    block_on(async {
        let lists = [vec!["1", "2"], vec!["2", "3"], vec!["3", "4"], vec!["4"]];
        let mut running =
            Box::pin(join_all(lists.iter().map(|ids| request(&plan, &loaders, &script, ids))));
        until(&mut running, || !entity_ids(&script).is_empty()).await;
        // Nothing was in flight: the first goes out alone and at once.
        assert_eq!(entity_ids(&script), [["1", "2"]]);
        gate.add_permits(2);
        let responses = running.await;
        for (ids, response) in lists.iter().zip(responses) {
            assert_eq!(response.data(), names_of(ids));
        }
        let asked = entity_ids(&script);
        // What is in flight is not asked for again, and the others go out together, each id once.
        assert_eq!(asked[1..], [["3", "4"]], "{asked:?}");
    });
}

/// Names from `b` at two places, by two fetches of one selection.
fn names_twice() -> QueryPlan {
    let first = |subgraph: &str, field: &str| {
        let mut first = root(subgraph, &format!("query($ids:[ID!]){{{field}{{id}}}}"));
        first.variables = vec!["ids".to_owned()];
        first
    };
    plan(
        vec![
            first("a", "ps"),
            first("late", "qs"),
            entities("b", &[0], "ps.@", template("P", &["id"])),
            entities("b", &[1], "qs.@", template("P", &["id"])),
        ],
        "ps: [P] { name: String } qs: [P] { name: String }",
    )
}

fn answer_twice(asked: &Asked) -> Result<SubgraphResponse, TransportError> {
    let field = match &*asked.subgraph {
        "a" => "ps",
        "late" => "qs",
        _ => return answer(asked),
    };
    // The second list has the first one's last entity and one of its own.
    let ids = asked.variable("ids").as_array().unwrap();
    let ids = if field == "ps" { &ids[..2] } else { &ids[1..] };
    let products: Vec<Value> = ids.iter().map(|id| json!({"__typename": "P", "id": id})).collect();
    Ok(ok(&json!({"data": {field: products}}).to_string()))
}

fn both(ids: [&str; 3]) -> String {
    let name = |at: usize| json!({"name": ids[at]});
    json!({"data": {"ps": [name(0), name(1)], "qs": [name(1), name(2)]}}).to_string()
}

/// Runs it until something has come true.
async fn until(running: &mut (impl Future + Unpin), is_true: impl Fn() -> bool) {
    while !is_true() {
        assert!(poll!(&mut *running).is_pending());
        tokio::task::yield_now().await;
    }
}

#[test]
fn fetches_of_one_selection_go_out_together_at_one_moment() {
    let plan = CompiledPlan::new(&names_twice());
    for options in [LoaderOptions::ALONE, LoaderOptions::default()] {
        let script = Arc::new(Script::new(answer_twice).in_partition("p"));
        let response = block_on(request(&plan, &Loaders::new(options), &script, &["1", "2", "3"]));
        assert_eq!(response.into_body(), both(["1", "2", "3"]));
        assert_eq!(entity_ids(&script), [["1", "2", "3"]]);
    }
}

#[test]
fn a_later_moment_does_not_wait_for_an_earlier_one() {
    let plan = CompiledPlan::new(&names_twice());
    let loaders = Loaders::new(LoaderOptions::ALONE);
    let (script, late) = Script::new(answer_twice).gated("late");
    let (script, names) = script.gated("b");
    let script = Arc::new(script);
    block_on(async {
        let mut running = Box::pin(request(&plan, &loaders, &script, &["1", "2", "3"]));
        until(&mut running, || entity_ids(&script).len() == 1).await;
        late.add_permits(1);
        // The first load is still in flight: its gate is closed.
        until(&mut running, || entity_ids(&script).len() == 2).await;
        assert_eq!(entity_ids(&script), [["1", "2"], ["2", "3"]]);
        names.add_permits(2);
        assert_eq!(running.await.into_body(), both(["1", "2", "3"]));
    });
}

#[test]
fn what_fails_in_company_is_tried_alone() {
    let plan = CompiledPlan::new(&names_twice());
    let loaders = Loaders::new(LoaderOptions::ALONE);
    let script = Arc::new(Script::new(answer_twice));
    let response = block_on(request(&plan, &loaders, &script, &["1", "2", "spoil"]));
    let body: Value = serde_json::from_slice(&response.into_body()).unwrap();
    assert_eq!(body["data"]["ps"], json!([{"name": "1"}, {"name": "2"}]));
    assert_eq!(body["data"]["qs"], json!([{"name": null}, {"name": null}]));
    let mut asked = entity_ids(&script);
    asked[1..].sort();
    assert_eq!(asked, [&["1", "2", "spoil"][..], &["1", "2"], &["2", "spoil"]]);
}

#[test]
fn partitions_do_not_meet() {
    let loaders = Loaders::new(SHARING);
    let plan = CompiledPlan::new(&names());
    let scripts = [
        Arc::new(Script::new(answer).in_partition("ada")),
        Arc::new(Script::new(answer).in_partition("bob")),
        Arc::new(Script::new(answer)),
    ];
    block_on(join_all(scripts.iter().map(|script| request(&plan, &loaders, script, &["1"]))));
    for script in &scripts {
        assert_eq!(entity_ids(script), [["1"]]);
    }
}

#[test]
fn mutations_do_not_meet() {
    let loaders = Loaders::new(SHARING);
    let (script, gate) = Script::new(answer).in_partition("ada").gated("b");
    let script = Arc::new(script);
    let mut plan = names();
    plan.kind = OperationKind::Mutation;
    let plan = CompiledPlan::new(&plan);
    block_on(async {
        let mut running =
            Box::pin(join_all((0..3).map(|_| request(&plan, &loaders, &script, &["1"]))));
        assert!(poll!(&mut running).is_pending());
        assert_eq!(entity_ids(&script).len(), 3);
        gate.add_permits(3);
        running.await;
    });
}

#[test]
fn a_client_that_goes_away_takes_nothing_with_it() {
    let loaders = Loaders::new(SHARING);
    let (script, gate) = Script::new(answer).in_partition("ada").gated("b");
    let script = Arc::new(script);
    let plan = CompiledPlan::new(&names());
    block_on(async {
        let mut leaving = Box::pin(request(&plan, &loaders, &script, &["1"]));
        let mut staying = Box::pin(request(&plan, &loaders, &script, &["1", "2"]));
        while entity_ids(&script).is_empty() {
            assert!(poll!(&mut leaving).is_pending());
            assert!(poll!(&mut staying).is_pending());
            tokio::task::yield_now().await;
        }
        drop(leaving);
        gate.add_permits(10);
        assert_eq!(staying.await.data(), names_of(&["1", "2"]));
        assert_eq!(request(&plan, &loaders, &script, &["3"]).await.data(), names_of(&["3"]));
    });
}

#[test]
fn a_shared_failure_is_reported_to_everybody_who_waited_for_it() {
    let loaders = Loaders::new(SHARING);
    let (script, gate) = Script::new(answer).in_partition("ada").gated("b");
    let script = Arc::new(script);
    let plan = CompiledPlan::new(&names());
    block_on(async {
        gate.add_permits(10);
        let lists = [["fail"], ["fail"], ["fail"]];
        for response in
            join_all(lists.iter().map(|ids| request(&plan, &loaders, &script, ids))).await
        {
            assert_eq!(response.data(), br#"{"ps":[{"name":null}]}"#);
            assert_eq!(response.errors.len(), 1);
            assert_eq!(response.errors[0].extensions["code"], "SUBREQUEST_HTTP_ERROR");
        }
    });
}

#[test]
fn nobody_pays_for_the_entity_of_another() {
    let loaders = Loaders::new(SHARING);
    let (script, gate) = Script::new(answer).in_partition("ada").gated("b");
    let script = Arc::new(script);
    let plan = CompiledPlan::new(&names());
    block_on(async {
        let lists = [vec!["1"], vec!["2", "spoil"], vec!["3", "1"]];
        let mut running =
            Box::pin(join_all(lists.iter().map(|ids| request(&plan, &loaders, &script, ids))));
        until(&mut running, || !entity_ids(&script).is_empty()).await;
        gate.add_permits(10);
        let responses = running.await;
        // The first alone, the others together, and then each for itself.
        assert_eq!(entity_ids(&script).iter().map(Vec::len).collect::<Vec<_>>(), [1, 3, 2, 2]);
        assert_eq!(responses[0].data(), names_of(&["1"]));
        assert_eq!(responses[1].data(), br#"{"ps":[{"name":null},{"name":null}]}"#);
        assert_eq!(responses[1].errors.len(), 1);
        assert_eq!(responses[2].data(), names_of(&["3", "1"]));
        assert!(!responses[2].has_errors());
    });
}

/// Answers like [`answer`], but says who asked, after a number of turns of the scheduler.
struct Telling {
    partition: Option<&'static str>,
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
            if asked.subgraph == "a" {
                return answer(&asked);
            }
            let representations = asked.variable("representations").as_array().unwrap();
            let bad = |kind: &str| representations.iter().any(|entity| entity["id"] == kind);
            if bad("spoil") {
                return Ok(ok(r#"{"data":null,"errors":[{"message":"spoilt"}]}"#));
            }
            let mut errors = Vec::new();
            let mut entities = Vec::new();
            for (at, entity) in representations.iter().enumerate() {
                let id = entity["id"].as_str().unwrap();
                if id == "bad" {
                    errors.push(json!({"message": "bad", "path": ["_entities", at, "name"]}));
                }
                let name = format!("{} for {}", id, self.partition.unwrap_or("nobody"));
                entities.push(if id == "gone" { Value::Null } else { json!({"name": name}) });
            }
            Ok(ok(&json!({"data": {"_entities": entities}, "errors": errors}).to_string()))
        })
    }

    fn partition(&self, _subgraph: &str) -> Option<Bytes> {
        self.partition.map(Bytes::from)
    }
}

async fn told(
    plan: &CompiledPlan,
    loaders: &Loaders,
    client: &(Option<&'static str>, usize, Vec<&'static str>),
) -> String {
    let (partition, turns, ids) = client;
    let variables: Map<String, Value> = Map::from_iter([("ids".to_owned(), json!(ids))]);
    let execution = Execution {
        variables: &variables,
        introspection: &Map::new(),
        transport: Arc::new(Telling { partition: *partition, turns: *turns }),
        loaders,
        deadline: None,
    };
    pretty(execute(plan, execution).await)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever shares with whomever, every answer is the one without sharing.
    #[test]
    fn sharing_changes_no_answer(
        clients in prop::collection::vec(
            (
                prop::sample::select(vec![None, Some("ada"), Some("bob")]),
                0..6_usize,
                prop::collection::vec(
                    prop::sample::select(vec!["1", "2", "3", "4", "bad", "gone", "spoil"]),
                    0..5,
                ),
            ),
            1..12,
        ),
        max_batch_size in 1..5_usize,
    ) {
        let plan = CompiledPlan::new(&names());
        let alone = Loaders::new(LoaderOptions::ALONE);
        let shared = Loaders::new(SHARING);
        let (alone, shared) = block_on(async {
            let one_by_one = async {
                let mut answers = Vec::new();
                for client in &clients {
                    answers.push(told(&plan, &alone, client).await);
                }
                answers
            };
            (one_by_one.await, join_all(clients.iter().map(|client| told(&plan, &shared, client))).await)
        });
        prop_assert_eq!(&alone, &shared);
        // Smaller batches fail in smaller parts, but never tell one client about another.
        let small = Loaders::new(LoaderOptions { max_batch_size, ..SHARING });
        let small = block_on(join_all(clients.iter().map(|client| told(&plan, &small, client))));
        for (answer, (partition, _, _)) in small.iter().zip(&clients) {
            for other in ["ada", "bob", "nobody"] {
                let own = partition.unwrap_or("nobody");
                prop_assert!(other == own || !answer.contains(&format!("for {other}")), "{}", answer);
            }
        }
    }
}
