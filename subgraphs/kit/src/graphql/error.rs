//! Top-level GraphQL errors: few codes, fixed sentences. What went wrong inside is logged, never
//! sent.

use async_graphql::{Context, Error, ErrorExtensions, Response, ServerError};

use crate::caller::{Caller, caller};

/// The result type of resolvers' errors.
pub type GraphQlError = Error;

fn coded(code: &'static str, message: &str) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

/// The caller is known and may not have this.
pub fn forbidden() -> Error {
    coded("FORBIDDEN", "you may not see or do this")
}

/// Nobody is logged in.
pub fn unauthenticated() -> Error {
    coded("UNAUTHENTICATED", "you need to log in for this")
}

/// An argument that the schema allows and the field does not.
pub fn bad_request(message: &str) -> Error {
    coded("BAD_USER_INPUT", message)
}

/// A fault of ours: logged here, a fixed sentence for the client.
pub fn internal(error: &(dyn std::fmt::Display + Send + Sync)) -> Error {
    tracing::error!(error = %error, "a resolver failed");
    coded("INTERNAL", INTERNAL_MESSAGE)
}

/// Second wall behind the gateway's `@requiresScopes`: the caller holds all of these.
pub fn scopes(ctx: &Context<'_>, required: &[&str]) -> Result<(), Error> {
    let caller = caller(ctx);
    if required.iter().all(|scope| caller.has_scope(scope)) {
        return Ok(());
    }
    Err(match caller {
        Caller::Anonymous => unauthenticated(),
        Caller::User(_) | Caller::Service(_) => forbidden(),
    })
}

const INTERNAL_MESSAGE: &str = "something went wrong on our side";

/// Gives every error of a response a code, and hides the text of those that carry the error of
/// some library. Returns whether the request itself was wrong (nothing was executed).
pub(crate) fn classify(response: &mut Response) -> bool {
    for error in &mut response.errors {
        if has_code(error) {
            continue;
        }
        let code = if error.source.is_some() {
            tracing::error!(error = %error.message, path = ?error.path, "a resolver failed");
            INTERNAL_MESSAGE.clone_into(&mut error.message);
            "INTERNAL"
        } else if !error.path.is_empty() {
            "BAD_USER_INPUT"
        } else if exceeds_a_limit(&error.message) {
            "COMPLEXITY_EXCEEDED"
        } else {
            "GRAPHQL_VALIDATION_FAILED"
        };
        error.source = None;
        error.extensions.get_or_insert_default().set("code", code);
    }
    !response.errors.is_empty() && response.errors.iter().all(|error| error.path.is_empty())
}

/// async-graphql's sentences about depth, complexity, recursion and directives.
fn exceeds_a_limit(message: &str) -> bool {
    ["too deep", "too complex", "recursion depth", "number of directives"]
        .iter()
        .any(|sentence| message.contains(sentence))
}

fn has_code(error: &ServerError) -> bool {
    error.extensions.as_ref().is_some_and(|extensions| extensions.get("code").is_some())
}
