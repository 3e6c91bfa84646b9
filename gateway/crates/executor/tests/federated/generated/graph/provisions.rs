//! `@provides`: other subgraphs' fields along a link or a root field.

use super::Graph;
use crate::generated::sdl::SubField;

impl Graph {
    /// Links and root fields that bring other subgraphs' fields along.
    pub(super) fn provisions(&mut self, number: usize) {
        let (name, homes) =
            (self.entities[number].name.clone(), self.entities[number].homes.clone());
        for sub in homes {
            if !self.special(30) {
                continue;
            }
            let foreign: Vec<_> = self.entities[number]
                .plain
                .iter()
                .filter(|(field, ty, arguments, owners)| {
                    !owners.contains(&sub)
                        && arguments.is_empty()
                        && !ty.contains("Colour")
                        && !field.starts_with('r')
                        && !self.subs[sub].has(&name, field)
                })
                .cloned()
                .collect();
            if foreign.is_empty() {
                continue;
            }
            let (field, ty, _, owners) = self.dice.pick(&foreign).clone();
            for owner in owners {
                if let Some(own) = self.subs[owner].types[&name].fields.get_mut(&field)
                    && !own.directives.contains("@shareable")
                {
                    own.directives.push_str(" @shareable");
                }
            }
            let external = SubField::of(&ty).with("@external");
            let from = self.dice.below(3);
            if from != 1 {
                self.subs[sub].field(&name, &field, external.clone());
            }
            let nested = format!("@provides(fields: \"{field}\")");
            match from {
                0 => {
                    let root = SubField::of(&name).with(&nested);
                    self.subs[sub].field("Query", &format!("p{number}{sub}"), root);
                }
                1 => {
                    let unions: Vec<String> = self.subs[sub]
                        .types
                        .iter()
                        .filter(|(_, ty)| {
                            ty.members.contains(&name)
                                || (ty.keyword == "interface"
                                    && self.subs[sub].types[&name].implements.iter().any(|one| {
                                        self.subs[sub]
                                            .types
                                            .get_full(one)
                                            .is_some_and(|(_, _, other)| std::ptr::eq(other, *ty))
                                    }))
                        })
                        .map(|(union_, _)| union_.clone())
                        .collect();
                    if let Some(union_) = unions.first() {
                        let provides =
                            format!("@provides(fields: \"... on {name} {{ {field} }}\")");
                        self.subs[sub].field(&name, &field, external);
                        let root = SubField::of(&format!("[{union_}]")).with(&provides);
                        self.subs[sub].field("Query", &format!("p{number}{union_}{sub}"), root);
                    }
                }
                _ => {
                    // Through another object.
                    let holder = format!("H{number}{}", self.subs[sub].name);
                    let root = SubField::of(&holder)
                        .with(&format!("@provides(fields: \"held {{ {field} }}\")"));
                    self.subs[sub].define("type", &holder);
                    let held = (*self.dice.pick(&["T", "[T]", "[[T!]]"])).replace('T', &name);
                    self.subs[sub].field(&holder, "held", SubField::of(&held));
                    self.subs[sub].field(&holder, "h", SubField::of("Int"));
                    self.subs[sub].field("Query", &format!("h{number}{sub}"), root);
                }
            }
        }
    }
}
