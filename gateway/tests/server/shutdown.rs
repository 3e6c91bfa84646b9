//! Stopping: what is under way is finished, but not waited for without end.

use std::sync::Arc;
use std::time::Duration;

use axum::response::IntoResponse;
use gateway::config::SupergraphConfig;
use gateway::{App, Config};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::support::{Subgraph, silent_url, supergraph, usual_answer};

/// Starts a gateway, sends one query to it, and says when the subgraph has got it.
async fn query(
    sdl: String,
    config: Config,
    stop: CancellationToken,
) -> (tokio::task::JoinHandle<String>, tokio::task::JoinHandle<()>) {
    let config = Config {
        supergraph: SupergraphConfig { sdl: Some(sdl), ..SupergraphConfig::default() },
        ..config
    };
    let app = App::build(config).await.expect("the gateway builds");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/graphql", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move { app.serve(listener, stop).await.expect("ends well") });
    let request = Request::builder()
        .method(Method::POST)
        .uri(url)
        .header("content-type", "application/json")
        .body(Full::<bytes::Bytes>::from(r#"{"query":"{ me { name } }"}"#))
        .expect("a request");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = tokio::spawn(async move {
        let Ok(response) = client.request(request).await else { return "broken off".to_owned() };
        let body = response
            .into_body()
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        String::from_utf8_lossy(&body).into_owned()
    });
    (answer, server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_requests_are_finished() {
    let arrived = Arc::new(Notify::new());
    let stop = CancellationToken::new();
    let (signal, stopping) = (arrived.clone(), stop.clone());
    let users = Subgraph::start(move |received| {
        // The gateway is told to stop while it waits for this answer.
        stopping.cancel();
        signal.notify_one();
        axum::Json(usual_answer(received)).into_response()
    })
    .await;
    let sdl = supergraph(&users.url(), "http://reviews.invalid/graphql");
    let (answer, server) = query(sdl, Config::default(), stop).await;
    arrived.notified().await;
    assert_eq!(answer.await.expect("no panic"), r#"{"data":{"me":{"name":"Ada"}}}"#);
    server.await.expect("the server ends");
}

#[tokio::test]
async fn requests_that_do_not_end_are_broken_off() {
    let (silent, _holding) = silent_url().await;
    let sdl = supergraph(&silent, "http://reviews.invalid/graphql");
    let mut config = Config::default();
    config.server.shutdown_timeout = Duration::from_millis(50);
    let stop = CancellationToken::new();
    let (_answer, server) = query(sdl, config, stop.clone()).await;
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(30), server)
        .await
        .expect("in time")
        .expect("the server ends");
}
