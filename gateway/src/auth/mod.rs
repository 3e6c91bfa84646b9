//! Who is calling, what that caller may see, and how subgraphs are told.
//!
//! `jwks` and `token` turn a bearer token into claims, `requirements` compares claims with the
//! schema's `@authenticated`, `@requiresScopes` and `@policy`, `passport` signs what subgraphs
//! get to know; `introspection` asks about opaque tokens, `revocation` follows what ended early. An unverified token never leaves this module, and never becomes "anonymous".

pub(crate) mod identity;
pub(crate) mod introspection;
pub(crate) mod jwks;
pub(crate) mod passport;
pub(crate) mod requirements;
pub(crate) mod revocation;
pub(crate) mod token;
