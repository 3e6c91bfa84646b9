//! Rows for any graph: a few of every type, all connected, values different everywhere.

use std::collections::HashMap;

use apollo_compiler::Schema;
use apollo_compiler::ast::Type;
use apollo_compiler::schema::{ExtendedType, ObjectType};
use serde_json::{Map, Value, json};

use super::subgraph::Subgraph;

/// Rows of every type.
const ROWS: usize = 3;

/// Invents rows for all fields of all subgraphs. Another seed gives other values, nulls and ways.
/// If wanted, one field in `failing` fails.
pub(crate) fn invent(subgraphs: &[(&str, &str)], seed: usize, failing: Option<usize>) -> Value {
    let subgraphs = Subgraph::parse_all(subgraphs);
    let mut inventor =
        Inventor { possible: HashMap::new(), count: seed, failing, interface_objects: Vec::new() };
    for subgraph in &subgraphs {
        inventor.learn(&subgraph.schema);
    }
    let mut rows: Map<String, Value> = Map::new();
    for subgraph in &subgraphs {
        for (name, definition) in &subgraph.schema.types {
            let ExtendedType::Object(object) = definition else { continue };
            if name.starts_with("__") {
                continue;
            }
            inventor.fill(&mut rows, &subgraph.schema, name, object);
        }
    }
    Value::Object(rows)
}

struct Inventor {
    /// Object types that may stand for an abstract one.
    possible: HashMap<String, Vec<String>>,
    count: usize,
    failing: Option<usize>,
    interface_objects: Vec<String>,
}

impl Inventor {
    fn learn(&mut self, schema: &Schema) {
        for (name, definition) in &schema.types {
            match definition {
                ExtendedType::Object(object) => {
                    for interface in &object.implements_interfaces {
                        let possible = self.possible.entry(interface.to_string()).or_default();
                        if !possible.contains(&name.to_string()) {
                            possible.push(name.to_string());
                        }
                    }
                    if definition.directives().has("interfaceObject") {
                        self.interface_objects.push(name.to_string());
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

    /// Adds the fields of an object type to its rows, or to the rows of the types behind it.
    fn fill(
        &mut self,
        rows: &mut Map<String, Value>,
        schema: &Schema,
        name: &str,
        object: &ObjectType,
    ) {
        let types = if self.interface_objects.iter().any(|known| known == name) {
            self.possible.get(name).cloned().unwrap_or_default()
        } else {
            vec![name.to_owned()]
        };
        for type_name in types {
            let is_root = matches!(name, "Query" | "Mutation" | "Subscription");
            for number in 0..if is_root { 1 } else { ROWS } {
                let key = if is_root { name.to_owned() } else { format!("{type_name}{number}") };
                let mut row = rows.remove(&key).unwrap_or_else(|| json!({"__typename": type_name}));
                for field in object.fields.values() {
                    let known = row.get(field.name.as_str()).is_some();
                    if !known && !field.name.starts_with('_') {
                        row[field.name.as_str()] = self.value(schema, &field.ty);
                    }
                }
                rows.insert(key, row);
            }
        }
    }

    fn value(&mut self, schema: &Schema, ty: &Type) -> Value {
        self.count += 1;
        if self.failing.is_some_and(|failing| self.count.is_multiple_of(failing)) {
            return json!({"!": format!("failure {}", self.count)});
        }
        if !ty.is_non_null() && self.count.is_multiple_of(7) {
            return Value::Null;
        }
        if ty.is_list() {
            let length = self.count % 3;
            return (0..length).map(|_| self.value(schema, ty.item_type())).collect();
        }
        let name = ty.inner_named_type().as_str();
        match (name, schema.types.get(name)) {
            ("Int", _) => json!(self.count),
            ("Float", _) => json!(f64::from(u32::try_from(self.count).unwrap()) + 0.5),
            ("Boolean", _) => json!(self.count.is_multiple_of(2)),
            (_, Some(ExtendedType::Enum(enum_))) => {
                let visible =
                    enum_.values.values().filter(|value| !value.directives.has("inaccessible"));
                let values: Vec<&str> = visible.map(|value| value.value.as_str()).collect();
                json!(values[self.count % values.len()])
            }
            (_, Some(ExtendedType::Scalar(_)) | None) => json!(format!("{name}-{}", self.count)),
            (_, Some(_)) => {
                let possible = self.possible.get(name).filter(|possible| !possible.is_empty());
                let object =
                    possible.map_or(name, |possible| &possible[self.count % possible.len()]);
                json!(format!("&{object}{}", self.count % ROWS))
            }
        }
    }
}
