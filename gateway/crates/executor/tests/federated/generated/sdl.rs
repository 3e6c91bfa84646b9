//! Subgraph schemas under construction, and their text: one definition or field a line, so that
//! a failing graph can be shrunk line by line.

use std::fmt::Write as _;

use indexmap::IndexMap;

#[derive(Clone, Debug, Default)]
pub(super) struct Sub {
    pub(super) name: &'static str,
    pub(super) types: IndexMap<String, SubType>,
}

#[derive(Clone, Debug)]
pub(super) struct SubType {
    pub(super) keyword: &'static str,
    pub(super) implements: Vec<String>,
    pub(super) directives: Vec<String>,
    pub(super) fields: IndexMap<String, SubField>,
    /// Of a union.
    pub(super) members: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct SubField {
    pub(super) arguments: &'static str,
    pub(super) ty: String,
    pub(super) directives: String,
}

impl SubField {
    pub(super) fn of(ty: &str) -> Self {
        Self { arguments: "", ty: ty.to_owned(), directives: String::new() }
    }

    pub(super) fn with(mut self, directive: &str) -> Self {
        self.directives.push(' ');
        self.directives.push_str(directive);
        self
    }

    pub(super) fn arguments(mut self, arguments: &'static str) -> Self {
        self.arguments = arguments;
        self
    }
}

impl Sub {
    pub(super) fn define(&mut self, keyword: &'static str, name: &str) -> &mut SubType {
        self.types.entry(name.to_owned()).or_insert_with(|| SubType {
            keyword,
            implements: Vec::new(),
            directives: Vec::new(),
            fields: IndexMap::new(),
            members: Vec::new(),
        })
    }

    pub(super) fn field(&mut self, type_name: &str, name: &str, field: SubField) {
        if let Some(ty) = self.types.get_mut(type_name) {
            ty.fields.entry(name.to_owned()).or_insert(field);
        }
    }

    pub(super) fn has(&self, type_name: &str, field: &str) -> bool {
        self.types.get(type_name).is_some_and(|ty| ty.fields.contains_key(field))
    }

    pub(super) fn sdl(&self) -> String {
        let mut sdl = String::from(
            "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.8\", import: [\"@key\", \"@external\", \"@requires\", \"@provides\", \"@shareable\", \"@override\", \"@inaccessible\", \"@interfaceObject\"])\n",
        );
        for (name, ty) in &self.types {
            if ty.fields.is_empty() && ty.members.is_empty() {
                continue;
            }
            write!(sdl, "{} {name}", ty.keyword).unwrap();
            if !ty.implements.is_empty() {
                write!(sdl, " implements {}", ty.implements.join(" & ")).unwrap();
            }
            for directive in &ty.directives {
                write!(sdl, " {directive}").unwrap();
            }
            if !ty.members.is_empty() {
                writeln!(sdl, " = {}", ty.members.join(" | ")).unwrap();
                continue;
            }
            sdl.push_str(" {\n");
            for (field, SubField { arguments, ty: field_type, directives }) in &ty.fields {
                match ty.keyword {
                    "enum" => writeln!(sdl, "  {field}{directives}").unwrap(),
                    _ => writeln!(sdl, "  {field}{arguments}: {field_type}{directives}").unwrap(),
                }
            }
            sdl.push_str("}\n");
        }
        sdl.push_str("scalar Money\n");
        sdl
    }
}
