//! `concord dev`: mocks, reloading, programs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::serve::{Serving, query, request};
use crate::support::{Folder, REVIEWS, graph};

/// Asks until the answer is as wanted; something that never comes fails the test.
fn eventually(mut ask: impl FnMut() -> Result<(), String>) {
    let began = Instant::now();
    loop {
        match ask() {
            Ok(()) => return,
            Err(last) if began.elapsed() > Duration::from_mins(1) => panic!("{last}"),
            Err(_) => std::thread::yield_now(),
        }
    }
}

fn ask(address: &str, text: &str) -> Value {
    query(address, &json!({ "query": text }), "")
}

fn banner(address: &str) -> Value {
    let answer =
        request(address, "GET /graphiql/banner HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    serde_json::from_str(answer.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON")
}

#[test]
fn a_graph_without_services_answers() {
    let folder = graph();
    folder.write("mocks.yaml", "Review.stars: 5\nUser.name: [Ada]\n");
    folder.write("concord.yaml", "dev: { mocks: { users: { overrides: mocks.yaml }, reviews: { overrides: mocks.yaml, list_length: 2 } } }\n");
    let (_serving, address) = Serving::start_command(&folder, &["dev", "--config", "concord.yaml"]);
    let text = "{ me { id name reviews { body stars } } }";
    let first = ask(&address, text);
    let me = &first["data"]["me"];
    assert_eq!(me["name"], "Ada", "{first}");
    assert!(me["id"].as_str().is_some_and(|id| id.starts_with("user-")), "{first}");
    let reviews = me["reviews"].as_array().expect("reviews");
    assert_eq!(reviews.len(), 2);
    assert!(reviews.iter().all(|review| review["stars"] == 5 && review["body"].is_string()));
    assert_eq!(ask(&address, text), first, "the same question has the same answer");
}

#[test]
fn a_changed_schema_is_live_and_a_broken_one_is_shown() {
    let folder = graph();
    let (_serving, address) =
        Serving::start_command(&folder, &["dev", "--mock", "users", "--mock", "reviews"]);
    assert_eq!(banner(&address)["ok"], true);
    let text = "{ me { reviews { title } } }";
    assert!(ask(&address, text)["errors"].is_array());

    folder.write(
        "schema/reviews.graphql",
        &REVIEWS.replace("stars: Int", "stars: Int title: String"),
    );
    eventually(|| match ask(&address, text) {
        answer if answer.get("errors").is_none() => Ok(()),
        answer => Err(answer.to_string()),
    });
    folder.write("schema/reviews.graphql", "type Review {");
    eventually(|| match banner(&address) {
        banner if banner["ok"] == false => Ok(()),
        banner => Err(banner.to_string()),
    });
    assert!(ask(&address, text).get("errors").is_none(), "the last good schema stays");
}

#[cfg(unix)]
#[test]
fn programs_are_started_again_when_they_end() {
    let folder = graph();
    folder.write("concord.yaml", "dev: { commands: { worker: { run: 'echo started >> runs; exit 3' } }, mocks: { users: {}, reviews: {} } }\n");
    let (serving, _) = Serving::start_command(&folder, &["dev", "--config", "concord.yaml"]);
    eventually(|| {
        let runs = std::fs::read_to_string(folder.path("runs")).unwrap_or_default();
        if runs.lines().count() >= 2 { Ok(()) } else { Err(runs) }
    });
    serving.stop();
}

#[test]
fn a_start_that_cannot_work_says_why() {
    let folder = Folder::new(&[]);
    let ran = folder.concord(&["dev"]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("concord init"), "{}", ran.err);
    let folder = graph();
    folder.write("concord.yaml", "dev: { mocks: { users: { overrides: missing.yaml } } }\n");
    let ran = folder.concord(&["dev", "--config", "concord.yaml", "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("missing.yaml"), "{}", ran.err);
}
