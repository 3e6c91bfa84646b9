//! Limits that every schema gets, and its SDL in stable order.

use async_graphql::{ObjectType, SDLExportOptions, Schema, SchemaBuilder, SubscriptionType};

use crate::settings::LimitSettings;

/// Puts the settings' limits on a schema under construction.
pub trait Limited {
    #[must_use]
    fn limited(self, limits: &LimitSettings) -> Self;
}

impl<Q, M, S> Limited for SchemaBuilder<Q, M, S> {
    fn limited(self, limits: &LimitSettings) -> Self {
        let builder = self
            .limit_depth(limits.depth)
            .limit_complexity(limits.complexity)
            .limit_recursive_depth(limits.recursive_depth)
            .limit_directives(limits.directives);
        if limits.introspection {
            builder
        } else {
            builder.disable_introspection().disable_suggestions()
        }
    }
}

/// The subgraph's SDL for composition: federation directives, fields and enums in declared order
/// of the code, always the same bytes.
pub fn sdl<Q, M, S>(schema: &Schema<Q, M, S>) -> String
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    schema.sdl_with_options(SDLExportOptions::new().federation().use_space_ident().indent_width(2))
}
