//! Unions: every member that some subgraph knows.

use apollo_compiler::Name;
use indexmap::IndexSet;

use super::{Merger, join, present};
use crate::subgraph::model::Kind;

impl Merger<'_> {
    pub(super) fn merge_unions(&mut self) {
        for name in self.merged_names(|kind| kind == Kind::Union) {
            let sources = self.type_sources(&name);
            let mut members: IndexSet<Name> = IndexSet::new();
            for (_, def) in present(&sources) {
                members.extend(def.members.iter().map(|m| Name::new_unchecked(m.as_str())));
            }
            let mut marks = Vec::new();
            for member in &members {
                let mut missing = Vec::new();
                for (index, def) in present(&sources) {
                    if def.members.contains(member) {
                        marks.push(
                            join::mark("join__unionMember", &self.graphs[index])
                                .with_str("member", member),
                        );
                    } else {
                        missing.push(index);
                    }
                }
                if !missing.is_empty() {
                    let message = format!(
                        "`{member}` is a member of `{name}`, but not in {}",
                        self.names_of(missing)
                    );
                    self.hint("INCONSISTENT_UNION_MEMBER", message, []);
                }
            }
            if let Some(def) = self.schema.types.get_mut(&name) {
                def.members = members;
                def.directives.extend(marks);
            }
        }
    }
}
