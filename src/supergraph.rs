//! The marketplace's supergraph, composed from what the services' code prints.

use federation::composition::{Composition, SubgraphSource, compose};
use federation::diagnostic::Diagnostic;

/// Base URLs of the running services, without a slash at the end.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub users: String,
    pub reviews: String,
    pub payments: String,
}

impl Addresses {
    /// The ports of `cargo run`.
    pub fn development() -> Self {
        let local = |port: u16| format!("http://localhost:{port}");
        Self { users: local(4001), reviews: local(4002), payments: local(4003) }
    }
}

/// Name and SDL of each subgraph.
pub fn subgraphs() -> [(&'static str, String); 3] {
    [("payments", payments::sdl()), ("reviews", reviews::sdl()), ("users", users::sdl())]
}

/// Composes the three; diagnostics when the services' schemas do not fit together.
pub fn supergraph(addresses: &Addresses) -> Result<Composition, Vec<Diagnostic>> {
    let sources = subgraphs().into_iter().map(|(name, sdl)| {
        let base = match name {
            "payments" => &addresses.payments,
            "reviews" => &addresses.reviews,
            _ => &addresses.users,
        };
        SubgraphSource { name: name.to_owned(), url: format!("{base}/graphql"), sdl }
    });
    compose(sources.collect())
}
