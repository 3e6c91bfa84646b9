//! `@join__field`: who resolves a field, and with what conditions.

use apollo_compiler::Name;
use apollo_compiler::Node;
use apollo_compiler::ast::Value;

use super::overrides::Overrides;
use super::{Merger, Sources, join, present};
use crate::subgraph::metadata::split_context_selection;
use crate::subgraph::model::{Applied, Field, TypeDef};

impl<'a> Merger<'a> {
    /// The marks of a field; none when each subgraph that has the type simply resolves it.
    pub(super) fn join_field(
        &self,
        parent: &Name,
        types: &Sources<'a, TypeDef>,
        sources: &Sources<'a, Field>,
        overrides: &Overrides,
        same_types: bool,
    ) -> Vec<Applied> {
        if same_types && !self.needs_join_field(parent, types, sources, overrides) {
            return Vec::new();
        }
        let mut marks = Vec::new();
        for (index, field) in present(sources) {
            let label = overrides.labels.get(&index).map(String::as_str);
            if overrides.unused.contains(&index) && label.is_none() {
                continue;
            }
            let subgraph = &self.inputs[index].subgraph;
            let mut mark = join::mark("join__field", &self.graphs[index]);
            for directive in ["requires", "provides"] {
                let fields = subgraph
                    .first(&field.directives, directive)
                    .and_then(|applied| applied.str_arg("fields"));
                if let Some(fields) = fields {
                    mark = mark.with_str(directive, fields);
                }
            }
            let from = subgraph
                .first(&field.directives, "override")
                .and_then(|applied| applied.str_arg("from"));
            if let Some(from) = from {
                mark = mark.with_str("override", from);
            }
            if !same_types {
                mark = mark.with_str("type", &field.ty.to_string());
            }
            if self.is_external(index, parent, &field.name) {
                mark = mark.with("external", true);
            }
            if overrides.used.contains(&index) {
                mark = mark.with("usedOverridden", true);
            }
            if let Some(label) = label {
                mark = mark.with_str("overrideLabel", label);
            }
            let contexts = self.context_arguments(index, field);
            if !contexts.is_empty() {
                mark = mark.with("contextArguments", Value::List(contexts));
            }
            marks.push(mark);
        }
        marks
    }

    fn needs_join_field(
        &self,
        parent: &Name,
        types: &Sources<'a, TypeDef>,
        sources: &Sources<'a, Field>,
        overrides: &Overrides,
    ) -> bool {
        if !overrides.used.is_empty() || !overrides.labels.is_empty() {
            return true;
        }
        present(types).any(|(index, _)| match sources.get(index) {
            Some(field) if !overrides.unused.contains(&index) => {
                let subgraph = &self.inputs[index].subgraph;
                self.is_external(index, parent, &field.name)
                    || subgraph.has(&field.directives, "requires")
                    || subgraph.has(&field.directives, "provides")
                    || !self.context_arguments(index, field).is_empty()
            }
            _ => true,
        })
    }

    fn context_arguments(&self, index: usize, field: &Field) -> Vec<Node<Value>> {
        let subgraph = &self.inputs[index].subgraph;
        field
            .args
            .values()
            .filter_map(|arg| {
                let applied = subgraph.first(&arg.directives, "fromContext")?;
                let (context, selection) = split_context_selection(applied.str_arg("field")?)?;
                let string = |text: &str| Node::new(Value::String(text.to_owned()));
                let name = Name::new_static_unchecked;
                Some(Node::new(Value::Object(vec![
                    (name("context"), string(&format!("{}__{context}", subgraph.name))),
                    (name("name"), string(&arg.name)),
                    (name("type"), string(&arg.ty.to_string())),
                    (name("selection"), string(selection)),
                ])))
            })
            .collect()
    }

    /// `@cacheTag` has no place of its own in the supergraph: it stays by subgraph.
    pub(super) fn join_cache_tags(&self, sources: &Sources<'_, [Applied]>) -> Vec<Applied> {
        let mut marks: Vec<(String, Applied)> = Vec::new();
        for (index, directives) in present(sources) {
            for tag in self.inputs[index].subgraph.applied(directives, "cacheTag") {
                let graph = Node::new(Value::Enum(self.graphs[index].clone()));
                let args = Value::Object(tag.args.clone());
                let key = args.to_string();
                let existing = marks.iter_mut().find(|(known, _)| *known == key);
                if let Some((_, mark)) = existing {
                    if let Some((_, graphs)) = mark.args.first_mut()
                        && let Value::List(graphs) = graphs.make_mut()
                    {
                        graphs.push(graph);
                    }
                    continue;
                }
                let mark = Applied::new("join__directive")
                    .with("graphs", Value::List(vec![graph]))
                    .with_str("name", "federation__cacheTag")
                    .with("args", args);
                marks.push((key, mark));
            }
        }
        marks.into_iter().map(|(_, mark)| mark).collect()
    }
}
