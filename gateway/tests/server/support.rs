//! A gateway in front of subgraphs that answer what the test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use federation::composition::{SubgraphSource, compose};
use gateway::config::SupergraphConfig;
use gateway::{App, Config};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) const USERS: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9",
                        import: ["@key", "@shareable", "@authenticated", "@requiresScopes"])
    type Query {
      me: User
      user(id: ID!): User
      echo(text: String, count: Int): String
      filter(by: Filter): String
      secret: String @requiresScopes(scopes: [["a", "b"], ["c"]])
      members: String @authenticated
      strict: String! @authenticated
      vault: Vault
      named: [Named!]
      things: [Thing!]
    }
    type Mutation {
      rename(name: String!): User
      sessionCreate(password: String!): String
      passwordReset(password: String!): String
    }
    type Subscription { tick: Int }
    type User implements Named @key(fields: "id") {
      id: ID!
      name: String
      email: String @requiresScopes(scopes: [["email:read"]])
      friends: [User!]
    }
    type Robot implements Named @authenticated { name: String model: String }
    interface Named { name: String }
    union Thing = User | Robot
    type Vault @authenticated { code: String }
    input Filter { min: Int! max: Int kind: Kind = ALL }
    enum Kind { ALL SOME }
"#;

pub(crate) const REVIEWS: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Query { topReview: Review }
    type User @key(fields: "id") { id: ID! reviews: [Review!] }
    type Review { body: String author: User }
"#;

/// What both subgraphs answer when a test has no other wish.
pub(crate) fn usual_answer(_: &Received) -> Value {
    json!({ "data": {
        "me": { "__typename": "User", "id": "1", "name": "Ada", "email": "ada@example.org", "friends": null },
        "user": { "__typename": "User", "id": "1", "name": "Ada", "email": "ada@example.org" },
        "echo": "echo", "shout": "echo", "filter": "filter", "secret": "secret", "members": "members", "strict": "strict",
        "vault": { "__typename": "Vault", "code": "1234" },
        "named": [
            { "__typename": "User", "id": "1", "name": "Ada" },
            { "__typename": "Robot", "name": "R2", "model": "D2" },
        ],
        "things": [
            { "__typename": "User", "id": "1", "name": "Ada" },
            { "__typename": "Robot", "name": "R2", "model": "D2" },
        ],
        "rename": { "__typename": "User", "id": "1", "name": "Ada" },
        "sessionCreate": "token", "passwordReset": "done",
        "topReview": { "body": "fine", "author": { "__typename": "User", "id": "1" } },
        "_entities": [{ "__typename": "User", "reviews": [{ "body": "fine" }] }],
    } })
}

/// A request that a subgraph has received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) version: http::Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Received {
    pub(crate) fn query(&self) -> &str {
        self.body["query"].as_str().expect("subgraph requests have a query")
    }
}

type Answering = dyn Fn(&Received) -> Response + Send + Sync;

/// A subgraph that records what it receives.
pub(crate) struct Subgraph {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    _stop: DropGuard,
}

struct SubgraphState {
    received: Arc<Mutex<Vec<Received>>>,
    answer: Box<Answering>,
}

impl Subgraph {
    pub(crate) async fn start(
        answer: impl Fn(&Received) -> Response + Send + Sync + 'static,
    ) -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let state =
            Arc::new(SubgraphState { received: received.clone(), answer: Box::new(answer) });
        let router = axum::Router::new().fallback(Self::receive).with_state(state);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(axum::serve(listener, router).with_graceful_shutdown(stopped).into_future());
        Self { address, received, _stop: stop.drop_guard() }
    }

    pub(crate) async fn usual() -> Self {
        Self::start(|received| axum::Json(usual_answer(received)).into_response()).await
    }

    async fn receive(State(state): State<Arc<SubgraphState>>, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a whole body");
        let body = if body.is_empty() {
            Value::Null
        } else {
            // Key sets and token look-ups are no JSON requests.
            serde_json::from_slice(&body)
                .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&body).into_owned()))
        };
        let received = Received { version: parts.version, headers: parts.headers, body };
        let answer = (state.answer)(&received);
        state.received.lock().expect("no panic").push(received);
        answer
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no panic").clone()
    }
}

/// Never answers; the connection stays open.
pub(crate) async fn silent_url() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/graphql", listener.local_addr().expect("a bound address"));
    let holding = tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.push(connection);
        }
    });
    (url, holding)
}

pub(crate) fn supergraph(users: &str, reviews: &str) -> String {
    let subgraph = |name: &str, url: &str, sdl: &str| SubgraphSource {
        name: name.to_owned(),
        url: url.to_owned(),
        sdl: sdl.to_owned(),
    };
    compose(vec![subgraph("users", users, USERS), subgraph("reviews", reviews, REVIEWS)])
        .expect("the test's subgraphs compose")
        .supergraph_sdl
}

/// A running gateway and its subgraphs.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) users: Subgraph,
    pub(crate) reviews: Subgraph,
    client: Client<HttpConnector, Full<Bytes>>,
    _stop: DropGuard,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or("none").to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a text"))
    }
}

impl Running {
    pub(crate) async fn start(config: Config) -> Self {
        Self::with_users(config, Subgraph::usual().await).await
    }

    pub(crate) async fn with_users(config: Config, users: Subgraph) -> Self {
        let reviews = Subgraph::usual().await;
        let sdl = supergraph(&users.url(), &reviews.url());
        Self::with(config, sdl, users, reviews).await
    }

    pub(crate) async fn with(
        mut config: Config,
        sdl: String,
        users: Subgraph,
        reviews: Subgraph,
    ) -> Self {
        if config.supergraph.file.is_none() {
            config.supergraph = SupergraphConfig { sdl: Some(sdl), ..SupergraphConfig::default() };
        }
        let app = App::build(config).await.expect("the gateway builds");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let stop = CancellationToken::new();
        tokio::spawn(app.serve(listener, stop.clone()));
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { address, users, reviews, client, _stop: stop.drop_guard() }
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = http::Request::new(Full::new(body.into()));
        *request.method_mut() = method;
        *request.uri_mut() = format!("http://{}{path}", self.address).parse().expect("a URI");
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).expect("a header name");
            request
                .headers_mut()
                .append(name, HeaderValue::try_from(*value).expect("a header value"));
        }
        let response = self.client.request(request).await.expect("the gateway answers");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// A POST with JSON, as most clients do it.
    pub(crate) async fn post(&self, body: Value) -> Answer {
        self.post_with(&[], body).await
    }

    pub(crate) async fn post_with(&self, headers: &[(&str, &str)], body: Value) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        self.send(Method::POST, "/graphql", &all, body.to_string()).await
    }

    pub(crate) async fn query(&self, query: &str) -> Answer {
        self.post(json!({ "query": query })).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    /// Requests to both subgraphs so far.
    pub(crate) fn subgraph_requests(&self) -> usize {
        self.users.received().len() + self.reviews.received().len()
    }
}

/// An answer with a status of its own.
pub(crate) fn answer_with(status: u16, body: impl Into<Body>) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [("content-type", "application/json")], body.into()).into_response()
}
