//! The end of the process: what is under way has a little time left, and what waits goes on waiting in the outbox.

use std::{sync::OnceLock, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// How much time that is. A process that does not end is killed.
const GRACE: Duration = Duration::from_secs(2);

/// Whether and when the end has begun.
#[derive(Default)]
pub(super) struct End {
    began: OnceLock<Instant>,
    /// Wakes who waits for the beginning.
    beginning: CancellationToken,
}

impl End {
    pub(super) fn begin(&self) {
        self.began.get_or_init(Instant::now);
        self.beginning.cancel();
    }

    pub(super) async fn begun(&self) {
        self.beginning.cancelled().await;
    }

    /// Whether nothing is to be begun any more.
    pub(super) fn is_here(&self) -> bool {
        self.began.get().is_some_and(|began| *began + GRACE <= Instant::now())
    }

    /// What is waited for, unless the end comes first.
    pub(super) async fn or<T>(&self, waited_for: impl Future<Output = T>) -> Option<T> {
        let end = async {
            self.begun().await;
            sleep_until(self.began.get().map_or_else(Instant::now, |began| *began + GRACE)).await;
        };
        tokio::select! {
            biased;
            done = waited_for => Some(done),
            () = end => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::{advance, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_has_two_seconds_in_all() {
        let end = End::default();
        assert_eq!(end.or(sleep(Duration::from_secs(3_600))).await, Some(()));
        end.begin();
        let start = Instant::now();
        assert_eq!(end.or(sleep(Duration::from_millis(1_500))).await, Some(()));
        assert!(!end.is_here());
        assert_eq!(end.or(pending::<()>()).await, None);
        assert_eq!(start.elapsed(), GRACE);
        assert!(end.is_here());
        advance(GRACE).await;
        end.begin();
        assert!(end.is_here(), "it begins once");
    }
}
