//! The supergraph's text as a valid schema.
//!
//! Subgraphs may apply directives of their own in ways that GraphQL forbids, a required argument
//! left out, say; composers carry them over as they are. They mean nothing for serving.

use apollo_compiler::ast;
use apollo_compiler::schema::{Component, ExtendedType};
use apollo_compiler::validation::{Valid, WithErrors};
use apollo_compiler::{Name, Schema};

use super::SupergraphError;
use super::api_schema::Specifications;

/// The valid schema; if foreign directives are all that is wrong, without them.
pub(super) fn parse(sdl: &str) -> Result<Valid<Schema>, SupergraphError> {
    let invalid = |error: WithErrors<Schema>| SupergraphError::InvalidSchema {
        message: error.errors.to_string(),
    };
    let schema = Schema::parse(sdl, "supergraph.graphql").map_err(invalid)?;
    schema.validate().or_else(|WithErrors { mut partial, errors }| {
        remove_foreign_directives(&mut partial);
        let message = errors.to_string();
        partial.validate().map_err(|_| SupergraphError::InvalidSchema { message })
    })
}

/// Removes directives of which no linked specification and not GraphQL itself says what they do.
fn remove_foreign_directives(schema: &mut Schema) {
    let specifications = Specifications::of(schema);
    let known = |name: &Name| {
        matches!(name.as_str(), "deprecated" | "specifiedBy" | "oneOf")
            || specifications.is_understood(name)
    };
    let keep = |directives: &mut Vec<Component<ast::Directive>>| {
        directives.retain(|directive| known(&directive.name));
    };
    let keep_in = |directives: &mut ast::DirectiveList| {
        directives.0.retain(|directive| known(&directive.name));
    };
    let keep_in_field = |field: &mut Component<ast::FieldDefinition>| {
        let field = field.make_mut();
        keep_in(&mut field.directives);
        for argument in &mut field.arguments {
            keep_in(&mut argument.make_mut().directives);
        }
    };
    keep(&mut schema.schema_definition.make_mut().directives.0);
    for definition in schema.types.values_mut().filter(|definition| !definition.is_built_in()) {
        match definition {
            ExtendedType::Scalar(scalar) => keep(&mut scalar.make_mut().directives.0),
            ExtendedType::Object(object) => {
                let object = object.make_mut();
                keep(&mut object.directives.0);
                object.fields.values_mut().for_each(keep_in_field);
            }
            ExtendedType::Interface(interface) => {
                let interface = interface.make_mut();
                keep(&mut interface.directives.0);
                interface.fields.values_mut().for_each(keep_in_field);
            }
            ExtendedType::Union(union_) => keep(&mut union_.make_mut().directives.0),
            ExtendedType::Enum(enum_) => {
                let enum_ = enum_.make_mut();
                keep(&mut enum_.directives.0);
                for value in enum_.values.values_mut() {
                    keep_in(&mut value.make_mut().directives);
                }
            }
            ExtendedType::InputObject(input) => {
                let input = input.make_mut();
                keep(&mut input.directives.0);
                for field in input.fields.values_mut() {
                    keep_in(&mut field.make_mut().directives);
                }
            }
        }
    }
}
