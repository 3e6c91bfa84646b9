//! Builds the graph from a supergraph's tables.

use apollo_compiler::Name;
use indexmap::{IndexMap, IndexSet};

use super::field_set::{parse_context_selection, parse_field_set};
use super::{
    ContextEdge, FieldEdge, FieldSet, NodeId, NodeKind, QueryGraph, QueryNode, TypeId, TypeSet,
};
use crate::supergraph::{
    ContextArgument, SubgraphId, Supergraph, SupergraphError, SupergraphType, TypeKind,
};

pub(super) fn build(supergraph: &Supergraph) -> Result<QueryGraph, SupergraphError> {
    let runtime_types = runtime_types(supergraph);
    let implementers = implementers(supergraph);
    let possible = possible_types(supergraph, &runtime_types, &implementers);
    let nodes_by_name = number_nodes(supergraph);
    let builder = Builder {
        supergraph,
        runtime_types: &runtime_types,
        implementers: &implementers,
        possible: &possible,
        ids: &nodes_by_name,
    };
    let mut nodes = Vec::with_capacity(nodes_by_name.len());
    for (subgraph, name) in nodes_by_name.keys() {
        nodes.push(builder.node(*subgraph, &supergraph.types[name])?);
    }
    let homes = runtime_types.iter().map(|name| builder.homes(name, &nodes)).collect();
    let visible =
        runtime_types.iter().filter(|name| supergraph.api_schema().types.contains_key(*name));
    let visible = visible.filter_map(|name| builder.id(name)).collect();
    Ok(QueryGraph { nodes, nodes_by_name, runtime_types, homes, possible, visible })
}

/// Types that implement each interface in any subgraph.
type Implementers<'a> = IndexMap<&'a Name, Vec<&'a SupergraphType>>;

fn implementers(supergraph: &Supergraph) -> Implementers<'_> {
    let mut implementers: Implementers<'_> = IndexMap::new();
    for ty in supergraph.types.values() {
        for interface in ty.implements.keys() {
            implementers.entry(interface).or_default().push(ty);
        }
    }
    implementers
}

fn runtime_types(supergraph: &Supergraph) -> IndexSet<Name> {
    let objects = supergraph.types.values().filter(|ty| ty.kind == TypeKind::Object);
    let interfaces =
        supergraph.types.values().filter(|ty| ty.joins.iter().any(|join| join.interface_object));
    objects.chain(interfaces).map(|ty| ty.name.clone()).collect()
}

fn possible_types(
    supergraph: &Supergraph,
    runtime_types: &IndexSet<Name>,
    implementers: &Implementers<'_>,
) -> IndexMap<Name, TypeSet> {
    let id = |name: &Name| {
        runtime_types.get_index_of(name).and_then(|index| u32::try_from(index).ok()).map(TypeId)
    };
    let mut possible: IndexMap<Name, TypeSet> = IndexMap::new();
    for ty in supergraph.types.values() {
        let set = match ty.kind {
            TypeKind::Object => id(&ty.name).into_iter().collect(),
            TypeKind::Union => ty.members.keys().filter_map(id).collect(),
            TypeKind::Interface => {
                let here = implementers.get(&ty.name).into_iter().flatten();
                here.filter(|other| other.kind == TypeKind::Object)
                    .filter_map(|other| id(&other.name))
                    .collect()
            }
            TypeKind::Scalar | TypeKind::Enum | TypeKind::InputObject => continue,
        };
        possible.insert(ty.name.clone(), set);
    }
    possible
}

fn number_nodes(supergraph: &Supergraph) -> IndexMap<(SubgraphId, Name), NodeId> {
    let composite = |ty: &&SupergraphType| {
        matches!(ty.kind, TypeKind::Object | TypeKind::Interface | TypeKind::Union)
    };
    let places = supergraph.subgraph_ids().flat_map(|subgraph| {
        let here = supergraph.types.values().filter(composite);
        here.filter(move |ty| ty.join(subgraph).is_some())
            .map(move |ty| (subgraph, ty.name.clone()))
    });
    places.zip((0..).map(NodeId)).collect()
}

struct Builder<'a> {
    supergraph: &'a Supergraph,
    runtime_types: &'a IndexSet<Name>,
    implementers: &'a Implementers<'a>,
    possible: &'a IndexMap<Name, TypeSet>,
    ids: &'a IndexMap<(SubgraphId, Name), NodeId>,
}

impl Builder<'_> {
    fn id(&self, name: &Name) -> Option<TypeId> {
        self.runtime_types
            .get_index_of(name)
            .and_then(|index| u32::try_from(index).ok())
            .map(TypeId)
    }

    fn node(
        &self,
        subgraph: SubgraphId,
        ty: &SupergraphType,
    ) -> Result<QueryNode, SupergraphError> {
        let join = ty.join(subgraph);
        let kind = match ty.kind {
            TypeKind::Union => NodeKind::Union,
            TypeKind::Interface if join.is_some_and(|join| join.interface_object) => {
                NodeKind::InterfaceObject
            }
            TypeKind::Interface => NodeKind::Interface,
            TypeKind::Object | TypeKind::Scalar | TypeKind::Enum | TypeKind::InputObject => {
                NodeKind::Object
            }
        };
        let possible = match kind {
            NodeKind::Object | NodeKind::InterfaceObject => self.id(&ty.name).into_iter().collect(),
            NodeKind::Union => {
                let here = ty.members.iter().filter(|(_, graphs)| graphs.contains(&subgraph));
                here.filter_map(|(name, _)| self.id(name)).collect()
            }
            NodeKind::Interface => self
                .implementers
                .get(&ty.name)
                .into_iter()
                .flatten()
                .filter(|other| {
                    other.implements.get(&ty.name).is_some_and(|graphs| graphs.contains(&subgraph))
                })
                .filter(|other| {
                    other.kind == TypeKind::Object
                        || other.join(subgraph).is_some_and(|join| join.interface_object)
                })
                .filter_map(|other| self.id(&other.name))
                .collect(),
        };
        let mut keys = Vec::new();
        for key in join.into_iter().flat_map(|join| &join.keys).filter(|key| key.resolvable) {
            keys.push(self.field_set(&ty.name, &key.fields)?);
        }
        let mut fields = IndexMap::new();
        for field in ty.fields.values() {
            let Some(join) = field.joins.iter().find(|join| join.subgraph == subgraph) else {
                continue;
            };
            let named = join.ty.inner_named_type();
            let edge = FieldEdge {
                name: field.name.clone(),
                ty: join.ty.clone(),
                target: self.ids.get(&(subgraph, named.clone())).copied(),
                requires: join
                    .requires
                    .as_ref()
                    .map(|text| self.field_set(&ty.name, text))
                    .transpose()?,
                provides: join
                    .provides
                    .as_ref()
                    .map(|text| self.field_set(named, text))
                    .transpose()?,
                contexts: join
                    .context_arguments
                    .iter()
                    .map(|argument| self.context(&ty.name, &field.name, argument))
                    .collect::<Result<_, _>>()?,
                join: join.clone(),
            };
            fields.insert(field.name.clone(), edge);
        }
        Ok(QueryNode { subgraph, type_name: ty.name.clone(), kind, possible, fields, keys })
    }

    fn field_set(&self, parent: &Name, text: &str) -> Result<FieldSet, SupergraphError> {
        parse_field_set(self.supergraph.schema(), self.possible, parent, text)
    }

    fn context(
        &self,
        type_name: &Name,
        field: &Name,
        argument: &ContextArgument,
    ) -> Result<ContextEdge, SupergraphError> {
        let ContextArgument { name, ty, context, selection } = argument;
        let invalid = |reason: String| SupergraphError::InvalidJoin {
            coordinate: format!("{type_name}.{field}"),
            reason,
        };
        let setters: Vec<&Name> = self
            .supergraph
            .types
            .values()
            .filter(|other| other.contexts.contains(context))
            .map(|other| &other.name)
            .collect();
        let mut types = TypeSet::default();
        for setter in &setters {
            types = self.possible.get(*setter).map_or(types.clone(), |more| types.union(more));
            self.id(setter).into_iter().for_each(|id| types.insert(id));
        }
        let schema = self.supergraph.schema();
        Ok(ContextEdge {
            argument: Name::new(name)
                .map_err(|_| invalid(format!("`{name}` is no name of an argument")))?,
            ty: ty.clone(),
            setters: types,
            fields: parse_context_selection(schema, self.possible, &setters, selection)?,
        })
    }

    fn homes(&self, name: &Name, nodes: &[QueryNode]) -> Vec<NodeId> {
        let ty = &self.supergraph.types[name];
        let mut homes = Vec::new();
        for subgraph in self.supergraph.subgraph_ids() {
            let own = self.ids.get(&(subgraph, name.clone())).copied();
            homes.extend(own.filter(|id| {
                let node = &nodes[id.0 as usize];
                // An interface as run-time type: a key leads to where its real type is known.
                node.kind != NodeKind::Interface || !node.keys.is_empty()
            }));
            if own.is_none() {
                let interfaces = ty.implements.keys();
                let nodes_here =
                    interfaces.filter_map(|interface| self.ids.get(&(subgraph, interface.clone())));
                homes.extend(
                    nodes_here.filter(|id| nodes[id.0 as usize].kind == NodeKind::InterfaceObject),
                );
            }
        }
        homes
    }
}
