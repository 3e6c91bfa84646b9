//! From a GraphQL request to the bytes of its answer. [`run`] is the table of contents.
//!
//! Nothing in here knows HTTP; everything that never waits is a plain function.

mod limits;
mod override_labels;
mod prepare;

use std::sync::Arc;
use std::time::Instant;

use apollo_compiler::introspection;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use bytes::Bytes;
use executor::{ErrorOrigin, Execution, GraphqlResponse};
use federation::operation::{VariableError, coerce_variables};
use federation::plan::OperationKind;
use serde_json::{Map, Value};

pub(crate) use override_labels::OverrideLabels;
pub(crate) use prepare::{OperationKey, PreparedOperation};

use crate::app::Gateway;
use crate::http::error::{ClientError, DocumentError, DocumentErrorCode};
use crate::http::request::{GraphqlRequest, RequestMethod};
use crate::schema::ServedSchema;
use crate::subgraph_client::{ClientContext, RequestTransport};

/// Answers one operation: parse, validate, plan (all three remembered), coerce, execute, respond.
pub(crate) async fn run(
    gateway: &Gateway,
    request: GraphqlRequest,
    client: ClientContext,
    deadline: Instant,
) -> Result<Bytes, ClientError> {
    let schema = gateway.schema.load_full();
    let operation = schema.prepare(&gateway.config.limits, &gateway.telemetry, &request)?;
    check_kind(&operation, request.method)?;
    if let Some(usage) = gateway.usage.as_ref().filter(|_| !operation.introspects) {
        usage.record(&request.query, request.operation_name.as_deref(), &client.headers);
    }
    if operation.introspects && !gateway.config.server.introspection {
        let message = "introspection is switched off";
        return Err(ClientError::document(DocumentErrorCode::IntrospectionDisabled, message));
    }
    let plan = operation.plan_for(
        &schema,
        &client.identity,
        gateway.config.plan_cache.plans_per_operation,
    )?;
    let variables =
        coerce_variables(schema.api_schema(), &operation.operation.variables, &request.variables)
            .map_err(refuse_variables)?;
    let introspection = introspect(&schema, &operation, &variables)?;
    let transport = RequestTransport { subgraphs: schema.subgraphs.clone(), client };
    let execution = Execution {
        variables: &variables,
        introspection: &introspection,
        transport: Arc::new(transport),
        loaders: &schema.loaders,
        deadline: Some(deadline.into()),
    };
    let response = executor::execute(&plan, execution).await;
    Ok(respond(gateway, response))
}

fn check_kind(operation: &PreparedOperation, method: RequestMethod) -> Result<(), ClientError> {
    match (operation.operation.kind, method) {
        (OperationKind::Query, _) | (OperationKind::Mutation, RequestMethod::Post) => Ok(()),
        (OperationKind::Mutation, RequestMethod::Get) => Err(ClientError::MutationOverGet),
        (OperationKind::Subscription, _) => Err(ClientError::document(
            DocumentErrorCode::Subscription,
            "subscriptions are not supported",
        )),
    }
}

/// Enough to mend a request; more would only help whoever sends garbage.
const MAX_ERRORS: usize = 20;

fn refuse_variables(errors: Vec<VariableError>) -> ClientError {
    let errors = errors.into_iter().take(MAX_ERRORS);
    let errors =
        errors.map(|error| DocumentError { message: error.to_string(), locations: Vec::new() });
    ClientError::Document { code: DocumentErrorCode::Variables, errors: errors.collect() }
}

/// `__schema` and `__type`, by response key; answered from the API schema.
fn introspect(
    schema: &ServedSchema,
    operation: &PreparedOperation,
    variables: &Map<String, Value>,
) -> Result<Map<String, Value>, ClientError> {
    if !operation.introspects {
        return Ok(Map::new());
    }
    let executable = operation.document.executable();
    let chosen =
        operation.document.choose(operation.name.as_deref()).map_err(prepare::refuse_operation)?;
    let too_deep = |error: apollo_compiler::request::RequestError| {
        ClientError::document(DocumentErrorCode::Depth, error.message().to_string())
    };
    introspection::check_max_depth(executable, chosen).map_err(too_deep)?;
    let variables: JsonMap = variables
        .iter()
        .map(|(name, value)| (name.as_str().into(), value.clone().into()))
        .collect();
    // Coerced by the same rules, only into another representation.
    let variables = Valid::assume_valid(variables);
    let answer = introspection::partial_execute(
        schema.api_schema(),
        &schema.implementers,
        executable,
        chosen,
        &variables,
    )
    .map_err(|error| {
        ClientError::document(DocumentErrorCode::Validation, error.message().to_string())
    })?;
    match serde_json::to_value(answer.data) {
        Ok(Value::Object(data)) => Ok(data),
        Ok(_) | Err(_) => Err(ClientError::Internal),
    }
}

/// Counts errors, hides what is to be hidden, and closes the body.
fn respond(gateway: &Gateway, mut response: GraphqlResponse) -> Bytes {
    for error in &mut response.errors {
        if let Some(code) = error.extensions.get("code").and_then(Value::as_str) {
            gateway.telemetry.graphql_error(code);
        }
        if gateway.config.subgraphs.all.redact_errors && error.origin != ErrorOrigin::Completion {
            tracing::warn!(message = error.message, "subgraph error, hidden from the client");
            "A service reported an error".clone_into(&mut error.message);
            error.extensions.retain(|key, _| key == "code");
        }
    }
    response.into_body()
}
