//! How big a plan is: in memory, for a cache; in requests, for who compares plans.

use crate::plan::{Composite, Fetch, Output, ProjectedField, ProjectedValue, QueryPlan};

/// What a plan costs to run, as far as it shows in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanSize {
    /// Requests that wait for each other.
    pub depth: usize,
    pub requests: usize,
}

impl QueryPlan {
    pub fn size(&self) -> PlanSize {
        let waves = self.waves();
        PlanSize {
            depth: waves.iter().max().map_or(0, |last| last + 1),
            requests: self.fetches.len(),
        }
    }

    /// For every fetch, how many others it must wait for one after the other.
    pub fn waves(&self) -> Vec<usize> {
        let mut waves: Vec<usize> = Vec::with_capacity(self.fetches.len());
        for fetch in &self.fetches {
            let earlier = fetch.after.iter().filter_map(|other| waves.get(*other));
            waves.push(earlier.max().map_or(0, |wave| wave + 1));
        }
        waves
    }

    /// Roughly, in memory.
    pub fn bytes(&self) -> usize {
        let fetches: usize = self.fetches.iter().map(fetch_bytes).sum();
        size_of::<Self>() + fetches + fields_bytes(&self.projection.fields)
    }
}

fn fetch_bytes(fetch: &Fetch) -> usize {
    let entities = fetch.entities.iter().map(|entity| {
        let fields: usize = entity.templates.iter().map(|template| template.fields.len()).sum();
        let steps: usize = entity.paths.iter().map(|path| path.0.len()).sum();
        size_of_val(entity) + (fields + steps + entity.contexts.len()) * 120
    });
    size_of::<Fetch>() + fetch.document.len() + entities.sum::<usize>()
}

fn fields_bytes(fields: &[ProjectedField]) -> usize {
    let below = fields.iter().map(|field| {
        let own = size_of::<ProjectedField>() + field.response_key.len() + field.coordinate.len();
        own + match &field.value {
            ProjectedValue::Data { key, output } => key.len() + output_bytes(output),
            _ => 0,
        }
    });
    below.sum()
}

fn output_bytes(output: &Output) -> usize {
    size_of::<Output>()
        + match output {
            Output::NonNull(inner) | Output::List(inner) => output_bytes(inner),
            Output::Leaf(_) => 0,
            Output::Composite(Composite { type_name, possible, fields }) => {
                type_name.len() + possible.len() * 40 + fields_bytes(fields)
            }
        }
}
