//! Field sets as `@key`, `@requires` and `@provides` have them.

use apollo_compiler::ast::{Directive, Document, Selection, Value as AstValue};
use serde_json::{Map, Value, json};

/// `id organization { id }`.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldSet(pub(crate) Vec<FieldSetField>);

#[derive(Clone, Debug)]
pub(crate) struct FieldSetField {
    pub(crate) name: String,
    pub(crate) arguments: Map<String, Value>,
    /// The innermost type condition.
    pub(crate) on: Option<String>,
    pub(crate) below: FieldSet,
}

impl FieldSet {
    pub(crate) fn parse(text: &str) -> Self {
        let document = Document::parse(format!("{{ {text} }}"), "field_set.graphql").unwrap();
        let operation = document.definitions[0].as_operation_definition().unwrap();
        Self::selections(&operation.selection_set, None)
    }

    pub(crate) fn of(directive: &Directive) -> Self {
        let fields =
            directive.specified_argument_by_name("fields").and_then(|fields| fields.as_str());
        Self::parse(fields.expect("a field set has fields"))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.0.iter().find(|field| field.name == name).map(|field| &field.below)
    }

    /// What all fields of this name say together, whatever the type.
    pub(crate) fn all_below(&self, name: &str) -> Option<Self> {
        let same = self.0.iter().filter(|field| field.name == name);
        let below: Vec<&Self> = same.map(|field| &field.below).collect();
        let fields = below.iter().flat_map(|set| set.0.iter().cloned()).collect();
        (!below.is_empty()).then_some(Self(fields))
    }

    fn selections(selections: &[Selection], on: Option<&str>) -> Self {
        let mut fields = Vec::new();
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    let arguments = field.arguments.iter();
                    fields.push(FieldSetField {
                        name: field.name.to_string(),
                        arguments: arguments
                            .map(|argument| (argument.name.to_string(), to_json(&argument.value)))
                            .collect(),
                        on: on.map(str::to_owned),
                        below: Self::selections(&field.selection_set, None),
                    });
                }
                Selection::InlineFragment(fragment) => {
                    let inner = fragment.type_condition.as_ref().map(apollo_compiler::Name::as_str);
                    fields.extend(Self::selections(&fragment.selection_set, inner.or(on)).0);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
        Self(fields)
    }
}

fn to_json(value: &AstValue) -> Value {
    match value {
        AstValue::Null | AstValue::Variable(_) => Value::Null,
        AstValue::Enum(name) => json!(name.as_str()),
        AstValue::String(text) => json!(text),
        AstValue::Float(number) => json!(number.try_to_f64().unwrap()),
        AstValue::Int(number) => json!(number.try_to_i32().unwrap()),
        AstValue::Boolean(value) => json!(value),
        AstValue::List(items) => items.iter().map(|item| to_json(item)).collect(),
        AstValue::Object(fields) => {
            fields.iter().map(|(name, value)| (name.to_string(), to_json(value))).collect()
        }
    }
}
