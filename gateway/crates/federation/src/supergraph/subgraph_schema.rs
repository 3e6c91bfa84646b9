//! A subgraph's schema rebuilt from the join information.
//!
//! The original is not in the supergraph; what matters for checking documents is: types, fields
//! with their own types, arguments (as merged), and the entity root fields.

use std::fmt::Write as _;

use apollo_compiler::ast::InputValueDefinition;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, Schema};

use super::{SubgraphId, Supergraph, SupergraphError, SupergraphType, TypeKind};

pub(super) fn subgraph_schema(
    supergraph: &Supergraph,
    subgraph: SubgraphId,
) -> Result<Valid<Schema>, SupergraphError> {
    let sdl = Rebuild { supergraph, subgraph }.sdl();
    let name = &supergraph.subgraph(subgraph).name;
    Schema::parse_and_validate(sdl, format!("{name}.graphql")).map_err(|error| {
        SupergraphError::InvalidSubgraphSchema {
            subgraph: name.clone(),
            message: error.errors.to_string(),
        }
    })
}

struct Rebuild<'a> {
    supergraph: &'a Supergraph,
    subgraph: SubgraphId,
}

impl Rebuild<'_> {
    fn sdl(&self) -> String {
        let mut sdl = String::from("scalar _Any\ntype _Service { sdl: String }\n");
        let mut entities = Vec::new();
        let roots = &self.supergraph.schema().schema_definition;
        let query = roots.query.as_ref().map_or("Query", |name| name.as_str());
        let mut has_query = false;
        for ty in self.supergraph.types.values() {
            let Some(join) = ty.join(self.subgraph) else { continue };
            let is_object = ty.kind == TypeKind::Object || join.interface_object;
            if is_object && !join.keys.is_empty() {
                entities.push(ty.name.as_str());
            }
            has_query |= ty.name == query;
            self.definition(&mut sdl, ty, join.interface_object, ty.name == query);
        }
        if !has_query {
            writeln!(sdl, "type {query} {{ _service: _Service! {ENTITIES} }}").expect(WRITES);
        }
        if entities.is_empty() {
            sdl.push_str("union _Entity = _Service\n");
        } else {
            writeln!(sdl, "union _Entity = {}", entities.join(" | ")).expect(WRITES);
        }
        write!(sdl, "schema {{ query: {query}").expect(WRITES);
        for (kind, root) in [("mutation", &roots.mutation), ("subscription", &roots.subscription)] {
            let here = |name: &Name| {
                self.supergraph.types.get(name).is_some_and(|ty| {
                    ty.join(self.subgraph).is_some()
                        && ty.fields.values().any(|field| {
                            field.joins.iter().any(|join| join.subgraph == self.subgraph)
                        })
                })
            };
            if let Some(name) = root.as_ref().filter(|name| here(&name.name)) {
                write!(sdl, " {kind}: {}", name.name).expect(WRITES);
            }
        }
        sdl.push_str(" }\n");
        sdl
    }

    fn definition(
        &self,
        sdl: &mut String,
        ty: &SupergraphType,
        interface_object: bool,
        is_query: bool,
    ) {
        let name = &ty.name;
        match ty.kind {
            TypeKind::Scalar => writeln!(sdl, "scalar {name}").expect(WRITES),
            TypeKind::Enum => {
                let values = self.here(ty.values.iter());
                writeln!(sdl, "enum {name} {{ {} }}", values.join(" ")).expect(WRITES);
            }
            TypeKind::Union => {
                let members = self.here(ty.members.iter());
                if !members.is_empty() {
                    writeln!(sdl, "union {name} = {}", members.join(" | ")).expect(WRITES);
                }
            }
            TypeKind::InputObject => {
                let fields = self.input_fields(ty);
                if !fields.is_empty() {
                    writeln!(sdl, "input {name} {{ {} }}", fields.join(" ")).expect(WRITES);
                }
            }
            TypeKind::Object | TypeKind::Interface => {
                let mut fields = self.fields(ty);
                if is_query {
                    fields.push(format!("_service: _Service! {ENTITIES}"));
                }
                if fields.is_empty() {
                    return;
                }
                let keyword = if ty.kind == TypeKind::Object || interface_object {
                    "type"
                } else {
                    "interface"
                };
                let interfaces =
                    if interface_object { Vec::new() } else { self.here(ty.implements.iter()) };
                let implements = if interfaces.is_empty() {
                    String::new()
                } else {
                    format!(" implements {}", interfaces.join(" & "))
                };
                writeln!(sdl, "{keyword} {name}{implements} {{ {} }}", fields.join(" "))
                    .expect(WRITES);
            }
        }
    }

    fn here<'n>(
        &self,
        names: impl Iterator<Item = (&'n Name, &'n Vec<SubgraphId>)>,
    ) -> Vec<&'n str> {
        names
            .filter(|(_, graphs)| graphs.contains(&self.subgraph))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    fn fields(&self, ty: &SupergraphType) -> Vec<String> {
        let merged = match self.supergraph.schema().types.get(&ty.name) {
            Some(ExtendedType::Object(object)) => &object.fields,
            Some(ExtendedType::Interface(interface)) => &interface.fields,
            _ => return Vec::new(),
        };
        let mut fields = Vec::new();
        for field in ty.fields.values() {
            let Some(join) = field.joins.iter().find(|join| join.subgraph == self.subgraph) else {
                continue;
            };
            let given: Vec<String> = merged.get(&field.name).map_or_else(Vec::new, |definition| {
                definition.arguments.iter().map(print_argument).collect()
            });
            let contextual = join.context_arguments.iter().map(|argument| {
                format!("{}: {}", argument.name, argument.ty.trim_end_matches('!'))
            });
            let arguments: Vec<String> = given.into_iter().chain(contextual).collect();
            let arguments = if arguments.is_empty() {
                String::new()
            } else {
                format!("({})", arguments.join(" "))
            };
            fields.push(format!("{}{arguments}: {}", field.name, join.ty));
        }
        fields
    }

    fn input_fields(&self, ty: &SupergraphType) -> Vec<String> {
        let Some(ExtendedType::InputObject(input)) = self.supergraph.schema().types.get(&ty.name)
        else {
            return Vec::new();
        };
        let mut fields = Vec::new();
        for field in ty.fields.values() {
            let Some(join) = field.joins.iter().find(|join| join.subgraph == self.subgraph) else {
                continue;
            };
            let default = input
                .fields
                .get(&field.name)
                .and_then(|definition| definition.default_value.as_ref())
                .map_or_else(String::new, |value| format!(" = {}", value.serialize().no_indent()));
            fields.push(format!("{}: {}{default}", field.name, join.ty));
        }
        fields
    }
}

const WRITES: &str = "writing to a String cannot fail";
const ENTITIES: &str = "_entities(representations: [_Any!]!): [_Entity]!";

fn print_argument(argument: &Node<InputValueDefinition>) -> String {
    let default = argument
        .default_value
        .as_ref()
        .map_or_else(String::new, |value| format!(" = {}", value.serialize().no_indent()));
    format!("{}: {}{default}", argument.name, argument.ty)
}
