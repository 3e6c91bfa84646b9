//! Federation's rules on one subgraph, one module per directive or family.

mod auth;
mod context;
mod cost;
mod external;
mod field_sets;
mod interface_keys;
mod interface_object;
mod shareable;

use super::metadata::Metadata;
use super::{Parsed, Subgraph};
use crate::diagnostic::Diagnostic;

pub(crate) fn validate(
    subgraph: &Subgraph<Parsed>,
    metadata: &Metadata,
) -> Result<(), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    field_sets::check(subgraph, metadata, &mut errors);
    external::check(subgraph, metadata, &mut errors);
    interface_keys::check(subgraph, &mut errors);
    interface_object::check(subgraph, &mut errors);
    shareable::check(subgraph, &mut errors);
    cost::check(subgraph, &mut errors);
    context::check(subgraph, &mut errors);
    auth::check(subgraph, &mut errors);
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
