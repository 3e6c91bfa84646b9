//! The schema model of composition: plain data that phases read, change and print.
//!
//! One struct serves every kind of type, because merging and validating treat most parts alike.
//! Names keep the place they were written at, so that diagnostics can point there. The model
//! knows nothing of federation.

use apollo_compiler::ast::{DirectiveLocation, OperationType, Type, Value};
use apollo_compiler::{Name, Node};
use indexmap::{IndexMap, IndexSet};

#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    pub(crate) description: Option<String>,
    pub(crate) directives: Vec<Applied>,
    pub(crate) query: Option<Name>,
    pub(crate) mutation: Option<Name>,
    pub(crate) subscription: Option<Name>,
    pub(crate) types: IndexMap<Name, TypeDef>,
    pub(crate) directive_definitions: IndexMap<Name, DirectiveDef>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar,
    Object,
    Interface,
    Union,
    Enum,
    InputObject,
}

impl Kind {
    pub(crate) fn is_composite(self) -> bool {
        matches!(self, Self::Object | Self::Interface | Self::Union)
    }

    pub(crate) fn is_abstract(self) -> bool {
        matches!(self, Self::Interface | Self::Union)
    }

    pub(crate) fn has_fields(self) -> bool {
        matches!(self, Self::Object | Self::Interface)
    }

    pub(crate) fn is_input(self) -> bool {
        matches!(self, Self::Scalar | Self::Enum | Self::InputObject)
    }

    pub(crate) fn location(self) -> DirectiveLocation {
        match self {
            Self::Scalar => DirectiveLocation::Scalar,
            Self::Object => DirectiveLocation::Object,
            Self::Interface => DirectiveLocation::Interface,
            Self::Union => DirectiveLocation::Union,
            Self::Enum => DirectiveLocation::Enum,
            Self::InputObject => DirectiveLocation::InputObject,
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Object => "object",
            Self::Interface => "interface",
            Self::Union => "union",
            Self::Enum => "enum",
            Self::InputObject => "input object",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct TypeDef {
    pub(crate) name: Name,
    pub(crate) kind: Kind,
    pub(crate) description: Option<String>,
    pub(crate) directives: Vec<Applied>,
    pub(crate) implements: IndexSet<Name>,
    /// Of objects and interfaces.
    pub(crate) fields: IndexMap<Name, Field>,
    /// Of input objects.
    pub(crate) input_fields: IndexMap<Name, InputValue>,
    /// Of unions.
    pub(crate) members: IndexSet<Name>,
    /// Of enums.
    pub(crate) values: IndexMap<Name, EnumValue>,
    /// Whether there is a definition rather than extensions alone.
    pub(crate) defined: bool,
    /// How many extensions there are.
    pub(crate) extensions: usize,
}

impl TypeDef {
    pub(crate) fn new(name: Name, kind: Kind) -> Self {
        Self {
            name,
            kind,
            description: None,
            directives: Vec::new(),
            implements: IndexSet::new(),
            fields: IndexMap::new(),
            input_fields: IndexMap::new(),
            members: IndexSet::new(),
            values: IndexMap::new(),
            defined: false,
            extensions: 0,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: Name,
    pub(crate) description: Option<String>,
    pub(crate) args: IndexMap<Name, InputValue>,
    pub(crate) ty: Type,
    pub(crate) directives: Vec<Applied>,
    /// The declaration it stands in: 0 is the definition, others are extensions.
    pub(crate) part: usize,
}

/// An argument or an input field.
#[derive(Clone, Debug)]
pub(crate) struct InputValue {
    pub(crate) name: Name,
    pub(crate) description: Option<String>,
    pub(crate) ty: Type,
    pub(crate) default: Option<Node<Value>>,
    pub(crate) directives: Vec<Applied>,
}

impl InputValue {
    pub(crate) fn is_required(&self) -> bool {
        self.ty.is_non_null() && self.default.is_none()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct EnumValue {
    pub(crate) name: Name,
    pub(crate) description: Option<String>,
    pub(crate) directives: Vec<Applied>,
}

#[derive(Clone, Debug)]
pub(crate) struct DirectiveDef {
    pub(crate) name: Name,
    pub(crate) description: Option<String>,
    pub(crate) args: IndexMap<Name, InputValue>,
    pub(crate) repeatable: bool,
    pub(crate) locations: Vec<DirectiveLocation>,
}

/// A directive applied to something.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    pub(crate) name: Name,
    pub(crate) args: Vec<(Name, Node<Value>)>,
    /// The declaration it stands on: 0 is the definition, others are extensions.
    pub(crate) part: usize,
}

impl Applied {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: Name::new_unchecked(name), args: Vec::new(), part: 0 }
    }

    pub(crate) fn with(mut self, argument: &str, value: impl Into<Node<Value>>) -> Self {
        self.args.push((Name::new_unchecked(argument), value.into()));
        self
    }

    pub(crate) fn with_str(self, argument: &str, value: &str) -> Self {
        self.with(argument, Value::String(value.to_owned()))
    }

    pub(crate) fn arg(&self, name: &str) -> Option<&Node<Value>> {
        self.args.iter().find(|(argument, _)| argument == name).map(|(_, value)| value)
    }

    pub(crate) fn str_arg(&self, name: &str) -> Option<&str> {
        self.arg(name).and_then(|value| value.as_str())
    }

    pub(crate) fn bool_arg(&self, name: &str) -> Option<bool> {
        self.arg(name).and_then(|value| value.to_bool())
    }
}

pub(crate) fn all_of<'a>(
    directives: &'a [Applied],
    name: &'a str,
) -> impl Iterator<Item = &'a Applied> {
    directives.iter().filter(move |applied| applied.name == name)
}

pub(crate) fn has(directives: &[Applied], name: &str) -> bool {
    all_of(directives, name).next().is_some()
}

pub(crate) const BUILT_IN_SCALARS: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];

pub(crate) fn is_built_in_scalar(name: &str) -> bool {
    BUILT_IN_SCALARS.contains(&name)
}

impl Schema {
    pub(crate) fn root(&self, operation: OperationType) -> Option<&Name> {
        match operation {
            OperationType::Query => self.query.as_ref(),
            OperationType::Mutation => self.mutation.as_ref(),
            OperationType::Subscription => self.subscription.as_ref(),
        }
    }

    pub(crate) fn root_mut(&mut self, operation: OperationType) -> &mut Option<Name> {
        match operation {
            OperationType::Query => &mut self.query,
            OperationType::Mutation => &mut self.mutation,
            OperationType::Subscription => &mut self.subscription,
        }
    }

    pub(crate) fn is_root(&self, type_name: &str) -> bool {
        ROOTS.iter().any(|operation| self.root(*operation).is_some_and(|root| root == type_name))
    }

    pub(crate) fn kind(&self, type_name: &str) -> Option<Kind> {
        if let Some(def) = self.types.get(type_name) {
            return Some(def.kind);
        }
        is_built_in_scalar(type_name).then_some(Kind::Scalar)
    }

    pub(crate) fn field(&self, type_name: &str, field: &str) -> Option<&Field> {
        self.types.get(type_name)?.fields.get(field)
    }

    /// The object types that a value of this type can have.
    pub(crate) fn possible_types(&self, type_name: &str) -> IndexSet<Name> {
        let Some(def) = self.types.get(type_name) else { return IndexSet::new() };
        match def.kind {
            Kind::Object => IndexSet::from([def.name.clone()]),
            Kind::Union => def.members.clone(),
            Kind::Interface => self.implementations(type_name).cloned().collect(),
            Kind::Scalar | Kind::Enum | Kind::InputObject => IndexSet::new(),
        }
    }

    /// Objects that implement the interface.
    pub(crate) fn implementations<'a>(
        &'a self,
        interface: &'a str,
    ) -> impl Iterator<Item = &'a Name> {
        self.types
            .values()
            .filter(move |def| def.kind == Kind::Object && def.implements.contains(interface))
            .map(|def| &def.name)
    }

    /// Whether `sub` is `sup` or one of its members or implementations.
    pub(crate) fn is_named_subtype(&self, sub: &str, sup: &str) -> bool {
        if sub == sup {
            return true;
        }
        let Some(sup_def) = self.types.get(sup) else { return false };
        match sup_def.kind {
            Kind::Union => sup_def.members.contains(sub),
            Kind::Interface => {
                self.types.get(sub).is_some_and(|sub_def| sub_def.implements.contains(sup))
            }
            Kind::Scalar | Kind::Object | Kind::Enum | Kind::InputObject => false,
        }
    }

    /// Whether every value of `sub` is a value of `sup`.
    pub(crate) fn is_subtype(&self, sub: &Type, sup: &Type) -> bool {
        match (sub, sup) {
            (Type::NonNullNamed(sub), Type::Named(sup) | Type::NonNullNamed(sup))
            | (Type::Named(sub), Type::Named(sup)) => self.is_named_subtype(sub, sup),
            (Type::NonNullList(sub), Type::List(sup) | Type::NonNullList(sup))
            | (Type::List(sub), Type::List(sup)) => self.is_subtype(sub, sup),
            _ => false,
        }
    }
}

pub(crate) const ROOTS: [OperationType; 3] =
    [OperationType::Query, OperationType::Mutation, OperationType::Subscription];

/// Calls `f` with every application in the schema.
pub(crate) fn each_applied<'a>(schema: &'a Schema, f: &mut impl FnMut(&'a Applied)) {
    schema.directives.iter().for_each(&mut *f);
    for def in schema.types.values() {
        def.directives.iter().for_each(&mut *f);
        for field in def.fields.values() {
            field.directives.iter().for_each(&mut *f);
            field.args.values().flat_map(|arg| &arg.directives).for_each(&mut *f);
        }
        def.input_fields.values().flat_map(|field| &field.directives).for_each(&mut *f);
        def.values.values().flat_map(|value| &value.directives).for_each(&mut *f);
    }
    for def in schema.directive_definitions.values() {
        def.args.values().flat_map(|arg| &arg.directives).for_each(&mut *f);
    }
}
