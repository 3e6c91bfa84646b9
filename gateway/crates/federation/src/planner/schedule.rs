//! Decides in which wave each step runs, so that steps of one subgraph share requests.
//!
//! A step may run in any wave between the one in which its inputs are there and the one in which
//! somebody needs its answer. Waiting is free as long as the plan gets no deeper; so each
//! subgraph's steps are put into as few waves as possible. That is covering intervals with
//! points: take the interval that ends first, serve all that its end can serve.

use super::cost::Level;
use super::steps::Step;
use crate::supergraph::SubgraphId;

/// The wave of each step.
pub(super) fn schedule(steps: &[Step], merge: bool) -> Vec<Level> {
    let mut waves = Waves::new(steps);
    if merge {
        let mut subgraphs: Vec<SubgraphId> = steps.iter().map(|step| step.subgraph).collect();
        subgraphs.sort_unstable();
        subgraphs.dedup();
        for subgraph in subgraphs {
            waves.cover(subgraph);
        }
    }
    waves.earliest
}

struct Waves<'a> {
    steps: &'a [Step],
    /// Indexes, each after those that it waits for.
    order: Vec<usize>,
    fixed: Vec<Option<Level>>,
    earliest: Vec<Level>,
    latest: Vec<Level>,
}

impl<'a> Waves<'a> {
    fn new(steps: &'a [Step]) -> Self {
        let mut order: Vec<usize> = (0..steps.len()).collect();
        order.sort_by_key(|index| steps[*index].level);
        let mut waves = Self {
            steps,
            order,
            fixed: vec![None; steps.len()],
            earliest: Vec::new(),
            latest: Vec::new(),
        };
        waves.refresh();
        waves
    }

    fn refresh(&mut self) {
        let count = self.steps.len();
        self.earliest = vec![0; count];
        for index in &self.order {
            let inputs = self.steps[*index].after.iter().map(|other| self.earliest[*other] + 1);
            let ready = inputs.max().unwrap_or(0);
            self.earliest[*index] = self.fixed[*index].map_or(ready, |fixed| fixed.max(ready));
        }
        let last = self.earliest.iter().copied().max().unwrap_or(0);
        self.latest = vec![last; count];
        for index in self.order.iter().rev() {
            if let Some(fixed) = self.fixed[*index] {
                self.latest[*index] = fixed;
            }
            let before = self.latest[*index].saturating_sub(1);
            for other in &self.steps[*index].after {
                self.latest[*other] = self.latest[*other].min(before);
            }
        }
    }

    fn cover(&mut self, subgraph: SubgraphId) {
        loop {
            let open = |index: &usize| {
                self.steps[*index].subgraph == subgraph && self.fixed[*index].is_none()
            };
            let Some(end) =
                self.order.iter().copied().filter(open).map(|index| self.latest[index]).min()
            else {
                return;
            };
            // Those that the wave can serve, but none that waits for another one of them.
            let mut served: Vec<usize> = Vec::new();
            for index in self.order.iter().copied().filter(open) {
                let fits = self.earliest[index] <= end && end <= self.latest[index];
                if fits && !self.waits_for_any(index, &served) {
                    served.push(index);
                }
            }
            let wave = served.iter().map(|index| self.earliest[*index]).max().unwrap_or(end);
            for index in served {
                self.fixed[index] = Some(wave);
            }
            self.refresh();
        }
    }

    fn waits_for_any(&self, index: usize, others: &[usize]) -> bool {
        let mut open: Vec<usize> = self.steps[index].after.iter().copied().collect();
        let mut seen = vec![false; self.steps.len()];
        while let Some(index) = open.pop() {
            if others.contains(&index) {
                return true;
            }
            if !std::mem::replace(&mut seen[index], true) {
                open.extend(&self.steps[index].after);
            }
        }
        false
    }
}
