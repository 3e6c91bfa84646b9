//! Random queries. Every valid one must be answered as one service would answer it.

use std::sync::LazyLock;

use apollo_compiler::Schema;
use apollo_compiler::ast::Type;
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use proptest::prelude::*;
use serde_json::json;

use crate::failures::{failures, failures_sources};
use crate::gateway::{Gateway, Sources};
use crate::hard_worlds::{keys, keys_sources};
use crate::memory::invent;
use crate::worlds::{media, media_sources, shop, shop_sources};

/// Writes a query, letting a sequence of random numbers decide.
struct Writer<'a> {
    schema: &'a Schema,
    choices: std::slice::Iter<'a, u8>,
    query: String,
    aliases: usize,
}

impl Writer<'_> {
    fn choose(&mut self, below: usize) -> usize {
        usize::from(self.choices.next().copied().unwrap_or(0)) % below.max(1)
    }

    fn selection(&mut self, type_name: &str, depth: usize) {
        self.query.push_str("{ ");
        let fields: Vec<_> = match self.schema.types.get(type_name) {
            Some(ExtendedType::Object(object)) => object.fields.values().collect(),
            Some(ExtendedType::Interface(interface)) => interface.fields.values().collect(),
            _ => Vec::new(),
        };
        let possible: Vec<String> = self
            .schema
            .types
            .keys()
            .filter(|name| name.as_str() == type_name || self.schema.is_subtype(type_name, name))
            .map(ToString::to_string)
            .collect();
        let before = self.query.len();
        for _ in 0..=self.choose(4) {
            match self.choose(8) {
                0 => self.query.push_str("__typename "),
                1 | 2 if depth > 0 && !possible.is_empty() => {
                    let on = possible[self.choose(possible.len())].clone();
                    self.query.extend(["... on ", &on]);
                    self.condition();
                    self.selection(&on, depth - 1);
                }
                _ if !fields.is_empty() => {
                    let field = fields[self.choose(fields.len())];
                    self.field(field, depth);
                }
                _ => {}
            }
        }
        if self.query.len() == before {
            self.query.push_str("__typename ");
        }
        self.query.push_str("} ");
    }

    fn field(&mut self, field: &FieldDefinition, depth: usize) {
        let inner = self.schema.types.get(field.ty.inner_named_type());
        let composite = inner.is_some_and(|inner| !inner.is_leaf());
        if composite && depth == 0 {
            return;
        }
        let arguments = self.arguments(field);
        if !arguments.is_empty() || self.choose(4) == 0 {
            let alias = if self.choose(3) == 0 {
                // Names that mean something to a planner.
                ["id", "sku", "name", "title", "_e0"][self.choose(5)].to_owned()
            } else {
                self.aliases += 1;
                format!("a{}", self.aliases)
            };
            self.query.extend([&alias, ": "]);
        }
        self.query.push_str(&field.name);
        self.query.push_str(&arguments);
        self.query.push(' ');
        self.condition();
        if composite {
            self.selection(field.ty.inner_named_type(), depth - 1);
        }
    }

    fn arguments(&mut self, field: &FieldDefinition) -> String {
        let mut given = Vec::new();
        for argument in &field.arguments {
            if argument.is_required() || self.choose(2) == 0 {
                given.push(format!(
                    "{}: {}",
                    argument.name,
                    self.literal(&argument.name, &argument.ty)
                ));
            }
        }
        if given.is_empty() { String::new() } else { format!("({})", given.join(", ")) }
    }

    fn literal(&mut self, name: &str, ty: &Type) -> String {
        if ty.is_list() {
            return format!("[{}]", self.literal(name, ty.item_type()));
        }
        let type_name = ty.inner_named_type().as_str();
        let values: &[&str] = match (type_name, self.schema.types.get(type_name)) {
            ("Boolean", _) => &["true", "false", "$yes", "$no"],
            ("Int", _) => &["0", "1", "2", "$two"],
            ("Float", _) => &["0.5", "1"],
            (_, Some(ExtendedType::Enum(enum_))) => {
                let at = self.choose(enum_.values.len());
                return enum_.values.keys().nth(at).map(ToString::to_string).unwrap_or_default();
            }
            (_, Some(ExtendedType::InputObject(object))) => {
                let fields: Vec<String> = object
                    .fields
                    .values()
                    .filter(|field| field.is_required())
                    .map(|field| {
                        format!("{}: {}", field.name, self.literal(&field.name, &field.ty))
                    })
                    .collect();
                return format!("{{{}}}", fields.join(", "));
            }
            _ if name == "sku" => &["\"t\"", "\"c\"", "\"l\"", "\"none\""],
            _ => &["\"1\"", "\"2\"", "\"b1\"", "\"g1\"", "\"x\"", "\"f\""],
        };
        values[self.choose(values.len())].to_owned()
    }

    fn condition(&mut self) {
        let condition =
            ["@include(if: $yes) ", "@skip(if: $no) ", "@include(if: $no) ", "@skip(if: $yes) "];
        match self.choose(20) {
            at @ 0..4 => self.query.push_str(condition[at]),
            _ => self.query.push(' '),
        }
    }
}

fn query(gateway: &Gateway, choices: &[u8]) -> String {
    let schema = gateway.planner.supergraph().api_schema();
    let mut writer = Writer { schema, choices: choices.iter(), query: String::new(), aliases: 0 };
    writer.selection("Query", 6);
    let query = writer.query;
    // Only the variables that are used may be declared.
    let declarations = ["$yes: Boolean! = true, ", "$no: Boolean! = false, ", "$two: Int = 2, "];
    let used =
        declarations.into_iter().filter(|text| query.contains(&text[..text.find(':').unwrap()]));
    let declared: String = used.collect();
    if declared.is_empty() { query } else { format!("query({declared}) {query}") }
}

/// The gateway's answer is the oracle's.
fn check(gateway: &Gateway, choices: &[u8]) -> Result<(), TestCaseError> {
    let query = query(gateway, choices);
    let Some(answers) = gateway.ask(&query, &json!({})) else { return Ok(()) };
    prop_assert_eq!(&answers.data, &answers.expected_data, "{}\n{:#?}", query, answers);
    let expected = &answers.expected_error_paths;
    prop_assert_eq!(&answers.error_paths, expected, "{}\n{:#?}", query, answers);
    Ok(())
}

/// What the answer lacks is explained by errors.
fn check_explained(gateway: &Gateway, choices: &[u8]) -> Result<(), TestCaseError> {
    let query = query(gateway, choices);
    let Some(answers) = gateway.ask(&query, &json!({})) else { return Ok(()) };
    prop_assert_eq!(answers.unexplained(), None, "{}\n{:#?}", query, answers);
    Ok(())
}

static SHOP: LazyLock<Gateway> = LazyLock::new(shop);
static MEDIA: LazyLock<Gateway> = LazyLock::new(media);
/// The same graphs with invented rows, without failures and with them.
static INVENTED: LazyLock<Vec<Gateway>> = LazyLock::new(|| invented(None));
static FAILING: LazyLock<Vec<Gateway>> = LazyLock::new(|| invented(Some(9)));

fn invented(failing: Option<usize>) -> Vec<Gateway> {
    let graphs: [Sources; 4] =
        [shop_sources(), media_sources(), keys_sources(), failures_sources()];
    let gateways = graphs.iter().flat_map(|sources| {
        let sources: Vec<(&str, &str)> =
            sources.iter().map(|(name, sdl)| (*name, &**sdl)).collect();
        (0..4).map(move |seed| Gateway::new(&sources, invent(&sources, seed, failing).unwrap()))
    });
    gateways.collect()
}
static KEYS: LazyLock<Gateway> = LazyLock::new(keys);
static FAILURES: LazyLock<Gateway> = LazyLock::new(failures);

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_query_to_the_shop(choices in prop::collection::vec(any::<u8>(), 20..400)) {
        check(&SHOP, &choices)?;
    }

    #[test]
    fn any_query_to_the_media_library(choices in prop::collection::vec(any::<u8>(), 20..400)) {
        check(&MEDIA, &choices)?;
    }
    #[test]
    fn any_query_from_key_to_key(choices in prop::collection::vec(any::<u8>(), 20..300)) {
        check(&KEYS, &choices)?;
    }

    #[test]
    fn any_query_over_any_rows(
        world in 0..16_usize,
        choices in prop::collection::vec(any::<u8>(), 20..300),
    ) {
        check(&INVENTED[world], &choices)?;
    }

    #[test]
    fn any_query_over_any_failing_rows(
        world in 0..16_usize,
        choices in prop::collection::vec(any::<u8>(), 20..300),
    ) {
        check_explained(&FAILING[world], &choices)?;
    }

    #[test]
    fn any_query_for_failing_fields(choices in prop::collection::vec(any::<u8>(), 20..300)) {
        check_explained(&FAILURES, &choices)?;
    }
}
