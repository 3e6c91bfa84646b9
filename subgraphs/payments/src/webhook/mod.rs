//! Messages between companies: what processors tell us ([`incoming`]) and what we tell others
//! ([`outgoing`]). A message is stored before anybody acts on it.

pub mod incoming;
pub mod outgoing;
