//! Rewrites federation 1 subgraphs to mean the same in federation 2.
//!
//! Federation 1 let subgraphs say things loosely; what a subgraph means then depends on the
//! others, so all of them are needed at once. Each one is rewritten against the others as they
//! were written.

use apollo_compiler::Name;
use apollo_compiler::ast::Value;
use indexmap::IndexSet;

use super::field_set::{FieldSet, Selection};
use super::link::{Link, SpecUrl, Version};
use super::metadata::{self, Metadata};
use super::model::{Applied, Kind, TypeDef, has};
use super::{Parsed, Subgraph, directive_names, expand, link, spec};
use crate::diagnostic::Diagnostic;

/// The version that upgraded subgraphs are taken to be written in.
const UPGRADED: Version = Version::new(2, 4);

pub(crate) fn upgrade(
    subgraphs: Vec<Subgraph<Parsed>>,
) -> Result<Vec<Subgraph<Parsed>>, Vec<Diagnostic>> {
    if !subgraphs.iter().any(Subgraph::is_federation_1) {
        return Ok(subgraphs);
    }
    let others: Vec<Other<'_>> = subgraphs
        .iter()
        .map(|subgraph| Other { subgraph, metadata: metadata::collect(subgraph) })
        .collect();
    let mut errors = Vec::new();
    let mut upgraded = Vec::new();
    for (index, subgraph) in subgraphs.iter().enumerate() {
        if !subgraph.is_federation_1() {
            upgraded.push(subgraph.clone());
            continue;
        }
        let mut upgrader =
            Upgrader { index, all: &others, subgraph: subgraph.clone(), errors: Vec::new() };
        upgrader.run();
        errors.append(&mut upgrader.errors);
        upgraded.push(upgrader.subgraph);
    }
    if errors.is_empty() { Ok(upgraded) } else { Err(errors) }
}

struct Other<'a> {
    subgraph: &'a Subgraph<Parsed>,
    metadata: Metadata,
}

struct Upgrader<'a> {
    index: usize,
    all: &'a [Other<'a>],
    subgraph: Subgraph<Parsed>,
    errors: Vec<Diagnostic>,
}

impl Upgrader<'_> {
    fn run(&mut self) {
        self.check_extensions_have_bases();
        self.check_interface_objects();
        if !self.errors.is_empty() {
            return;
        }
        self.use_federation_2();
        self.make_field_sets_strings();
        self.remove_external_from_interfaces_and_types();
        self.remove_external_from_extension_keys();
        self.drop_inactive_field_sets();
        self.make_extensions_definitions();
        self.remove_directives_from_interfaces();
        self.remove_provides_on_leaves();
        self.remove_unused_externals();
        self.add_shareable();
        self.remove_tags_from_externals();
    }

    fn others(&self) -> impl Iterator<Item = &Other<'_>> {
        self.all.iter().enumerate().filter(|(index, _)| *index != self.index).map(|(_, o)| o)
    }

    fn original(&self) -> &Subgraph<Parsed> {
        self.all[self.index].subgraph
    }

    fn is_extension(&self, def: &TypeDef) -> bool {
        def.kind.has_fields()
            && !self.subgraph.schema.is_root(&def.name)
            && (self.subgraph.has(&def.directives, "extends") || !def.defined)
    }

    fn check_extensions_have_bases(&mut self) {
        let mut errors = Vec::new();
        for def in self.subgraph.schema.types.values() {
            if !self.is_extension(def) {
                continue;
            }
            let has_base = self.others().any(|other| {
                other.subgraph.schema.types.get(&def.name).is_some_and(|base| base.defined)
            });
            if !has_base {
                errors.push(self.subgraph.error(
                    "EXTENSION_WITH_NO_BASE",
                    &def.name,
                    format!("`{}` is extended here but no subgraph defines it", def.name),
                ));
            }
        }
        self.errors.append(&mut errors);
    }

    fn check_interface_objects(&mut self) {
        let mut errors = Vec::new();
        for def in self.subgraph.schema.types.values() {
            if def.kind != Kind::Interface || !self.subgraph.has(&def.directives, "key") {
                continue;
            }
            for other in self.others() {
                if other.subgraph.is_interface_object(&def.name) {
                    errors.push(self.subgraph.error(
                        "INTERFACE_OBJECT_USAGE_ERROR",
                        &def.name,
                        format!(
                            "`{}` is an @interfaceObject in `{}`, but this subgraph is written \
                             in federation 1, whose interface keys have no meaning",
                            def.name, other.subgraph.name
                        ),
                    ));
                }
            }
        }
        self.errors.append(&mut errors);
    }

    /// Replaces the definitions of federation 1 by those of federation 2.
    fn use_federation_2(&mut self) {
        let url = SpecUrl {
            identity: link::FEDERATION.to_owned(),
            name: "federation".to_owned(),
            version: UPGRADED,
        };
        let imports = spec::elements(&url)
            .unwrap_or_default()
            .into_iter()
            .filter(|element| {
                let name = element.strip_prefix('@');
                // A spec that is linked by itself keeps its own names.
                name.is_some_and(|name| {
                    !self.subgraph.links.by_identity.values().any(|link| link.url.name == name)
                })
            })
            .map(|element| link::Import { local: element.clone(), element })
            .collect();
        let federation = Link {
            url,
            alias: "federation".to_owned(),
            imports,
            purpose: None,
            applied: Applied::new("link"),
        };
        let schema = &mut self.subgraph.schema;
        for name in spec::parse(spec::FEDERATION_1_SDL).directive_definitions.keys() {
            if self.subgraph.links.directive_origin(name).is_none() {
                schema.directive_definitions.shift_remove(name);
            }
        }
        schema.types.shift_remove("_FieldSet");
        let (directives, types) = spec::definitions(&federation).unwrap_or_default();
        for def in directives {
            expand::add_directive(schema, def, &self.subgraph.source, &mut self.errors);
        }
        for def in types {
            schema.types.entry(def.name.clone()).or_insert(def);
        }
        self.subgraph.links.by_identity.insert(link::FEDERATION.to_owned(), federation);
        self.subgraph.version = Some(UPGRADED);
        self.subgraph.names = directive_names(&self.subgraph.links);
    }

    fn each_application(&mut self, names: &[&str], mut change: impl FnMut(&mut Applied)) {
        for def in self.subgraph.schema.types.values_mut() {
            let fields = def.fields.values_mut().flat_map(|field| &mut field.directives);
            for applied in def.directives.iter_mut().chain(fields) {
                if names.contains(&applied.name.as_str()) {
                    change(applied);
                }
            }
        }
    }

    fn make_field_sets_strings(&mut self) {
        self.each_application(&["key", "requires", "provides"], |applied| {
            for (name, value) in &mut applied.args {
                if name != "fields" {
                    continue;
                }
                let text = match &**value {
                    Value::List(parts) => {
                        let parts: Option<Vec<&str>> =
                            parts.iter().map(|part| part.as_str()).collect();
                        parts.map(|parts| parts.join(" "))
                    }
                    Value::Enum(name) => Some(name.to_string()),
                    _ => None,
                };
                if let Some(text) = text {
                    *value = Value::String(text).into();
                }
            }
        });
    }

    fn remove_external_from_interfaces_and_types(&mut self) {
        for def in self.subgraph.schema.types.values_mut() {
            def.directives.retain(|applied| applied.name != "external");
            if def.kind == Kind::Interface {
                for field in def.fields.values_mut() {
                    field.directives.retain(|applied| applied.name != "external");
                }
            }
        }
    }

    fn remove_external_from_extension_keys(&mut self) {
        let mut unmarked: Vec<(Name, String)> = Vec::new();
        for def in self.subgraph.schema.types.values() {
            if !self.is_extension(def) && !self.subgraph.schema.is_root(&def.name) {
                continue;
            }
            let mut keys: Vec<String> = key_texts(def).collect();
            if keys.is_empty() {
                let first = self
                    .others()
                    .filter_map(|other| other.subgraph.schema.types.get(&def.name))
                    .find_map(|def| key_texts(def).next());
                keys.extend(first);
            }
            for key in keys {
                for selection in FieldSet::parse(&key).map(|set| set.0).unwrap_or_default() {
                    if let Selection::Field(field) = selection {
                        unmarked.push((def.name.clone(), field.name.to_string()));
                    }
                }
            }
        }
        for (type_name, field) in unmarked {
            let def = self.subgraph.schema.types.get_mut(&type_name);
            if let Some(field) = def.and_then(|def| def.fields.get_mut(field.as_str())) {
                field.directives.retain(|applied| applied.name != "external");
            }
        }
    }

    /// Keeps of each `@requires` and `@provides` what selects something external.
    fn drop_inactive_field_sets(&mut self) {
        let metadata = metadata::collect(&self.subgraph);
        let mut subgraph = self.subgraph.clone();
        for def in subgraph.schema.types.values_mut() {
            for field in def.fields.values_mut() {
                let target = field.ty.inner_named_type().clone();
                field.directives.retain_mut(|applied| {
                    let parent = match applied.name.as_str() {
                        "requires" => &def.name,
                        "provides" => &target,
                        _ => return true,
                    };
                    let Some(Ok(fields)) = applied.str_arg("fields").map(FieldSet::parse) else {
                        return true;
                    };
                    let kept = self.active(&metadata, parent, &fields.0);
                    if kept == fields.0 {
                        return true;
                    }
                    let text = FieldSet(kept).to_string();
                    for (name, value) in &mut applied.args {
                        if name == "fields" {
                            *value = Value::String(text.clone()).into();
                        }
                    }
                    !text.is_empty()
                });
            }
        }
        self.subgraph = subgraph;
    }

    fn active(
        &self,
        metadata: &Metadata,
        parent: &str,
        selections: &[Selection],
    ) -> Vec<Selection> {
        let schema = &self.subgraph.schema;
        selections
            .iter()
            .filter_map(|selection| match selection {
                Selection::Field(field) => {
                    let Some(def) = schema.field(parent, &field.name) else {
                        return Some(selection.clone());
                    };
                    if metadata.is_external(parent, &field.name) {
                        return Some(selection.clone());
                    }
                    if field.sub.is_empty() {
                        let implementation_is_external = schema.kind(parent)
                            == Some(Kind::Interface)
                            && schema.implementations(parent).any(|implementation| {
                                metadata.is_external(implementation, &field.name)
                            });
                        return implementation_is_external.then(|| selection.clone());
                    }
                    let sub = self.active(metadata, def.ty.inner_named_type(), &field.sub);
                    (!sub.is_empty()).then(|| {
                        let mut field = field.clone();
                        field.sub = sub;
                        Selection::Field(field)
                    })
                }
                Selection::Inline { on, sub, directives } => {
                    let condition: &str = on.as_ref().map_or(parent, |name| name.as_str());
                    let sub = self.active(metadata, condition, sub);
                    (!sub.is_empty()).then(|| Selection::Inline {
                        on: on.clone(),
                        sub,
                        directives: directives.clone(),
                    })
                }
            })
            .collect()
    }

    fn make_extensions_definitions(&mut self) {
        for def in self.subgraph.schema.types.values_mut() {
            if !def.kind.has_fields() {
                continue;
            }
            def.defined = true;
            def.extensions = 0;
            for applied in &mut def.directives {
                applied.part = 0;
            }
            for field in def.fields.values_mut() {
                field.part = 0;
            }
        }
    }

    fn remove_directives_from_interfaces(&mut self) {
        for def in self.subgraph.schema.types.values_mut() {
            if def.kind != Kind::Interface {
                continue;
            }
            def.directives.retain(|applied| applied.name != "key");
            for field in def.fields.values_mut() {
                field
                    .directives
                    .retain(|applied| applied.name != "requires" && applied.name != "provides");
            }
        }
    }

    fn remove_provides_on_leaves(&mut self) {
        let composite: IndexSet<Name> = self
            .subgraph
            .schema
            .types
            .values()
            .filter(|def| def.kind.is_composite())
            .map(|def| def.name.clone())
            .collect();
        for def in self.subgraph.schema.types.values_mut() {
            for field in def.fields.values_mut() {
                if !composite.contains(field.ty.inner_named_type()) {
                    field.directives.retain(|applied| applied.name != "provides");
                }
            }
        }
    }

    fn remove_unused_externals(&mut self) {
        let metadata = metadata::collect(&self.subgraph);
        let mut emptied = Vec::new();
        for def in self.subgraph.schema.types.values_mut() {
            let before = def.fields.len();
            let name = def.name.clone();
            def.fields.retain(|field, _| {
                !metadata.is_external(&name, field) || metadata.is_used(&name, field)
            });
            if before > 0 && def.fields.is_empty() {
                emptied.push(name);
            }
        }
        for name in emptied {
            let is_entity = key_texts(&self.subgraph.schema.types[&name]).next().is_some();
            let referenced = is_entity
                || self.subgraph.schema.types.values().any(|def| {
                    def.members.contains(&name)
                        || def.fields.values().any(|field| *field.ty.inner_named_type() == name)
                });
            if referenced {
                self.errors.push(self.subgraph.error(
                    "TYPE_WITH_ONLY_UNUSED_EXTERNAL",
                    &name,
                    format!("`{name}` has nothing but @external fields that nothing uses"),
                ));
            } else {
                self.subgraph.schema.types.shift_remove(&name);
            }
        }
    }

    fn add_shareable(&mut self) {
        let own = metadata::collect(&self.subgraph);
        let mut types = Vec::new();
        let mut fields = Vec::new();
        for def in self.subgraph.schema.types.values().filter(|def| def.kind == Kind::Object) {
            let is_root = self.subgraph.schema.is_root(&def.name);
            let is_subscription = self.subgraph.schema.subscription.as_ref() == Some(&def.name);
            let has_key = self.subgraph.has(&def.directives, "key");
            if has_key || is_root {
                if is_subscription {
                    continue;
                }
                for field in def.fields.keys() {
                    let resolved_elsewhere = self.others().any(|other| {
                        let theirs = other.subgraph.schema.types.get(&def.name);
                        theirs.is_some_and(|theirs| {
                            theirs.kind == Kind::Object && theirs.fields.contains_key(field)
                        }) && !other.metadata.is_fully_external(&def.name, field)
                    });
                    if resolved_elsewhere && !own.is_shareable(&def.name, field) {
                        fields.push((def.name.clone(), field.clone()));
                    }
                }
            } else if self.others().any(|other| other.subgraph.schema.types.contains_key(&def.name))
            {
                types.push(def.name.clone());
            }
        }
        let shareable = || Applied::new("shareable");
        for name in types {
            if let Some(def) = self.subgraph.schema.types.get_mut(&name)
                && !has(&def.directives, "shareable")
            {
                def.directives.push(shareable());
            }
        }
        for (name, field) in fields {
            let def = self.subgraph.schema.types.get_mut(&name);
            if let Some(field) = def.and_then(|def| def.fields.get_mut(&field))
                && !has(&field.directives, "shareable")
            {
                field.directives.push(shareable());
            }
        }
    }

    fn remove_tags_from_externals(&mut self) {
        let metadata = metadata::collect(&self.subgraph);
        let mut duplicates: Vec<(Name, Name, String)> = Vec::new();
        for def in self.subgraph.schema.types.values() {
            for field in def.fields.values() {
                if !metadata.is_external(&def.name, &field.name) {
                    continue;
                }
                for tag in self.subgraph.applied(&field.directives, "tag") {
                    let Some(tag) = tag.str_arg("name") else { continue };
                    let elsewhere = self.others().any(|other| {
                        !other.metadata.is_external(&def.name, &field.name)
                            && other.subgraph.schema.field(&def.name, &field.name).is_some_and(
                                |field| {
                                    other
                                        .subgraph
                                        .applied(&field.directives, "tag")
                                        .any(|own| own.str_arg("name") == Some(tag))
                                },
                            )
                    });
                    if elsewhere {
                        duplicates.push((def.name.clone(), field.name.clone(), tag.to_owned()));
                    }
                }
            }
        }
        let tag_name = self.original().directive("tag").clone();
        for (type_name, field, tag) in duplicates {
            let def = self.subgraph.schema.types.get_mut(&type_name);
            if let Some(field) = def.and_then(|def| def.fields.get_mut(&field)) {
                field.directives.retain(|applied| {
                    applied.name != tag_name || applied.str_arg("name") != Some(&tag)
                });
            }
        }
    }
}

fn key_texts(def: &TypeDef) -> impl Iterator<Item = String> {
    def.directives
        .iter()
        .filter(|applied| applied.name == "key")
        .filter_map(|key| key.str_arg("fields").map(ToOwned::to_owned))
}
