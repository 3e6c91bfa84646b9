//! Rows for any graph: a few of every type, all connected, values different everywhere.

use std::collections::{BTreeSet, HashMap, HashSet};

use apollo_compiler::ast::Type;
use apollo_compiler::schema::{ExtendedType, ObjectType};
use serde_json::{Map, Value, json};

use super::subgraph::Subgraph;

/// Rows of every type.
const ROWS: usize = 3;

/// Invents rows for all fields of all subgraphs. Another seed gives other values, nulls and ways.
/// If wanted, one field in `failing` fails. A field has no value that one of its subgraphs does
/// not know; `None` if a field that is never null has no such value.
pub(crate) fn invent(
    subgraphs: &[(&str, &str)],
    seed: usize,
    failing: Option<usize>,
) -> Option<Value> {
    let subgraphs = Subgraph::parse_all(subgraphs, &BTreeSet::new());
    let mut inventor = Inventor { count: seed, failing, ..Inventor::default() };
    for subgraph in &subgraphs {
        inventor.learn_types(subgraph);
    }
    for subgraph in &subgraphs {
        inventor.learn_fields(subgraph);
    }
    inventor.lose_entities(&subgraphs);
    let mut rows: Map<String, Value> = Map::new();
    for subgraph in &subgraphs {
        for (name, definition) in &subgraph.schema.types {
            let ExtendedType::Object(object) = definition else { continue };
            if name.starts_with('_') {
                continue;
            }
            inventor.fill(&mut rows, name, object);
        }
    }
    (!inventor.stuck).then_some(Value::Object(rows))
}

#[derive(Default)]
struct Inventor {
    /// Object types that may stand for an abstract one, anywhere.
    possible: HashMap<String, Vec<String>>,
    count: usize,
    failing: Option<usize>,
    interface_objects: HashSet<String>,
    /// By coordinate: the object types or enum values that all subgraphs with the field know.
    known: HashMap<String, Vec<String>>,
    /// Coordinates of key fields: they have a value, and another one in every row.
    keys: HashSet<String>,
    /// A value that must not be null cannot be found.
    stuck: bool,
    /// By coordinate: the subgraphs that have the field, and whether it is theirs.
    homes: HashMap<String, Vec<(String, bool)>>,
    /// Rows that a subgraph does not know.
    missing: HashMap<String, String>,
    /// Coordinates of fields that are non-null somewhere.
    non_null: HashSet<String>,
}

impl Inventor {
    fn learn_types(&mut self, subgraph: &Subgraph) {
        for (name, definition) in &subgraph.schema.types {
            match definition {
                ExtendedType::Object(object) => {
                    for interface in &object.implements_interfaces {
                        let possible = self.possible.entry(interface.to_string()).or_default();
                        if !possible.contains(&name.to_string()) {
                            possible.push(name.to_string());
                        }
                    }
                    if definition.directives().has("interfaceObject") {
                        self.interface_objects.insert(name.to_string());
                    }
                }
                ExtendedType::Union(union_) => {
                    let possible = self.possible.entry(name.to_string()).or_default();
                    possible.extend(union_.members.iter().map(ToString::to_string));
                }
                _ => {}
            }
        }
    }

    fn learn_fields(&mut self, subgraph: &Subgraph) {
        for (name, definition) in &subgraph.schema.types {
            let ExtendedType::Object(object) = definition else { continue };
            for type_name in self.behind(name) {
                for field in object.fields.values() {
                    let coordinate = format!("{type_name}.{}", field.name);
                    let own = !field.directives.has("external");
                    let home = (subgraph.name.clone(), own);
                    self.homes.entry(coordinate.clone()).or_default().push(home);
                    if field.ty.is_non_null() {
                        self.non_null.insert(coordinate.clone());
                    }
                    if subgraph.is_key_field(name, &field.name) {
                        self.keys.insert(coordinate.clone());
                    }
                    let here = self.known_here(subgraph, field.ty.inner_named_type());
                    match self.known.get_mut(&coordinate) {
                        Some(known) => known.retain(|one| here.contains(one)),
                        None => {
                            self.known.insert(coordinate, here);
                        }
                    }
                }
            }
        }
    }

    /// Some entities are unknown to one of their subgraphs, where that changes nothing but that
    /// its fields are null: found by `id` only, and no field there is anybody else's or required
    /// by anybody else.
    fn lose_entities(&mut self, subgraphs: &[Subgraph]) {
        let mut names: Vec<String> = subgraphs
            .iter()
            .flat_map(|subgraph| subgraph.schema.types.keys().map(ToString::to_string))
            .filter(|name| !self.interface_objects.contains(name) && !self.is_behind(name))
            .collect();
        names.sort();
        names.dedup();
        for name in names {
            let having: Vec<&Subgraph> = subgraphs
                .iter()
                .filter(|subgraph| subgraph.schema.get_object(&name).is_some())
                .collect();
            let by_id = |subgraph: &&Subgraph| {
                let keys = subgraph.keys(&name);
                keys.len() == 1 && keys[0].0.len() == 1 && keys[0].get("id").is_some()
            };
            if having.len() < 2 || !having.iter().all(by_id) {
                continue;
            }
            self.count += 1;
            let loser = having[self.dice() % having.len()];
            let fields = loser.schema.get_object(&name).into_iter().flat_map(|ty| ty.fields.keys());
            let alone = |field: &str| {
                let homes = &self.homes[&format!("{name}.{field}")];
                let own = homes.iter().any(|(home, own)| *own && *home == loser.name);
                field == "id" || !own || homes.len() == 1
            };
            if fields.into_iter().all(|field| alone(field)) && self.dice().is_multiple_of(2) {
                self.missing.insert(format!("{name}{}", ROWS - 1), loser.name.clone());
            }
        }
    }

    /// Whether some subgraph has an object in place of an interface of this type.
    fn is_behind(&self, name: &String) -> bool {
        let implements = |interface: &String| {
            self.interface_objects.contains(interface)
                && self.possible.get(interface).is_some_and(|types| types.contains(name))
        };
        self.possible.keys().any(implements)
    }

    /// Whether a field is null since its only subgraph does not know the row.
    fn is_lost(&self, row: &str, coordinate: &str) -> bool {
        self.missing.get(row).is_some_and(|loser| {
            let mut owners = self.homes[coordinate].iter().filter(|(_, own)| *own);
            !self.keys.contains(coordinate) && owners.all(|(home, _)| home == loser)
        })
    }

    /// The types whose rows have a type's fields.
    fn behind(&self, name: &str) -> Vec<String> {
        if self.interface_objects.contains(name) {
            self.possible.get(name).cloned().unwrap_or_default()
        } else {
            vec![name.to_owned()]
        }
    }

    fn known_here(&self, subgraph: &Subgraph, name: &str) -> Vec<String> {
        match subgraph.schema.types.get(name) {
            Some(ExtendedType::Object(_)) => self.behind(name),
            Some(ExtendedType::Union(union_)) => {
                union_.members.iter().map(ToString::to_string).collect()
            }
            Some(ExtendedType::Interface(_)) => {
                let objects = subgraph.schema.types.values().filter_map(ExtendedType::as_object);
                let implementing = objects.filter(|object| {
                    object.implements_interfaces.iter().any(|interface| interface.as_str() == name)
                });
                implementing.flat_map(|object| self.behind(&object.name)).collect()
            }
            Some(ExtendedType::Enum(enum_)) => {
                let visible =
                    enum_.values.values().filter(|value| !value.directives.has("inaccessible"));
                visible.map(|value| value.value.to_string()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Adds the fields of an object type to its rows, or to the rows of the types behind it.
    fn fill(&mut self, rows: &mut Map<String, Value>, name: &str, object: &ObjectType) {
        for type_name in self.behind(name) {
            let is_root = matches!(name, "Query" | "Mutation" | "Subscription");
            for number in 0..if is_root { 1 } else { ROWS } {
                let key = if is_root { name.to_owned() } else { format!("{type_name}{number}") };
                let mut row = rows.remove(&key).unwrap_or_else(|| json!({"__typename": type_name}));
                if let Some(loser) = self.missing.get(&key) {
                    row["?"] = json!(loser);
                }
                for field in object.fields.values() {
                    let known = row.get(field.name.as_str()).is_some();
                    if !known && !field.name.starts_with('_') {
                        let at = Position {
                            number,
                            is_key: self.keys.contains(&format!("{type_name}.{}", field.name)),
                            coordinate: format!("{type_name}.{}", field.name),
                        };
                        let strict = self.non_null.contains(&at.coordinate);
                        let ty =
                            if strict { field.ty.clone().non_null() } else { field.ty.clone() };
                        row[field.name.as_str()] = if self.is_lost(&key, &at.coordinate) {
                            Value::Null
                        } else {
                            self.value(&at, &ty)
                        };
                    }
                }
                rows.insert(key, row);
            }
        }
    }

    fn value(&mut self, at: &Position, ty: &Type) -> Value {
        self.count += 1;
        let dice = self.dice();
        if self.failing.is_some_and(|failing| dice.is_multiple_of(failing)) {
            return json!({"!": format!("failure {}", self.count)});
        }
        if !ty.is_non_null() && !at.is_key && dice.is_multiple_of(7) {
            return Value::Null;
        }
        let known = self.known.get(&at.coordinate).filter(|known| !known.is_empty());
        let nobody = known.is_none() && self.possible.contains_key(ty.inner_named_type().as_str());
        if ty.is_list() {
            let length = if nobody { 0 } else { (dice / 7) % 3 };
            return (0..length).map(|_| self.value(at, ty.item_type())).collect();
        }
        let name = ty.inner_named_type().as_str();
        let known = self.known.get(&at.coordinate).filter(|known| !known.is_empty());
        match (name, known) {
            ("Int", _) => json!(self.count),
            ("Float", _) => json!(f64::from(u32::try_from(self.count).unwrap()) + 0.5),
            ("Boolean", _) => json!(dice.is_multiple_of(2)),
            (_, None) if nobody => {
                self.stuck |= ty.is_non_null();
                Value::Null
            }
            (_, None) => json!(format!("{name}-{}", self.count)),
            (_, Some(known)) => {
                let one = &known[(dice / 3) % known.len()];
                if one.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_') {
                    return json!(one);
                }
                if one == "Query" {
                    return json!("&Query");
                }
                let number = if at.is_key { at.number } else { (dice / 11) % ROWS };
                // No subgraph refers to what it does not know.
                let refers = |loser: &String| {
                    self.homes[&at.coordinate].iter().any(|(home, _)| home == loser)
                };
                let unknown = self.missing.get(&format!("{one}{number}")).is_some_and(refers);
                let number = if unknown { 0 } else { number };
                json!(format!("&{one}{number}"))
            }
        }
    }

    fn dice(&self) -> usize {
        let mixed = (self.count as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        usize::try_from(mixed >> 40).unwrap()
    }
}

/// Where a value is wanted.
struct Position {
    number: usize,
    is_key: bool,
    coordinate: String,
}
