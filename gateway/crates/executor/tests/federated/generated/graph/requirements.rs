//! `@requires`: field sets of what other subgraphs have.

use super::Graph;
use crate::generated::sdl::SubField;

impl Graph {
    pub(super) fn requirements(&mut self, number: usize) {
        let (name, homes) =
            (self.entities[number].name.clone(), self.entities[number].homes.clone());
        if homes.len() < 2 {
            return;
        }
        for index in 0..self.dice.below(4) {
            if !self.special(50) {
                continue;
            }
            let owner = *self.dice.pick(&homes);
            let field = format!("r{index}");
            let Some(selection) = self.required(number, owner) else { continue };
            let ty = (*self.dice.pick(&["Int", "String", "String!", "[Int]"])).to_owned();
            let requires = format!("@requires(fields: \"{}\")", selection.join(" "));
            let arguments = self.arguments();
            let own = SubField::of(&ty).arguments(arguments).with(&requires);
            self.subs[owner].field(&name, &field, own);
            self.entities[number].plain.push((field, ty, arguments, vec![owner]));
        }
        // A requirement's result that leads to an object.
        if self.special(15) {
            let owner = *self.dice.pick(&homes);
            let Some(selection) = self.required(number, owner) else { return };
            let targets = self.targets(owner);
            let target = self.dice.pick(&targets).clone();
            let ty = self.wrapped(&target);
            let requires = format!("@requires(fields: \"{}\")", selection.join(" "));
            self.subs[owner].field(&name, "rl", SubField::of(&ty).with(&requires));
        }
    }

    /// A field set of fields that `owner` does not have itself.
    fn required(&mut self, number: usize, owner: usize) -> Option<Vec<String>> {
        let name = self.entities[number].name.clone();
        let mut selection = Vec::new();
        for _ in 0..self.dice.between(1, 2) {
            if self.dice.chance(35) {
                selection.extend(self.required_below(&name, owner));
                continue;
            }
            let elsewhere: Vec<_> = self.entities[number]
                .plain
                .iter()
                .filter(|(field, _, _, owners)| {
                    !owners.contains(&owner)
                        && self.subs[owner]
                            .types
                            .get(&name)
                            .and_then(|ty| ty.fields.get(field))
                            .is_none_or(|own| own.directives.contains("@external"))
                })
                .cloned()
                .collect();
            if elsewhere.is_empty() {
                continue;
            }
            let (field, ty, arguments, _) = self.dice.pick(&elsewhere).clone();
            if selection.iter().any(|known: &String| known.starts_with(&field)) {
                continue;
            }
            if ty.contains("Colour") && !self.subs[owner].types.contains_key("Colour") {
                continue;
            }
            let external = SubField::of(&ty).arguments(arguments).with("@external");
            self.subs[owner].field(&name, &field, external);
            let given = match arguments {
                "(n: Int)" => *self.dice.pick(&["(n: 1)", "(n: 2)", ""]),
                "(n: Int = 3, s: String)" => *self.dice.pick(&["(n: 1)", "(s: \\\"q\\\")", ""]),
                "(size: Size = S)" => *self.dice.pick(&["(size: L)", ""]),
                "(filter: Filter)" => *self.dice.pick(&["(filter: {n: 1, deep: {size: L}})", ""]),
                _ => "",
            };
            selection.push(format!("{field}{given}"));
        }
        (!selection.is_empty()).then_some(selection)
    }

    /// `link { leaf }` where the link is another subgraph's and `owner` knows the target.
    fn required_below(&mut self, name: &str, owner: usize) -> Option<String> {
        let mut found = Vec::new();
        for (sub, other) in self.subs.iter().enumerate() {
            let Some(ty) = other.types.get(name).filter(|_| sub != owner) else { continue };
            for (field, link) in &ty.fields {
                let target = link.ty.replace(['[', ']', '!'], "");
                let known = self.subs[owner].types.get(&target);
                let leads = field.starts_with('l') && link.arguments.is_empty();
                if leads
                    && known.is_some()
                    && !self.subs[owner].has(name, field)
                    && !link.directives.contains("@external")
                {
                    found.push((field.clone(), link.ty.clone(), target));
                }
            }
        }
        if found.is_empty() {
            return None;
        }
        let (field, ty, target) = self.dice.pick(&found).clone();
        let below = self.required_leaf(&target, owner)?;
        let external = SubField::of(&ty).with("@external");
        self.subs[owner].field(name, &field, external);
        Some(format!("{field} {{ {below} }}"))
    }

    /// Something to require of an object, made external in `owner` where it must be.
    fn required_leaf(&mut self, target: &str, owner: usize) -> Option<String> {
        let ty = self.subs[owner].types.get(target)?;
        match ty.keyword {
            "union" => {
                let members = ty.members.clone();
                let member = self.dice.pick(&members).clone();
                let below = self.required_leaf(&member, owner)?;
                Some(format!("... on {member} {{ {below} }}"))
            }
            "interface" => {
                let fields: Vec<String> = ty
                    .fields
                    .iter()
                    .filter(|(_, field)| field.arguments.is_empty())
                    .map(|(name, _)| name.clone())
                    .collect();
                let members: Vec<String> = self.subs[owner]
                    .types
                    .iter()
                    .filter(|(_, ty)| {
                        ty.keyword == "type" && ty.implements.iter().any(|one| one == target)
                    })
                    .map(|(name, _)| name.clone())
                    .collect();
                if self.dice.chance(50) && !members.is_empty() {
                    let member = self.dice.pick(&members).clone();
                    let below = self.required_leaf(&member, owner)?;
                    return Some(format!("... on {member} {{ {below} }}"));
                }
                (!fields.is_empty()).then(|| self.dice.pick(&fields).clone())
            }
            _ => {
                let entity = self.entities.iter().find(|entity| entity.name == target);
                if let Some(entity) = entity {
                    let foreign: Vec<(String, String)> = entity
                        .plain
                        .iter()
                        .filter(|(field, ty, arguments, owners)| {
                            !owners.contains(&owner)
                                && arguments.is_empty()
                                && !ty.contains("Colour")
                                && !field.starts_with('r')
                                && !self.subs[owner].has(target, field)
                        })
                        .map(|(field, ty, _, _)| (field.clone(), ty.clone()))
                        .collect();
                    if !foreign.is_empty() && self.dice.chance(70) {
                        let (field, ty) = self.dice.pick(&foreign).clone();
                        let external = SubField::of(&ty).with("@external");
                        self.subs[owner].field(target, &field, external);
                        return Some(field);
                    }
                }
                let ty = &self.subs[owner].types[target];
                let own: Vec<String> = ty
                    .fields
                    .iter()
                    .filter(|(name, field)| {
                        field.arguments.is_empty()
                            && !name.starts_with('l')
                            && *name != "org"
                            && *name != "vl"
                            && (!name.starts_with('r') || field.directives.is_empty())
                    })
                    .map(|(name, _)| name.clone())
                    .collect();
                (!own.is_empty()).then(|| self.dice.pick(&own).clone())
            }
        }
    }
}
