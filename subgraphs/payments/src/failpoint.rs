//! Places where a test ends the process, as a power cut would. Without the feature `failpoints`
//! they are nothing.

/// Ends the process here if the variable `FAILPOINT` is `NAME:abort`.
#[cfg(feature = "failpoints")]
pub(crate) fn hit(name: &str) {
    use std::sync::LazyLock;

    static ARMED: LazyLock<Option<String>> = LazyLock::new(|| {
        std::env::var("FAILPOINT").ok()?.strip_suffix(":abort").map(str::to_owned)
    });
    if ARMED.as_deref() == Some(name) {
        std::process::abort();
    }
}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn hit(_name: &str) {}
