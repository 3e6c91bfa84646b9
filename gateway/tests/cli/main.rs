//! The `concord` binary as scripts use it: arguments in, output and exit code out.

mod check;
mod compose;
mod plan;
mod serve;
mod support;
