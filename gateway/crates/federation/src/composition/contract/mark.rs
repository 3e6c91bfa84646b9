//! Marks what the filter's tags leave out.

use apollo_compiler::Name;
use indexmap::IndexMap;

use super::{ContractFilter, Names};
use crate::subgraph::link::Links;
use crate::subgraph::model::{self, Applied, Field, InputValue, Kind, Schema, TypeDef};

/// Whether anything was marked.
pub(super) fn mark(
    schema: &mut Schema,
    links: &Links,
    names: &Names,
    filter: &ContractFilter,
) -> bool {
    let mut marker = Marker { names, filter, marked: false };
    for def in schema.types.values_mut() {
        if links.type_origin(&def.name).is_none() {
            marker.mark_type(def);
        }
    }
    let mut marked = marker.marked;
    let hidden_type =
        |def: &TypeDef, names: &Names| model::has(&def.directives, &names.inaccessible);
    let hidden: Vec<Name> = schema
        .types
        .values()
        .filter(|def| hidden_type(def, names))
        .map(|def| def.name.clone())
        .collect();
    for def in schema.types.values_mut().filter(|def| def.kind == Kind::Union) {
        let emptied = def.members.iter().all(|member| hidden.contains(member));
        if emptied && !hidden_type(def, names) {
            def.directives.push(Applied::new(&names.inaccessible));
            marked = true;
        }
    }
    marked
}

struct Marker<'a> {
    names: &'a Names,
    filter: &'a ContractFilter,
    marked: bool,
}

impl Marker<'_> {
    fn mark_type(&mut self, def: &mut TypeDef) {
        if self.is_excluded(&def.directives) {
            return self.hide(&mut def.directives);
        }
        let included = self.is_included(&def.directives);
        match def.kind {
            Kind::Object | Kind::Interface => self.mark_fields(&mut def.fields, included),
            Kind::InputObject => self.mark_inputs(&mut def.input_fields),
            Kind::Enum => {
                for value in def.values.values_mut() {
                    if self.is_excluded(&value.directives) {
                        self.hide(&mut value.directives);
                    }
                }
            }
            Kind::Union => {
                if !included {
                    self.hide(&mut def.directives);
                }
            }
            Kind::Scalar => {}
        }
        if self.has_nothing_visible(def) {
            self.hide(&mut def.directives);
        }
    }

    fn mark_fields(&mut self, fields: &mut IndexMap<Name, Field>, type_included: bool) {
        for field in fields.values_mut() {
            let included = type_included || self.is_included(&field.directives);
            if !included || self.is_excluded(&field.directives) {
                self.hide(&mut field.directives);
            } else {
                self.mark_inputs(&mut field.args);
            }
        }
    }

    fn mark_inputs(&mut self, inputs: &mut IndexMap<Name, InputValue>) {
        for input in inputs.values_mut() {
            if self.is_excluded(&input.directives) {
                self.hide(&mut input.directives);
            }
        }
    }

    fn has_nothing_visible(&self, def: &TypeDef) -> bool {
        let hidden = |directives: &[Applied]| model::has(directives, &self.names.inaccessible);
        match def.kind {
            Kind::Object | Kind::Interface => def.fields.values().all(|f| hidden(&f.directives)),
            Kind::InputObject => def.input_fields.values().all(|f| hidden(&f.directives)),
            Kind::Enum => def.values.values().all(|value| hidden(&value.directives)),
            Kind::Union | Kind::Scalar => false,
        }
    }

    fn has_tag(&self, directives: &[Applied], wanted: &[String]) -> bool {
        model::all_of(directives, &self.names.tag)
            .filter_map(|tag| tag.str_arg("name"))
            .any(|name| wanted.iter().any(|wanted| wanted == name))
    }

    fn is_excluded(&self, directives: &[Applied]) -> bool {
        self.has_tag(directives, &self.filter.exclude)
    }

    fn is_included(&self, directives: &[Applied]) -> bool {
        self.filter.include.is_empty() || self.has_tag(directives, &self.filter.include)
    }

    fn hide(&mut self, directives: &mut Vec<Applied>) {
        if !model::has(directives, &self.names.inaccessible) {
            directives.push(Applied::new(&self.names.inaccessible));
            self.marked = true;
        }
    }
}
