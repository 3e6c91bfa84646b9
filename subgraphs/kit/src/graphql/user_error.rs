//! Errors that belong to a mutation's payload: the user can do something about them. Each is a
//! member of the service's own `UserError` interface; declare the interface's fields with
//! `ty = "&String"` for `message` and `code` and `ty = "&Vec<String>"` for `path`.

use async_graphql::SimpleObject;

/// Declares one of the errors that have nothing but a message, a code and a path.
macro_rules! plain_error {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
        #[graphql(shareable)]
        pub struct $name {
            /// English, safe to show; clients localise on __typename + code
            pub message: String,
            pub code: String,
            /// Path into the mutation's input, e.g. `["input","password"]`; empty = whole input
            pub path: Vec<String>,
        }

        impl $name {
            pub fn new(code: &str, message: impl Into<String>, path: &[&str]) -> Self {
                Self { message: message.into(), code: code.to_owned(), path: owned(path) }
            }
        }
    };
}

plain_error!(InvalidInputError);
plain_error!(NotFoundError);
plain_error!(ConflictError);

#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
#[graphql(shareable)]
pub struct RateLimitedError {
    /// English, safe to show; clients localise on __typename + code
    pub message: String,
    pub code: String,
    /// Path into the mutation's input, e.g. `["input","password"]`; empty = whole input
    pub path: Vec<String>,
    pub retry_after_seconds: i32,
}

impl RateLimitedError {
    pub fn new(message: impl Into<String>, path: &[&str], retry_after_seconds: i32) -> Self {
        Self {
            message: message.into(),
            code: "RATE_LIMITED".to_owned(),
            path: owned(path),
            retry_after_seconds,
        }
    }
}

fn owned(path: &[&str]) -> Vec<String> {
    path.iter().map(|&segment| segment.to_owned()).collect()
}
