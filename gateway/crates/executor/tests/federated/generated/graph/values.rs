//! Enums, inputs, value types, and the types and arguments of leaves.

use super::Graph;
use crate::generated::sdl::SubField;

const LEAVES: [&str; 12] = [
    "Int",
    "String",
    "Int",
    "String",
    "String!",
    "Int!",
    "ID",
    "Boolean",
    "Float",
    "[Int]",
    "[[String]]",
    "Money",
];

impl Graph {
    pub(super) fn enums(&mut self) {
        let all = self.all();
        for sub in self.dice.some(&all, 80, 1) {
            let mut values = self.dice.some(&["RED", "GREEN", "BLUE", "GREY"], 75, 1);
            if !values.contains(&"RED") {
                values.push("RED");
            }
            let hidden = self.dice.chance(15);
            let colour = self.subs[sub].define("enum", "Colour");
            for value in values {
                let mark = if value == "GREY" && hidden { " @inaccessible" } else { "" };
                let field = SubField { directives: mark.to_owned(), ..SubField::default() };
                colour.fields.insert(value.to_owned(), field);
            }
        }
        for sub in all {
            let size = self.subs[sub].define("enum", "Size");
            for value in ["S", "M", "L"] {
                size.fields.insert(value.to_owned(), SubField::default());
            }
            let input = self.subs[sub].define("input", "Filter");
            for (name, ty) in
                [("n", "Int"), ("size", "Size = M"), ("deep", "Filter"), ("all", "[Int!]")]
            {
                input.fields.insert(name.to_owned(), SubField::of(ty));
            }
        }
    }

    pub(super) fn leaf_type(&mut self, homes: &[usize]) -> String {
        let knows = homes.iter().all(|home| self.subs[*home].types.contains_key("Colour"));
        match self.dice.below(8) {
            0 if knows => (*self.dice.pick(&["Colour", "[Colour]", "Colour!"])).to_owned(),
            1 => "Size".to_owned(),
            _ => (*self.dice.pick(&LEAVES)).to_owned(),
        }
    }

    pub(super) fn arguments(&mut self) -> &'static str {
        let choices = [
            "",
            "",
            "",
            "",
            "(n: Int)",
            "(n: Int = 3, s: String)",
            "(filter: Filter)",
            "(size: Size = S)",
            "(some: [Int!], s: ID)",
        ];
        let chosen: &&'static str = self.dice.pick(&choices);
        chosen
    }

    pub(super) fn value_types(&mut self) {
        for number in 0..self.dice.between(1, 2) {
            let name = format!("V{number}");
            let all = self.all();
            let homes = self.dice.some(&all, 70, 1);
            let whole = self.dice.chance(50);
            for home in &homes {
                self.subs[*home].define("type", &name).directives.push("@shareable".to_owned());
            }
            for field in ["va", "vb", "vc"] {
                let ty = self.leaf_type(&homes);
                let arguments = self.arguments();
                let owners = if whole { homes.clone() } else { self.dice.some(&homes, 60, 1) };
                for owner in owners {
                    let own = SubField::of(&ty).arguments(arguments);
                    self.subs[owner].field(&name, field, own);
                }
            }
            self.values.push(name);
        }
    }

    /// Mostly all subgraphs have all fields of a value type; else some can only be had by going
    /// back to where the value came from.
    pub(super) fn complete_values(&mut self) {
        for value in self.values.clone() {
            if !self.dice.chance(85) {
                continue;
            }
            let mut all: Vec<(String, SubField)> = Vec::new();
            for sub in &self.subs {
                let fields = sub.types.get(&value).into_iter().flat_map(|ty| &ty.fields);
                all.extend(fields.map(|(name, field)| (name.clone(), field.clone())));
            }
            let homes: Vec<usize> = self
                .all()
                .into_iter()
                .filter(|sub| self.subs[*sub].types.contains_key(&value))
                .collect();
            for (name, field) in all {
                let target = field.ty.replace(['[', ']', '!'], "");
                let known =
                    |sub: &usize| name != "vl" || self.subs[*sub].types.contains_key(&target);
                let everywhere = homes.iter().all(known);
                for sub in &homes {
                    if everywhere {
                        self.subs[*sub].field(&value, &name, field.clone());
                    } else if let Some(ty) = self.subs[*sub].types.get_mut(&value) {
                        ty.fields.shift_remove(&name);
                    }
                }
            }
        }
    }
}
