//! When a process has finished what it had to do: it has needed nearly no processor time for a while.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::process::Process;

/// How long a process must have been idle.
const WINDOW: Duration = Duration::from_secs(1);

/// How often it is looked at.
const PERIOD: Duration = Duration::from_millis(50);

/// The share of one core that an idle process may need: a Java service is never quite still, and neither is a clock tick
/// of 10 ms a fine measure.
const SHARE: f64 = 0.03;

/// How long it may take to become idle.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until a process is idle; returns how long it was not. `None`: it did not become idle in a minute.
///
/// # Errors
/// When the process has ended.
pub(super) async fn until_idle(process: Process) -> anyhow::Result<Option<Duration>> {
    let began = Instant::now();
    let mut watch = Watch::default();
    loop {
        let at = began.elapsed();
        if let Some(since) = watch.note(at, process.processor_time()?) {
            return Ok(Some(since));
        }
        if at >= PATIENCE {
            return Ok(None);
        }
        sleep(PERIOD).await;
    }
}

/// What was seen of a process since the beginning of the window.
#[derive(Default)]
struct Watch(VecDeque<Seen>);

/// How much processor time had been spent at a time.
#[derive(Clone, Copy)]
struct Seen {
    at: Duration,
    spent: Duration,
}

impl Watch {
    /// Notes what was seen; returns since when the process is idle, once it has been for a whole window.
    fn note(&mut self, at: Duration, spent: Duration) -> Option<Duration> {
        self.0.push_back(Seen { at, spent });
        // The first one kept is the last that is at least a window old, if there is one.
        while self.0.get(1).is_some_and(|second| at - second.at >= WINDOW) {
            self.0.pop_front();
        }
        let first = self.0.front()?;
        let (lasting, needed) = (at - first.at, spent - first.spent);
        let idle = lasting >= WINDOW && needed <= lasting.mul_f64(SHARE);
        idle.then_some(first.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Processor time in milliseconds, seen every 250 ms; `expected`: which look found the process idle, and since when.
    fn check(spent: &[u64], expected: Option<(usize, u64)>) {
        let mut watch = Watch::default();
        let found = spent.iter().enumerate().find_map(|(number, spent)| {
            let at = Duration::from_millis(250 * number as u64);
            let since = watch.note(at, Duration::from_millis(*spent))?;
            Some((number, since.as_millis() as u64))
        });
        assert_eq!(found, expected, "{spent:?}");
    }

    #[test]
    fn a_process_is_idle_after_a_quiet_window() {
        check(&[10, 10, 10, 10, 10], Some((4, 0)));
        check(&[10, 20, 30, 30, 40], Some((4, 0)));
        check(&[10, 10, 10, 10], None);
    }

    #[test]
    fn a_process_that_works_is_not_idle_until_it_stops() {
        check(&[0, 100, 200, 300, 400, 500, 600], None);
        check(&[0, 100, 200, 200, 200, 200, 200], Some((6, 500)));
        check(&[0, 10, 20, 30, 40, 40, 40], Some((5, 250)));
    }

    #[tokio::test]
    async fn a_process_that_has_ended_is_named() {
        let cause = until_idle(Process(u32::MAX)).await.unwrap_err();
        assert!(format!("{cause:#}").contains("is the process alive"), "{cause:#}");
    }
}
