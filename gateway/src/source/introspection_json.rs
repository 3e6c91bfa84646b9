//! The answer to an introspection query, written as SDL.

use std::fmt::Write;

use serde_json::Value;

/// Why an introspection answer cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum IntrospectionJsonError {
    #[error("not JSON: line {line}: {message}")]
    Json { line: usize, message: String },
    #[error("no `__schema` in it; is this the answer to an introspection query?")]
    NoSchema,
    #[error("`{place}` has no `{key}`")]
    Missing { place: String, key: &'static str },
}

/// The query that asks for everything [`to_sdl`] needs.
pub(super) const QUERY: &str = "query Introspection { __schema { description queryType { name } mutationType { name } subscriptionType { name } types { kind name description specifiedByURL fields(includeDeprecated: true) { name description args { ...V } type { ...T } isDeprecated deprecationReason } inputFields { ...V } interfaces { name } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { name } } directives { name description locations isRepeatable args { ...V } } } } fragment V on __InputValue { name description type { ...T } defaultValue } fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

/// Accepts the whole answer, its `data`, or the schema itself.
pub(crate) fn to_sdl(text: &str) -> Result<String, IntrospectionJsonError> {
    let json: Value = serde_json::from_str(text).map_err(|error| IntrospectionJsonError::Json {
        line: error.line(),
        message: error.to_string(),
    })?;
    let schema = [json.pointer("/data/__schema"), json.get("__schema"), Some(&json)]
        .into_iter()
        .flatten()
        .find(|candidate| candidate.get("types").is_some_and(Value::is_array))
        .ok_or(IntrospectionJsonError::NoSchema)?;
    let mut writer = Writer { sdl: String::new() };
    writer.schema(schema)?;
    Ok(writer.sdl)
}

struct Writer {
    sdl: String,
}

type Written = Result<(), IntrospectionJsonError>;

impl Writer {
    fn schema(&mut self, schema: &Value) -> Written {
        self.description(schema, "");
        self.push("schema {\n");
        for (root, key) in [
            ("query", "queryType"),
            ("mutation", "mutationType"),
            ("subscription", "subscriptionType"),
        ] {
            if let Some(name) = schema.pointer(&format!("/{key}/name")).and_then(Value::as_str) {
                self.push(&format!("  {root}: {name}\n"));
            }
        }
        self.push("}\n");
        for directive in items(schema, "directives") {
            self.directive(directive)?;
        }
        for ty in items(schema, "types") {
            let name = text(ty, "name", "type")?;
            let built_in = ["Int", "Float", "String", "Boolean", "ID"].contains(&name);
            if !name.starts_with("__") && !built_in {
                self.type_definition(ty, name)?;
            }
        }
        Ok(())
    }

    fn directive(&mut self, directive: &Value) -> Written {
        let name = text(directive, "name", "directive")?;
        if ["skip", "include", "deprecated", "specifiedBy", "oneOf"].contains(&name) {
            return Ok(());
        }
        self.description(directive, "");
        self.push(&format!("directive @{name}"));
        self.arguments(directive, name)?;
        if directive.get("isRepeatable").and_then(Value::as_bool) == Some(true) {
            self.push(" repeatable");
        }
        let locations: Vec<&str> =
            items(directive, "locations").iter().filter_map(Value::as_str).collect();
        self.push(&format!(" on {}\n", locations.join(" | ")));
        Ok(())
    }

    fn type_definition(&mut self, ty: &Value, name: &str) -> Written {
        self.description(ty, "");
        let names = |key| -> Vec<&str> {
            items(ty, key).iter().filter_map(|other| other.get("name")?.as_str()).collect()
        };
        match text(ty, "kind", name)? {
            "SCALAR" => {
                self.push(&format!("scalar {name}"));
                if let Some(url) = ty.get("specifiedByURL").and_then(Value::as_str) {
                    self.push(&format!(" @specifiedBy(url: {})", quoted(url)));
                }
                self.push("\n");
            }
            kind @ ("OBJECT" | "INTERFACE") => {
                let keyword = if kind == "OBJECT" { "type" } else { "interface" };
                let interfaces = names("interfaces");
                self.push(&format!("{keyword} {name}"));
                if !interfaces.is_empty() {
                    self.push(&format!(" implements {}", interfaces.join(" & ")));
                }
                self.push(" {\n");
                for field in items(ty, "fields") {
                    let field_name = text(field, "name", name)?;
                    self.description(field, "  ");
                    self.push(&format!("  {field_name}"));
                    self.arguments(field, field_name)?;
                    let ty = type_reference(field.get("type"), field_name)?;
                    self.push(&format!(": {ty}"));
                    self.deprecation(field);
                    self.push("\n");
                }
                self.push("}\n");
            }
            "UNION" => {
                self.push(&format!("union {name} = {}\n", names("possibleTypes").join(" | ")));
            }
            "ENUM" => {
                self.push(&format!("enum {name} {{\n"));
                for value in items(ty, "enumValues") {
                    self.description(value, "  ");
                    self.push(&format!("  {}", text(value, "name", name)?));
                    self.deprecation(value);
                    self.push("\n");
                }
                self.push("}\n");
            }
            _ => {
                self.push(&format!("input {name} {{\n"));
                for field in items(ty, "inputFields") {
                    self.description(field, "  ");
                    let field = input_value(field, name)?;
                    self.push(&format!("  {field}\n"));
                }
                self.push("}\n");
            }
        }
        Ok(())
    }

    fn arguments(&mut self, owner: &Value, place: &str) -> Written {
        let arguments = items(owner, "args");
        if arguments.is_empty() {
            return Ok(());
        }
        self.push("(\n");
        for argument in arguments {
            self.description(argument, "    ");
            let argument = input_value(argument, place)?;
            self.push(&format!("    {argument}\n"));
        }
        self.push("  )");
        Ok(())
    }

    fn deprecation(&mut self, element: &Value) {
        if element.get("isDeprecated").and_then(Value::as_bool) == Some(true) {
            self.push(" @deprecated");
            if let Some(reason) = element.get("deprecationReason").and_then(Value::as_str) {
                self.push(&format!("(reason: {})", quoted(reason)));
            }
        }
    }

    fn description(&mut self, element: &Value, indent: &str) {
        if let Some(description) = element.get("description").and_then(Value::as_str) {
            self.push(&format!("{indent}{}\n", quoted(description)));
        }
    }

    fn push(&mut self, text: &str) {
        self.sdl.write_str(text).expect("writing to a string cannot fail");
    }
}

fn input_value(value: &Value, place: &str) -> Result<String, IntrospectionJsonError> {
    let name = text(value, "name", place)?;
    let ty = type_reference(value.get("type"), name)?;
    let default = match value.get("defaultValue").and_then(Value::as_str) {
        Some(default) => format!(" = {default}"),
        None => String::new(),
    };
    Ok(format!("{name}: {ty}{default}"))
}

fn type_reference(
    reference: Option<&Value>,
    place: &str,
) -> Result<String, IntrospectionJsonError> {
    let missing = |key| IntrospectionJsonError::Missing { place: place.to_owned(), key };
    let reference = reference.ok_or_else(|| missing("type"))?;
    let inner = || type_reference(reference.get("ofType").filter(|inner| !inner.is_null()), place);
    match reference.get("kind").and_then(Value::as_str) {
        Some("NON_NULL") => Ok(format!("{}!", inner()?)),
        Some("LIST") => Ok(format!("[{}]", inner()?)),
        _ => text(reference, "name", place).map(str::to_owned),
    }
}

fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'v>(
    value: &'v Value,
    key: &'static str,
    place: &str,
) -> Result<&'v str, IntrospectionJsonError> {
    let missing = || IntrospectionJsonError::Missing { place: place.to_owned(), key };
    value.get(key).and_then(Value::as_str).ok_or_else(missing)
}

/// JSON's escapes are GraphQL's.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn an_answer_becomes_sdl() {
        let named = |name: &str| format!(r#"{{"kind":"SCALAR","name":"{name}","ofType":null}}"#);
        let answer = format!(
            r#"{{"data":{{"__schema":{{"queryType":{{"name":"Query"}},"directives":[],"types":[
              {{"kind":"OBJECT","name":"Query","description":"All \"roots\"","interfaces":[],"fields":[
                {{"name":"a","args":[{{"name":"n","type":{int},"defaultValue":"1"}}],
                  "type":{{"kind":"NON_NULL","ofType":{{"kind":"LIST","ofType":{int}}}}},
                  "isDeprecated":true,"deprecationReason":"old"}}]}},
              {{"kind":"ENUM","name":"E","enumValues":[{{"name":"X"}}]}},
              {{"kind":"SCALAR","name":"Int"}}]}}}}}}"#,
            int = named("Int")
        );
        expect![[r#"
            schema {
              query: Query
            }
            "All \"roots\""
            type Query {
              a(
                n: Int = 1
              ): [Int]! @deprecated(reason: "old")
            }
            enum E {
              X
            }
        "#]]
        .assert_eq(&to_sdl(&answer).expect("an introspection answer"));
    }

    #[test]
    fn other_json_is_refused() {
        assert!(matches!(to_sdl("{}"), Err(IntrospectionJsonError::NoSchema)));
        assert!(matches!(to_sdl("{"), Err(IntrospectionJsonError::Json { .. })));
    }
}
