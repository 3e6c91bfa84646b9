//! What every test of the planner uses.

use std::fmt::Write as _;
use std::sync::Arc;

use expect_test::Expect;
use federation::operation::Operation;
use federation::plan::QueryPlan;
use federation::planner::verify::verify;
use federation::planner::{PlanOptions, Planner};
use federation::supergraph::Supergraph;

const HEAD: &str = r#"
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)
{ query: Query ROOTS }
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean, overrideLabel: String, contextArguments: [join__ContextArgument!]) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION
scalar join__FieldSet
scalar join__FieldValue
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
input join__ContextArgument { name: String! type: String! context: String! selection: join__FieldValue! }
"#;

/// A supergraph from its types only; subgraphs `a`, `b`, ... are the graphs `A`, `B`, ...
pub(crate) fn supergraph(types: &str) -> String {
    let mut roots = String::new();
    for (keyword, name) in [("mutation", "Mutation"), ("subscription", "Subscription")] {
        if types.contains(&format!("type {name} ")) {
            write!(roots, " {keyword}: {name}").unwrap();
        }
    }
    let mut sdl = HEAD.replace("ROOTS", &roots);
    sdl.push_str("enum join__Graph {");
    for graph in ('A'..='H').filter(|graph| types.contains(&format!("graph: {graph}"))) {
        let name = graph.to_ascii_lowercase();
        write!(sdl, " {graph} @join__graph(name: \"{name}\", url: \"http://{name}\")").unwrap();
    }
    sdl.push_str(" }\n");
    // `@t(graph: A)`, `@f(graph: A)`, `@i(..)`, `@m(..)` and `@v(..)` keep the tests readable.
    let short = [
        ("@t(", "@join__type("),
        ("@f(", "@join__field("),
        ("@f ", "@join__field "),
        ("@i(", "@join__implements("),
        ("@m(", "@join__unionMember("),
        ("@v(", "@join__enumValue("),
    ];
    sdl + &short.iter().fold(types.to_owned(), |types, (short, long)| types.replace(short, long))
}

pub(crate) fn planner(types: &str) -> Planner {
    planner_of(&supergraph(types))
}

pub(crate) fn planner_of(sdl: &str) -> Planner {
    let supergraph = Supergraph::parse(sdl).unwrap();
    Planner::new(Arc::new(supergraph)).unwrap()
}

/// A plan that has been checked.
pub(crate) fn sound_plan(
    planner: &Planner,
    operation: &Operation,
    options: &PlanOptions,
) -> QueryPlan {
    let plan = planner.plan(operation, options).unwrap();
    let violations = verify(planner, operation, options, &plan);
    assert!(
        violations.is_empty(),
        "{plan}\n{}",
        violations.iter().map(|violation| format!("{violation}\n")).collect::<String>()
    );
    plan
}

pub(crate) fn check(types: &str, operation: &str, expected: Expect) {
    check_with(types, operation, &PlanOptions::default(), expected);
}

pub(crate) fn check_with(types: &str, operation: &str, options: &PlanOptions, expected: Expect) {
    let planner = planner(types);
    let operation = planner.operation(operation, None).unwrap();
    expected.assert_eq(&sound_plan(&planner, &operation, options).to_string());
}

/// The plan's data keys as the client sees them.
pub(crate) fn check_projection(types: &str, operation: &str, expected: Expect) {
    let planner = planner(types);
    let operation = planner.operation(operation, None).unwrap();
    let plan = sound_plan(&planner, &operation, &PlanOptions::default());
    let mut text = String::new();
    write_fields(&mut text, &plan.projection.fields, 0);
    expected.assert_eq(&text);
}

fn write_fields(text: &mut String, fields: &[federation::plan::ProjectedField], depth: usize) {
    use federation::plan::{Output, ProjectedValue};
    for field in fields {
        let types = field
            .types
            .as_ref()
            .map(|types| format!(" on {}", types.join("|")))
            .unwrap_or_default();
        let when = if field.when.0.is_empty() {
            String::new()
        } else {
            format!(" when {:?}", conditions(&field.when))
        };
        let (value, mut output) = match &field.value {
            ProjectedValue::Data { key, output } => (key.clone(), Some(output)),
            ProjectedValue::Typename { constant } => (format!("typename {constant:?}"), None),
            ProjectedValue::Introspection => ("introspection".to_owned(), None),
            ProjectedValue::Denied { nullable } => (format!("denied, nullable: {nullable}"), None),
        };
        writeln!(text, "{}{}: {value}{types}{when}", "  ".repeat(depth), field.response_key)
            .unwrap();
        while let Some(Output::NonNull(inner) | Output::List(inner)) = output {
            output = Some(inner);
        }
        if let Some(Output::Composite(composite)) = output {
            write_fields(text, &composite.fields, depth + 1);
        }
    }
}

fn conditions(when: &federation::plan::Inclusion) -> Vec<Vec<String>> {
    let one = |condition: &federation::plan::Condition| {
        format!("{}{}", if condition.value { "" } else { "!" }, condition.variable)
    };
    when.0.iter().map(|all| all.iter().map(one).collect()).collect()
}
