//! At most one mutation that checks a secret per operation: fifty aliased log-ins in one request
//! are fifty guesses that no rate limiter in front of us sees.

use std::sync::Arc;

use async_graphql::{
    ErrorExtensionValues, ServerError, ServerResult, Variables,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextParseQuery},
    parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet},
};

/// Root fields that take a password, a code or a token, or that send mail to a given address.
const CREDENTIAL_FIELDS: [&str; 14] = [
    "accountDelete",
    "emailChangeConfirm",
    "emailChangeRequest",
    "passwordChange",
    "passwordReset",
    "passwordResetRequest",
    "sessionCompleteMfa",
    "sessionCreate",
    "sessionRefresh",
    "totpConfirm",
    "totpDisable",
    "userRegister",
    "userResendVerification",
    "userVerifyEmail",
];

/// Deeper nesting of fragments on the root is nobody's query.
const MAX_FRAGMENT_DEPTH: u8 = 16;

#[derive(Debug)]
pub struct OneCredentialPerOperation;

impl ExtensionFactory for OneCredentialPerOperation {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Guard)
    }
}

struct Guard;

#[kit::async_trait]
impl Extension for Guard {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        let too_many = document
            .operations
            .iter()
            .filter(|(_, operation)| operation.node.ty == OperationType::Mutation)
            .any(|(_, operation)| {
                count(&document, &operation.node.selection_set.node, MAX_FRAGMENT_DEPTH) > 1
            });
        if too_many {
            let mut error =
                ServerError::new("an operation may hold one credential mutation only", None);
            let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
            extensions.set("code", "COMPLEXITY_EXCEEDED");
            return Err(error);
        }
        Ok(document)
    }
}

fn count(document: &ExecutableDocument, selections: &SelectionSet, depth: u8) -> usize {
    if depth == 0 {
        return 2;
    }
    let mut sum = 0;
    for selection in &selections.items {
        sum += match &selection.node {
            Selection::Field(field) => {
                usize::from(CREDENTIAL_FIELDS.contains(&field.node.name.node.as_str()))
            }
            Selection::InlineFragment(fragment) => {
                count(document, &fragment.node.selection_set.node, depth - 1)
            }
            Selection::FragmentSpread(spread) => {
                document.fragments.get(&spread.node.fragment_name.node).map_or(0, |fragment| {
                    count(document, &fragment.node.selection_set.node, depth - 1)
                })
            }
        };
        if sum > 1 {
            break;
        }
    }
    sum
}
