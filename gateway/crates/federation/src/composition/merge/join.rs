//! The join spec: definitions in the supergraph, and the marks that say who has what.

use apollo_compiler::Name;
use apollo_compiler::ast::Value;
use indexmap::IndexMap;

use crate::composition::Input;
use crate::subgraph::link::Version;
use crate::subgraph::model::{Applied, DirectiveDef, EnumValue, Kind, Schema, TypeDef};
use crate::subgraph::spec;

/// The join spec's version that the newest federation version in use asks for.
pub(super) fn version(inputs: &[Input]) -> Version {
    let used = |input: &Input| input.subgraph.implied_version().or(input.subgraph.version);
    let newest = inputs.iter().filter_map(used).max();
    match newest {
        Some(version) if version >= Version::new(2, 8) => Version::new(0, 5),
        Some(version) if version >= Version::new(2, 7) => Version::new(0, 4),
        _ => Version::new(0, 3),
    }
}

/// The enum value of each subgraph, in the subgraphs' order.
pub(super) fn graph_names(inputs: &[Input]) -> Vec<Name> {
    let sanitized: Vec<String> =
        inputs.iter().map(|input| sanitize(&input.subgraph.name)).collect();
    let mut counts: IndexMap<&str, usize> = IndexMap::new();
    for name in &sanitized {
        *counts.entry(name).or_default() += 1;
    }
    let mut numbers: IndexMap<&str, usize> = IndexMap::new();
    sanitized
        .iter()
        .map(|name| {
            if counts[name.as_str()] == 1 {
                return Name::new_unchecked(name);
            }
            let number = numbers.entry(name).or_default();
            *number += 1;
            Name::new_unchecked(&format!("{name}_{number}"))
        })
        .collect()
}

fn sanitize(name: &str) -> String {
    let mut clean: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    if clean.starts_with(|c: char| c.is_ascii_digit()) {
        clean.insert(0, '_');
    }
    let trailing_number = clean
        .rsplit_once('_')
        .is_some_and(|(_, end)| !end.is_empty() && end.chars().all(|c| c.is_ascii_digit()));
    if trailing_number {
        clean.push('_');
    }
    clean
}

const V0_3: &str = "
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, \
  resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable \
  on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, \
  type: String, external: Boolean, override: String, usedOverridden: Boolean LABEL CONTEXT) \
  repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__implements(graph: join__Graph!, interface: String!) repeatable \
  on OBJECT | INTERFACE
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
scalar join__FieldSet
";
const V0_4: &str = "
directive @join__directive(graphs: [join__Graph!], name: String!, \
  args: join__DirectiveArguments) repeatable on SCHEMA | OBJECT | INTERFACE | FIELD_DEFINITION
scalar join__DirectiveArguments
";
const V0_5: &str = "
scalar join__FieldValue
input join__ContextArgument { name: String! type: String! context: String! \
  selection: join__FieldValue! }
";

/// Adds the spec's directives and types, with one graph for each subgraph.
pub(super) fn define(schema: &mut Schema, version: Version, inputs: &[Input], graphs: &[Name]) {
    let label = if version.minor >= 4 { ", overrideLabel: String" } else { "" };
    let context =
        if version.minor >= 5 { ", contextArguments: [join__ContextArgument!]" } else { "" };
    let mut sdl = V0_3.replace(" LABEL", label).replace(" CONTEXT", context);
    if version.minor >= 4 {
        sdl.push_str(V0_4);
    }
    if version.minor >= 5 {
        sdl.push_str(V0_5);
    }
    add_definitions(schema, &sdl);
    let mut graph = TypeDef::new(Name::new_static_unchecked("join__Graph"), Kind::Enum);
    for (name, input) in graphs.iter().zip(inputs) {
        let applied = Applied::new("join__graph")
            .with_str("name", &input.subgraph.name)
            .with_str("url", &input.subgraph.url);
        let value = EnumValue { name: name.clone(), description: None, directives: vec![applied] };
        graph.values.insert(name.clone(), value);
    }
    schema.types.insert(graph.name.clone(), graph);
}

pub(super) fn add_definitions(schema: &mut Schema, sdl: &str) {
    let parsed = spec::parse(sdl);
    for def in parsed.directive_definitions.into_values() {
        add_directive(schema, def);
    }
    for def in parsed.types.into_values() {
        schema.types.entry(def.name.clone()).or_insert(def);
    }
}

pub(super) fn add_directive(schema: &mut Schema, def: DirectiveDef) {
    schema.directive_definitions.entry(def.name.clone()).or_insert(def);
}

/// A join directive with its `graph` argument.
pub(super) fn mark(directive: &str, graph: &Name) -> Applied {
    Applied::new(directive).with("graph", Value::Enum(graph.clone()))
}
