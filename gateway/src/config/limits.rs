//! What one client request may cost before anything is planned or fetched.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Defaults only protect the process itself; [`LimitsConfig::strict`] is for the open internet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Bytes of a request body (413 above).
    pub body_bytes: usize,
    /// Bytes of a GraphQL document.
    pub document_bytes: usize,
    /// Lexical tokens of a document.
    pub tokens: usize,
    /// Nesting of fields, fragments spread out; introspection has its own limit.
    pub depth: usize,
    /// Aliased fields, fragments spread out.
    pub aliases: usize,
    /// Fields of the operation's root, fragments spread out.
    pub root_fields: usize,
    /// Mutation fields that try a credential: only `credential_mutations_per_operation` of them
    /// may stand in one operation, so that guesses cannot be packed into one request.
    pub credential_mutations: BTreeSet<String>,
    pub credential_mutations_per_operation: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            body_bytes: 2 * 1024 * 1024,
            document_bytes: 512 * 1024,
            tokens: 50_000,
            depth: 100,
            aliases: 1_000,
            root_fields: 1_000,
            credential_mutations: BTreeSet::new(),
            credential_mutations_per_operation: 1,
        }
    }
}

/// Mutations of the users service that check a password, a code or a token.
const CREDENTIAL_MUTATIONS: [&str; 14] = [
    "userRegister",
    "userVerifyEmail",
    "userResendVerification",
    "sessionCreate",
    "sessionCompleteMfa",
    "sessionRefresh",
    "passwordResetRequest",
    "passwordReset",
    "passwordChange",
    "emailChangeRequest",
    "emailChangeConfirm",
    "totpConfirm",
    "totpDisable",
    "accountDelete",
];

impl LimitsConfig {
    /// The marketplace's limits.
    pub fn strict() -> Self {
        Self {
            body_bytes: 256 * 1024,
            document_bytes: 20 * 1024,
            tokens: 5_000,
            depth: 15,
            aliases: 30,
            root_fields: 30,
            credential_mutations: CREDENTIAL_MUTATIONS.map(str::to_owned).into(),
            credential_mutations_per_operation: 1,
        }
    }
}
