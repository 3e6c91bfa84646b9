//! Independent work of a check, on as many cores as there are.

/// Enough for documents as deep as the parser lets them be.
const STACK: usize = 16 * 1024 * 1024;

/// The first on a thread of its own, the second on this one.
pub(super) fn both<A: Send, B>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B,
) -> (A, B) {
    std::thread::scope(|scope| {
        let first = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, first)
            .expect("threads can be started");
        let second = second();
        (first.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), second)
    })
}
