//! The planner through its public entry points. Every plan is checked by `verify`, too.

mod entities;
mod support;
