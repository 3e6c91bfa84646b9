//! Random federated graphs with everything that federation knows.
//!
//! Not every one composes: who makes graphs asks for the next seed then.

use indexmap::IndexMap;

use super::dice::Dice;
use super::sdl::{Sub, SubField};

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
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

pub(super) struct Graph {
    dice: Dice,
    pub(super) subs: Vec<Sub>,
    entities: Vec<Entity>,
    values: Vec<String>,
    /// How often something special may come, percent: differs from graph to graph, so that some
    /// are simple and others crowded.
    spice: usize,
}

struct Entity {
    name: String,
    homes: Vec<usize>,
    /// Fields that can be required or provided: name, type, arguments, owners.
    plain: Vec<(String, String, &'static str, Vec<usize>)>,
}

pub(super) fn random_graph(seed: u64) -> Vec<(&'static str, String)> {
    let mut dice = Dice::new(seed);
    let count = *dice.pick(&[2, 2, 3, 3, 3, 4, 4, 5, 6]);
    let subs = NAMES[..count].iter().map(|name| Sub { name, types: IndexMap::new() }).collect();
    let spice = *dice.pick(&[10, 20, 35, 50]);
    let mut graph = Graph { dice, subs, entities: Vec::new(), values: Vec::new(), spice };
    graph.make();
    graph.subs.iter().map(|sub| (sub.name, sub.sdl())).collect()
}

impl Graph {
    fn special(&mut self, percent: usize) -> bool {
        let spice = self.spice;
        self.dice.chance(percent * spice / 25)
    }

    fn all(&self) -> Vec<usize> {
        (0..self.subs.len()).collect()
    }

    fn make(&mut self) {
        for sub in &mut self.subs {
            sub.define("type", "Query");
        }
        self.enums();
        self.value_types();
        for number in 0..self.dice.between(2, 5) {
            self.entity(number);
        }
        self.stubs();
        self.interfaces();
        self.unions();
        for number in 0..self.entities.len() {
            self.leaves(number);
        }
        self.links();
        self.interface_object();
        for number in 0..self.entities.len() {
            self.requirements(number);
            self.provisions(number);
        }
        self.complete_values();
        self.roots("Query");
        if self.special(40) {
            for sub in &mut self.subs {
                sub.define("type", "Mutation");
            }
            self.roots("Mutation");
        }
    }

    fn enums(&mut self) {
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

    fn leaf_type(&mut self, homes: &[usize]) -> String {
        let knows = homes.iter().all(|home| self.subs[*home].types.contains_key("Colour"));
        match self.dice.below(8) {
            0 if knows => (*self.dice.pick(&["Colour", "[Colour]", "Colour!"])).to_owned(),
            1 => "Size".to_owned(),
            _ => (*self.dice.pick(&LEAVES)).to_owned(),
        }
    }

    fn arguments(&mut self) -> &'static str {
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

    fn value_types(&mut self) {
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

    fn entity(&mut self, number: usize) {
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
    fn stubs(&mut self) {
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

    fn leaves(&mut self, number: usize) {
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

    /// Objects that a subgraph knows.
    fn objects(&self, sub: usize) -> Vec<String> {
        let types = self.subs[sub].types.iter();
        let known = types.filter(|(name, ty)| {
            ty.keyword == "type" && !matches!(name.as_str(), "Query" | "Mutation" | "Org")
        });
        known.map(|(name, _)| name.clone()).collect()
    }

    fn interfaces(&mut self) {
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

    fn unions(&mut self) {
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

    /// Composite types that a subgraph can answer with.
    fn targets(&self, sub: usize) -> Vec<String> {
        let types = self.subs[sub].types.iter();
        let composite = types.filter(|(name, ty)| {
            matches!(ty.keyword, "type" | "interface" | "union")
                && !matches!(name.as_str(), "Query" | "Mutation" | "Org")
        });
        composite.map(|(name, _)| name.clone()).collect()
    }

    fn wrapped(&mut self, target: &str) -> String {
        let wraps = ["T", "T", "T!", "[T]", "[T!]!", "[T!]", "[[T]]"];
        self.dice.pick(&wraps).replace('T', target)
    }

    /// Fields that lead from object to object.
    fn links(&mut self) {
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

    /// Mostly all subgraphs have all fields of a value type; else some can only be had by going
    /// back to where the value came from.
    fn complete_values(&mut self) {
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

    /// One interface that one subgraph has as an object.
    fn interface_object(&mut self) {
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

    fn requirements(&mut self, number: usize) {
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

    /// Links and root fields that bring other subgraphs' fields along.
    fn provisions(&mut self, number: usize) {
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

    fn roots(&mut self, root: &str) {
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
