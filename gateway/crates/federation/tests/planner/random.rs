//! Random supergraphs and operations: whatever can be planned must be sound.
//!
//! Seeds are fixed, so a failure comes back; the failing supergraph, operation and plan are
//! printed. `CONCORD_RANDOM_PLANS=100000` runs as many as that.

use std::fmt::Write as _;

use federation::operation::OperationError;
use federation::planner::verify::verify;
use federation::planner::{PlanError, PlanOptions, Planner};

use crate::support::{planner_of, supergraph};

const SUPERGRAPHS: u64 = 24;
const OPERATIONS: u64 = 5;

#[test]
fn random_plans_are_sound() {
    let wanted = std::env::var("CONCORD_RANDOM_PLANS").ok().and_then(|text| text.parse().ok());
    let supergraphs = wanted.map_or(SUPERGRAPHS, |plans: u64| plans.div_ceil(OPERATIONS));
    let mut planned = 0_u64;
    let mut unresolvable = 0_u64;
    for seed in 0..supergraphs {
        // Every third supergraph has dead ends: there, some operations have no plan.
        let connected = seed % 3 != 0;
        let sdl = Graph::random(seed, connected).sdl();
        let planner = planner_of(&supergraph(&sdl));
        for number in 0..OPERATIONS {
            let text =
                Asking { random: Random::new(seed * 1_000 + number), planner: &planner, names: 0 }
                    .operation();
            let operation = match planner.operation(&text, None) {
                Ok(operation) => operation,
                // Two selections that must not be merged: not what is tested here.
                Err(OperationError::Validation(_)) => continue,
                Err(error) => panic!("{error}\n{text}"),
            };
            let merge_fetches = number % 4 != 3;
            let options = PlanOptions { merge_fetches, ..PlanOptions::default() };
            match planner.plan(&operation, &options) {
                Ok(plan) => {
                    planned += 1;
                    let violations = verify(&planner, &operation, &options, &plan);
                    let list: String =
                        violations.iter().map(|violation| format!("{violation}\n")).collect();
                    assert!(
                        violations.is_empty(),
                        "seed {seed}/{number}\n{sdl}\n{text}\n{plan}\n{list}"
                    );
                }
                Err(PlanError::Unresolvable { .. }) if !connected => unresolvable += 1,
                Err(error) => panic!("seed {seed}/{number}: {error}\n{sdl}\n{text}"),
            }
        }
    }
    assert!(planned > unresolvable * 2, "{planned} planned, {unresolvable} not satisfiable");
}

/// A small generator of pseudo-random numbers (xorshift).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..4).for_each(|_| {
            random.next();
        });
        random
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        let index = self.below(from.len());
        &from[index]
    }
}

const GRAPHS: [char; 5] = ['A', 'B', 'C', 'D', 'E'];
const KEYS: [&str; 3] = ["id", "sku", "x y"];

struct Graph {
    random: Random,
    graphs: usize,
    entities: usize,
    /// Every entity has the key `id` wherever it is, and is in at least two subgraphs.
    connected: bool,
}

impl Graph {
    fn random(seed: u64, connected: bool) -> Self {
        let mut random = Random::new(seed + 7);
        let graphs = 3 + random.below(3);
        let entities = 2 + random.below(4);
        Self { random, graphs, entities, connected }
    }

    fn sdl(mut self) -> String {
        let all: Vec<char> = GRAPHS[..self.graphs].to_vec();
        let mut sdl = String::new();
        let interface_in: Vec<char> =
            all.iter().copied().filter(|_| self.random.chance(60)).collect();
        let interface_object = (interface_in.len() > 1 && self.random.chance(40))
            .then(|| interface_in[interface_in.len() - 1]);
        // Which keys each entity has in each subgraph; the first subgraphs are its homes.
        let mut homes: Vec<Vec<(char, Vec<&str>)>> = Vec::new();
        for _ in 0..self.entities {
            let mut places = Vec::new();
            for graph in &all {
                // A subgraph with the interface as an object has no implementation of it.
                let knows_all = interface_object.is_some() && *graph == interface_in[0];
                if Some(*graph) != interface_object
                    && (knows_all
                        || self.random.chance(75)
                        || places.len() < 1 + usize::from(self.connected))
                {
                    let mut keys = Vec::new();
                    for (index, key) in KEYS.iter().enumerate() {
                        if self.random.chance([85, 35, 20][index]) || (self.connected && index == 0)
                        {
                            keys.push(*key);
                        }
                    }
                    if keys.is_empty() {
                        keys.push("id");
                    }
                    places.push((*graph, keys));
                }
            }
            homes.push(places);
        }
        let implements = |graph: char, interface_in: &[char]| {
            interface_in.contains(&graph) && Some(graph) != interface_object
        };
        for (number, places) in homes.iter().enumerate() {
            sdl.push_str(&self.entity(
                number,
                places,
                &homes,
                &|graph| implements(graph, &interface_in),
                interface_object,
            ));
        }
        let members = |graph: char| -> Vec<usize> {
            homes
                .iter()
                .enumerate()
                .filter(|(_, places)| places.iter().any(|(other, _)| *other == graph))
                .map(|(n, _)| n)
                .collect()
        };
        if !interface_in.is_empty() {
            let mut head = String::from("interface I");
            for graph in &interface_in {
                let object =
                    if Some(*graph) == interface_object { ", isInterfaceObject: true" } else { "" };
                // Only who knows all implementations may be asked for the interface.
                let asked = *graph == interface_in[0] || Some(*graph) == interface_object;
                let key = if interface_object.is_some() && asked { ", key: \"id\"" } else { "" };
                write!(head, " @t(graph: {graph}{key}{object})").unwrap();
            }
            let extra = interface_object.map_or_else(String::new, |graph| {
                format!("rank: Int @f(graph: {graph}) next: I @f(graph: {graph})")
            });
            writeln!(sdl, "{head} {{ id: ID! {extra} }}").unwrap();
        }
        let mut union_head = String::from("union U");
        let mut union_members: Vec<usize> = Vec::new();
        for graph in &all {
            let here = members(*graph);
            if here.is_empty() {
                continue;
            }
            write!(union_head, " @t(graph: {graph})").unwrap();
            for member in here {
                if self.random.chance(70) || union_members.is_empty() {
                    write!(union_head, " @m(graph: {graph}, member: \"E{member}\")").unwrap();
                    if !union_members.contains(&member) {
                        union_members.push(member);
                    }
                }
            }
        }
        let names: Vec<String> = union_members.iter().map(|member| format!("E{member}")).collect();
        writeln!(sdl, "{union_head} = {}", names.join(" | ")).unwrap();
        sdl.push_str("type V");
        for graph in &all {
            write!(sdl, " @t(graph: {graph})").unwrap();
        }
        let split = self.random.below(self.graphs);
        let has_b = all.iter().enumerate().filter(|(index, _)| (*index == split) != self.connected);
        let has_b: String = has_b.map(|(_, graph)| format!(" @f(graph: {graph})")).collect();
        writeln!(sdl, " {{ a: Int b: Int{has_b} w: W }}").unwrap();
        sdl.push_str("type W");
        for graph in &all {
            write!(sdl, " @t(graph: {graph})").unwrap();
        }
        sdl.push_str(" { p(n: Int): Int q: [[Int]] }\n");
        sdl.push_str("type Query");
        for graph in &all {
            write!(sdl, " @t(graph: {graph})").unwrap();
        }
        sdl.push_str(" {");
        for (number, places) in homes.iter().enumerate() {
            let (graph, _) = self.random.pick(places);
            let other = self.random.pick(places).0;
            write!(sdl, " e{number}: E{number} @f(graph: {graph}) es{number}(n: Int): [E{number}!]! @f(graph: {other})").unwrap();
            if other != *graph && self.random.chance(40) {
                write!(sdl, " both{number}: E{number} @f(graph: {graph}) @f(graph: {other})")
                    .unwrap();
            }
        }
        let union_graph = *self.random.pick(&all);
        if union_head.contains(&format!("@m(graph: {union_graph}")) {
            write!(sdl, " u: [U] @f(graph: {union_graph})").unwrap();
        }
        for graph in &interface_in {
            write!(sdl, " i{graph}: [I] @f(graph: {graph})").unwrap();
        }
        writeln!(sdl, " v: V }}").unwrap();
        sdl
    }

    fn entity(
        &mut self,
        number: usize,
        places: &[(char, Vec<&str>)],
        homes: &[Vec<(char, Vec<&str>)>],
        implements: &dyn Fn(char) -> bool,
        interface_object: Option<char>,
    ) -> String {
        let here: Vec<char> = places.iter().map(|(graph, _)| *graph).collect();
        let keys = |graph: char| {
            places
                .iter()
                .find(|(other, _)| *other == graph)
                .map(|(_, keys)| keys.clone())
                .unwrap_or_default()
        };
        let mut head = format!("type E{number}");
        let implementing: Vec<char> =
            here.iter().copied().filter(|graph| implements(*graph)).collect();
        if !implementing.is_empty() {
            head.push_str(" implements I");
        }
        let mut has_id: Vec<char> = Vec::new();
        for graph in &here {
            let mut own = keys(*graph);
            if (interface_object.is_some() && implementing.contains(graph)) && !own.contains(&"id")
            {
                own.push("id");
            }
            for key in &own {
                let resolvable = if self.random.chance(92) || (self.connected && *key == "id") {
                    ""
                } else {
                    ", resolvable: false"
                };
                write!(head, " @t(graph: {graph}, key: \"{key}\"{resolvable})").unwrap();
            }
            has_id.push(*graph);
        }
        for graph in &implementing {
            write!(head, " @i(graph: {graph}, interface: \"I\")").unwrap();
        }
        let mut fields = String::from(" id: ID!");
        for field in ["sku", "x", "y"] {
            let in_key: Vec<char> = here
                .iter()
                .copied()
                .filter(|graph| {
                    keys(*graph).iter().any(|key| key.split(' ').any(|part| part == field))
                })
                .collect();
            let joins: String = in_key.iter().map(|graph| format!(" @f(graph: {graph})")).collect();
            if !in_key.is_empty() {
                write!(fields, " {field}: ID{joins}").unwrap();
            }
        }
        let mut plain: Vec<(String, char)> = Vec::new();
        for index in 0..2 + self.random.below(3) {
            let name = format!("f{index}");
            let owner = *self.random.pick(&here);
            let mut joins = format!(" @f(graph: {owner})");
            let other = *self.random.pick(&here);
            if other != owner {
                match self.random.below(4) {
                    0 => write!(joins, " @f(graph: {other})").unwrap(),
                    1 => {
                        joins = format!(
                            " @f(graph: {owner}, override: \"{}\")",
                            other.to_ascii_lowercase()
                        );
                    }
                    _ => {}
                }
            }
            let ty = if self.random.chance(50) {
                "Int"
            } else if number.is_multiple_of(2) {
                "String"
            } else {
                "String!"
            };
            write!(fields, " {name}(n: Int, s: String): {ty}{joins}").unwrap();
            plain.push((name, owner));
        }
        // Requirements: on plain fields and on other required ones, so that there are chains.
        for index in 0..self.random.below(3) {
            let owner = *self.random.pick(&here);
            let (needed, from) = self.random.pick(&plain).clone();
            if from == owner
                || fields.contains(&format!(
                    "{needed}(n: Int, s: String): Int @f(graph: {from}) @f(graph: {owner}"
                ))
                || fields.contains(&format!("override: \"{}\"", owner.to_ascii_lowercase()))
            {
                continue;
            }
            let mark = format!(" {needed}(");
            let Some(at) = fields.find(&mark) else { continue };
            let end = fields[at + 1..].find("  ").map_or(fields.len(), |end| at + 1 + end);
            if fields[at..end].contains(&format!("graph: {owner}")) {
                continue;
            }
            let arguments = if self.random.chance(40) {
                format!("(n: {})", self.random.below(2))
            } else {
                String::new()
            };
            let declared = fields[at..].find(" @f(").map(|offset| at + offset).unwrap();
            fields.insert_str(declared, &format!(" @f(graph: {owner}, external: true)"));
            let name = format!("r{index}");
            write!(fields, " {name}(n: Int, s: String): Int @f(graph: {owner}, requires: \"{needed}{arguments}\")").unwrap();
            plain.push((name, owner));
        }
        for index in 0..=self.random.below(2) {
            let owner = *self.random.pick(&here);
            let reachable: Vec<usize> = homes
                .iter()
                .enumerate()
                .filter(|(_, places)| places.iter().any(|(graph, _)| *graph == owner))
                .map(|(n, _)| n)
                .collect();
            if reachable.is_empty() {
                continue;
            }
            let target = *self.random.pick(&reachable);
            let ty = *self.random.pick(&["E!", "[E]", "[E!]!", "E"]);
            write!(
                fields,
                " l{index}: {} @f(graph: {owner})",
                ty.replace('E', &format!("E{target}"))
            )
            .unwrap();
        }
        let joins: String = here.iter().map(|graph| format!(" @f(graph: {graph})")).collect();
        write!(fields, " v: V{joins}").unwrap();
        if interface_object.is_some() && !implementing.is_empty() {
            fields.push_str(" rank: Int @f next: I @f");
        }
        format!("{head} {{{fields} }}\n")
    }
}

/// Writes an operation on a planner's API schema.
struct Asking<'p> {
    random: Random,
    planner: &'p Planner,
    names: usize,
}

impl Asking<'_> {
    fn operation(&mut self) -> String {
        let selections = self.selections("Query", 4, &mut Vec::new());
        let mut variables = String::new();
        for (name, ty) in [("$b0", "Boolean!"), ("$b1", "Boolean!"), ("$n", "Int")] {
            if selections.contains(name) {
                write!(variables, "{name}: {ty} ").unwrap();
            }
        }
        let variables = if variables.is_empty() { String::new() } else { format!("({variables})") };
        format!("query Random{variables} {selections}")
    }

    fn selections(&mut self, type_name: &str, depth: usize, taken: &mut Vec<String>) -> String {
        let schema = self.planner.supergraph().api_schema();
        let mut parts: Vec<String> = Vec::new();
        let fields: Vec<(String, String, bool, bool)> = match schema.types.get(type_name) {
            Some(ty) if ty.as_object().is_some() || ty.as_interface().is_some() => {
                let fields = ty
                    .as_object()
                    .map(|object| &object.fields)
                    .or(ty.as_interface().map(|interface| &interface.fields));
                fields
                    .into_iter()
                    .flatten()
                    .map(|(name, field)| {
                        let named = field.ty.inner_named_type();
                        let composite = schema.types[named].as_scalar().is_none();
                        (
                            name.to_string(),
                            named.to_string(),
                            composite,
                            !field.arguments.is_empty(),
                        )
                    })
                    .collect()
            }
            _ => Vec::new(),
        };
        for (name, named, composite, arguments) in &fields {
            if !self.random.chance(if *composite { 35 } else { 30 }) || (*composite && depth == 0) {
                continue;
            }
            let mut alias = name.clone();
            if self.random.chance(30) || taken.contains(&alias) {
                alias = (*self.random.pick(&["id", "sku", "f0", "f1", "z"])).into();
            }
            if taken.contains(&alias) {
                self.names += 1;
                alias = format!("n{}", self.names);
            }
            taken.push(alias.clone());
            let arguments = match (arguments, self.random.below(4)) {
                (true, 0) => "(n: 0)",
                (true, 1) => "(n: $n)",
                (true, 2) => "(n: 1)",
                _ => "",
            };
            let below = if *composite {
                self.selections(named, depth - 1, &mut Vec::new())
            } else {
                String::new()
            };
            parts.push(format!("{alias}: {name}{arguments}{} {below}", self.condition()));
        }
        let abstract_type = schema.types.get(type_name).is_some_and(|ty| ty.as_object().is_none());
        if abstract_type {
            let possible: Vec<String> = schema
                .types
                .values()
                .filter(|ty| ty.as_object().is_some() && schema.is_subtype(type_name, ty.name()))
                .map(|ty| ty.name().to_string())
                .collect();
            for name in &possible {
                if self.random.chance(60) {
                    let below = self.selections(name, depth.saturating_sub(1), taken);
                    parts.push(format!("... on {name}{} {below}", self.condition()));
                }
            }
            if schema.types.contains_key("I") && type_name != "I" && self.random.chance(30) {
                let below = self.selections("I", depth.saturating_sub(1), taken);
                parts.push(format!("... on I {below}"));
            }
        }
        if parts.is_empty() || self.random.chance(15) {
            parts.push("__typename".to_owned());
        }
        format!("{{ {} }}", parts.join(" "))
    }

    fn condition(&mut self) -> &'static str {
        match self.random.below(20) {
            0 => " @include(if: $b0)",
            1 => " @skip(if: $b0)",
            2 => " @include(if: $b1) @skip(if: $b0)",
            _ => "",
        }
    }
}
