//! Makes a failing case small: leaves out one thing after the other while it still fails.

use std::time::{Duration, Instant};

use super::Case;
use super::operation::{RandomOperation, Selection};
use crate::gateway::Gateway;

/// A case that is still big then is printed as it is.
const PATIENCE: Duration = Duration::from_secs(40);

impl Case {
    /// `fails` says whether a smaller case still goes wrong.
    pub(super) fn shrink(mut self, fails: impl Fn(&Gateway, &RandomOperation) -> bool) -> Self {
        let end = Instant::now() + PATIENCE;
        let fails_anew = |case: &Self| {
            Instant::now() < end
                && case.gateway().is_some_and(|gateway| fails(&gateway, &case.operation))
        };
        loop {
            let before = self.size();
            if let Some(gateway) = self.gateway() {
                self = self.shrink_selections(&|case| fails(&gateway, &case.operation));
            }
            self = self.shrink_lines(&fails_anew);
            if self.size() >= before {
                return self;
            }
        }
    }

    fn size(&self) -> usize {
        let lines: usize = self.subgraphs.iter().map(|(_, sdl)| sdl.lines().count()).sum();
        lines + self.operation.text().len()
    }

    fn shrink_selections(mut self, fails: &impl Fn(&Self) -> bool) -> Self {
        let mut at = 0;
        loop {
            let mut smaller = self.clone();
            let mut place = at;
            if !edit(&mut smaller.operation.selections, &mut place, Edit::Remove) {
                return self;
            }
            if smaller.operation.text() != self.operation.text() && fails(&smaller) {
                self = smaller;
                continue;
            }
            let mut smaller = self.clone();
            let mut place = at;
            if edit(&mut smaller.operation.selections, &mut place, Edit::Unwrap)
                && smaller.operation.text() != self.operation.text()
                && fails(&smaller)
            {
                self = smaller;
                continue;
            }
            at += 1;
        }
    }

    fn shrink_lines(mut self, fails: &impl Fn(&Self) -> bool) -> Self {
        for index in (0..self.subgraphs.len()).rev() {
            let mut fewer = self.clone();
            fewer.subgraphs.remove(index);
            if fails(&fewer) {
                self = fewer;
                continue;
            }
            let mut line = 1;
            while line < self.subgraphs[index].1.lines().count() {
                let lines: Vec<&str> = self.subgraphs[index].1.lines().collect();
                let definition_end = lines[line..]
                    .iter()
                    .position(|text| *text == "}")
                    .filter(|_| lines[line].ends_with('{'))
                    .map_or(line + 1, |end| line + end + 1);
                let mut fewer = self.clone();
                let kept: Vec<&str> =
                    lines[..line].iter().chain(&lines[definition_end..]).copied().collect();
                fewer.subgraphs[index].1 = kept.join("\n") + "\n";
                let broken = fewer.subgraphs[index].1.contains("{\n}");
                if lines[line] != "}" && !broken && fails(&fewer) {
                    self = fewer;
                } else {
                    line += 1;
                }
            }
        }
        self
    }
}

#[derive(Clone, Copy)]
enum Edit {
    Remove,
    /// Replace a fragment by what is in it; leave out a field's conditions.
    Unwrap,
}

/// Edits the selection with this number, depth first; false if there is none.
fn edit(selections: &mut Vec<Selection>, at: &mut usize, how: Edit) -> bool {
    let mut index = 0;
    while index < selections.len() {
        if *at == 0 {
            match (how, &mut selections[index]) {
                (Edit::Remove, _) => {
                    if selections.len() == 1 {
                        // Something must be selected.
                        let head = "__typename".to_owned();
                        selections[0] = Selection::Field { head, below: None };
                    } else {
                        selections.remove(index);
                    }
                }
                (Edit::Unwrap, Selection::Fragment { below, .. }) => {
                    let below = std::mem::take(below);
                    selections.splice(index..=index, below);
                }
                (Edit::Unwrap, Selection::Field { head, .. }) => {
                    if let Some(at) = head.find(" @") {
                        head.truncate(at);
                    }
                }
            }
            return true;
        }
        *at -= 1;
        let below = match &mut selections[index] {
            Selection::Field { below, .. } => below.as_mut(),
            Selection::Fragment { below, .. } => Some(below),
        };
        if below.is_some_and(|below| edit(below, at, how)) {
            return true;
        }
        index += 1;
    }
    false
}
