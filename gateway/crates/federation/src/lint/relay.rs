//! Relay's conventions for connections.

use apollo_compiler::ast::FieldDefinition;

use super::element::{Element, Named};
use super::{Context, Rule};

pub(super) fn check(context: &mut Context<'_>) {
    for element in context.elements.clone() {
        match element.named {
            Named::Type(_) if element.is_object() && !element.is_extension() => {
                let name = element.name.as_str();
                if name == "PageInfo" {
                    let fields = ["hasNextPage", "hasPreviousPage", "startCursor", "endCursor"];
                    require(context, Rule::RelayPageInfo, &element, &fields);
                } else if name.ends_with("Connection") && name != "Connection" {
                    require(context, Rule::RelayConnectionTypes, &element, &["edges", "pageInfo"]);
                } else if name.ends_with("Edge") && name != "Edge" {
                    require(context, Rule::RelayEdgeTypes, &element, &["node", "cursor"]);
                }
            }
            Named::Field(field) => arguments(context, &element, field),
            _ => {}
        }
    }
}

fn require<'c>(context: &mut Context<'c>, rule: Rule, element: &Element<'c>, fields: &[&str]) {
    let has = |name: &&&str| element.fields().iter().any(|field| field.name == **name);
    let missing: Vec<&str> = fields.iter().filter(|name| !has(name)).copied().collect();
    if !missing.is_empty() {
        let message = format!("`{}` has no field `{}`", element.name, missing.join("`, `"));
        context.report(rule, element, message);
    }
}

fn arguments<'c>(context: &mut Context<'c>, element: &Element<'c>, field: &FieldDefinition) {
    let returned = field.ty.inner_named_type();
    if !returned.ends_with("Connection") || returned == "Connection" {
        return;
    }
    let takes = |name| field.argument_by_name(name).is_some();
    let forward = takes("first") && takes("after");
    let backward = takes("last") && takes("before");
    if !forward && !backward {
        let message = format!(
            "`{}` returns a connection, but takes neither first and after nor last and before",
            element.coordinate
        );
        context.report(Rule::RelayArguments, element, message);
    }
}
