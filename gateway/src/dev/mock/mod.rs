//! Subgraphs that are not there: a local server that answers in their place.
//!
//! Values are made up from types and names ([`values`]), the same for the same question;
//! [`overrides`] fixes some. With fallback the real subgraph is asked first, and only what it
//! does not answer is made up.

mod fallback;
mod objects;
mod overrides;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use arc_swap::ArcSwapOption;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::post;
use federation::supergraph::Supergraph;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::config::MockConfig;
use crate::outbound::HttpClient;
use objects::{MockObject, World};
use overrides::Overrides;

#[derive(Debug, thiserror::Error)]
pub(crate) enum MockError {
    #[error("{}: {message}", path.display())]
    Overrides { path: PathBuf, message: String },
    #[error("the mock server could not be started: {source}")]
    Listen { source: std::io::Error },
}

/// All mocked subgraphs.
#[derive(Clone, Debug)]
pub(super) struct Mocks {
    address: Option<SocketAddr>,
    subgraphs: Arc<BTreeMap<String, MockedSubgraph>>,
}

#[derive(Debug)]
struct MockedSubgraph {
    overrides: Overrides,
    fallback: bool,
    list_length: usize,
    served: ArcSwapOption<Served>,
    client: HttpClient,
}

/// A subgraph as the current supergraph has it.
#[derive(Debug)]
struct Served {
    schema: Valid<Schema>,
    /// Where the real one would be.
    url: String,
}

const LIST_LENGTH: usize = 3;

impl Mocks {
    pub(super) async fn start(
        mocks: &BTreeMap<String, MockConfig>,
        client: &HttpClient,
    ) -> Result<Self, MockError> {
        let mut subgraphs = BTreeMap::new();
        for (name, MockConfig { overrides, fallback, list_length }) in mocks {
            let overrides = match overrides {
                Some(path) => Overrides::read(path)?,
                None => Overrides::default(),
            };
            let subgraph = MockedSubgraph {
                overrides,
                fallback: *fallback,
                list_length: list_length.unwrap_or(LIST_LENGTH),
                served: ArcSwapOption::empty(),
                client: client.clone(),
            };
            subgraphs.insert(name.clone(), subgraph);
        }
        let subgraphs = Arc::new(subgraphs);
        if subgraphs.is_empty() {
            return Ok(Self { address: None, subgraphs });
        }
        let failed = |source| MockError::Listen { source };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let router =
            axum::Router::new().route("/{subgraph}", post(answer)).with_state(subgraphs.clone());
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the mock server has ended");
            }
        });
        Ok(Self { address: Some(address), subgraphs })
    }

    /// Where the gateway finds the mocked subgraphs.
    pub(super) fn urls(&self) -> impl Iterator<Item = (String, String)> {
        self.subgraphs.keys().filter_map(|name| {
            let address = self.address?;
            Some((name.clone(), format!("http://{address}/{name}")))
        })
    }

    /// Takes another supergraph's schemas.
    pub(super) fn update(&self, sdl: &str) -> Result<(), String> {
        if self.subgraphs.is_empty() {
            return Ok(());
        }
        let supergraph = Supergraph::parse(sdl).map_err(|error| error.to_string())?;
        for (name, mocked) in &*self.subgraphs {
            let Some(id) = supergraph.subgraph_by_name(name) else {
                return Err(format!("there is no subgraph `{name}` to mock"));
            };
            let schema = supergraph.subgraph_schema(id).map_err(|error| error.to_string())?;
            let url = supergraph.subgraph(id).url.clone();
            mocked.served.store(Some(Arc::new(Served { schema, url })));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct MockRequest {
    query: String,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(rename = "operationName", default)]
    operation_name: Option<String>,
}

async fn answer(
    State(subgraphs): State<Arc<BTreeMap<String, MockedSubgraph>>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: bytes::Bytes,
) -> Response {
    let Some((mocked, served)) =
        subgraphs.get(&name).and_then(|mocked| Some((mocked, mocked.served.load_full()?)))
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let request: MockRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => {
            return (StatusCode::BAD_REQUEST, error.to_string()).into_response();
        }
    };
    let made_up = mocked.make_up(&served.schema, &request);
    if !mocked.fallback {
        return Json(made_up).into_response();
    }
    match fallback::ask(&mocked.client, &served.url, &headers, body).await {
        Some(real) => Json(fallback::fill(real, made_up)).into_response(),
        None => Json(made_up).into_response(),
    }
}

impl MockedSubgraph {
    fn make_up(&self, schema: &Valid<Schema>, request: &MockRequest) -> Value {
        let errors = |message: String| json!({ "errors": [{ "message": message }] });
        let document =
            match ExecutableDocument::parse_and_validate(schema, &request.query, "request.graphql")
            {
                Ok(document) => document,
                Err(invalid) => {
                    let first = invalid.errors.iter().next().map(|error| error.to_json().message);
                    return errors(first.unwrap_or_else(|| "invalid".to_owned()));
                }
            };
        let variables: JsonMap = request
            .variables
            .iter()
            .flatten()
            .map(|(name, value)| (name.as_str().into(), value.clone().into()))
            .collect();
        let operation = match document.operations.get(request.operation_name.as_deref()) {
            Ok(operation) => operation,
            Err(error) => return errors(error.message().to_string()),
        };
        let world = World { overrides: &self.overrides, list_length: self.list_length };
        let root = MockObject::root(&world, operation.object_type());
        let executed = Execution::new(schema, &document)
            .operation(operation)
            .raw_variable_values(&variables)
            .enable_schema_introspection(true)
            .execute_sync(&root);
        match executed {
            Ok(response) => {
                serde_json::to_value(&response).unwrap_or_else(|error| errors(error.to_string()))
            }
            Err(error) => errors(error.message().to_string()),
        }
    }
}
