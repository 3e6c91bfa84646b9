//! The planner through its public entry points. Every plan is checked by `verify`, too.

mod abstract_types;
mod clients;
mod entities;
mod limits;
mod operations;
mod random;
mod requirements;
mod sharing;
mod support;
