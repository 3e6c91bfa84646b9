//! Random operations: fragments with names and without, aliases that mean something to planners,
//! arguments with literals and variables, conditions.

use std::fmt::Write as _;

use apollo_compiler::Schema;
use apollo_compiler::ast::Type;
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use serde_json::{Map, Value, json};

use super::dice::Dice;

/// A selection; a tree, so that it can be shrunk.
#[derive(Clone, Debug)]
pub(super) enum Selection {
    Field { head: String, below: Option<Vec<Selection>> },
    Fragment { on: Option<String>, directives: String, named: bool, below: Vec<Selection> },
}

#[derive(Clone, Debug)]
pub(super) struct RandomOperation {
    pub(super) kind: &'static str,
    pub(super) selections: Vec<Selection>,
    pub(super) variables: Map<String, Value>,
}

const DECLARED: [(&str, &str); 9] = [
    ("$b0", "Boolean!"),
    ("$b1", "Boolean!"),
    ("$n", "Int"),
    ("$m", "Int = 2"),
    ("$s", "String"),
    ("$id", "ID"),
    ("$size", "Size"),
    ("$filter", "Filter"),
    ("$some", "[Int!]"),
];

impl RandomOperation {
    pub(super) fn text(&self) -> String {
        let mut fragments = Vec::new();
        let body = print(&self.selections, &mut fragments);
        let all = format!("{body} {}", fragments.join(" "));
        let used = DECLARED.iter().filter(|(name, _)| mentions(&all, name));
        let declared: Vec<String> = used.map(|(name, ty)| format!("{name}: {ty}")).collect();
        let declared =
            if declared.is_empty() { String::new() } else { format!("({})", declared.join(" ")) };
        let mut text = format!("{} R{declared} {body}", self.kind);
        for fragment in fragments {
            write!(text, "\n{fragment}").unwrap();
        }
        text
    }

    pub(super) fn used_variables(&self) -> Value {
        let text = self.text();
        let used = self.variables.iter().filter(|(name, _)| mentions(&text, &format!("${name}")));
        Value::Object(used.map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}

impl RandomOperation {
    /// The operation as its variables make it: without what is skipped, and without conditions.
    pub(super) fn decided(&self) -> Self {
        Self { selections: decided(&self.selections, &self.variables), ..self.clone() }
    }
}

fn decided(selections: &[Selection], variables: &Map<String, Value>) -> Vec<Selection> {
    let mut left = Vec::new();
    for selection in selections {
        match selection {
            Selection::Field { head, below } => {
                let (head, conditions) = head.split_at(head.find(" @").unwrap_or(head.len()));
                if holds(conditions, variables) {
                    let below = below.as_ref().map(|below| decided(below, variables));
                    left.push(Selection::Field { head: head.to_owned(), below });
                }
            }
            Selection::Fragment { on, directives, named, below } => {
                if holds(directives, variables) {
                    let below = decided(below, variables);
                    let (on, directives) = (on.clone(), String::new());
                    left.push(Selection::Fragment { on, directives, named: *named, below });
                }
            }
        }
    }
    if left.is_empty() {
        left.push(Selection::Field { head: "__typename".to_owned(), below: None });
    }
    left
}

fn holds(conditions: &str, variables: &Map<String, Value>) -> bool {
    conditions.split('@').skip(1).all(|condition| {
        let value = condition.trim_end().trim_end_matches(')').rsplit("if: ").next().unwrap();
        let value = match value.strip_prefix('$') {
            Some(name) => variables[name].as_bool().unwrap(),
            None => value == "true",
        };
        value == condition.starts_with("include")
    })
}

fn mentions(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        !text[at + name.len()..].starts_with(|next: char| next.is_ascii_alphanumeric())
    })
}

fn print(selections: &[Selection], fragments: &mut Vec<String>) -> String {
    let mut text = String::from("{ ");
    for selection in selections {
        match selection {
            Selection::Field { head, below } => {
                text.push_str(head);
                if let Some(below) = below {
                    text.push(' ');
                    text.push_str(&print(below, fragments));
                }
            }
            Selection::Fragment { on: Some(on), directives, named: true, below } => {
                let body = print(below, fragments);
                let name = format!("F{}", fragments.len());
                write!(text, "...{name}{directives}").unwrap();
                fragments.push(format!("fragment {name} on {on} {body}"));
            }
            Selection::Fragment { on, directives, named: _, below } => {
                let on = on.as_ref().map_or_else(String::new, |on| format!(" on {on}"));
                write!(text, "...{on}{directives} {}", print(below, fragments)).unwrap();
            }
        }
        text.push(' ');
    }
    text.push('}');
    text
}

pub(super) fn random_operation(schema: &Schema, dice: Dice) -> RandomOperation {
    let mut writer = Writer { schema, dice, names: 0, left: 0 };
    writer.left = writer.dice.between(4, 45);
    let mutation = schema.types.contains_key("Mutation") && writer.dice.chance(25);
    let (kind, root) = if mutation { ("mutation", "Mutation") } else { ("query", "Query") };
    let depth = writer.dice.between(2, 6);
    let selections = writer.selections(root, depth, &mut Vec::new());
    let variables = writer.variables();
    RandomOperation { kind, selections, variables }
}

struct Writer<'a> {
    schema: &'a Schema,
    dice: Dice,
    names: usize,
    /// Fields that may still be selected.
    left: usize,
}

impl Writer<'_> {
    fn variables(&mut self) -> Map<String, Value> {
        let mut variables = Map::new();
        variables.insert("b0".to_owned(), json!(self.dice.chance(50)));
        variables.insert("b1".to_owned(), json!(self.dice.chance(50)));
        let options: [(&str, [Value; 3]); 7] = [
            ("n", [json!(1), json!(null), json!(7)]),
            ("m", [json!(3), json!(null), json!(0)]),
            ("s", [json!("q\"\u{e9}"), json!(null), json!("")]),
            ("id", [json!("1"), json!(1), json!(null)]),
            ("size", [json!("L"), json!(null), json!("S")]),
            ("filter", [json!({"n": 2, "deep": {"all": [1, 2]}}), json!(null), json!({})]),
            ("some", [json!([1]), json!(null), json!(5)]),
        ];
        for (name, values) in options {
            if self.dice.chance(75) {
                variables.insert(name.to_owned(), self.dice.pick(&values).clone());
            }
        }
        variables
    }

    fn selections(
        &mut self,
        type_name: &str,
        depth: usize,
        taken: &mut Vec<(String, String)>,
    ) -> Vec<Selection> {
        let fields: Vec<FieldDefinition> = match self.schema.types.get(type_name) {
            Some(ExtendedType::Object(object)) => {
                object.fields.values().map(|field| FieldDefinition::clone(field)).collect()
            }
            Some(ExtendedType::Interface(interface)) => {
                interface.fields.values().map(|field| FieldDefinition::clone(field)).collect()
            }
            _ => Vec::new(),
        };
        let mut selections = Vec::new();
        for _ in 0..self.dice.between(1, 4) {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            match self.dice.below(10) {
                0 => {
                    let alias = if self.dice.chance(20) { "t: " } else { "" };
                    let head = format!("{alias}__typename{}", self.condition());
                    selections.push(Selection::Field { head, below: None });
                }
                1..=3 if depth > 0 => {
                    let on = self.conditions_on(type_name);
                    let inner = on.clone().unwrap_or_else(|| type_name.to_owned());
                    let below = self.selections(&inner, depth - 1, taken);
                    let named = on.is_some() && self.dice.chance(30);
                    let directives = self.condition().to_owned();
                    selections.push(Selection::Fragment { on, directives, named, below });
                }
                _ if !fields.is_empty() => {
                    let field = self.dice.pick(&fields).clone();
                    selections.extend(self.field(&field, depth, taken));
                }
                _ => {}
            }
        }
        if selections.is_empty() {
            selections.push(Selection::Field { head: "__typename".to_owned(), below: None });
        }
        selections
    }

    /// A type condition that may hold.
    fn conditions_on(&mut self, type_name: &str) -> Option<String> {
        let objects = |name: &str| -> Vec<String> {
            let types = self.schema.types.values().filter_map(ExtendedType::as_object);
            let possible = types.filter(|object| {
                object.name.as_str() == name || self.schema.is_subtype(name, &object.name)
            });
            possible.map(|object| object.name.to_string()).collect()
        };
        let own = objects(type_name);
        let overlapping: Vec<String> = self
            .schema
            .types
            .iter()
            .filter(|(name, ty)| {
                !ty.is_built_in()
                    && (ty.is_object() || ty.is_interface() || ty.is_union())
                    && objects(name).iter().any(|object| own.contains(object))
            })
            .map(|(name, _)| name.to_string())
            .collect();
        if overlapping.is_empty() || self.dice.chance(10) {
            return None;
        }
        Some(self.dice.pick(&overlapping).clone())
    }

    fn field(
        &mut self,
        field: &FieldDefinition,
        depth: usize,
        taken: &mut Vec<(String, String)>,
    ) -> Option<Selection> {
        let inner = self.schema.types.get(field.ty.inner_named_type());
        let composite = inner.is_some_and(|inner| !inner.is_leaf());
        if composite && depth == 0 {
            return None;
        }
        let arguments = self.arguments(field);
        let call = format!("{}{arguments}", field.name);
        let mut alias = field.name.to_string();
        if self.dice.chance(15) {
            let names = ["id", "sku", "f0", "f1", "x", "l0", "_e0", "__typename_", "r0"];
            alias = String::from(*self.dice.pick(&names));
        }
        let clashes = |alias: &str, taken: &[(String, String)]| {
            taken.iter().any(|(known, other)| *known == alias && *other != call)
        };
        if clashes(&alias, taken) {
            alias = field.name.to_string();
        }
        if clashes(&alias, taken) && !self.dice.chance(10) {
            self.names += 1;
            alias = format!("n{}", self.names);
        }
        taken.push((alias.clone(), call.clone()));
        let name = if alias == field.name.as_str() { String::new() } else { format!("{alias}: ") };
        let head = format!("{name}{call}{}", self.condition());
        let below = composite
            .then(|| self.selections(field.ty.inner_named_type(), depth - 1, &mut Vec::new()));
        Some(Selection::Field { head, below })
    }

    fn arguments(&mut self, field: &FieldDefinition) -> String {
        let mut given = Vec::new();
        for argument in &field.arguments {
            if self.dice.chance(45) {
                let name = &argument.name;
                given.push(format!("{name}: {}", self.literal(&argument.ty)));
            }
        }
        if self.dice.chance(30) {
            given.reverse();
        }
        if given.is_empty() { String::new() } else { format!("({})", given.join(", ")) }
    }

    fn literal(&mut self, ty: &Type) -> String {
        if ty.is_list() {
            return (*self.dice.pick(&["[1]", "[1, 2]", "$some", "3", "[7]"])).to_owned();
        }
        let values: &[&str] = match ty.inner_named_type().as_str() {
            "Int" => &["0", "1", "1", "2", "$n", "$m", "null"],
            "String" => &["\"q\"", "\"x y \\\" \u{fc}\"", "$s", "null", "\"\"\"block \"x\" \"\"\""],
            "ID" => &["\"1\"", "1", "$id"],
            "Size" => &["S", "L", "$size"],
            "Filter" => &[
                "{}",
                "{n: 1}",
                "{n: $n, deep: {size: L, n: $n}}",
                "$filter",
                "{deep: {all: [1, 2]}}",
                "{size: $size}",
                "{all: 3}",
            ],
            _ => &["null"],
        };
        (*self.dice.pick(values)).to_owned()
    }

    fn condition(&mut self) -> &'static str {
        match self.dice.below(30) {
            0 => " @include(if: $b0)",
            1 => " @skip(if: $b0)",
            2 => " @include(if: $b1) @skip(if: $b0)",
            3 => " @skip(if: $b1)",
            4 => " @include(if: true)",
            _ => "",
        }
    }
}
