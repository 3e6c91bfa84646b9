//! Random federated graphs with everything that federation knows.
//!
//! Not every one composes: who makes graphs asks for the next seed then.

mod abstract_types;
mod entities;
mod links;
mod provisions;
mod requirements;
mod values;

use indexmap::IndexMap;

use super::dice::Dice;
use super::sdl::Sub;

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

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
}
