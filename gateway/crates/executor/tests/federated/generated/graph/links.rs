//! Fields that lead from object to object, and root fields.

use super::{Entity, Graph};
use crate::generated::sdl::SubField;

impl Graph {
    /// Composite types that a subgraph can answer with.
    pub(super) fn targets(&self, sub: usize) -> Vec<String> {
        let types = self.subs[sub].types.iter();
        let composite = types.filter(|(name, ty)| {
            matches!(ty.keyword, "type" | "interface" | "union")
                && !matches!(name.as_str(), "Query" | "Mutation" | "Org")
        });
        composite.map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn wrapped(&mut self, target: &str) -> String {
        let wraps = ["T", "T", "T!", "[T]", "[T!]!", "[T!]", "[[T]]"];
        self.dice.pick(&wraps).replace('T', target)
    }

    /// Fields that lead from object to object.
    pub(super) fn links(&mut self) {
        for number in 0..self.entities.len() {
            let (name, homes) =
                (self.entities[number].name.clone(), self.entities[number].homes.clone());
            for index in 0..self.dice.between(1, 3) {
                let owner = *self.dice.pick(&homes);
                let targets = self.targets(owner);
                let target = self.dice.pick(&targets).clone();
                let ty = self.wrapped(&target);
                let field = format!("l{index}");
                let others: Vec<usize> = homes
                    .iter()
                    .copied()
                    .filter(|other| {
                        *other != owner && self.subs[*other].types.contains_key(&target)
                    })
                    .collect();
                if !others.is_empty() && self.special(35) {
                    let other = *self.dice.pick(&others);
                    for sub in [owner, other] {
                        let shared = SubField::of(&ty).with("@shareable");
                        self.subs[sub].field(&name, &field, shared);
                    }
                } else {
                    self.subs[owner].field(&name, &field, SubField::of(&ty));
                }
            }
        }
        if self.special(10) {
            let entity = self.dice.below(self.entities.len());
            let Entity { name, homes, plain: _ } = &self.entities[entity];
            let (name, homes) = (name.clone(), homes.clone());
            let owner = *self.dice.pick(&homes);
            self.subs[owner].field(&name, "again", SubField::of("Query"));
        }
        for value in self.values.clone() {
            if !self.dice.chance(50) {
                continue;
            }
            let homes: Vec<usize> = self
                .all()
                .into_iter()
                .filter(|sub| self.subs[*sub].types.contains_key(&value))
                .collect();
            let owner = *self.dice.pick(&homes);
            let targets = self.targets(owner);
            let target = self.dice.pick(&targets).clone();
            let ty = self.wrapped(&target).replace('!', "");
            for sub in homes {
                if (sub == owner || self.dice.chance(70))
                    && self.subs[sub].types.contains_key(&target)
                {
                    self.subs[sub].field(&value, "vl", SubField::of(&ty));
                }
            }
        }
    }

    pub(super) fn roots(&mut self, root: &str) {
        let one = if root == "Query" { "e" } else { "m" };
        for number in 0..self.entities.len() {
            let (name, homes) =
                (self.entities[number].name.clone(), self.entities[number].homes.clone());
            let owner = *self.dice.pick(&homes);
            let ty = if self.dice.chance(30) { format!("{name}!") } else { name.clone() };
            self.subs[owner].field(root, &format!("{one}{number}"), SubField::of(&ty));
            let other = *self.dice.pick(&homes);
            let list = (*self.dice.pick(&["[T]", "[T!]!", "[T!]"])).replace('T', &name);
            let list = SubField::of(&list).arguments("(first: Int)");
            self.subs[other].field(root, &format!("{one}s{number}"), list);
            if homes.len() > 1 && self.special(30) {
                for sub in self.dice.some(&homes, 60, 2) {
                    let shared = SubField::of(&format!("[{name}]")).with("@shareable");
                    self.subs[sub].field(root, &format!("{one}{one}{number}"), shared);
                }
            }
        }
        for sub in self.all() {
            for target in self.targets(sub) {
                let abstract_type = self.subs[sub].types[&target].keyword != "type";
                let value = self.values.contains(&target);
                if (abstract_type && self.dice.chance(60)) || (value && self.dice.chance(40)) {
                    let ty = self.wrapped(&target).replace('!', "");
                    let field =
                        format!("{one}{}_{}", target.to_ascii_lowercase(), self.subs[sub].name);
                    self.subs[sub].field(root, &field, SubField::of(&ty));
                }
            }
        }
        for target in self.values.clone() {
            let knowing: Vec<usize> = self
                .all()
                .into_iter()
                .filter(|sub| self.subs[*sub].types.contains_key(&target))
                .collect();
            if knowing.len() > 1 && self.special(50) {
                let ty = (*self.dice.pick(&["V", "[V]", "[[V]]"])).replace('V', &target);
                for sub in knowing {
                    let shared = SubField::of(&ty).with("@shareable");
                    let field = format!("{one}shared{target}");
                    self.subs[sub].field(root, &field, shared);
                }
            }
        }
        if root == "Mutation" {
            self.subs[0].field("Mutation", "mnone", SubField::of("Int").arguments("(n: Int)"));
        }
    }
}
