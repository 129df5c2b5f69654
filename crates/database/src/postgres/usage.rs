//! How much the connections to the server are used.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a pool of connections is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// Connections that are open.
    pub open: u64,
    /// Those of them that nobody uses; never more than are open.
    pub idle: u64,
    /// How many there may be.
    pub most: u64,
    /// Callers that wait for a connection.
    pub waiting: u64,
}

/// Counts the callers that have a connection or wait for one.
#[derive(Debug, Default)]
pub(super) struct Callers(AtomicU64);

/// One of them, until it is dropped.
pub(super) struct Calling<'a>(&'a AtomicU64);

impl Callers {
    pub(super) fn enter(&self) -> Calling<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Calling(&self.0)
    }

    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
