//! Field sets: the selections in `@key`, `@requires`, `@provides` and `@fromContext`.

use std::ops::ControlFlow;

use apollo_compiler::ast::{self, Definition, Document, Value};
use apollo_compiler::{Name, Node};

use super::model::{Field, Kind, Schema};

/// A parsed field set, not checked against any type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldSet(pub(crate) Vec<Selection>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    Field(SelectedField),
    Inline { on: Option<Name>, sub: Vec<Selection>, directives: Vec<Name> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SelectedField {
    pub(crate) alias: Option<Name>,
    pub(crate) name: Name,
    pub(crate) args: Vec<(Name, Node<Value>)>,
    pub(crate) directives: Vec<Name>,
    pub(crate) sub: Vec<Selection>,
}

const RECURSION_LIMIT: usize = 100;

impl FieldSet {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let braced = if text.starts_with('{') { text.to_owned() } else { format!("{{ {text} }}") };
        Self::parse_braced(&braced)
    }

    fn parse_braced(text: &str) -> Result<Self, String> {
        let document = Document::parser()
            .recursion_limit(RECURSION_LIMIT)
            .parse_ast(text, "field set")
            .map_err(|failed| {
                let first = failed.errors.iter().next();
                first.map_or_else(|| "syntax error".to_owned(), |error| error.error.to_string())
            })?;
        match document.definitions.as_slice() {
            [Definition::OperationDefinition(operation)]
                if operation.name.is_none()
                    && operation.operation_type == ast::OperationType::Query
                    && !operation.selection_set.is_empty() =>
            {
                Ok(Self(convert(&operation.selection_set)?))
            }
            _ => Err("it must be one selection set".to_owned()),
        }
    }
}

fn convert(selections: &[ast::Selection]) -> Result<Vec<Selection>, String> {
    selections
        .iter()
        .map(|selection| match selection {
            ast::Selection::Field(field) => Ok(Selection::Field(SelectedField {
                alias: field.alias.as_ref().map(unlocated),
                name: unlocated(&field.name),
                args: field
                    .arguments
                    .iter()
                    .map(|argument| (unlocated(&argument.name), argument.value.clone()))
                    .collect(),
                directives: field.directives.iter().map(|d| unlocated(&d.name)).collect(),
                sub: convert(&field.selection_set)?,
            })),
            ast::Selection::InlineFragment(inline) => Ok(Selection::Inline {
                on: inline.type_condition.as_ref().map(unlocated),
                sub: convert(&inline.selection_set)?,
                directives: inline.directives.iter().map(|d| unlocated(&d.name)).collect(),
            }),
            ast::Selection::FragmentSpread(spread) => {
                Err(format!("unknown fragment `{}`", spread.fragment_name))
            }
        })
        .collect()
}

/// The places in a field set are not places in the subgraph's text.
fn unlocated(name: &Name) -> Name {
    Name::new_unchecked(name.as_str())
}

/// What a check or a walk sees of each selected field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit<'a> {
    pub(crate) parent: &'a Name,
    pub(crate) field: &'a Field,
    pub(crate) selected: &'a SelectedField,
}

/// Checks that the selections can be made on the type; the first problem in words.
pub(crate) fn check(schema: &Schema, parent: &str, selections: &[Selection]) -> Result<(), String> {
    for selection in selections {
        match selection {
            Selection::Field(selected) if selected.name == "__typename" => {
                if !selected.sub.is_empty() {
                    return Err("`__typename` has no fields".to_owned());
                }
            }
            Selection::Field(selected) => {
                let field = schema
                    .field(parent, &selected.name)
                    .ok_or_else(|| format!("`{parent}` has no field `{}`", selected.name))?;
                check_arguments(schema, parent, field, selected)?;
                let ty = field.ty.inner_named_type();
                let composite = schema.kind(ty).is_some_and(Kind::is_composite);
                let selected_again = || {
                    selections.iter().any(|other| match other {
                        Selection::Field(other) => {
                            other.name == selected.name && !other.sub.is_empty()
                        }
                        Selection::Inline { .. } => false,
                    })
                };
                if composite && selected.sub.is_empty() && !selected_again() {
                    return Err(format!(
                        "`{parent}.{}` has type `{}`, so fields of it must be selected",
                        field.name, field.ty
                    ));
                }
                if !composite && !selected.sub.is_empty() {
                    return Err(format!(
                        "`{parent}.{}` has type `{}`, which has no fields",
                        field.name, field.ty
                    ));
                }
                check(schema, ty, &selected.sub)?;
            }
            Selection::Inline { on, sub, directives: _ } => {
                let condition: &str = on.as_ref().map_or(parent, |name| name.as_str());
                match schema.kind(condition) {
                    Some(kind) if kind.is_composite() => {}
                    Some(_) => return Err(format!("`... on {condition}` is no composite type")),
                    None => return Err(format!("`... on {condition}` names an unknown type")),
                }
                check(schema, condition, sub)?;
            }
        }
    }
    Ok(())
}

fn check_arguments(
    schema: &Schema,
    parent: &str,
    field: &Field,
    selected: &SelectedField,
) -> Result<(), String> {
    for (name, value) in &selected.args {
        let Some(arg) = field.args.get(name) else {
            return Err(format!("`{parent}.{}` has no argument `{name}`", field.name));
        };
        if !super::graphql::values::is_valid(schema, value, &arg.ty) {
            return Err(format!("`{value}` does not fit the argument `{name}: {}`", arg.ty));
        }
    }
    for arg in field.args.values() {
        if arg.is_required() && !selected.args.iter().any(|(name, _)| *name == arg.name) {
            return Err(format!("`{parent}.{}` needs the argument `{}`", field.name, arg.name));
        }
    }
    Ok(())
}

/// Calls `f` with every field selected, parents before children, up to the first unknown one.
pub(crate) fn visit<'a>(
    schema: &'a Schema,
    parent: &str,
    selections: &'a [Selection],
    f: &mut impl FnMut(Visit<'a>),
) -> ControlFlow<()> {
    for selection in selections {
        match selection {
            Selection::Field(selected) if selected.name == "__typename" => {}
            Selection::Field(selected) => {
                let Some(def) = schema.types.get(parent) else { return ControlFlow::Break(()) };
                let Some(field) = def.fields.get(&selected.name) else {
                    return ControlFlow::Break(());
                };
                f(Visit { parent: &def.name, field, selected });
                visit(schema, field.ty.inner_named_type(), &selected.sub, f)?;
            }
            Selection::Inline { on, sub, directives: _ } => {
                let condition: &str = on.as_ref().map_or(parent, |name| name.as_str());
                visit(schema, condition, sub, f)?;
            }
        }
    }
    ControlFlow::Continue(())
}

/// The directives that selections bear.
pub(crate) fn directives_in(selections: &[Selection]) -> Vec<&Name> {
    let (mut found, mut open) = (Vec::new(), vec![selections]);
    while let Some(selections) = open.pop() {
        for selection in selections {
            let (directives, sub) = match selection {
                Selection::Field(field) => (&field.directives, &field.sub),
                Selection::Inline { on: _, sub, directives } => (directives, sub),
            };
            found.extend(directives);
            open.push(sub);
        }
    }
    found
}

/// Whether any selection has an alias.
pub(crate) fn has_aliases(selections: &[Selection]) -> bool {
    selections.iter().any(|selection| match selection {
        Selection::Field(field) => field.alias.is_some() || has_aliases(&field.sub),
        Selection::Inline { on: _, sub, directives: _ } => has_aliases(sub),
    })
}

impl std::fmt::Display for FieldSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_all(f, &self.0)
    }
}

fn write_all(f: &mut std::fmt::Formatter<'_>, selections: &[Selection]) -> std::fmt::Result {
    for (index, selection) in selections.iter().enumerate() {
        if index > 0 {
            f.write_str(" ")?;
        }
        let sub = match selection {
            Selection::Field(SelectedField { alias, name, args, directives: _, sub }) => {
                if let Some(alias) = alias {
                    write!(f, "{alias}: ")?;
                }
                write!(f, "{name}")?;
                for (index, (name, value)) in args.iter().enumerate() {
                    write!(f, "{}{name}: {}", if index == 0 { "(" } else { ", " }, flat(value))?;
                }
                if !args.is_empty() {
                    f.write_str(")")?;
                }
                sub
            }
            Selection::Inline { on, sub, directives: _ } => {
                f.write_str("...")?;
                if let Some(on) = on {
                    write!(f, " on {on}")?;
                }
                sub
            }
        };
        if !sub.is_empty() {
            f.write_str(" { ")?;
            write_all(f, sub)?;
            f.write_str(" }")?;
        }
    }
    Ok(())
}

fn flat(value: &Value) -> String {
    value.serialize().no_indent().to_string()
}
