//! Everything in a schema document that has a name, as a flat list.

use apollo_compiler::ast::{
    Definition, DirectiveList, Document, EnumValueDefinition, FieldDefinition,
    InputValueDefinition, Type,
};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::{Name, Node};

/// A named part of a document.
#[derive(Clone, Debug)]
pub(super) struct Element<'d> {
    pub(super) document: usize,
    pub(super) coordinate: String,
    pub(super) name: &'d Name,
    pub(super) description: Option<&'d Node<str>>,
    pub(super) directives: &'d DirectiveList,
    /// The name of the type or directive that it is part of.
    pub(super) parent: Option<&'d Name>,
    pub(super) named: Named<'d>,
    /// With description and all.
    pub(super) span: Option<SourceSpan>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Named<'d> {
    Type(&'d Definition),
    Field(&'d FieldDefinition),
    /// Of the field of that name.
    Argument(&'d InputValueDefinition),
    InputField(&'d InputValueDefinition),
    EnumValue,
    Directive,
    DirectiveArgument(&'d InputValueDefinition),
}

static NO_DIRECTIVES: DirectiveList = DirectiveList(Vec::new());

impl<'d> Element<'d> {
    pub(super) fn name_span(&self) -> Option<SourceSpan> {
        self.name.location()
    }

    /// The type of a field, argument or input field.
    pub(super) fn ty(&self) -> Option<&'d Type> {
        match self.named {
            Named::Field(field) => Some(&field.ty),
            Named::Argument(value) | Named::InputField(value) | Named::DirectiveArgument(value) => {
                Some(&value.ty)
            }
            Named::Type(_) | Named::EnumValue | Named::Directive => None,
        }
    }

    pub(super) fn fields(&self) -> &'d [Node<FieldDefinition>] {
        let Named::Type(definition) = self.named else { return &[] };
        match definition {
            Definition::ObjectTypeDefinition(object) => &object.fields,
            Definition::ObjectTypeExtension(object) => &object.fields,
            Definition::InterfaceTypeDefinition(interface) => &interface.fields,
            Definition::InterfaceTypeExtension(interface) => &interface.fields,
            _ => &[],
        }
    }

    pub(super) fn is_object(&self) -> bool {
        matches!(
            self.named,
            Named::Type(Definition::ObjectTypeDefinition(_) | Definition::ObjectTypeExtension(_))
        )
    }

    pub(super) fn is_extension(&self) -> bool {
        matches!(self.named, Named::Type(definition) if definition.is_extension_definition())
    }
}

/// Everything named, in the order in which it is written. What belongs to a linked
/// specification (`link__Import`) is not the author's and left out.
pub(super) fn elements(documents: &[Document]) -> Vec<Element<'_>> {
    let mut elements = Vec::new();
    for (document, parsed) in documents.iter().enumerate() {
        for definition in &parsed.definitions {
            let foreign = definition.name().is_some_and(|name| name.contains("__"));
            if !foreign {
                of_definition(document, definition, &mut elements);
            }
        }
    }
    elements
}

fn of_definition<'d>(document: usize, definition: &'d Definition, elements: &mut Vec<Element<'d>>) {
    if let Definition::DirectiveDefinition(directive) = definition {
        let coordinate = format!("@{}", directive.name);
        for argument in &directive.arguments {
            elements.push(of_value(
                document,
                &coordinate,
                &directive.name,
                argument,
                Named::DirectiveArgument(argument),
            ));
        }
        elements.push(Element {
            document,
            coordinate,
            name: &directive.name,
            description: directive.description.as_ref(),
            directives: &NO_DIRECTIVES,
            parent: None,
            named: Named::Directive,
            span: directive.location(),
        });
        return;
    }
    let Some(name) = definition.name() else { return };
    if matches!(definition, Definition::OperationDefinition(_) | Definition::FragmentDefinition(_))
    {
        return;
    }
    elements.push(Element {
        document,
        coordinate: name.to_string(),
        name,
        description: definition_description(definition),
        directives: definition.directives(),
        parent: None,
        named: Named::Type(definition),
        span: definition.location(),
    });
    match definition {
        Definition::ObjectTypeDefinition(object) => {
            of_fields(document, name, &object.fields, elements);
        }
        Definition::ObjectTypeExtension(object) => {
            of_fields(document, name, &object.fields, elements);
        }
        Definition::InterfaceTypeDefinition(interface) => {
            of_fields(document, name, &interface.fields, elements);
        }
        Definition::InterfaceTypeExtension(interface) => {
            of_fields(document, name, &interface.fields, elements);
        }
        Definition::InputObjectTypeDefinition(input) => {
            of_input_fields(document, name, &input.fields, elements);
        }
        Definition::InputObjectTypeExtension(input) => {
            of_input_fields(document, name, &input.fields, elements);
        }
        Definition::EnumTypeDefinition(definition) => {
            of_values(document, name, &definition.values, elements);
        }
        Definition::EnumTypeExtension(definition) => {
            of_values(document, name, &definition.values, elements);
        }
        _ => {}
    }
}

fn definition_description(definition: &Definition) -> Option<&Node<str>> {
    match definition {
        Definition::ScalarTypeDefinition(scalar) => scalar.description.as_ref(),
        Definition::ObjectTypeDefinition(object) => object.description.as_ref(),
        Definition::InterfaceTypeDefinition(interface) => interface.description.as_ref(),
        Definition::UnionTypeDefinition(union) => union.description.as_ref(),
        Definition::EnumTypeDefinition(definition) => definition.description.as_ref(),
        Definition::InputObjectTypeDefinition(input) => input.description.as_ref(),
        _ => None,
    }
}

fn of_fields<'d>(
    document: usize,
    parent: &'d Name,
    fields: &'d [Node<FieldDefinition>],
    elements: &mut Vec<Element<'d>>,
) {
    for field in fields {
        let coordinate = format!("{parent}.{}", field.name);
        elements.push(Element {
            document,
            coordinate: coordinate.clone(),
            name: &field.name,
            description: field.description.as_ref(),
            directives: &field.directives,
            parent: Some(parent),
            named: Named::Field(field),
            span: field.location(),
        });
        for argument in &field.arguments {
            elements.push(of_value(
                document,
                &coordinate,
                parent,
                argument,
                Named::Argument(argument),
            ));
        }
    }
}

fn of_input_fields<'d>(
    document: usize,
    parent: &'d Name,
    fields: &'d [Node<InputValueDefinition>],
    elements: &mut Vec<Element<'d>>,
) {
    elements.extend(
        fields
            .iter()
            .map(|field| of_value(document, parent, parent, field, Named::InputField(field))),
    );
}

fn of_value<'d>(
    document: usize,
    prefix: &str,
    parent: &'d Name,
    value: &'d Node<InputValueDefinition>,
    named: Named<'d>,
) -> Element<'d> {
    Element {
        document,
        coordinate: format!("{prefix}.{}", value.name),
        name: &value.name,
        description: value.description.as_ref(),
        directives: &value.directives,
        parent: Some(parent),
        named,
        span: value.location(),
    }
}

fn of_values<'d>(
    document: usize,
    parent: &'d Name,
    values: &'d [Node<EnumValueDefinition>],
    elements: &mut Vec<Element<'d>>,
) {
    for value in values {
        elements.push(Element {
            document,
            coordinate: format!("{parent}.{}", value.value),
            name: &value.value,
            description: value.description.as_ref(),
            directives: &value.directives,
            parent: Some(parent),
            named: Named::EnumValue,
            span: value.location(),
        });
    }
}
