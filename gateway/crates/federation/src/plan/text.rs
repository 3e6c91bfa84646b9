//! A plan as the text that people know: `Sequence`, `Parallel`, `Flatten`, `Fetch`.
//!
//! A plan is a graph, the text a tree: fetches are grouped in waves, each wave being as early as
//! its inputs allow. A request for several lists of entities is printed as `BatchFetch`.

use std::fmt::{self, Write as _};

use apollo_compiler::Node;
use apollo_compiler::ast::{self, Definition, Selection};

use super::{
    ContextSource, ContextVariable, EntityFetch, Fetch, FlattenPath, Inclusion, QueryPlan,
    RepresentationField, RepresentationTemplate,
};

impl fmt::Display for QueryPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_text(self))
    }
}

/// The plan as an indented tree.
pub fn to_text(plan: &QueryPlan) -> String {
    let mut text = Text::default();
    text.open("QueryPlan");
    let waves = waves(plan);
    if waves.len() > 1 {
        text.open("Sequence");
    }
    for wave in &waves {
        if wave.len() > 1 {
            text.open("Parallel");
        }
        for index in wave {
            text.fetch(&plan.fetches[*index]);
        }
        if wave.len() > 1 {
            text.close();
        }
    }
    if waves.len() > 1 {
        text.close();
    }
    text.close();
    text.lines.trim_end_matches(['\n', ',']).to_owned() + "\n"
}

/// Fetches by the length of the longest way to them.
fn waves(plan: &QueryPlan) -> Vec<Vec<usize>> {
    let mut wave_of: Vec<usize> = Vec::new();
    let mut waves: Vec<Vec<usize>> = Vec::new();
    for (index, fetch) in plan.fetches.iter().enumerate() {
        let wave = fetch.after.iter().map(|other| wave_of[*other] + 1).max().unwrap_or(0);
        wave_of.push(wave);
        if waves.len() <= wave {
            waves.resize_with(wave + 1, Vec::new);
        }
        waves[wave].push(index);
    }
    waves
}

#[derive(Default)]
struct Text {
    lines: String,
    depth: usize,
}

impl Text {
    fn line(&mut self, line: &str) {
        for _ in 0..self.depth {
            self.lines.push_str("  ");
        }
        self.lines.push_str(line);
        self.lines.push('\n');
    }

    fn open(&mut self, head: &str) {
        self.line(&format!("{head} {{"));
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.line("},");
    }

    fn fetch(&mut self, fetch: &Fetch) {
        let condition = condition(&fetch.when);
        if let Some(condition) = &condition {
            self.open(condition);
        }
        match fetch.entities.as_slice() {
            [only] if fetch.roots.is_empty() && only.paths.len() == 1 => self.flatten(fetch, only),
            [] if fetch.at.0.is_empty() => {
                self.open(&format!("Fetch(service: \"{}\")", fetch.subgraph));
                self.document(fetch, false);
                self.close();
            }
            [] => {
                self.open(&format!("Flatten(path: \"{}\")", fetch.at));
                self.open(&format!("Fetch(service: \"{}\")", fetch.subgraph));
                self.document(fetch, false);
                self.close();
                self.close();
            }
            several => {
                self.open(&format!("BatchFetch(service: \"{}\")", fetch.subgraph));
                for entity in several {
                    let paths: Vec<String> =
                        entity.paths.iter().map(|path| format!("\"{path}\"")).collect();
                    self.open(&format!("{}(paths: [{}])", entity.key, paths.join(", ")));
                    entity.templates.iter().for_each(|template| self.template(template));
                    self.depth -= 1;
                    self.line("} =>");
                }
                self.document(fetch, false);
                self.close();
            }
        }
        if condition.is_some() {
            self.close();
        }
    }

    fn flatten(&mut self, fetch: &Fetch, entity: &EntityFetch) {
        for path in &entity.paths {
            self.open(&format!("Flatten(path: \"{path}\")"));
        }
        self.open(&format!("Fetch(service: \"{}\")", fetch.subgraph));
        for path in &entity.paths {
            entity.contexts.iter().for_each(|context| self.context(path, context));
        }
        self.line("{");
        self.depth += 1;
        entity.templates.iter().for_each(|template| self.template(template));
        self.depth -= 1;
        self.line("} =>");
        self.document(fetch, true);
        self.close();
        for _ in &entity.paths {
            self.close();
        }
    }

    /// `$c0 = users.@ { locale }`, or several such, the nearest first.
    fn context(&mut self, FlattenPath(steps): &FlattenPath, context: &ContextVariable) {
        let ContextVariable { name, required: _, sources } = context;
        let source = |source: &ContextSource| {
            let ContextSource { depth, types, fields } = source;
            let place = FlattenPath(steps.iter().take(*depth).cloned().collect()).to_string();
            let only = types.as_ref().map(|types| format!("|[{}]", types.join("|")));
            let mut text = format!("{place}{} {{", only.unwrap_or_default());
            write_fields(&mut text, fields);
            text + " }"
        };
        let sources: Vec<String> = sources.iter().map(source).collect();
        self.line(&format!("${name} = {}", sources.join(" or ")));
    }

    fn template(&mut self, template: &RepresentationTemplate) {
        let types = template.types.join("|");
        let sent = if types == template.typename {
            String::new()
        } else {
            format!(" as {}", template.typename)
        };
        let mut fields = String::from("__typename");
        write_fields(&mut fields, &template.fields);
        self.line(&format!("... on {types}{sent} {{ {fields} }}"));
    }

    /// The selections of the request; those of its only list of entities if `inner`.
    fn document(&mut self, fetch: &Fetch, inner: bool) {
        let Some(printed) = selections(&fetch.document, inner) else {
            self.line(&fetch.document);
            return;
        };
        printed.lines().for_each(|line| self.line(line));
    }
}

fn write_fields(text: &mut String, fields: &[RepresentationField]) {
    for field in fields {
        let types = field
            .types
            .as_ref()
            .map(|types| format!("... on {} ", types.join("|")))
            .unwrap_or_default();
        // `write!` to a String cannot fail.
        let _ = write!(text, " {types}{}", field.name);
        if field.key != field.name {
            let _ = write!(text, ":{}", field.key);
        }
        if !field.fields.is_empty() {
            text.push_str(" {");
            write_fields(text, &field.fields);
            text.push_str(" }");
        }
    }
}

fn condition(when: &Inclusion) -> Option<String> {
    match when.0.as_slice() {
        [] => None,
        [all] => match all.as_slice() {
            [only] if only.value => Some(format!("Include(if: ${})", only.variable)),
            [only] => Some(format!("Skip(if: ${})", only.variable)),
            _ => Some(format!("Include(if: {})", conjunction(all))),
        },
        alternatives => {
            let alternatives: Vec<String> =
                alternatives.iter().map(|all| conjunction(all)).collect();
            Some(format!("Include(if: {})", alternatives.join(" or ")))
        }
    }
}

fn conjunction(all: &[super::Condition]) -> String {
    let one = |condition: &super::Condition| {
        let not = if condition.value { "" } else { "not " };
        format!("{not}${}", condition.variable)
    };
    all.iter().map(one).collect::<Vec<String>>().join(" and ")
}

/// A request's selections, indented.
fn selections(document: &str, inner: bool) -> Option<String> {
    let parsed = ast::Document::parse(document, "fetch.graphql").ok()?;
    let Definition::OperationDefinition(operation) = parsed.definitions.into_iter().next()? else {
        return None;
    };
    let selection_set = match (inner, operation.selection_set.as_slice()) {
        (true, [Selection::Field(field)]) => field.selection_set.clone(),
        _ => operation.selection_set.clone(),
    };
    let printed = ast::OperationDefinition {
        operation_type: ast::OperationType::Query,
        name: None,
        variables: Vec::new(),
        directives: ast::DirectiveList::new(),
        selection_set,
    };
    let definition = Definition::OperationDefinition(Node::new(printed));
    let document = ast::Document { definitions: vec![definition], ..ast::Document::new() };
    Some(document.to_string())
}
