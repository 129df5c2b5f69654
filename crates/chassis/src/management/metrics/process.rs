//! What the process and the machine use, as Linux tells it under `/proc`. Elsewhere the figures are missing.

use std::{
    fs,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::process::{Resource, getrlimit};
use tokio::time::Instant;

/// How long a look at the processors is good for: a shorter one would be of a few clock ticks.
const SPAN: Duration = Duration::from_secs(1);

/// Looks at this process.
#[derive(Default)]
pub(crate) struct Process(Mutex<Option<Look>>);

/// What there is to say of it; times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Figures {
    /// The share of all processors that the process has used of late.
    pub(crate) process_cpu: Option<f64>,
    /// The share that everything has used.
    pub(crate) system_cpu: Option<f64>,
    pub(crate) processors: Option<f64>,
    pub(crate) load: Option<f64>,
    pub(crate) open_files: Option<f64>,
    pub(crate) most_files: Option<f64>,
    /// Since 1970.
    pub(crate) started: Option<f64>,
    pub(crate) uptime: Option<f64>,
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) resident_bytes: Option<f64>,
}

/// Clock ticks up to a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ticks {
    own: f64,
    busy: f64,
    all: f64,
}

struct Look {
    at: Instant,
    ticks: Ticks,
    shares: (f64, f64),
}

impl Process {
    pub(crate) fn figures(&self) -> Figures {
        let read = |name: &str| fs::read_to_string(format!("/proc/{name}")).ok();
        let (own, system) = (read("self/stat"), read("stat"));
        let own = own.as_deref().and_then(Own::read);
        let ticks = own.zip(system.as_deref().and_then(busy_and_all));
        let ticks = ticks.map(|(own, (busy, all))| Ticks { own: own.used, busy, all });
        let shares = ticks.map(|ticks| self.shares(ticks));
        #[expect(clippy::cast_precision_loss, reason = "a clock ticks a hundred times a second")]
        let per_second = rustix::param::clock_ticks_per_second() as f64;
        let begun = own.map(|own| own.begun / per_second);
        let booted = system.as_deref().and_then(|text| value_after(text, "btime "));
        let up = read("uptime").as_deref().and_then(first);
        Figures {
            process_cpu: shares.map(|shares| shares.0),
            system_cpu: shares.map(|shares| shares.1),
            processors: std::thread::available_parallelism().ok().map(|n| n.get() as f64),
            load: read("loadavg").as_deref().and_then(first),
            open_files: fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as f64),
            most_files: getrlimit(Resource::Nofile).current.map(|limit| limit as f64),
            started: booted.zip(begun).map(|(booted, begun)| booted + begun),
            uptime: up.zip(begun).map(|(up, begun)| up - begun),
            cpu_seconds: own.map(|own| own.used / per_second),
            resident_bytes: own.map(|own| own.pages * rustix::param::page_size() as f64),
        }
    }

    /// What the process and everything have used since the last look.
    fn shares(&self, ticks: Ticks) -> (f64, f64) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shares = match &*last {
            Some(look) if look.at.elapsed() < SPAN => return look.shares,
            Some(look) => ticks.since(look.ticks),
            None => (0.0, 0.0),
        };
        *last = Some(Look { at: Instant::now(), ticks, shares });
        shares
    }
}

impl Ticks {
    fn since(self, before: Ticks) -> (f64, f64) {
        let all = self.all - before.all;
        let share = |ticks: f64| if all > 0.0 { (ticks / all).clamp(0.0, 1.0) } else { 0.0 };
        (share(self.own - before.own), share(self.busy - before.busy))
    }
}

/// What `/proc/self/stat` says.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Own {
    used: f64,
    begun: f64,
    pages: f64,
}

impl Own {
    fn read(text: &str) -> Option<Self> {
        // The program's name stands in parentheses and may contain anything.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |at: usize| fields.get(at - 3)?.parse::<f64>().ok();
        Some(Own { used: field(14)? + field(15)?, begun: field(22)?, pages: field(24)? })
    }
}

/// The ticks of all processors that `/proc/stat` counts: those that were used, and all.
fn busy_and_all(text: &str) -> Option<(f64, f64)> {
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    // user, nice, system, idle, waiting for disks, interrupts, soft interrupts, stolen; what follows is in them already.
    let ticks: Vec<f64> = line.split_whitespace().take(8).filter_map(|n| n.parse().ok()).collect();
    let (all, idle) = (ticks.iter().sum::<f64>(), ticks.get(3)? + ticks.get(4)?);
    Some((all - idle, all))
}

fn value_after(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)).and_then(first)
}

fn first(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_linux_are_read() {
        let text = "42 (a) b) S 1 2 3 4 5 6 7 8 9 10 110 20 13 14 15 16 17 18 900 20 300 22";
        assert_eq!(Own::read(text), Some(Own { used: 130.0, begun: 900.0, pages: 300.0 }));
        assert_eq!(busy_and_all("cpu  10 1 5 80 4 0 0 0 9 9\ncpu0 1"), Some((16.0, 100.0)));
        assert_eq!(value_after("cpu 1\nbtime 1700000000\n", "btime "), Some(1_700_000_000.0));
        assert_eq!((Own::read("42 (x"), busy_and_all(""), first("")), (None, None, None));
    }

    #[tokio::test(start_paused = true)]
    async fn shares_are_of_the_time_between_two_looks() {
        let process = Process::default();
        let look = |own, busy, all| process.shares(Ticks { own, busy, all });
        assert_eq!(look(10.0, 100.0, 1000.0), (0.0, 0.0));
        tokio::time::advance(SPAN).await;
        assert_eq!(look(60.0, 180.0, 1100.0), (0.5, 0.8));
        assert_eq!(look(99.0, 180.0, 1101.0), (0.5, 0.8), "too short a time to say anything");
    }

    #[tokio::test]
    async fn this_process_is_looked_at() {
        let figures = Process::default().figures();
        assert!(figures.open_files.is_some_and(|open| open >= 3.0), "{figures:?}");
        assert!(figures.uptime.is_some_and(|up| (0.0..100_000.0).contains(&up)), "{figures:?}");
        assert!(figures.started.is_some_and(|at| at > 1.7e9), "{figures:?}");
        assert!(figures.resident_bytes.is_some_and(|bytes| bytes > 1e6), "{figures:?}");
    }
}
