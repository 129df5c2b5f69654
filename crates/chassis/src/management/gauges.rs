//! Figures that have to be asked for, of a database for example: when somebody reads them, at most once a second, and
//! never for long.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, join_all},
};
use tokio::time::{Instant, timeout};
use tracing::debug;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer is good for.
const FRESH: Duration = Duration::from_secs(1);

/// Values of a label, and the figure of each.
type Figures = Arc<Vec<(String, u64)>>;
/// A gauge, and what it says now.
pub(crate) type Said<'a> = (&'a Gauge, Figures);
type Ask = Box<dyn Fn() -> BoxFuture<'static, anyhow::Result<Vec<(String, u64)>>> + Send + Sync>;

/// A figure for each value of a label.
pub(crate) struct Gauge {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) label: &'static str,
    ask: Ask,
    /// When it was last asked for, and what was answered or is about to be.
    latest: Mutex<Option<(Instant, Shared<BoxFuture<'static, Figures>>)>>,
}

impl Gauge {
    pub(super) fn new(
        (name, help, label): (&'static str, &'static str, &'static str),
        ask: Ask,
    ) -> Self {
        Gauge { name, help, label, ask, latest: Mutex::default() }
    }

    /// Asks, or repeats what was just answered; nothing when there is no answer.
    async fn figures(&self) -> Figures {
        let figures = {
            let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever comes while it is being asked waits for the same answer.
            let usable = latest.as_ref().filter(|(begun, figures)| match figures.peek() {
                Some(_) => begun.elapsed() < FRESH,
                None => begun.elapsed() < PATIENCE * 2,
            });
            match usable {
                Some((_, figures)) => figures.clone(),
                None => {
                    let figures = answered(self.name, (self.ask)()).boxed().shared();
                    *latest = Some((Instant::now(), figures.clone()));
                    figures
                }
            }
        };
        figures.await
    }
}

/// What all of them say now.
pub(super) async fn all(gauges: &[Gauge]) -> Vec<Said<'_>> {
    join_all(gauges.iter().map(|gauge| async move { (gauge, gauge.figures().await) })).await
}

async fn answered(
    name: &'static str,
    answer: BoxFuture<'static, anyhow::Result<Vec<(String, u64)>>>,
) -> Figures {
    match timeout(PATIENCE, answer).await {
        Ok(Ok(figures)) => Arc::new(figures),
        Ok(Err(cause)) => {
            debug!("the figures {name} are left out: {cause:#}");
            Figures::default()
        }
        Err(_) => {
            debug!("the figures {name} are left out: no answer within {PATIENCE:?}");
            Figures::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::atomic::{AtomicU64, Ordering},
    };

    use super::*;

    fn gauge<F>(ask: impl Fn(u64) -> F + Send + Sync + 'static) -> Gauge
    where
        F: Future<Output = anyhow::Result<Vec<(String, u64)>>> + Send + 'static,
    {
        let asked = AtomicU64::new(0);
        let ask = move || ask(asked.fetch_add(1, Ordering::Relaxed) + 1).boxed();
        Gauge::new(("parcels", "How many there are", "shelf"), Box::new(ask))
    }

    async fn first(gauge: &Gauge) -> Option<u64> {
        gauge.figures().await.first().map(|(_, figure)| *figure)
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_asked_at_most_once_a_second_however_many_read_it() {
        let gauge = gauge(async |times| Ok(vec![("a".to_owned(), times)]));
        assert_eq!(tokio::join!(first(&gauge), first(&gauge)), (Some(1), Some(1)));
        tokio::time::advance(FRESH / 2).await;
        assert_eq!(first(&gauge).await, Some(1));
        tokio::time::advance(FRESH).await;
        assert_eq!(first(&gauge).await, Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_fails_or_takes_too_long_is_left_out() {
        assert_eq!(first(&gauge(async |_| anyhow::bail!("away"))).await, None);
        assert_eq!(first(&gauge(async |_| pending().await)).await, None);
    }
}
