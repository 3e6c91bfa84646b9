//! The `concord` binary as scripts use it: arguments in, output and exit code out.

mod check;
mod check_changes;
mod compose;
mod compose_watch;
mod dev;
mod lint;
mod plan;
mod serve;
mod support;
