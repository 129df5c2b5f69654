//! Figures for those who watch: what the requests of a service took, and what its process uses.

mod exposition;
mod families;
mod measure;
mod process;
mod recent;
mod requests;

pub(super) use exposition::{Format, write};
pub(super) use families::{Source, families};
pub(super) use measure::{Observed, measure, measuring};
pub(super) use process::{Figures, Process};
pub(super) use requests::Measured;

/// What a pool of connections is doing, under Hikari's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolFigures {
    /// Connections that somebody uses.
    pub active: u64,
    /// Connections that wait for somebody.
    pub idle: u64,
    /// Callers that wait for a connection.
    pub pending: u64,
    /// How many connections there are kept at least.
    pub min: u64,
    /// How many connections there may be.
    pub max: u64,
}

/// What a cache is doing, under Micrometer's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheFigures {
    /// Look-ups that found something.
    pub hits: u64,
    /// Look-ups that found nothing.
    pub misses: u64,
    /// Entries that were added.
    pub puts: u64,
    /// Entries that were taken out on purpose.
    pub removals: u64,
    /// Entries that had to make room or were too old.
    pub evictions: u64,
}
