//! Watches a number grow until it is as great as it should be, and tells how fast it grew.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::{Instant, sleep};

/// How long to wait before counting again.
const AGAIN: Duration = Duration::from_millis(50);

/// How long nothing may move.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was counted when, from the beginning to the end.
pub(super) struct Progress(Vec<(Instant, u64)>);

/// Counts until there are so many. What cannot be counted has not moved.
///
/// # Errors
/// When nothing moves any more before that.
pub(super) async fn watch(
    target: u64,
    count: impl AsyncFnMut() -> anyhow::Result<u64>,
) -> anyhow::Result<Progress> {
    watch_with(PATIENCE, target, count).await
}

async fn watch_with(
    patience: Duration,
    target: u64,
    mut count: impl AsyncFnMut() -> anyhow::Result<u64>,
) -> anyhow::Result<Progress> {
    let mut seen: Vec<(Instant, u64)> = Vec::new();
    let mut moved = Instant::now();
    loop {
        let counted = count().await;
        let now = Instant::now();
        let last = seen.last().map_or(0, |(_, last)| *last);
        if let Ok(number) = counted {
            if number > last {
                moved = now;
            }
            seen.push((now, number));
            if number >= target {
                return Ok(Progress(seen));
            }
        }
        if now - moved >= patience {
            let what = format!("{last} of {target}, and no more in {patience:?}");
            counted.context(what.clone())?;
            bail!(what);
        }
        sleep(AGAIN).await;
    }
}

impl Progress {
    /// How many there were more in the end than in the beginning.
    pub(super) fn grown(&self) -> u64 {
        let number = |seen: Option<&(Instant, u64)>| seen.map_or(0, |(_, number)| *number);
        number(self.0.last()).saturating_sub(number(self.0.first()))
    }

    /// How many per second, from when it began to move.
    pub(super) fn rate(&self) -> f64 {
        rate(self.moving())
    }

    /// How long it took until it began to move.
    pub(super) fn idle(&self) -> Duration {
        match (self.0.first(), self.moving().first()) {
            (Some((first, _)), Some((moving, _))) => *moving - *first,
            _ => Duration::ZERO,
        }
    }

    /// How fast the last fifth was, compared with the first.
    pub(super) fn last_to_first(&self) -> f64 {
        let moving = self.moving();
        let Some((_, begin)) = moving.first() else { return f64::NAN };
        let fifth = self.grown() / 5;
        let first = moving.partition_point(|(_, number)| *number < begin + fifth);
        let last = moving.partition_point(|(_, number)| *number < begin + 4 * fifth);
        rate(moving.get(last..).unwrap_or(&[])) / rate(moving.get(..=first).unwrap_or(&[]))
    }

    /// From the last count before it moved.
    fn moving(&self) -> &[(Instant, u64)] {
        let still = match self.0.first() {
            Some((_, first)) => self.0.partition_point(|(_, number)| number <= first),
            None => 0,
        };
        self.0.get(still.saturating_sub(1)..).unwrap_or(&[])
    }
}

fn rate(seen: &[(Instant, u64)]) -> f64 {
    match (seen.first(), seen.last()) {
        (Some((began, first)), Some((ended, last))) if ended > began => {
            (last - first) as f64 / (*ended - *began).as_secs_f64()
        }
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(seen: &[(u64, u64)]) -> Progress {
        let began = Instant::now();
        let at = |(second, number): &(u64, u64)| (began + Duration::from_secs(*second), *number);
        Progress(seen.iter().map(at).collect())
    }

    #[test]
    fn the_rate_counts_from_when_it_moves() {
        let progress = progress(&[(0, 5), (1, 5), (2, 5), (3, 15), (4, 25)]);
        assert_eq!(progress.rate(), 10.0);
        assert_eq!(progress.idle(), Duration::from_secs(2));
        assert_eq!(progress.grown(), 20);
    }

    #[test]
    fn the_last_fifth_is_compared_with_the_first() {
        let steady: Vec<_> = (0..=10).map(|second| (second, second * 10)).collect();
        assert_eq!(progress(&steady).last_to_first(), 1.0);
        let slower = [(0, 0), (1, 20), (2, 40), (3, 60), (4, 80), (8, 100)];
        assert_eq!(progress(&slower).last_to_first(), 0.25);
    }

    #[test]
    fn what_has_not_moved_has_no_rate() {
        assert!(progress(&[(0, 5)]).rate().is_nan());
        assert!(progress(&[]).last_to_first().is_nan());
    }

    #[tokio::test]
    async fn watching_ends_with_the_target_or_when_nothing_moves() {
        let patience = Duration::from_millis(200);
        let mut number = 0;
        let count = async || {
            number += 1;
            if number == 2 { bail!("not now") } else { Ok(number) }
        };
        assert_eq!(watch_with(patience, 4, count).await.unwrap().grown(), 3);
        let cause = watch_with(patience, 4, async || Ok(3)).await.err().unwrap().to_string();
        assert_eq!(cause, "3 of 4, and no more in 200ms");
        let cause = watch_with(patience, 4, async || bail!("gone")).await.err().unwrap();
        assert_eq!(format!("{cause:#}"), "0 of 4, and no more in 200ms: gone");
    }
}
