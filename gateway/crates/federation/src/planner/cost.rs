//! What a choice costs: the requests it needs, as pairs of wave and subgraph.
//!
//! Two fetches to one subgraph in one wave become one request, so costs are united, not added.

use std::collections::BTreeSet;

use crate::query_graph::NodeId;
use crate::supergraph::SubgraphId;

/// Waves are counted from 0, the wave of the root fields.
pub(super) type Level = u16;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Requests beyond those that are made anyway; sorted.
    pub(super) requests: Vec<(Level, SubgraphId)>,
    /// The wave in which everything is there.
    pub(super) ready: Level,
    /// Selections that are made only to get somewhere.
    pub(super) fields: usize,
}

impl Cost {
    pub(super) fn ready_at(level: Level) -> Self {
        Self { requests: Vec::new(), ready: level, fields: 0 }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.ready = self.ready.max(other.ready);
        self.fields += other.fields;
        if !other.requests.is_empty() {
            self.requests.extend(&other.requests);
            self.requests.sort_unstable();
            self.requests.dedup();
        }
    }

    #[must_use]
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.add(other);
        self
    }

    /// One more request.
    pub(super) fn request(&mut self, level: Level, subgraph: SubgraphId) {
        self.ready = self.ready.max(level);
        if let Err(place) = self.requests.binary_search(&(level, subgraph)) {
            self.requests.insert(place, (level, subgraph));
        }
    }

    /// Depth first, then requests (free if `paid`), then subgraphs, then fields.
    pub(super) fn rank(&self, paid: &BTreeSet<(Level, SubgraphId)>) -> Rank {
        let new = self.requests.iter().filter(|request| !paid.contains(request));
        let mut subgraphs: Vec<SubgraphId> =
            self.requests.iter().map(|(_, subgraph)| *subgraph).collect();
        subgraphs.sort_unstable();
        subgraphs.dedup();
        Rank {
            ready: self.ready,
            requests: new.count(),
            subgraphs: subgraphs.len(),
            fields: self.fields,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    ready: Level,
    requests: usize,
    subgraphs: usize,
    fields: usize,
}

/// How a need is met on one run-time type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Selected in these nodes, all with the same field; more than one when no single subgraph
    /// has everything below it.
    Plain(Vec<NodeId>),
    /// Selected in this node after it has been told what the field `@requires`. The key is an
    /// index into the node's keys.
    Requires { home: NodeId, key: usize },
    /// Together with all others of this kind, once the object's real type has been looked up in
    /// this node.
    Lookup(NodeId),
}
