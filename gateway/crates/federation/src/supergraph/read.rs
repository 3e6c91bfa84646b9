//! Reads the join specification's directives.
//!
//! A field without `@join__field` is in every subgraph that has its type; with a bare one (no
//! `graph`) it comes from an `@interfaceObject` and is in no subgraph's own type. Before v0.3
//! there are no `@join__unionMember` and `@join__enumValue`, and in v0.1 an entity's fields
//! belong to its owner; both are read as what they imply.

use apollo_compiler::ast::{Argument, Type, Value};
use apollo_compiler::schema::{Component, ComponentName, DirectiveList, ExtendedType};
use apollo_compiler::{Name, Node, Schema, ast};
use indexmap::IndexMap;

use super::api_schema::{Specifications, user_types};
use super::{
    ContextArgument, FieldJoin, Key, SubgraphEntry, SubgraphId, SupergraphError, SupergraphField,
    SupergraphType, TypeJoin, TypeKind,
};

pub(super) fn read_subgraphs(schema: &Schema) -> Result<Vec<SubgraphEntry>, SupergraphError> {
    let graphs = schema.get_enum("join__Graph").ok_or(SupergraphError::NoGraphs)?;
    let read = |(graph, value): (&Name, &Component<ast::EnumValueDefinition>)| {
        let directive =
            value.directives.get("join__graph").ok_or_else(|| SupergraphError::InvalidJoin {
                coordinate: format!("join__Graph.{graph}"),
                reason: "has no @join__graph".to_owned(),
            })?;
        Ok(SubgraphEntry {
            name: string(&directive.arguments, "name").unwrap_or_else(|| graph.to_string()),
            graph: graph.clone(),
            url: string(&directive.arguments, "url").unwrap_or_default(),
        })
    };
    graphs.values.iter().map(read).collect()
}

pub(super) fn read_types(
    schema: &Schema,
    subgraphs: &[SubgraphEntry],
    specifications: &Specifications,
) -> Result<IndexMap<Name, SupergraphType>, SupergraphError> {
    let ids =
        (0u16..).zip(subgraphs).map(|(id, entry)| (entry.graph.clone(), SubgraphId(id))).collect();
    let reader = Reader { ids };
    let mut types = IndexMap::new();
    for (name, ty) in user_types(schema, specifications) {
        types.insert(name.clone(), reader.read_type(name, ty)?);
    }
    // An interface or member counts only where both types are.
    let has: IndexMap<Name, Vec<SubgraphId>> = types
        .iter()
        .map(|(name, ty): (&Name, &SupergraphType)| {
            (name.clone(), ty.joins.iter().map(|join| join.subgraph).collect())
        })
        .collect();
    for ty in types.values_mut() {
        for (other, places) in ty.implements.iter_mut().chain(&mut ty.members) {
            places
                .retain(|subgraph| has.get(other).is_some_and(|places| places.contains(subgraph)));
        }
    }
    Ok(types)
}

struct Reader {
    ids: IndexMap<Name, SubgraphId>,
}

impl Reader {
    fn read_type(&self, name: &Name, ty: &ExtendedType) -> Result<SupergraphType, SupergraphError> {
        let directives = ty.directives();
        let joins = self.type_joins(name, directives)?;
        let places: Vec<SubgraphId> = joins.iter().map(|join| join.subgraph).collect();
        let mut read = SupergraphType {
            name: name.clone(),
            kind: TypeKind::Scalar,
            joins,
            fields: IndexMap::new(),
            implements: IndexMap::new(),
            members: IndexMap::new(),
            values: IndexMap::new(),
            contexts: directives
                .get_all("context")
                .filter_map(|context| string(&context.arguments, "name"))
                .collect(),
        };
        let owner = directives
            .get("join__owner")
            .map(|owner| self.graph(name, &owner.arguments))
            .transpose()?;
        match ty {
            ExtendedType::Scalar(_) => {}
            ExtendedType::Object(object) => {
                read.kind = TypeKind::Object;
                read.fields = self.fields(name, &object.fields, &places, owner.flatten())?;
                read.implements =
                    self.implements(name, directives, &object.implements_interfaces, &places)?;
            }
            ExtendedType::Interface(interface) => {
                read.kind = TypeKind::Interface;
                read.fields = self.fields(name, &interface.fields, &places, owner.flatten())?;
                read.implements =
                    self.implements(name, directives, &interface.implements_interfaces, &places)?;
            }
            ExtendedType::Union(union_) => {
                read.kind = TypeKind::Union;
                read.members = self.listed(
                    name,
                    directives,
                    ("join__unionMember", "member"),
                    &union_.members,
                    &places,
                )?;
            }
            ExtendedType::Enum(enum_) => {
                read.kind = TypeKind::Enum;
                for (value, definition) in &enum_.values {
                    let mut graphs = Vec::new();
                    for join in definition.directives.get_all("join__enumValue") {
                        graphs.extend(self.graph(value, &join.arguments)?);
                    }
                    read.values.insert(
                        value.clone(),
                        if graphs.is_empty() { places.clone() } else { graphs },
                    );
                }
            }
            ExtendedType::InputObject(input) => {
                read.kind = TypeKind::InputObject;
                for (field, definition) in &input.fields {
                    let joins = self.field_joins(
                        name,
                        field,
                        &definition.ty,
                        &definition.directives,
                        &places,
                        None,
                    )?;
                    let ty = Type::clone(&definition.ty);
                    read.fields
                        .insert(field.clone(), SupergraphField { name: field.clone(), ty, joins });
                }
            }
        }
        Ok(read)
    }

    fn type_joins(
        &self,
        name: &Name,
        directives: &DirectiveList,
    ) -> Result<Vec<TypeJoin>, SupergraphError> {
        let mut joins: Vec<TypeJoin> = Vec::new();
        let mut any = false;
        for directive in directives.get_all("join__type") {
            any = true;
            let arguments = &directive.arguments;
            let Some(subgraph) = self.graph(name, arguments)? else {
                return Err(invalid(name, "@join__type names no graph"));
            };
            let place =
                joins.iter().position(|join| join.subgraph == subgraph).unwrap_or_else(|| {
                    joins.push(TypeJoin {
                        subgraph,
                        keys: Vec::new(),
                        extension: false,
                        interface_object: false,
                    });
                    joins.len() - 1
                });
            let join = &mut joins[place];
            join.extension |= boolean(arguments, "extension").unwrap_or(false);
            join.interface_object |= boolean(arguments, "isInterfaceObject").unwrap_or(false);
            if let Some(fields) = string(arguments, "key") {
                join.keys.push(Key {
                    fields,
                    resolvable: boolean(arguments, "resolvable").unwrap_or(true),
                });
            }
        }
        if !any {
            // v0.1 says nothing about value types: they are wherever they are used.
            joins.extend(self.ids.values().map(|subgraph| TypeJoin {
                subgraph: *subgraph,
                keys: Vec::new(),
                extension: false,
                interface_object: false,
            }));
        }
        Ok(joins)
    }

    fn fields(
        &self,
        parent: &Name,
        fields: &apollo_compiler::collections::IndexMap<Name, Component<ast::FieldDefinition>>,
        places: &[SubgraphId],
        owner: Option<SubgraphId>,
    ) -> Result<IndexMap<Name, SupergraphField>, SupergraphError> {
        let mut read = IndexMap::new();
        for (name, definition) in fields {
            let joins = self.field_joins(
                parent,
                name,
                &definition.ty,
                &definition.directives,
                places,
                owner,
            )?;
            read.insert(
                name.clone(),
                SupergraphField { name: name.clone(), ty: definition.ty.clone(), joins },
            );
        }
        Ok(read)
    }

    fn field_joins(
        &self,
        parent: &Name,
        name: &Name,
        merged: &Type,
        directives: &ast::DirectiveList,
        places: &[SubgraphId],
        owner: Option<SubgraphId>,
    ) -> Result<Vec<FieldJoin>, SupergraphError> {
        let plain = |subgraph: SubgraphId| FieldJoin {
            subgraph,
            ty: merged.clone(),
            requires: None,
            provides: None,
            external: false,
            override_from: None,
            used_overridden: false,
            override_label: None,
            context_arguments: Vec::new(),
        };
        let mut any = false;
        let mut joins: Vec<FieldJoin> = Vec::new();
        for directive in directives.get_all("join__field") {
            any = true;
            let arguments = &directive.arguments;
            let Some(subgraph) = self.graph(name, arguments)? else { continue };
            let mut join = plain(subgraph);
            if let Some(ty) = string(arguments, "type") {
                join.ty = Type::parse(&ty, "join__field.graphql").map_err(|error| {
                    SupergraphError::InvalidJoin {
                        coordinate: format!("{parent}.{name}"),
                        reason: format!("`{ty}` is not a type: {error}"),
                    }
                })?;
            }
            join.requires = string(arguments, "requires");
            join.provides = string(arguments, "provides");
            join.external = boolean(arguments, "external").unwrap_or(false);
            join.override_from = string(arguments, "override");
            join.used_overridden = boolean(arguments, "usedOverridden").unwrap_or(false);
            join.override_label = string(arguments, "overrideLabel");
            join.context_arguments = context_arguments(arguments);
            joins.push(join);
        }
        if !any {
            match owner {
                Some(owner) => joins.push(plain(owner)),
                None => joins.extend(places.iter().copied().map(plain)),
            }
        }
        Ok(joins)
    }

    fn implements(
        &self,
        name: &Name,
        directives: &DirectiveList,
        interfaces: &apollo_compiler::collections::IndexSet<ComponentName>,
        places: &[SubgraphId],
    ) -> Result<IndexMap<Name, Vec<SubgraphId>>, SupergraphError> {
        self.listed(name, directives, ("join__implements", "interface"), interfaces, places)
    }

    /// Where each of `names` holds: as the directive lists it, or everywhere if it never appears.
    fn listed(
        &self,
        name: &Name,
        directives: &DirectiveList,
        (directive, argument): (&str, &str),
        names: &apollo_compiler::collections::IndexSet<ComponentName>,
        places: &[SubgraphId],
    ) -> Result<IndexMap<Name, Vec<SubgraphId>>, SupergraphError> {
        let mut read: IndexMap<Name, Vec<SubgraphId>> =
            names.iter().map(|name| (name.name.clone(), Vec::new())).collect();
        let mut any = false;
        for applied in directives.get_all(directive) {
            any = true;
            let (Some(graph), Some(other)) =
                (self.graph(name, &applied.arguments)?, string(&applied.arguments, argument))
            else {
                return Err(invalid(name, &format!("@{directive} needs a graph and a name")));
            };
            if let Some(graphs) = read.get_mut(other.as_str()) {
                graphs.push(graph);
            }
        }
        if !any {
            read.values_mut().for_each(|graphs| graphs.extend(places));
        }
        Ok(read)
    }

    fn graph(
        &self,
        coordinate: &Name,
        arguments: &[Node<Argument>],
    ) -> Result<Option<SubgraphId>, SupergraphError> {
        let Some(value) = argument(arguments, "graph") else { return Ok(None) };
        match value {
            Value::Null => Ok(None),
            Value::Enum(graph) => self.ids.get(graph).map(|id| Some(*id)).ok_or_else(|| {
                invalid(coordinate, &format!("`{graph}` is not a value of join__Graph"))
            }),
            other => Err(invalid(coordinate, &format!("`{other}` is not a value of join__Graph"))),
        }
    }
}

fn invalid(coordinate: &Name, reason: &str) -> SupergraphError {
    SupergraphError::InvalidJoin { coordinate: coordinate.to_string(), reason: reason.to_owned() }
}

fn argument<'a>(arguments: &'a [Node<Argument>], name: &str) -> Option<&'a Value> {
    arguments.iter().find(|argument| argument.name == name).map(|argument| &*argument.value)
}

fn string(arguments: &[Node<Argument>], name: &str) -> Option<String> {
    argument(arguments, name).and_then(Value::as_str).map(str::to_owned)
}

fn boolean(arguments: &[Node<Argument>], name: &str) -> Option<bool> {
    argument(arguments, name).and_then(Value::to_bool)
}

fn context_arguments(arguments: &[Node<Argument>]) -> Vec<ContextArgument> {
    let read = |value: &Node<Value>| {
        let fields = value.as_object()?;
        let get = |key: &str| {
            fields
                .iter()
                .find(|(name, _)| name == key)
                .and_then(|(_, value)| value.as_str())
                .map(str::to_owned)
        };
        Some(ContextArgument {
            name: get("name")?,
            ty: get("type")?,
            context: get("context")?,
            selection: get("selection")?,
        })
    };
    argument(arguments, "contextArguments")
        .and_then(Value::as_list)
        .unwrap_or_default()
        .iter()
        .filter_map(read)
        .collect()
}
