//! Interfaces and unions whose members differ from subgraph to subgraph, and interfaces that a
//! subgraph has as objects.

use super::{Entity, Graph};
use crate::generated::sdl::SubField;

impl Graph {
    /// Objects that a subgraph knows.
    pub(super) fn objects(&self, sub: usize) -> Vec<String> {
        let types = self.subs[sub].types.iter();
        let known = types.filter(|(name, ty)| {
            ty.keyword == "type" && !matches!(name.as_str(), "Query" | "Mutation" | "Org")
        });
        known.map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn interfaces(&mut self) {
        for number in 0..self.dice.below(3) {
            let name = format!("I{number}");
            let all = self.all();
            let parent = (number == 1 && self.dice.chance(40)).then(|| "I0".to_owned());
            let field = format!("i{number}");
            let ty = (*self.dice.pick(&["Int", "String", "Size"])).to_owned();
            let arguments = self.arguments();
            let all_types: Vec<String> = {
                let mut all_types: Vec<String> =
                    all.iter().flat_map(|sub| self.objects(*sub)).collect();
                all_types.sort();
                all_types.dedup();
                self.dice.some(&all_types, 60, 1)
            };
            for sub in self.dice.some(&all, 60, 1) {
                let known: Vec<String> = self
                    .objects(sub)
                    .into_iter()
                    .filter(|known| all_types.contains(known))
                    .collect();
                let members = self.dice.some(&known, 75, 1);
                if members.is_empty() {
                    continue;
                }
                let extends =
                    parent.clone().filter(|parent| self.subs[sub].types.contains_key(parent));
                let with_id = all_types.iter().all(|ty| ty.starts_with('E'))
                    && members.iter().all(|member| self.subs[sub].has(member, "id"))
                    && self.dice.chance(60);
                let interface = self.subs[sub].define("interface", &name);
                interface.fields.insert(field.clone(), SubField::of(&ty).arguments(arguments));
                if with_id {
                    interface.fields.insert("id".to_owned(), SubField::of("ID!"));
                }
                if let Some(parent) = &extends {
                    interface.implements.push(parent.clone());
                    let inherited = self.subs[sub].types[parent].fields.clone();
                    self.subs[sub].types[&name].fields.extend(inherited);
                }
                for member in members {
                    let strict = self.dice.chance(15);
                    let own = if strict && ty != "Size" { format!("{ty}!") } else { ty.clone() };
                    let own = SubField::of(&own).arguments(arguments).with("@shareable");
                    self.subs[sub].field(&member, &field, own);
                    let object = &mut self.subs[sub].types[&member];
                    object.implements.push(name.clone());
                    if let Some(parent) = &extends
                        && !object.implements.contains(parent)
                    {
                        object.implements.push(parent.clone());
                        let inherited = self.subs[sub].types[parent].fields.clone();
                        for (field, inherited) in inherited {
                            let inherited = if field == "id" {
                                inherited
                            } else {
                                inherited.with("@shareable")
                            };
                            self.subs[sub].field(&member, &field, inherited);
                        }
                    }
                }
            }
        }
    }

    pub(super) fn unions(&mut self) {
        for number in 0..self.dice.below(3) {
            let name = format!("U{number}");
            let all = self.all();
            for sub in self.dice.some(&all, 60, 1) {
                let known = self.objects(sub);
                let members = self.dice.some(&known, 60, 1);
                if !members.is_empty() {
                    self.subs[sub].define("union", &name).members = members;
                }
            }
        }
    }

    /// One interface that one subgraph has as an object.
    pub(super) fn interface_object(&mut self) {
        if self.subs.len() < 2 || !self.special(45) {
            return;
        }
        let all = self.all();
        let knows = *self.dice.pick(&all);
        // Whoever is in the interface has `id` as a key wherever it is.
        let members: Vec<usize> = (0..self.entities.len())
            .filter(|number| {
                let Entity { name, homes, plain: _ } = &self.entities[*number];
                homes.contains(&knows)
                    && homes.iter().all(|home| {
                        let keys = &self.subs[*home].types[name].directives;
                        keys.contains(&"@key(fields: \"id\")".to_owned())
                    })
            })
            .collect();
        let members = self.dice.some(&members, 60, 1);
        if members.is_empty() {
            return;
        }
        let names: Vec<String> =
            members.iter().map(|number| self.entities[*number].name.clone()).collect();
        let others: Vec<usize> = all
            .into_iter()
            .filter(|sub| names.iter().all(|name| !self.subs[*sub].types.contains_key(name)))
            .collect();
        if others.is_empty() {
            return;
        }
        let media = self.subs[knows].define("interface", "Media");
        media.directives.push("@key(fields: \"id\")".to_owned());
        media.fields.insert("id".to_owned(), SubField::of("ID!"));
        media.fields.insert("label".to_owned(), SubField::of("String"));
        for name in &names {
            let label = SubField::of(if self.dice.chance(20) { "String!" } else { "String" });
            self.subs[knows].field(name, "label", label);
            self.subs[knows].types[name].implements.push("Media".to_owned());
        }
        let has_link = self.dice.chance(50);
        if has_link {
            self.subs[knows].field("Query", "media", SubField::of("[Media]"));
        }
        for (place, sub) in self.dice.some(&others, 50, 1).into_iter().enumerate() {
            let targets = self.targets(sub);
            let object = self.subs[sub].define("type", "Media");
            object.directives.push("@key(fields: \"id\")".to_owned());
            object.directives.push("@interfaceObject".to_owned());
            object.fields.insert("id".to_owned(), SubField::of("ID!"));
            object
                .fields
                .insert(format!("stars{place}"), SubField::of("Int").arguments("(n: Int)"));
            if self.dice.chance(50) {
                object.fields.insert("label".to_owned(), SubField::of("String").with("@external"));
                let priced = SubField::of("String").with("@requires(fields: \"label\")");
                object.fields.insert(format!("slug{place}"), priced);
            }
            if !targets.is_empty() && self.dice.chance(50) {
                let target = self.dice.pick(&targets).clone();
                let ty = self.wrapped(&target);
                self.subs[sub].field("Media", &format!("ml{place}"), SubField::of(&ty));
            }
            if self.dice.chance(60) {
                self.subs[sub].field("Media", &format!("next{place}"), SubField::of("Media"));
            }
            if self.dice.chance(70) {
                self.subs[sub].field("Query", &format!("top{place}"), SubField::of("[Media!]"));
            }
        }
    }
}
