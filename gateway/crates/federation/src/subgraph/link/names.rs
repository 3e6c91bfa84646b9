//! Names of a schema's own that clash with those of linked specs.

use apollo_compiler::Name;
use indexmap::IndexSet;

use super::{INACCESSIBLE, Link, Links, TAG, USAGE};
use crate::diagnostic::Diagnostic;
use crate::subgraph::model::{Schema, each_applied};
use crate::subgraph::source::Source;

/// Looks at the schema as its owner wrote it.
pub(crate) fn check_names(
    schema: &Schema,
    links: &Links,
    source: &Source,
) -> Result<(), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    if links.federation().is_none() {
        // Federation 1 becomes federation 2, in which these names are federation's.
        let own_name = |link: &&Link| link.alias == link.url.name;
        let specs = [TAG, INACCESSIBLE].into_iter().filter_map(|identity| links.get(identity));
        for link in specs.filter(own_name) {
            let name = &link.url.name;
            let message =
                format!("`@{name}` is federation's own: link federation and import it there");
            errors.push(source.error(USAGE, message).label(source.at(&link.applied.name)));
        }
    }
    let used = used_definitions(schema);
    for link in links.by_identity.values() {
        for import in &link.imports {
            for namespaced in namespaced(link, &import.element) {
                if namespaced == import.local || !used.contains(&namespaced) {
                    continue;
                }
                let message = format!(
                    "`{}` is imported as `{}`, but also defined and used as `{namespaced}`: use \
                     the imported name and remove the definition",
                    import.element, import.local
                );
                errors.push(source.error(USAGE, message).label(source.at(&link.applied.name)));
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// The names that an element of the spec has without being imported.
fn namespaced(link: &Link, element: &str) -> Vec<String> {
    let alias = &link.alias;
    match element.strip_prefix('@') {
        Some(name) if name == link.url.name => {
            vec![format!("@{alias}"), format!("@{alias}__{name}")]
        }
        Some(name) => vec![format!("@{alias}__{name}")],
        None => vec![format!("{alias}__{element}")],
    }
}

/// What the schema both defines and uses; directives with `@`.
fn used_definitions(schema: &Schema) -> IndexSet<String> {
    let mut used = IndexSet::new();
    each_applied(schema, &mut |applied| {
        if schema.directive_definitions.contains_key(&applied.name) {
            used.insert(format!("@{}", applied.name));
        }
    });
    let mut refer = |name: &Name| {
        if schema.types.contains_key(name) {
            used.insert(name.to_string());
        }
    };
    for def in schema.types.values() {
        def.members.iter().chain(&def.implements).for_each(&mut refer);
        for field in def.fields.values() {
            refer(field.ty.inner_named_type());
            field.args.values().for_each(|arg| refer(arg.ty.inner_named_type()));
        }
        def.input_fields.values().for_each(|input| refer(input.ty.inner_named_type()));
    }
    for def in schema.directive_definitions.values() {
        def.args.values().for_each(|arg| refer(arg.ty.inner_named_type()));
    }
    used
}
