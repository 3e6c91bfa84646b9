//! Entities with their keys, and the plain fields that others may share, override or require.

use super::{Entity, Graph};
use crate::generated::sdl::SubField;

impl Graph {
    pub(super) fn entity(&mut self, number: usize) {
        let name = format!("E{number}");
        let all = self.all();
        let homes = self.dice.some(&all, 60, 1);
        let style = self.dice.below(9);
        // Mostly there is a subgraph that can translate between all keys.
        let hub = self.dice.chance(85).then(|| self.dice.below(homes.len()));
        for (place, home) in homes.clone().into_iter().enumerate() {
            let keys: Vec<&str> = match style {
                4 if Some(place) == hub => vec!["id", "sku"],
                5 if Some(place) == hub => vec!["id", "x y", "sku"],
                6 if Some(place) == hub => vec!["id", "x y", "x", "y"],
                7 if Some(place) == hub => vec!["id", "sku", "org { id }"],
                0..=3 => vec!["id"],
                4 => self.dice.some(&["id", "sku"], 60, 1),
                5 => self.dice.some(&["id", "sku", "x y"], 50, 1),
                6 => self.dice.some(&["id", "x y", "x", "y"], 35, 1),
                7 => self.dice.some(&["id", "org { id }", "sku org { id }"], 40, 1),
                _ => vec!["id", "sku"],
            };
            let several = keys.len() > 1;
            self.subs[home].define("type", &name);
            for key in keys {
                let fixed = if several && Some(place) != hub && self.special(10) {
                    ", resolvable: false"
                } else {
                    ""
                };
                let ty = self.subs[home].define("type", &name);
                ty.directives.push(format!("@key(fields: \"{key}\"{fixed})"));
                for field in ["id", "sku", "x", "y"] {
                    if key.replace("{ id }", "").split(' ').any(|part| part == field) {
                        let ty = if field == "id" { "ID!" } else { "String" };
                        self.subs[home].field(&name, field, SubField::of(ty));
                    }
                }
                if key.contains("org") {
                    self.subs[home].field(&name, "org", SubField::of("Org!"));
                    let org = self.subs[home].define("type", "Org");
                    if org.fields.is_empty() {
                        org.directives.push("@shareable".to_owned());
                        org.fields.insert("id".to_owned(), SubField::of("ID!"));
                    }
                }
            }
        }
        self.entities.push(Entity { name, homes, plain: Vec::new() });
    }

    /// Entities that a subgraph only refers to.
    pub(super) fn stubs(&mut self) {
        for number in 0..self.entities.len() {
            let Entity { name, homes, plain: _ } = &self.entities[number];
            let (name, homes) = (name.clone(), homes.clone());
            let simple = homes.iter().all(|home| self.subs[*home].has(&name, "id"));
            for sub in self.all() {
                if simple && !homes.contains(&sub) && self.special(20) {
                    let ty = self.subs[sub].define("type", &name);
                    ty.directives.push("@key(fields: \"id\", resolvable: false)".to_owned());
                    self.subs[sub].field(&name, "id", SubField::of("ID!"));
                }
            }
        }
    }

    pub(super) fn leaves(&mut self, number: usize) {
        let (name, homes) =
            (self.entities[number].name.clone(), self.entities[number].homes.clone());
        for index in 0..self.dice.between(2, 5) {
            let field = format!("f{index}");
            let owner = *self.dice.pick(&homes);
            let ty = self.leaf_type(&homes);
            let arguments = self.arguments();
            let hidden = if self.special(4) { " @inaccessible" } else { "" };
            let own = SubField { arguments, ty: ty.clone(), directives: hidden.to_owned() };
            let mut owners = vec![owner];
            let others: Vec<usize> = homes.iter().copied().filter(|home| *home != owner).collect();
            if !others.is_empty() && self.special(25) {
                let other = *self.dice.pick(&others);
                if self.dice.chance(50) {
                    // The type may differ in nullability.
                    let loose = if self.dice.chance(25) { ty.replace('!', "") } else { ty.clone() };
                    let shared = SubField { ty: loose, ..own.clone() };
                    self.subs[other].field(&name, &field, shared.with("@shareable"));
                    self.subs[owner].field(&name, &field, own.clone().with("@shareable"));
                    owners.push(other);
                } else {
                    let label = match self.dice.below(3) {
                        0 => ", label: \"on\"",
                        1 => ", label: \"off\"",
                        _ => "",
                    };
                    let from = self.subs[other].name;
                    let takes = format!("@override(from: \"{from}\"{label})");
                    self.subs[owner].field(&name, &field, own.clone().with(&takes));
                    self.subs[other].field(&name, &field, own.clone());
                    owners.push(other);
                }
            } else {
                self.subs[owner].field(&name, &field, own);
            }
            if hidden.is_empty() {
                self.entities[number].plain.push((field, ty, arguments, owners));
            }
        }
    }
}
