//! What the registry uses of its machine.

use std::{fs, num::NonZero, thread};

/// Memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// What the machine has.
    pub(crate) total: u64,
    /// What this process has of it; 0 where the system does not tell.
    pub(crate) used: u64,
}

impl Memory {
    pub(crate) fn percent(self) -> u64 {
        (self.used * 100).checked_div(self.total).unwrap_or(0)
    }
}

pub(crate) fn memory() -> Memory {
    let machine = rustix::system::sysinfo();
    let total = machine.totalram as u64 * u64::from(machine.mem_unit.max(1));
    let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = pages.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    Memory { total, used: pages * rustix::param::page_size() as u64 }
}

pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}
