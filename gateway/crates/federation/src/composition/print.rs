//! Prints the supergraph: definitions sorted by name, everything else in the model's order.

use std::fmt::Write as _;

use apollo_compiler::Node;
use apollo_compiler::ast::Value;

use crate::subgraph::model::{
    Applied, DirectiveDef, EnumValue, Field, InputValue, Kind, ROOTS, Schema, TypeDef,
};

pub(crate) fn print(schema: &Schema) -> String {
    let mut out = String::new();
    print_schema(&mut out, schema);
    let mut directives: Vec<&DirectiveDef> = schema.directive_definitions.values().collect();
    directives.sort_by(|a, b| a.name.cmp(&b.name));
    for def in directives {
        out.push('\n');
        print_directive(&mut out, def);
    }
    let mut types: Vec<&TypeDef> = schema.types.values().collect();
    types.sort_by(|a, b| a.name.cmp(&b.name));
    for def in types {
        out.push('\n');
        print_type(&mut out, def);
    }
    out
}

fn print_schema(out: &mut String, schema: &Schema) {
    print_description(out, schema.description.as_deref(), "");
    out.push_str("schema\n");
    for applied in &schema.directives {
        out.push_str("  ");
        print_applied(out, applied);
        out.push('\n');
    }
    out.push_str("{\n");
    for operation in ROOTS {
        if let Some(root) = schema.root(operation) {
            append(out, format_args!("  {operation}: {root}\n"));
        }
    }
    out.push_str("}\n");
}

fn print_directive(out: &mut String, def: &DirectiveDef) {
    let DirectiveDef { name, description, args, repeatable, locations } = def;
    print_description(out, description.as_deref(), "");
    append(out, format_args!("directive @{name}"));
    print_arguments(out, args.values(), "");
    if *repeatable {
        out.push_str(" repeatable");
    }
    out.push_str(" on ");
    for (index, location) in locations.iter().enumerate() {
        append(out, format_args!("{}{location}", if index == 0 { "" } else { " | " }));
    }
    out.push('\n');
}

fn print_type(out: &mut String, def: &TypeDef) {
    let TypeDef {
        name,
        kind,
        description,
        directives,
        implements,
        fields,
        input_fields,
        members,
        values,
        defined: _,
        extensions: _,
    } = def;
    print_description(out, description.as_deref(), "");
    let keyword = match kind {
        Kind::Scalar => "scalar",
        Kind::Object => "type",
        Kind::Interface => "interface",
        Kind::Union => "union",
        Kind::Enum => "enum",
        Kind::InputObject => "input",
    };
    append(out, format_args!("{keyword} {name}"));
    for (index, interface) in implements.iter().enumerate() {
        let separator = if index == 0 { " implements " } else { " & " };
        append(out, format_args!("{separator}{interface}"));
    }
    for applied in directives {
        out.push_str("\n  ");
        print_applied(out, applied);
    }
    for (index, member) in members.iter().enumerate() {
        append(out, format_args!("{}{member}", if index == 0 { "\n  = " } else { " | " }));
    }
    let has_body = !(fields.is_empty() && input_fields.is_empty() && values.is_empty());
    if has_body {
        out.push_str(if directives.is_empty() { " {\n" } else { "\n{\n" });
        let mut separate = false;
        for field in fields.values() {
            separate_described(out, &mut separate, field.description.is_some());
            print_field(out, field);
        }
        for field in input_fields.values() {
            separate_described(out, &mut separate, field.description.is_some());
            print_description(out, field.description.as_deref(), "  ");
            out.push_str("  ");
            print_input_value(out, field);
            out.push('\n');
        }
        for value in values.values() {
            let EnumValue { name, description, directives } = value;
            separate_described(out, &mut separate, description.is_some());
            print_description(out, description.as_deref(), "  ");
            append(out, format_args!("  {name}"));
            print_inline_directives(out, directives);
            out.push('\n');
        }
        out.push('}');
    }
    out.push('\n');
}

/// A blank line before everything described, except the first.
fn separate_described(out: &mut String, separate: &mut bool, described: bool) {
    if *separate && described {
        out.push('\n');
    }
    *separate = true;
}

fn print_field(out: &mut String, field: &Field) {
    let Field { name, description, args, ty, directives, part: _ } = field;
    print_description(out, description.as_deref(), "  ");
    append(out, format_args!("  {name}"));
    print_arguments(out, args.values(), "  ");
    append(out, format_args!(": {ty}"));
    print_inline_directives(out, directives);
    out.push('\n');
}

fn print_arguments<'a>(
    out: &mut String,
    args: impl Iterator<Item = &'a InputValue> + Clone,
    indent: &str,
) {
    if args.clone().next().is_none() {
        return;
    }
    if args.clone().all(|arg| arg.description.is_none()) {
        out.push('(');
        for (index, arg) in args.enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            print_input_value(out, arg);
        }
        out.push(')');
        return;
    }
    out.push_str("(\n");
    let inner = format!("{indent}  ");
    for arg in args {
        print_description(out, arg.description.as_deref(), &inner);
        out.push_str(&inner);
        print_input_value(out, arg);
        out.push('\n');
    }
    out.push_str(indent);
    out.push(')');
}

fn print_input_value(out: &mut String, input: &InputValue) {
    let InputValue { name, description: _, ty, default, directives } = input;
    append(out, format_args!("{name}: {ty}"));
    if let Some(default) = default {
        out.push_str(" = ");
        print_value(out, default);
    }
    print_inline_directives(out, directives);
}

fn print_inline_directives(out: &mut String, directives: &[Applied]) {
    for applied in directives {
        out.push(' ');
        print_applied(out, applied);
    }
}

pub(crate) fn print_applied(out: &mut String, applied: &Applied) {
    let Applied { name, args, part: _ } = applied;
    append(out, format_args!("@{name}"));
    for (index, (name, value)) in args.iter().enumerate() {
        append(out, format_args!("{}{name}: ", if index == 0 { "(" } else { ", " }));
        print_value(out, value);
    }
    if !args.is_empty() {
        out.push(')');
    }
}

fn print_value(out: &mut String, value: &Node<Value>) {
    match &**value {
        Value::String(text) => print_string(out, text),
        Value::List(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                print_value(out, value);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (index, (name, value)) in fields.iter().enumerate() {
                append(out, format_args!("{}{name}: ", if index == 0 { "" } else { ", " }));
                print_value(out, value);
            }
            out.push('}');
        }
        Value::Null => out.push_str("null"),
        Value::Enum(name) => out.push_str(name),
        Value::Variable(name) => append(out, format_args!("${name}")),
        Value::Float(number) => out.push_str(number.as_str()),
        Value::Int(number) => out.push_str(number.as_str()),
        Value::Boolean(value) => append(out, format_args!("{value}")),
    }
}

fn print_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => append(out, format_args!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A block string where it reads back to the same text, else a quoted one.
fn print_description(out: &mut String, description: Option<&str>, indent: &str) {
    let Some(text) = description else { return };
    out.push_str(indent);
    let has_edge_space = text.lines().any(|line| line.starts_with([' ', '\t']))
        || text.trim_matches(['\n', ' ', '\t']) != text;
    let has_odd_characters = text.chars().any(|c| c.is_control() && c != '\n');
    if text.is_empty() || has_edge_space || has_odd_characters {
        print_string(out, text);
        out.push('\n');
        return;
    }
    out.push_str("\"\"\"\n");
    for line in text.split('\n') {
        if !line.is_empty() {
            out.push_str(indent);
            out.push_str(&line.replace("\"\"\"", "\\\"\"\""));
        }
        out.push('\n');
    }
    out.push_str(indent);
    out.push_str("\"\"\"\n");
}

fn append(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string cannot fail");
}
