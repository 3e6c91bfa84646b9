//! Hides types that clients cannot get to from the roots.

use apollo_compiler::Name;
use indexmap::IndexSet;

use super::Names;
use crate::subgraph::link::Links;
use crate::subgraph::model::{self, Applied, Kind, ROOTS, Schema, TypeDef};

/// Whether anything was hidden.
pub(super) fn hide_unreachable(schema: &mut Schema, links: &Links, names: &Names) -> bool {
    let reached = reachable(schema, links, names);
    let mut hidden = false;
    for def in schema.types.values_mut() {
        let is_own = links.type_origin(&def.name).is_none();
        let is_visible = !model::has(&def.directives, &names.inaccessible);
        if is_own && is_visible && !reached.contains(&def.name) {
            def.directives.push(Applied::new(&names.inaccessible));
            hidden = true;
        }
    }
    hidden
}

fn reachable(schema: &Schema, links: &Links, names: &Names) -> IndexSet<Name> {
    let mut reached = IndexSet::new();
    let mut open: Vec<Name> =
        ROOTS.iter().filter_map(|operation| schema.root(*operation).cloned()).collect();
    // What clients may write in a directive counts as well.
    for def in schema.directive_definitions.values() {
        if links.directive_origin(&def.name).is_none() {
            open.extend(def.args.values().map(|arg| arg.ty.inner_named_type().clone()));
        }
    }
    while let Some(name) = open.pop() {
        let Some(def) = schema.types.get(&name) else { continue };
        let is_visible = !model::has(&def.directives, &names.inaccessible);
        if is_visible && reached.insert(name) {
            open.extend(neighbours(schema, def, names));
        }
    }
    reached
}

/// The types that a visible type leads to.
fn neighbours(schema: &Schema, def: &TypeDef, names: &Names) -> Vec<Name> {
    let is_visible = |directives: &[Applied]| !model::has(directives, &names.inaccessible);
    let mut found: Vec<Name> = def.implements.iter().chain(&def.members).cloned().collect();
    if def.kind == Kind::Interface {
        let implementing =
            schema.types.values().filter(|other| other.implements.contains(&def.name));
        found.extend(implementing.map(|other| other.name.clone()));
    }
    for field in def.fields.values().filter(|field| is_visible(&field.directives)) {
        found.push(field.ty.inner_named_type().clone());
        let args = field.args.values().filter(|arg| is_visible(&arg.directives));
        found.extend(args.map(|arg| arg.ty.inner_named_type().clone()));
    }
    let inputs = def.input_fields.values().filter(|input| is_visible(&input.directives));
    found.extend(inputs.map(|input| input.ty.inner_named_type().clone()));
    found
}
