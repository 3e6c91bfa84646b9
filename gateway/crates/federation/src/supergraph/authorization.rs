//! Authorization directives by schema coordinate. Whether a caller satisfies them is for the
//! gateway to say; here they are only read.

use apollo_compiler::ast::Value;
use apollo_compiler::schema::{DirectiveList, ExtendedType};
use apollo_compiler::{Name, Schema};
use indexmap::IndexMap;

use super::api_schema::Specifications;

/// What a caller must have to see a type or field. All parts must be satisfied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorization {
    pub authenticated: bool,
    /// Any of these groups, each whole. Empty: no scopes asked for.
    pub scopes: Vec<Vec<String>>,
    /// Any of these groups, each whole. Empty: no policies asked for.
    pub policies: Vec<Vec<String>>,
}

impl Authorization {
    fn is_empty(&self) -> bool {
        let Self { authenticated, scopes, policies } = self;
        !authenticated && scopes.is_empty() && policies.is_empty()
    }
}

pub(super) fn read_authorization(
    schema: &Schema,
    specifications: &Specifications,
) -> IndexMap<String, Authorization> {
    let reader = Reader {
        authenticated: specifications.local_name("authenticated", "authenticated"),
        requires_scopes: specifications.local_name("requiresScopes", "requiresScopes"),
        policy: specifications.local_name("policy", "policy"),
    };
    let mut found = IndexMap::new();
    for (name, ty) in &schema.types {
        if ty.is_built_in() || specifications.owns_type(name) {
            continue;
        }
        let mut note =
            |coordinate: String, directives: &dyn Fn(&Name) -> Option<Vec<Vec<String>>>| {
                let authorization = reader.read(directives);
                if !authorization.is_empty() {
                    found.insert(coordinate, authorization);
                }
            };
        note(name.to_string(), &|directive| groups(ty.directives(), directive));
        let fields = match ty {
            ExtendedType::Object(object) => &object.fields,
            ExtendedType::Interface(interface) => &interface.fields,
            ExtendedType::Scalar(_)
            | ExtendedType::Union(_)
            | ExtendedType::Enum(_)
            | ExtendedType::InputObject(_) => continue,
        };
        for (field_name, field) in fields {
            note(format!("{name}.{field_name}"), &|directive| {
                field.directives.get(directive).map(|applied| argument_groups(&applied.arguments))
            });
        }
    }
    found
}

struct Reader {
    authenticated: Name,
    requires_scopes: Name,
    policy: Name,
}

impl Reader {
    fn read(&self, directives: &dyn Fn(&Name) -> Option<Vec<Vec<String>>>) -> Authorization {
        Authorization {
            authenticated: directives(&self.authenticated).is_some(),
            scopes: directives(&self.requires_scopes).unwrap_or_default(),
            policies: directives(&self.policy).unwrap_or_default(),
        }
    }
}

fn groups(directives: &DirectiveList, name: &Name) -> Option<Vec<Vec<String>>> {
    directives.get(name).map(|applied| argument_groups(&applied.arguments))
}

/// `[["a", "b"], ["c"]]` of a directive's only argument. A single string counts as a list of one.
fn argument_groups(
    arguments: &[apollo_compiler::Node<apollo_compiler::ast::Argument>],
) -> Vec<Vec<String>> {
    arguments
        .first()
        .map(|argument| list(&argument.value, &|group| list(group, &text)))
        .unwrap_or_default()
}

fn list<T>(value: &Value, item: &dyn Fn(&Value) -> T) -> Vec<T> {
    match value {
        Value::List(items) => items.iter().map(|value| item(value)).collect(),
        other => vec![item(other)],
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
