//! A variant of the graph for some clients: the API schema, cut by `@tag`.
//!
//! With names to include, an element stays if it or its type carries one of them, and a type
//! also if something of it stays. Excluded names win. What can only be reached through removed
//! elements may be removed too.

use std::collections::BTreeSet;

use apollo_compiler::ast::{DirectiveList, InputValueDefinition};
use apollo_compiler::schema::{self, Component, ExtendedType, FieldDefinition};
use apollo_compiler::{Name, Node, Schema};

use crate::supergraph::Supergraph;
use crate::supergraph::reach::reachable_types;

/// Which tags a contract shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Empty: everything that is not excluded.
    pub include: BTreeSet<String>,
    pub exclude: BTreeSet<String>,
    /// Remove types that no operation can reach.
    pub hide_unreachable: bool,
}

/// The API schema of the contract, or why the graph cannot be cut so.
pub fn api_schema(supergraph: &Supergraph, filter: &Filter) -> Result<Schema, Vec<String>> {
    let cut = Cut { tagged: supergraph.schema(), filter };
    let mut api = Schema::clone(supergraph.api_schema());
    let mut errors = Vec::new();
    let mut removed: BTreeSet<Name> = BTreeSet::new();
    for (name, ty) in &mut api.types {
        if !ty.is_built_in() && !cut.keep_in_type(name, ty, &mut errors) {
            removed.insert(name.clone());
        }
    }
    remove_types(&mut api, removed, &mut errors);
    if filter.hide_unreachable {
        let reachable: BTreeSet<String> =
            reachable_types(&api).into_iter().map(str::to_owned).collect();
        api.types.retain(|name, ty| ty.is_built_in() || reachable.contains(name.as_str()));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    match api.clone().validate() {
        Ok(_) => Ok(api),
        Err(invalid) => Err(invalid.errors.iter().map(|error| error.to_json().message).collect()),
    }
}

struct Cut<'c> {
    /// The supergraph's schema, which has the tags.
    tagged: &'c Schema,
    filter: &'c Filter,
}

/// What the tags of an element say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Say {
    Include,
    Exclude,
    Nothing,
}

impl Cut<'_> {
    fn say<'t>(&self, tags: impl Iterator<Item = &'t str>) -> Say {
        let mut say = Say::Nothing;
        for tag in tags {
            if self.filter.exclude.contains(tag) {
                return Say::Exclude;
            }
            if self.filter.include.contains(tag) {
                say = Say::Include;
            }
        }
        say
    }

    /// Whether a member stays in a type that says `outer`.
    fn stays(&self, outer: Say, own: Say) -> bool {
        match own {
            Say::Include => true,
            Say::Exclude => false,
            Say::Nothing => self.filter.include.is_empty() || outer == Say::Include,
        }
    }

    /// Cuts the members of a type; false if nothing of it stays.
    fn keep_in_type(&self, name: &Name, ty: &mut ExtendedType, errors: &mut Vec<String>) -> bool {
        let Some(tagged) = self.tagged.types.get(name) else { return true };
        let outer = self.say(type_tags(tagged.directives()));
        if outer == Say::Exclude {
            return false;
        }
        match (ty, tagged) {
            (ExtendedType::Object(object), ExtendedType::Object(tagged)) => {
                self.fields(outer, name, &mut object.make_mut().fields, &tagged.fields, errors)
            }
            (ExtendedType::Interface(interface), ExtendedType::Interface(tagged)) => {
                self.fields(outer, name, &mut interface.make_mut().fields, &tagged.fields, errors)
            }
            (ExtendedType::InputObject(input), ExtendedType::InputObject(tagged)) => {
                let input = input.make_mut();
                input.fields.retain(|field_name, field| {
                    let own = tagged
                        .fields
                        .get(field_name)
                        .map_or(Say::Nothing, |field| self.say(tags(&field.directives)));
                    let stays = self.stays(outer, own);
                    if !stays && field.is_required() && own == Say::Exclude {
                        errors.push(format!(
                            "`{name}.{field_name}` is required, so it cannot be hidden"
                        ));
                    }
                    stays
                });
                !input.fields.is_empty()
            }
            (ExtendedType::Enum(definition), ExtendedType::Enum(tagged)) => {
                let definition = definition.make_mut();
                definition.values.retain(|value, _| {
                    let own = tagged
                        .values
                        .get(value)
                        .map_or(Say::Nothing, |value| self.say(tags(&value.directives)));
                    // An enum that is used needs its values; only exclusion takes them out.
                    own != Say::Exclude
                });
                !definition.values.is_empty()
            }
            (_, _) => true,
        }
    }

    fn fields(
        &self,
        outer: Say,
        type_name: &Name,
        fields: &mut apollo_compiler::collections::IndexMap<Name, Component<FieldDefinition>>,
        tagged: &apollo_compiler::collections::IndexMap<Name, Component<FieldDefinition>>,
        errors: &mut Vec<String>,
    ) -> bool {
        fields.retain(|name, field| {
            let Some(tagged) = tagged.get(name) else { return true };
            if !self.stays(outer, self.say(tags(&tagged.directives))) {
                return false;
            }
            let hidden = |argument: &Node<InputValueDefinition>| {
                tagged
                    .argument_by_name(&argument.name)
                    .is_some_and(|tagged| self.say(tags(&tagged.directives)) == Say::Exclude)
            };
            let required =
                field.arguments.iter().find(|argument| hidden(argument) && argument.is_required());
            if let Some(argument) = required {
                errors.push(format!(
                    "`{type_name}.{name}({}:)` is required, so it cannot be hidden",
                    argument.name
                ));
            }
            field.make_mut().arguments.retain(|argument| !hidden(argument));
            true
        });
        !fields.is_empty()
    }
}

/// Takes out types and all that refers to them, until nothing does.
fn remove_types(api: &mut Schema, mut removed: BTreeSet<Name>, errors: &mut Vec<String>) {
    while !removed.is_empty() {
        api.types.retain(|name, _| !removed.contains(name));
        let mut emptied = BTreeSet::new();
        for (name, ty) in api.types.iter_mut().filter(|(_, ty)| !ty.is_built_in()) {
            if !without_references(name, ty, &removed, errors) {
                emptied.insert(name.clone());
            }
        }
        let definition = api.schema_definition.make_mut();
        for root in [&mut definition.mutation, &mut definition.subscription] {
            if root.as_ref().is_some_and(|root| removed.contains(&root.name)) {
                *root = None;
            }
        }
        if definition.query.as_ref().is_some_and(|root| removed.contains(&root.name)) {
            errors.push("nothing of the query type is left".to_owned());
            return;
        }
        removed = emptied;
    }
}

fn without_references(
    name: &Name,
    ty: &mut ExtendedType,
    removed: &BTreeSet<Name>,
    errors: &mut Vec<String>,
) -> bool {
    match ty {
        ExtendedType::Object(object) => {
            let object = object.make_mut();
            object.implements_interfaces.retain(|interface| !removed.contains(&interface.name));
            fields_without(&mut object.fields, removed)
        }
        ExtendedType::Interface(interface) => {
            let interface = interface.make_mut();
            interface.implements_interfaces.retain(|interface| !removed.contains(&interface.name));
            fields_without(&mut interface.fields, removed)
        }
        ExtendedType::Union(union) => {
            let union = union.make_mut();
            union.members.retain(|member| !removed.contains(&member.name));
            !union.members.is_empty()
        }
        ExtendedType::InputObject(input) => {
            let input = input.make_mut();
            input.fields.retain(|field_name, field| {
                let gone = removed.contains(field.ty.inner_named_type());
                if gone && field.is_required() {
                    errors.push(format!(
                        "`{name}.{field_name}` is required, so its type cannot be hidden"
                    ));
                }
                !gone
            });
            !input.fields.is_empty()
        }
        ExtendedType::Scalar(_) | ExtendedType::Enum(_) => true,
    }
}

fn fields_without(
    fields: &mut apollo_compiler::collections::IndexMap<Name, Component<FieldDefinition>>,
    removed: &BTreeSet<Name>,
) -> bool {
    let gone = |ty: &schema::Type| removed.contains(ty.inner_named_type());
    fields.retain(|_, field| {
        let needs_gone =
            field.arguments.iter().any(|argument| argument.is_required() && gone(&argument.ty));
        !gone(&field.ty) && !needs_gone
    });
    for field in fields.values_mut() {
        if field.arguments.iter().any(|argument| gone(&argument.ty)) {
            field.make_mut().arguments.retain(|argument| !gone(&argument.ty));
        }
    }
    !fields.is_empty()
}

fn tags(directives: &DirectiveList) -> impl Iterator<Item = &str> {
    directives.get_all("tag").filter_map(|tag| tag.specified_argument_by_name("name")?.as_str())
}

fn type_tags(directives: &schema::DirectiveList) -> impl Iterator<Item = &str> {
    directives.get_all("tag").filter_map(|tag| tag.specified_argument_by_name("name")?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composition;

    const SDL: &str = r#"
        extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@tag"])
        type Query { product: Product @tag(name: "public") audit: Audit orders(by: Filter): [Order] @tag(name: "public") }
        type Product @tag(name: "public") { name: String cost: Int @tag(name: "internal") }
        type Audit { entry: String }
        type Order @tag(name: "public") { id: ID status: Status secret: String @tag(name: "internal") }
        enum Status { OPEN FRAUD @tag(name: "internal") }
        input Filter { status: Status must: Int! @tag(name: "forbidden") }
    "#;

    fn cut(
        include: &[&str],
        exclude: &[&str],
        hide_unreachable: bool,
    ) -> Result<String, Vec<String>> {
        let source = composition::SubgraphSource {
            name: "shop".into(),
            url: "http://shop".into(),
            sdl: SDL.into(),
        };
        let composed = composition::compose(vec![source]).expect("composes");
        let supergraph = Supergraph::parse(&composed.supergraph_sdl).expect("a supergraph");
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let filter = Filter { include: set(include), exclude: set(exclude), hide_unreachable };
        api_schema(&supergraph, &filter).map(|schema| schema.to_string())
    }

    #[test]
    fn excluded_elements_are_gone() {
        let sdl = cut(&[], &["internal"], false).expect("can be cut");
        assert!(sdl.contains("audit: Audit") && sdl.contains("name: String"), "{sdl}");
        assert!(
            !sdl.contains("cost") && !sdl.contains("FRAUD") && !sdl.contains("secret"),
            "{sdl}"
        );
    }

    #[test]
    fn only_included_elements_stay_and_exclusion_wins() {
        let sdl = cut(&["public"], &["internal"], true).expect("can be cut");
        assert!(sdl.contains("product: Product") && sdl.contains("name: String"), "{sdl}");
        assert!(!sdl.contains("audit") && !sdl.contains("Audit") && !sdl.contains("cost"), "{sdl}");
    }

    #[test]
    fn what_is_required_cannot_be_hidden() {
        let errors = cut(&[], &["forbidden"], false).expect_err("must be refused");
        assert!(errors[0].contains("`Filter.must` is required"), "{errors:?}");
        let errors = cut(&["nothing"], &[], false).expect_err("must be refused");
        assert!(errors[0].contains("query type"), "{errors:?}");
    }
}
