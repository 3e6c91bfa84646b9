//! The marketplace in one process.
