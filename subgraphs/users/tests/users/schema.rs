//! Properties of the schema that no single resolver can keep.

use std::{fs, path::Path};

use async_graphql::parser::{
    parse_schema,
    types::{FieldDefinition, TypeDefinition, TypeKind, TypeSystemDefinition},
};

fn types() -> Vec<TypeDefinition> {
    let document = parse_schema(users::sdl()).unwrap();
    let mut types = Vec::new();
    for definition in document.definitions {
        if let TypeSystemDefinition::Type(definition) = definition {
            types.push(definition.node);
        }
    }
    types
}

fn fields(name: &str) -> Vec<FieldDefinition> {
    let definition = types().into_iter().find(|it| it.name.node == name).unwrap();
    let TypeKind::Object(object) = definition.kind else { panic!("{name} is no object") };
    object.fields.into_iter().map(|field| field.node).collect()
}

#[test]
fn an_outage_of_this_service_costs_fields_and_not_the_whole_answer() {
    for root in ["Query", "Mutation"] {
        for field in fields(root) {
            // The gateway's own fields are what federation says they are.
            if !field.name.node.starts_with('_') {
                assert!(field.ty.node.nullable, "{root}.{}", field.name.node);
            }
        }
    }
    for field in ["badges", "account"] {
        let field = fields("User").into_iter().find(|it| it.name.node == field).unwrap();
        assert!(field.ty.node.nullable, "User.{}", field.name.node);
    }
}

#[test]
fn payloads_have_nullable_results_and_a_list_of_errors() {
    for mutation in fields("Mutation") {
        let payload = mutation.ty.node.base.to_string();
        let fields = fields(&payload);
        let errors = fields.iter().find(|field| field.name.node == "errors").unwrap();
        assert!(errors.ty.to_string().starts_with('['), "{payload}");
        for field in fields {
            let is_plain =
                ["accepted", "changed", "revoked", "errors"].contains(&field.name.node.as_str());
            assert!(is_plain || field.ty.node.nullable, "{payload}.{}", field.name.node);
        }
    }
}

#[test]
fn fallible_resolvers_return_an_option_of_a_result() {
    let mut checked = 0;
    visit(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/graphql").as_path(),
        &mut |path, text| {
            let mut inside = false;
            let mut signature = String::new();
            for line in text.lines() {
                match line {
                    "#[Object]" | "#[ComplexObject]" => inside = true,
                    "}" => inside = false,
                    _ => {}
                }
                if inside && (line.starts_with("    async fn ") || !signature.is_empty()) {
                    signature.push_str(line.trim());
                    if line.ends_with('{') {
                        let (_, returned) = signature.rsplit_once("->").unwrap_or(("", ""));
                        let returned = returned.trim();
                        assert!(
                            !returned.starts_with("Result") && !returned.contains("Result<Option"),
                            "{}: {signature}",
                            path.display()
                        );
                        checked += 1;
                        signature.clear();
                    }
                }
            }
        },
    );
    assert!(checked > 20, "the walk found only {checked} resolvers");
}

fn visit(folder: &Path, check: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, check);
        } else {
            check(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_sdl_is_the_same_every_time() {
    assert_eq!(users::sdl(), users::sdl());
    assert!(users::sdl().contains("type User implements Node @key(fields: \"id\")"));
}
