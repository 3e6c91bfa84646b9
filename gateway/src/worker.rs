//! Which worker a thread is: state that belongs to one runtime is kept apart by it.

use std::cell::Cell;

/// More workers than these share their places.
pub(crate) const MAX_WORKERS: usize = 64;

thread_local! {
    static WORKER: Cell<usize> = const { Cell::new(0) };
}

/// Says which worker the current thread is from now on.
pub(crate) fn become_worker(number: usize) {
    WORKER.set(number % MAX_WORKERS);
}

/// Below [`MAX_WORKERS`].
pub(crate) fn current() -> usize {
    WORKER.get()
}
