//! The part of a supergraph that a document touches, as a fingerprint: equal fingerprints mean
//! that the document is as valid, is planned and is protected in the same way, so that a plan can
//! be kept when the schema changes elsewhere.
//!
//! Touched are the types that the document names or leads to, their implementations and
//! interfaces; and of those, the fields whose names are in the document or in any field set of a
//! touched type. That is more than planning looks at, never less.

use std::collections::BTreeSet;
use std::fmt;

use apollo_compiler::ast::{self, Definition, Selection, Type};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Name, Node};

use crate::operation::Document;
use crate::supergraph::{FieldJoin, SubgraphId, Supergraph, SupergraphField, SupergraphType};

/// Of the part of a schema that a document touches.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Fingerprint([u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

pub(super) fn fingerprint(supergraph: &Supergraph, document: &Document) -> Fingerprint {
    let touched = Touched::by(supergraph, document);
    let mut hash = Hash(OFFSET);
    // Writing to a hash cannot fail.
    let _ = touched.write(supergraph, &mut hash);
    Fingerprint(hash.0.to_be_bytes())
}

/// The labels of progressive overrides on touched fields.
pub(super) fn override_labels<'s>(
    supergraph: &'s Supergraph,
    document: &Document,
) -> BTreeSet<&'s str> {
    let touched = Touched::by(supergraph, document);
    let types = touched.types.iter().filter_map(|name| supergraph.types.get(*name));
    let fields = types.flat_map(|ty| ty.fields.values());
    fields
        .filter(|field| touched.fields.contains(field.name.as_str()))
        .flat_map(SupergraphField::override_labels)
        .collect()
}

#[derive(Default)]
struct Touched<'a> {
    types: BTreeSet<&'a str>,
    fields: BTreeSet<&'a str>,
    directives: BTreeSet<&'a str>,
}

impl<'a> Touched<'a> {
    fn by(supergraph: &'a Supergraph, document: &'a Document) -> Self {
        let mut touched = Self::default();
        for definition in &document.ast().definitions {
            touched.definition(supergraph, definition);
        }
        touched.complete(supergraph);
        touched
    }

    fn definition(&mut self, supergraph: &'a Supergraph, definition: &'a Definition) {
        match definition {
            Definition::OperationDefinition(operation) => {
                let root = supergraph.schema().root_operation(operation.operation_type);
                self.types.extend(root.map(Name::as_str));
                for variable in &operation.variables {
                    self.types.insert(variable.ty.inner_named_type().as_str());
                    self.directives(&variable.directives);
                }
                self.directives(&operation.directives);
                self.selections(&operation.selection_set);
            }
            Definition::FragmentDefinition(fragment) => {
                self.types.insert(fragment.type_condition.as_str());
                self.directives(&fragment.directives);
                self.selections(&fragment.selection_set);
            }
            _ => {}
        }
    }

    fn selections(&mut self, selections: &'a [Selection]) {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    self.fields.insert(field.name.as_str());
                    self.directives(&field.directives);
                    self.selections(&field.selection_set);
                }
                Selection::InlineFragment(fragment) => {
                    self.types.extend(fragment.type_condition.as_ref().map(Name::as_str));
                    self.directives(&fragment.directives);
                    self.selections(&fragment.selection_set);
                }
                Selection::FragmentSpread(spread) => self.directives(&spread.directives),
            }
        }
    }

    fn directives(&mut self, directives: &'a ast::DirectiveList) {
        self.directives.extend(directives.iter().map(|directive| directive.name.as_str()));
    }

    /// Adds what touched types and fields lead to, until nothing is new.
    fn complete(&mut self, supergraph: &'a Supergraph) {
        loop {
            let before = (self.types.len(), self.fields.len());
            for ty in supergraph.types.values() {
                if self.types.contains(ty.name.as_str()) {
                    self.add_type(supergraph, ty);
                }
                // Whatever implements a touched interface, or has a touched member.
                let above = ty.implements.keys().any(|name| self.types.contains(name.as_str()));
                if above {
                    self.types.insert(ty.name.as_str());
                }
            }
            if before == (self.types.len(), self.fields.len()) {
                return;
            }
        }
    }

    fn add_type(&mut self, supergraph: &'a Supergraph, ty: &'a SupergraphType) {
        self.types.extend(ty.implements.keys().chain(ty.members.keys()).map(Name::as_str));
        for key in ty.joins.iter().flat_map(|join| &join.keys) {
            self.field_set(supergraph, &key.fields);
        }
        let api_type = supergraph.api_schema().types.get(&ty.name);
        if let Some(ExtendedType::InputObject(object)) = api_type {
            for field in object.fields.values() {
                self.types.insert(field.ty.inner_named_type().as_str());
            }
        }
        for field in ty.fields.values() {
            if !self.fields.contains(field.name.as_str()) {
                continue;
            }
            self.types.insert(field.ty.inner_named_type().as_str());
            for join in &field.joins {
                self.types.insert(join.ty.inner_named_type().as_str());
                for text in [&join.requires, &join.provides].into_iter().flatten() {
                    self.field_set(supergraph, text);
                }
                for argument in &join.context_arguments {
                    self.field_set(supergraph, &argument.selection);
                }
            }
            if let Ok(definition) = supergraph.schema().type_field(&ty.name, &field.name) {
                for argument in &definition.arguments {
                    self.types.insert(argument.ty.inner_named_type().as_str());
                }
            }
        }
    }

    /// Every name in a field set is taken for a field or a type, whichever there is.
    fn field_set(&mut self, supergraph: &'a Supergraph, text: &'a str) {
        for word in text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_') {
            if supergraph.types.contains_key(word) {
                self.types.insert(word);
            }
            if !word.is_empty() {
                self.fields.insert(word);
            }
        }
    }

    fn write(&self, supergraph: &Supergraph, text: &mut impl fmt::Write) -> fmt::Result {
        // Plans name subgraphs and prefer earlier ones; what else these have does not matter.
        for subgraph in &supergraph.subgraphs {
            write!(text, "{};", subgraph.name)?;
        }
        for name in &self.directives {
            if let Some(definition) = supergraph.api_schema().directive_definitions.get(*name) {
                write!(text, "{}", definition.serialize().no_indent())?;
            }
        }
        for name in &self.types {
            match supergraph.types.get(*name) {
                Some(ty) => self.write_type(supergraph, ty, text)?,
                None => write!(text, "?{name};")?,
            }
        }
        if self.fields.iter().any(|field| matches!(*field, "__schema" | "__type")) {
            write!(text, "{}", supergraph.api_schema().serialize().no_indent())?;
        }
        Ok(())
    }

    fn write_type(
        &self,
        supergraph: &Supergraph,
        ty: &SupergraphType,
        text: &mut impl fmt::Write,
    ) -> fmt::Result {
        let api_schema = supergraph.api_schema();
        let SupergraphType { name, kind, joins, fields, implements, members, values, contexts } =
            ty;
        let api_type = api_schema.types.get(name);
        write!(text, "{kind:?} {name} {};", api_type.is_some())?;
        write!(text, "{:?};{contexts:?};", supergraph.authorization(name))?;
        for join in joins {
            let subgraph = name_of(supergraph, join.subgraph);
            write!(text, "{subgraph} {:?} {};", join.keys, join.interface_object)?;
        }
        for (other, subgraphs) in implements.iter().chain(members).chain(values) {
            write!(text, "{other}")?;
            for subgraph in subgraphs {
                write!(text, " {}", name_of(supergraph, *subgraph))?;
            }
            text.write_char(';')?;
        }
        // What clients may give, with all defaults and fields.
        if let Some(given @ (ExtendedType::InputObject(_) | ExtendedType::Enum(_))) = api_type {
            write!(text, "{}", given.serialize().no_indent())?;
        }
        for field in fields.values().filter(|field| self.fields.contains(field.name.as_str())) {
            write_field(supergraph, ty, field, text)?;
        }
        Ok(())
    }
}

fn write_field(
    supergraph: &Supergraph,
    parent: &SupergraphType,
    field: &SupergraphField,
    text: &mut impl fmt::Write,
) -> fmt::Result {
    let SupergraphField { name, ty, joins } = field;
    write!(text, "{name}:{ty} ")?;
    let coordinate = format!("{}.{name}", parent.name);
    write!(text, "{:?}", supergraph.authorization(&coordinate))?;
    match supergraph.api_schema().type_field(&parent.name, name) {
        Ok(definition) => write_arguments(&definition.arguments, text)?,
        Err(_) => text.write_str(" hidden")?,
    }
    for join in joins {
        let FieldJoin {
            subgraph,
            ty,
            requires,
            provides,
            external,
            override_from,
            used_overridden,
            override_label,
            context_arguments,
        } = join;
        write!(
            text,
            " {}:{ty} {requires:?} {provides:?} {external} {override_from:?} {used_overridden} {override_label:?} {context_arguments:?}",
            name_of(supergraph, *subgraph)
        )?;
    }
    text.write_char(';')
}

fn write_arguments(
    arguments: &[Node<ast::InputValueDefinition>],
    text: &mut impl fmt::Write,
) -> fmt::Result {
    for argument in arguments {
        let ty: &Type = &argument.ty;
        write!(text, "({}:{ty}", argument.name)?;
        if let Some(default) = &argument.default_value {
            write!(text, "={}", default.serialize().no_indent())?;
        }
        text.write_char(')')?;
    }
    Ok(())
}

fn name_of(supergraph: &Supergraph, subgraph: SubgraphId) -> &str {
    &supergraph.subgraph(subgraph).name
}

/// FNV-1a over 128 bits: schemas are their owner's, nobody attacks by them.
struct Hash(u128);

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

impl fmt::Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(PRIME);
        }
        Ok(())
    }
}
