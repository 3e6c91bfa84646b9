//! Subgraphs in memory: schemas and rows in, GraphQL answers out.
//!
//! All subgraphs of a [`World`] answer from the same rows, so that the client's query, run over
//! the rows as if there were one service, says what the gateway must answer. The subgraphs are
//! strict where a real one would only be wrong: they refuse external fields that nobody provides,
//! fields whose requirements are missing from the representation, required values that are not
//! the row's, and fields that another subgraph has overridden.
//!
//! Execution is apollo-compiler's, which shares no code with ours.
//!
//! # Rows
//!
//! An object of rows by name: `{"Query": {..}, "table": {"__typename": "Product", "upc": "1", ..}}`.
//! The rows `Query` and `Mutation` hold the root fields. A string `"&name"` refers to a row;
//! `{"!": "text"}` is a field that fails. A value for certain arguments stands under
//! `field(argument:json,..)`, else under `field`, where numbers and texts then depend on the
//! arguments; a list is cut at the argument `first`. A field without a value whose arguments are
//! fields of its type finds the row that has them.

mod arguments;
mod field_set;
mod invent;
mod object;
mod rows;
mod subgraph;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use apollo_compiler::resolvers::Execution;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use bytes::Bytes;
use executor::{SubgraphRequest, SubgraphResponse, SubgraphTransport, TransportError};
use futures::future::BoxFuture;
use serde_json::{Value, json};

pub(crate) use invent::invent;
use object::{Object, Scope};
use rows::Rows;
use subgraph::Subgraph;

pub(crate) struct World {
    rows: Rows,
    subgraphs: Vec<Subgraph>,
    /// What was asked: subgraph, document, variables.
    asked: Mutex<Vec<(String, String, Value)>>,
}

impl World {
    /// `subgraphs`: name and SDL of each; `labels`: the progressive overrides that are on.
    pub(crate) fn new(
        subgraphs: &[(&str, &str)],
        rows: Value,
        labels: &BTreeSet<String>,
    ) -> Arc<Self> {
        let subgraphs = Subgraph::parse_all(subgraphs, labels);
        let rows = Rows::new(rows, &subgraphs);
        Arc::new(Self { rows, subgraphs, asked: Mutex::default() })
    }

    pub(crate) fn asked(&self) -> Vec<(String, String, Value)> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// The answer as one service would give it: the text of `data`, and the paths of the errors.
    pub(crate) fn oracle(
        &self,
        schema: &Valid<Schema>,
        query: &str,
        variables: &Value,
    ) -> (String, Vec<Value>) {
        let document =
            ExecutableDocument::parse_and_validate(schema, query, "query.graphql").unwrap();
        let operation = document.operations.get(None).unwrap();
        let root =
            Object::root(Scope { rows: &self.rows, subgraph: None }, operation.object_type());
        let variables = serde_json::from_value(variables.clone()).unwrap();
        let response = Execution::new(schema, &document)
            .raw_variable_values(&variables)
            .execute_sync(&root)
            .unwrap_or_else(|error| panic!("the oracle refuses {query}: {error:?}"));
        let paths = response.errors.iter().map(|error| serde_json::to_value(&error.path).unwrap());
        (serde_json::to_string(&response.data).unwrap(), paths.collect())
    }

    fn answer(&self, request: &SubgraphRequest) -> Value {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let (query, variables) = (body["query"].as_str().unwrap(), &body["variables"]);
        let asked = (request.subgraph.to_string(), query.to_owned(), variables.clone());
        self.asked.lock().unwrap().push(asked);
        let subgraph =
            self.subgraphs.iter().find(|subgraph| *subgraph.name == *request.subgraph).unwrap();
        let document = match ExecutableDocument::parse_and_validate(
            &subgraph.schema,
            query,
            "fetch.graphql",
        ) {
            Ok(document) => document,
            Err(refused) => {
                let message = format!("`{}` refuses {query}: {}", subgraph.name, refused.errors);
                return json!({"errors": [{"message": message}]});
            }
        };
        let operation = document.operations.get(Some(&request.operation_name)).unwrap();
        let root = Object::root(
            Scope { rows: &self.rows, subgraph: Some(subgraph) },
            operation.object_type(),
        );
        let variables = serde_json::from_value(variables.clone()).unwrap();
        let response = Execution::new(&subgraph.schema, &document)
            .operation(operation)
            .raw_variable_values(&variables)
            .execute_sync(&root);
        let response = match response {
            Ok(response) => response,
            Err(error) => {
                let name = &subgraph.name;
                let message = format!("`{name}` refuses {query} with {variables:?}: {error:?}");
                return json!({"errors": [{"message": message}]});
            }
        };
        let errors: Vec<Value> = response
            .errors
            .iter()
            .map(|error| json!({"message": error.message, "path": error.path}))
            .collect();
        if errors.is_empty() {
            json!({"data": response.data})
        } else {
            json!({"data": response.data, "errors": errors})
        }
    }
}

impl SubgraphTransport for World {
    fn send(
        &self,
        request: SubgraphRequest,
    ) -> BoxFuture<'_, Result<SubgraphResponse, TransportError>> {
        Box::pin(async move {
            let body = serde_json::to_vec(&self.answer(&request)).unwrap().into();
            Ok(SubgraphResponse { status: 200, body })
        })
    }

    fn partition(&self, _subgraph: &str) -> Option<Bytes> {
        None
    }
}
