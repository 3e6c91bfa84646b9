//! Applied directives: what the supergraph's element bears when subgraphs' differ.

use apollo_compiler::Node;
use apollo_compiler::ast::Value;
use indexmap::IndexSet;

use super::directives::Composed;
use super::scopes::Requirement;
use super::{Merger, Sources, present};
use crate::subgraph::graphql::values::equal;
use crate::subgraph::model::{Applied, DirectiveDef};

impl Merger<'_> {
    pub(super) fn merge_applied(
        &mut self,
        what: &str,
        sources: &Sources<'_, [Applied]>,
    ) -> Vec<Applied> {
        if present(sources).all(|(_, directives)| directives.is_empty()) {
            return Vec::new();
        }
        let composed = std::mem::take(&mut self.composed);
        let mut merged = Vec::new();
        for directive in &composed {
            let mut found: Vec<Applied> = Vec::new();
            let is_composed = present(sources).any(|(index, directives)| {
                let local = directive.local[index].as_ref();
                local.is_some_and(|local| directives.iter().any(|applied| applied.name == *local))
            });
            if !is_composed {
                continue;
            }
            for (index, directives) in present(sources) {
                // A custom directive that one subgraph composes here counts from all of them.
                let local = match (&directive.local[index], directive.known) {
                    (Some(local), _) => local,
                    (None, None) => &directive.name,
                    (None, Some(_)) => continue,
                };
                for applied in directives.iter().filter(|applied| applied.name == *local) {
                    found.push(self.in_supergraph(directive, index, applied));
                }
            }
            if found.is_empty() {
                continue;
            }
            if directive.definition.repeatable {
                merged.extend(distinct(&directive.definition, found).into_iter().map(|(a, _)| a));
            } else {
                merged.push(self.merge_one(what, directive, found));
            }
        }
        self.composed = composed;
        merged
    }

    fn in_supergraph(&self, directive: &Composed, index: usize, applied: &Applied) -> Applied {
        let mut applied = applied.clone();
        applied.name = directive.name.clone();
        applied.part = 0;
        if directive.known == Some("context") {
            for (name, value) in &mut applied.args {
                if let Some(context) = value.as_str()
                    && name == "name"
                {
                    let prefixed = format!("{}__{context}", self.subgraph_name(index));
                    *value = Node::new(Value::String(prefixed));
                }
            }
        }
        applied
    }

    fn merge_one(&mut self, what: &str, directive: &Composed, found: Vec<Applied>) -> Applied {
        let distinct = distinct(&directive.definition, found);
        let most = distinct.iter().map(|(_, count)| *count).max().unwrap_or(0);
        if distinct.len() > 1 {
            let by_strategy = merge_by_strategy(directive, distinct.iter().map(|(a, _)| a));
            if let Some(merged) = by_strategy {
                let message =
                    format!("the arguments of `@{}` on {what} are merged", directive.name);
                self.hint("MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS", message, []);
                return merged;
            }
            let message = format!(
                "`@{}` on {what} has different arguments; the most frequent ones are used",
                directive.name
            );
            self.hint("INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS", message, []);
        }
        distinct
            .into_iter()
            .find(|(_, count)| *count == most)
            .map_or_else(|| Applied::new(&directive.name), |(applied, _)| applied)
    }
}

/// Different applications and how often each occurs. An argument left out has its default.
fn distinct(definition: &DirectiveDef, found: Vec<Applied>) -> Vec<(Applied, usize)> {
    let mut distinct: Vec<(Applied, usize)> = Vec::new();
    for applied in found {
        match distinct.iter_mut().find(|(other, _)| same_arguments(definition, other, &applied)) {
            Some((_, count)) => *count += 1,
            None => distinct.push((applied, 1)),
        }
    }
    distinct
}

fn same_arguments(definition: &DirectiveDef, a: &Applied, b: &Applied) -> bool {
    definition.args.values().all(|arg| {
        let value =
            |applied: &Applied| applied.arg(&arg.name).cloned().or_else(|| arg.default.clone());
        match (value(a), value(b)) {
            (Some(a), Some(b)) => equal(&a, &b),
            (None, None) => true,
            (Some(value), None) | (None, Some(value)) => value.is_null(),
        }
    })
}

/// Merges the arguments of directives whose arguments have a meaning that can be merged.
pub(super) fn merge_by_strategy<'a>(
    directive: &Composed,
    applications: impl Iterator<Item = &'a Applied> + Clone,
) -> Option<Applied> {
    let values = |argument: &'static str| {
        applications.clone().filter_map(move |applied| applied.arg(argument)).map(|value| &**value)
    };
    let mut merged = Applied::new(&directive.name);
    match directive.known? {
        "authenticated" | "inaccessible" => {}
        "cost" => merged = set(merged, "weight", maximum(values("weight"))),
        "listSize" => {
            merged = set(merged, "assumedSize", maximum(values("assumedSize")));
            merged = set(merged, "slicingArguments", union(values("slicingArguments")));
            merged = set(merged, "sizedFields", union(values("sizedFields")));
            let all = applications
                .clone()
                .all(|a| a.bool_arg("requireOneSlicingArgument").unwrap_or(true));
            let given = values("requireOneSlicingArgument").next().is_some();
            let value = given.then(|| Node::new(Value::Boolean(all)));
            merged = set(merged, "requireOneSlicingArgument", value);
        }
        "requiresScopes" => merged = set(merged, "scopes", conjunction(values("scopes"))),
        "policy" => merged = set(merged, "policies", conjunction(values("policies"))),
        _ => return None,
    }
    Some(merged)
}

fn set(applied: Applied, argument: &str, value: Option<Node<Value>>) -> Applied {
    match value {
        Some(value) => applied.with(argument, value),
        None => applied,
    }
}

fn maximum<'a>(values: impl Iterator<Item = &'a Value>) -> Option<Node<Value>> {
    let max = values.filter_map(Value::to_i32).max()?;
    Some(Node::new(Value::Int(max.into())))
}

fn union<'a>(values: impl Iterator<Item = &'a Value>) -> Option<Node<Value>> {
    let mut items: IndexSet<Node<Value>> = IndexSet::new();
    let mut given = false;
    for value in values {
        match value {
            Value::Null => continue,
            Value::List(list) => items.extend(list.iter().cloned()),
            single => {
                items.insert(Node::new(single.clone()));
            }
        }
        given = true;
    }
    given.then(|| Node::new(Value::List(items.into_iter().collect())))
}

fn conjunction<'a>(values: impl Iterator<Item = &'a Value>) -> Option<Node<Value>> {
    let all = values.map(Requirement::from_value).reduce(|a, b| a.and(&b))?;
    Some(all.to_value())
}
