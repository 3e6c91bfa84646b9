//! Requirements of access spread to where the same data can be reached by another type.
//!
//! An interface's field asks for what any implementation's field asks for, because either may
//! answer. Fields that an @interfaceObject adds ask for it on every implementation.

use apollo_compiler::Name;
use indexmap::IndexMap;

use super::Merger;
use super::applied::merge_by_strategy;
use super::directives::Composed;
use crate::subgraph::model::{Applied, Kind};

const AUTHORIZATION: [&str; 3] = ["authenticated", "requiresScopes", "policy"];

impl Merger<'_> {
    pub(super) fn propagate_authorization(&mut self) {
        let composed: Vec<Composed> = self
            .composed
            .iter()
            .filter(|composed| composed.known.is_some_and(|name| AUTHORIZATION.contains(&name)))
            .cloned()
            .collect();
        if composed.is_empty() {
            return;
        }
        self.propagate_down(&composed);
        self.propagate_up(&composed);
    }

    /// From fields of @interfaceObjects to the same fields of implementations.
    fn propagate_down(&mut self, composed: &[Composed]) {
        for interface in self.merged_names(|kind| kind == Kind::Interface) {
            let mut found: IndexMap<Name, Vec<Applied>> = IndexMap::new();
            for (index, input) in self.inputs.iter().enumerate() {
                if !input.subgraph.is_interface_object(&interface) {
                    continue;
                }
                let Some(def) = input.subgraph.schema.types.get(&interface) else { continue };
                for field in def.fields.values() {
                    for applied in &field.directives {
                        for directive in composed {
                            if directive.local[index].as_ref() == Some(&applied.name) {
                                let mut applied = applied.clone();
                                applied.name = directive.name.clone();
                                found.entry(field.name.clone()).or_default().push(applied);
                            }
                        }
                    }
                }
            }
            let objects: Vec<Name> = self.schema.implementations(&interface).cloned().collect();
            for object in objects {
                let Some(def) = self.schema.types.get_mut(&object) else { continue };
                for (field, applied) in &found {
                    if let Some(field) = def.fields.get_mut(field) {
                        join(&mut field.directives, applied, composed);
                    }
                }
            }
        }
    }

    /// From implementations to interfaces.
    fn propagate_up(&mut self, composed: &[Composed]) {
        for interface in self.merged_names(|kind| kind == Kind::Interface) {
            let objects: Vec<Name> = self.schema.implementations(&interface).cloned().collect();
            let mut on_type: Vec<Applied> = Vec::new();
            let mut on_fields: IndexMap<Name, Vec<Applied>> = IndexMap::new();
            for object in &objects {
                let Some(def) = self.schema.types.get(object) else { continue };
                on_type.extend(authorization(&def.directives, composed));
                for field in def.fields.values() {
                    on_fields
                        .entry(field.name.clone())
                        .or_default()
                        .extend(authorization(&field.directives, composed));
                }
            }
            let Some(def) = self.schema.types.get_mut(&interface) else { continue };
            let mut merged = join(&mut def.directives, &on_type, composed);
            for (field, applied) in &on_fields {
                if let Some(field) = def.fields.get_mut(field) {
                    merged |= join(&mut field.directives, applied, composed);
                }
            }
            if merged {
                let message = format!("the access rules of `{interface}`'s implementations differ");
                self.hint("MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS", message, []);
            }
        }
    }
}

fn authorization(directives: &[Applied], composed: &[Composed]) -> Vec<Applied> {
    directives
        .iter()
        .filter(|applied| composed.iter().any(|directive| directive.name == applied.name))
        .cloned()
        .collect()
}

/// Adds requirements to those that are there: all of them must be met. Whether they differed.
fn join(directives: &mut Vec<Applied>, added: &[Applied], composed: &[Composed]) -> bool {
    let mut different = false;
    for directive in composed {
        let own = directives.iter().filter(|applied| applied.name == directive.name);
        let all: Vec<Applied> = own
            .chain(added.iter().filter(|applied| applied.name == directive.name))
            .cloned()
            .collect();
        if all.is_empty() {
            continue;
        }
        if let Some(merged) = merge_by_strategy(directive, all.iter()) {
            different |= all.iter().any(|applied| applied.args != all[0].args);
            directives.retain(|applied| applied.name != directive.name);
            directives.push(merged);
        }
    }
    different
}
