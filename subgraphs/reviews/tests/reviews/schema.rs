//! Properties of the printed schema.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};

/// Fields of the root types and of other services' entities, and fields that return such an
/// entity, are nullable: an outage of this service must cost a field, not the page.
#[test]
fn everything_at_a_service_border_is_nullable() {
    let document = parse_schema(reviews::sdl()).unwrap();
    let entities = ["Product", "Ride", "User"];
    let mut checked = 0;
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let name = definition.node.name.node.to_string();
        let TypeKind::Object(object) = definition.node.kind else { continue };
        let foreign = entities.contains(&name.as_str());
        let root = name == "Query" || name == "Mutation";
        for field in object.fields {
            let field = field.node;
            let kind = field.ty.node.to_string();
            let own = field.name.node == "id"
                || field.directives.iter().any(|d| d.node.name.node == "external");
            let returns_entity = entities.contains(&kind.trim_end_matches('!'));
            let at_border = (foreign && !own) || root || returns_entity;
            assert!(
                !(at_border && kind.ends_with('!')),
                "{name}.{}: {kind} must be nullable",
                field.name.node
            );
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked} fields seen");
}

#[test]
fn the_printed_schema_is_always_the_same() {
    assert_eq!(reviews::sdl(), reviews::sdl());
}
