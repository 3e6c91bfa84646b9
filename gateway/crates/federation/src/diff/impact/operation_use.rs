//! What one operation uses of the schema it was written for.

use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::ast::{Argument, Type, Value};
use apollo_compiler::executable::{
    DirectiveList, ExecutableDocument, Operation, OperationType, Selection, SelectionSet,
};
use apollo_compiler::schema::{DirectiveLocation, ExtendedType, InputValueDefinition};
use apollo_compiler::{Name, Node, Schema};

#[derive(Debug, Default)]
pub struct OperationUse {
    pub(super) kind: Option<OperationType>,
    /// Every type that is selected on, returned, named or sent.
    pub(super) types: BTreeSet<Name>,
    /// Types that fragments are on.
    pub(super) conditions: BTreeSet<Name>,
    /// Arguments of each selection of a field, by parent type and field.
    pub(super) selections: BTreeMap<Name, BTreeMap<Name, Vec<Arguments>>>,
    /// Named types of selected fields.
    pub(super) outputs: BTreeSet<Name>,
    /// Input types that variables carry, with all that they contain: values are unknown.
    pub(super) unknown_inputs: BTreeSet<Name>,
    pub(super) enum_literals: BTreeSet<(Name, Name)>,
    /// The fields of each literal of an input object.
    pub(super) input_literals: BTreeMap<Name, Vec<Arguments>>,
    pub(super) directives: BTreeMap<Name, Vec<DirectiveUse>>,
}

/// What was given, by name.
pub(super) type Arguments = Vec<(Name, Given)>;

#[derive(Clone, Debug)]
pub(super) enum Given {
    Literal(Node<Value>),
    Variable { ty: Node<Type>, has_default: bool },
}

#[derive(Clone, Debug)]
pub(super) struct DirectiveUse {
    pub(super) location: DirectiveLocation,
    pub(super) arguments: Arguments,
}

impl OperationUse {
    pub(super) fn of(
        schema: &Schema,
        document: &ExecutableDocument,
        operation: &Operation,
    ) -> Self {
        let variables = operation
            .variables
            .iter()
            .map(|variable| {
                let given = Given::Variable {
                    ty: variable.ty.clone(),
                    has_default: variable.default_value.is_some(),
                };
                (variable.name.clone(), given)
            })
            .collect();
        let mut walk = Walk {
            schema,
            document,
            variables,
            fragments: BTreeSet::new(),
            found: Self { kind: Some(operation.operation_type), ..Self::default() },
        };
        for variable in &operation.variables {
            walk.unknown_input(variable.ty.inner_named_type());
            if let Some(default) = &variable.default_value {
                walk.value(&variable.ty, default);
            }
            walk.directives(&variable.directives, DirectiveLocation::VariableDefinition);
        }
        let location = match operation.operation_type {
            OperationType::Query => DirectiveLocation::Query,
            OperationType::Mutation => DirectiveLocation::Mutation,
            OperationType::Subscription => DirectiveLocation::Subscription,
        };
        walk.directives(&operation.directives, location);
        walk.selection_set(&operation.selection_set);
        walk.found
    }
}

struct Walk<'d> {
    schema: &'d Schema,
    document: &'d ExecutableDocument,
    variables: BTreeMap<Name, Given>,
    fragments: BTreeSet<&'d Name>,
    found: OperationUse,
}

impl<'d> Walk<'d> {
    fn selection_set(&mut self, set: &'d SelectionSet) {
        self.found.types.insert(set.ty.clone());
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => {
                    self.directives(&field.directives, DirectiveLocation::Field);
                    let output = field.definition.ty.inner_named_type();
                    self.found.types.insert(output.clone());
                    self.found.outputs.insert(output.clone());
                    let arguments = self.arguments(&field.arguments, &field.definition.arguments);
                    self.found
                        .selections
                        .entry(set.ty.clone())
                        .or_default()
                        .entry(field.name.clone())
                        .or_default()
                        .push(arguments);
                    self.selection_set(&field.selection_set);
                }
                Selection::InlineFragment(inline) => {
                    self.directives(&inline.directives, DirectiveLocation::InlineFragment);
                    if let Some(condition) = &inline.type_condition {
                        self.condition(condition);
                    }
                    self.selection_set(&inline.selection_set);
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.directives, DirectiveLocation::FragmentSpread);
                    let Some((name, fragment)) =
                        self.document.fragments.get_key_value(&spread.fragment_name)
                    else {
                        continue;
                    };
                    if self.fragments.insert(name) {
                        self.directives(
                            &fragment.directives,
                            DirectiveLocation::FragmentDefinition,
                        );
                        self.condition(&fragment.selection_set.ty);
                        self.selection_set(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn condition(&mut self, ty: &Name) {
        self.found.conditions.insert(ty.clone());
        self.found.types.insert(ty.clone());
    }

    fn arguments(
        &mut self,
        given: &[Node<Argument>],
        definitions: &[Node<InputValueDefinition>],
    ) -> Arguments {
        given
            .iter()
            .map(|argument| {
                let definition =
                    definitions.iter().find(|definition| definition.name == argument.name);
                if let Some(definition) = definition {
                    self.found.types.insert(definition.ty.inner_named_type().clone());
                    self.value(&definition.ty, &argument.value);
                }
                (argument.name.clone(), self.given(&argument.value))
            })
            .collect()
    }

    fn given(&self, value: &Node<Value>) -> Given {
        let variable = value.as_variable().and_then(|name| self.variables.get(name));
        variable.cloned().unwrap_or_else(|| Given::Literal(value.clone()))
    }

    fn value(&mut self, ty: &Type, value: &Node<Value>) {
        let name = ty.inner_named_type();
        match &**value {
            Value::List(items) => {
                for item in items {
                    self.value(ty.item_type(), item);
                }
            }
            Value::Enum(literal) => {
                self.found.types.insert(name.clone());
                self.found.enum_literals.insert((name.clone(), literal.clone()));
            }
            Value::Object(fields) => {
                let Some(ExtendedType::InputObject(input)) = self.schema.types.get(name) else {
                    return;
                };
                let mut given = Arguments::new();
                for (field_name, value) in fields {
                    if let Some(field) = input.fields.get(field_name) {
                        self.value(&field.ty, value);
                    }
                    given.push((field_name.clone(), self.given(value)));
                }
                self.found.types.insert(name.clone());
                self.found.input_literals.entry(name.clone()).or_default().push(given);
            }
            Value::Null
            | Value::Variable(_)
            | Value::String(_)
            | Value::Float(_)
            | Value::Int(_)
            | Value::Boolean(_) => {}
        }
    }

    fn unknown_input(&mut self, name: &Name) {
        if !self.found.unknown_inputs.insert(name.clone()) {
            return;
        }
        self.found.types.insert(name.clone());
        if let Some(ExtendedType::InputObject(input)) = self.schema.types.get(name) {
            for field in input.fields.values() {
                self.unknown_input(field.ty.inner_named_type());
            }
        }
    }

    fn directives(&mut self, directives: &DirectiveList, location: DirectiveLocation) {
        for directive in directives {
            let arguments = match self.schema.directive_definitions.get(&directive.name) {
                Some(definition) => self.arguments(&directive.arguments, &definition.arguments),
                None => Arguments::new(),
            };
            let used = DirectiveUse { location, arguments };
            self.found.directives.entry(directive.name.clone()).or_default().push(used);
        }
    }
}
