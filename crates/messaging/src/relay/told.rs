//! What the log is told of deliveries that fail: why they do, but not every attempt.

use std::{mem, time::Duration};

use tokio::time::Instant;

/// How long nothing is said of a failure for another reason.
const QUIET: Duration = Duration::from_secs(60);
/// When a failure is said again for which nothing has changed.
const REMINDER: Duration = Duration::from_secs(600);

/// What was said since the delivery has worked last.
#[derive(Debug, Default)]
pub(super) struct Told {
    last: Option<(Instant, String)>,
    /// Whether something has failed since the last retry.
    has_failed: bool,
}

impl Told {
    /// Whether to say that a delivery fails for this reason. Of all that fails between two retries only the first counts: the
    /// rest often follows from it.
    pub(super) fn is_news(&mut self, cause: &anyhow::Error) -> bool {
        if mem::replace(&mut self.has_failed, true) {
            return false;
        }
        let (now, reason) = (Instant::now(), format!("{cause:#}"));
        let is_news = self.last.as_ref().is_none_or(|(at, said)| {
            let silence = if *said == reason { REMINDER } else { QUIET };
            now.duration_since(*at) >= silence
        });
        if is_news {
            self.last = Some((now, reason));
        }
        is_news
    }

    /// What has failed is tried again.
    pub(super) fn retry(&mut self) {
        self.has_failed = false;
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use tokio::time::advance;

    use super::*;

    /// Fails once a second; answers when which of the reasons was said.
    async fn said(reasons: impl IntoIterator<Item = &'static str>) -> Vec<(usize, &'static str)> {
        let (mut told, mut said) = (Told::default(), Vec::new());
        for (second, reason) in reasons.into_iter().enumerate() {
            if told.is_news(&anyhow!(reason)) {
                said.push((second, reason));
            }
            assert!(!told.is_news(&anyhow!("a consequence")), "{reason}");
            told.retry();
            advance(Duration::from_secs(1)).await;
        }
        said
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_said_once_and_every_ten_minutes() {
        let told = said(["no password"; 1300]).await;
        assert_eq!(told, [(0, "no password"), (600, "no password"), (1200, "no password")]);
    }

    #[tokio::test(start_paused = true)]
    async fn another_reason_is_said_within_a_minute_and_not_more_often() {
        let changed = said(["no password"].into_iter().chain(["not now"; 100])).await;
        assert_eq!(changed, [(0, "no password"), (60, "not now")]);
        let late = said(["no password"; 100].into_iter().chain(["not now"; 100])).await;
        assert_eq!(late, [(0, "no password"), (100, "not now")]);
        let by_turns = said((0..180).map(|at| ["away", "not now"][at % 2])).await;
        assert_eq!(by_turns.len(), 3, "{by_turns:?}");
    }
}
