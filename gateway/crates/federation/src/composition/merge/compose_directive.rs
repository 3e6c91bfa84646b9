//! `@composeDirective`: custom directives that subgraphs want to see in the supergraph.

use apollo_compiler::Name;
use indexmap::{IndexMap, IndexSet};

use super::Merger;
use super::directives::{Composed, is_default_composed};
use crate::subgraph::link::{FEDERATION, Import, LINK, Link, Origin, imports_value};
use crate::subgraph::model::{Applied, DirectiveDef};
use crate::subgraph::spec;

const CODE: &str = "DIRECTIVE_COMPOSITION_ERROR";

/// One directive that one subgraph composes.
#[derive(Clone, Copy)]
struct Wish<'a> {
    index: usize,
    /// The local name, without `@`.
    local: &'a str,
    /// The name in its spec, without `@`.
    element: &'a str,
    link: &'a Link,
}

impl<'a> Merger<'a> {
    pub(super) fn collect_custom_directives(&mut self) {
        let wishes = self.wishes();
        let mut by_identity: IndexMap<&str, Vec<Wish<'a>>> = IndexMap::new();
        for wish in &wishes {
            by_identity.entry(&wish.link.url.identity).or_default().push(*wish);
        }
        for (identity, wishes) in &by_identity {
            let majors: IndexSet<u32> = wishes.iter().map(|w| w.link.url.version.major).collect();
            if majors.len() > 1 {
                let message = format!("`{identity}` is composed in different major versions");
                self.error(CODE, message, []);
                return;
            }
            self.hint_other_versions(identity, wishes);
        }
        self.hint_uncomposed_versions(&by_identity);
        if self.names_agree(&wishes) {
            for wishes in by_identity.values() {
                self.compose_spec(wishes);
            }
        }
    }

    fn wishes(&mut self) -> Vec<Wish<'a>> {
        let mut wishes = Vec::new();
        let inputs = self.inputs;
        for (index, input) in inputs.iter().enumerate() {
            let subgraph = &input.subgraph;
            for applied in subgraph.applied(&subgraph.schema.directives, "composeDirective") {
                match self.read_wish(index, applied) {
                    Ok(Some(wish)) => wishes.push(wish),
                    Ok(None) => {}
                    Err(why) => {
                        let message = format!("[{}] @composeDirective: {why}", subgraph.name);
                        self.error(CODE, message, [(index, &applied.name)]);
                    }
                }
            }
        }
        wishes
    }

    /// `None` for directives that are composed anyway.
    fn read_wish(
        &mut self,
        index: usize,
        applied: &'a Applied,
    ) -> Result<Option<Wish<'a>>, String> {
        let subgraph = &self.inputs[index].subgraph;
        let name = applied.str_arg("name").ok_or("the argument `name` must be a string")?;
        let local =
            name.strip_prefix('@').ok_or_else(|| format!("`{name}` must start with `@`"))?;
        if !subgraph.schema.directive_definitions.contains_key(local) {
            return Err(format!("`{name}` is not defined"));
        }
        let Origin { link, element } = subgraph
            .links
            .directive_origin(local)
            .ok_or_else(|| format!("`{name}` must be imported by a @link"))?;
        let identity = link.url.identity.as_str();
        if identity == FEDERATION || identity == LINK {
            if is_default_composed(element) {
                self.hint_composed_anyway(index, applied, name);
                return Ok(None);
            }
            return Err(format!("`{name}` belongs to federation, which has its own rules"));
        }
        if spec::sdl(&link.url).is_some() {
            self.hint_composed_anyway(index, applied, name);
            return Ok(None);
        }
        let clash = self.composed.iter().find(|composed| composed.name == local);
        if let Some(clash) = clash.and_then(|composed| composed.known) {
            return Err(format!("`{name}` has the name of federation's `@{clash}`"));
        }
        Ok(Some(Wish { index, local, element, link }))
    }

    fn hint_composed_anyway(&mut self, index: usize, applied: &Applied, name: &str) {
        let message = format!(
            "`{name}` is composed anyway: @composeDirective in `{}` has no effect",
            self.subgraph_name(index)
        );
        self.hint("DIRECTIVE_COMPOSITION_INFO", message, [(index, &applied.name)]);
    }

    fn hint_other_versions(&mut self, identity: &str, wishes: &[Wish<'a>]) {
        let Some(major) = wishes.first().map(|wish| wish.link.url.version.major) else { return };
        let others: Vec<usize> = (0..self.inputs.len())
            .filter(|index| {
                let link = self.inputs[*index].subgraph.links.get(identity);
                link.is_some_and(|link| link.url.version.major != major)
            })
            .collect();
        if !others.is_empty() {
            let message = format!(
                "`{identity}` is linked in another major version in {}, which does not compose it",
                self.names_of(others)
            );
            self.hint("DIRECTIVE_COMPOSITION_INFO", message, []);
        }
    }

    /// Specs of others that nobody composes may still be meant to be one.
    fn hint_uncomposed_versions(&mut self, composed: &IndexMap<&str, Vec<Wish<'a>>>) {
        let mut majors: IndexMap<&str, IndexSet<u32>> = IndexMap::new();
        for input in self.inputs {
            for link in input.subgraph.links.by_identity.values() {
                let identity = link.url.identity.as_str();
                if spec::sdl(&link.url).is_none() && !composed.contains_key(identity) {
                    majors.entry(identity).or_default().insert(link.url.version.major);
                }
            }
        }
        for (identity, majors) in majors {
            if majors.len() > 1 {
                let message = format!("`{identity}` is linked in different major versions");
                self.hint("DIRECTIVE_COMPOSITION_INFO", message, []);
            }
        }
    }

    /// A directive has one name everywhere, and a name means one directive.
    fn names_agree(&mut self, wishes: &[Wish<'a>]) -> bool {
        let mut agree = true;
        let mut by_name: IndexMap<&str, (&str, &str)> = IndexMap::new();
        let mut by_element: IndexMap<(&str, &str), &str> = IndexMap::new();
        let mut problems = IndexSet::new();
        for wish in wishes {
            let element = (wish.link.url.identity.as_str(), wish.element);
            if *by_name.entry(wish.local).or_insert(element) != element {
                problems.insert(format!("`@{}` means different directives", wish.local));
            }
            if *by_element.entry(element).or_insert(wish.local) != wish.local {
                problems.insert(format!(
                    "`@{}` of `{}` has different names in different subgraphs",
                    wish.element, wish.link.url.identity
                ));
            }
        }
        for problem in problems {
            agree = false;
            self.error(CODE, problem, []);
        }
        for ((identity, element), local) in by_element {
            let others: Vec<usize> = (0..self.inputs.len())
                .filter(|index| {
                    let composes = wishes.iter().any(|wish| {
                        wish.index == *index
                            && (wish.link.url.identity == identity)
                            && wish.element == element
                    });
                    let schema = &self.inputs[*index].subgraph.schema;
                    let link = self.inputs[*index].subgraph.links.get(identity);
                    !composes
                        && link.is_some_and(|link| {
                            let name = link.directive_name(element);
                            name != local
                                && schema.directive_definitions.contains_key(name.as_str())
                        })
                })
                .collect();
            if !others.is_empty() {
                let message = format!(
                    "`@{local}` has another name in {}, where it is not composed",
                    self.names_of(others)
                );
                self.hint("DIRECTIVE_COMPOSITION_WARN", message, []);
            }
        }
        agree
    }

    fn compose_spec(&mut self, wishes: &[Wish<'a>]) {
        let Some(newest) = wishes.iter().max_by_key(|wish| (wish.link.url.version, wish.index))
        else {
            return;
        };
        let names: IndexMap<&str, &str> =
            wishes.iter().map(|wish| (wish.local, wish.element)).collect();
        let imports: Vec<Import> = names
            .iter()
            .filter(|(local, element)| {
                // Names that follow from the spec's alias need no import.
                let bare = Link { imports: Vec::new(), ..newest.link.clone() };
                bare.directive_name(element) != **local
            })
            .map(|(local, element)| Import {
                element: format!("@{element}"),
                local: format!("@{local}"),
            })
            .collect();
        let mut applied = Applied::new("link").with_str("url", &newest.link.url.to_string());
        if newest.link.alias != newest.link.url.name {
            applied = applied.with_str("as", &newest.link.alias);
        }
        if !imports.is_empty() {
            applied = applied.with("import", imports_value(imports.iter()));
        }
        self.schema.directives.push(applied);
        for local in names.keys() {
            let definition = wishes
                .iter()
                .filter(|wish| wish.local == *local)
                .max_by_key(|wish| (wish.link.url.version, wish.index))
                .and_then(|wish| {
                    self.inputs[wish.index].subgraph.schema.directive_definitions.get(*local)
                });
            let Some(definition) = definition.cloned() else { continue };
            self.check_arguments_visible(wishes, &definition);
            let local_names = (0..self.inputs.len())
                .map(|index| {
                    wishes
                        .iter()
                        .any(|wish| wish.index == index && wish.local == *local)
                        .then(|| Name::new_unchecked(local))
                })
                .collect();
            let name = Name::new_unchecked(local);
            let mut printed = definition.clone();
            for arg in printed.args.values_mut() {
                arg.directives.clear();
            }
            self.schema.directive_definitions.insert(name.clone(), printed);
            self.composed.push(Composed { name, known: None, local: local_names, definition });
        }
    }

    /// Whoever reads the supergraph must see all of a directive.
    fn check_arguments_visible(&mut self, wishes: &[Wish<'a>], definition: &DirectiveDef) {
        for wish in wishes.iter().filter(|wish| definition.name == *wish.local) {
            let subgraph = &self.inputs[wish.index].subgraph;
            let Some(own) = subgraph.schema.directive_definitions.get(&definition.name) else {
                continue;
            };
            for arg in own.args.values() {
                if subgraph.has(&arg.directives, "inaccessible") {
                    let message = format!(
                        "[{}] `@{}({}:)` cannot be @inaccessible: the directive is composed",
                        subgraph.name, own.name, arg.name
                    );
                    self.error("DISALLOWED_INACCESSIBLE", message, [(wish.index, &arg.name)]);
                }
            }
        }
    }
}
