//! How many log lines there were of each level.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// Lines by level, the most severe first.
#[derive(Debug, Default)]
pub(crate) struct Counts([AtomicU64; 5]);

impl Counts {
    /// Every level by its lower-case name, and its lines.
    pub(crate) fn by_level(&self) -> [(&'static str, u64); 5] {
        let names = ["error", "warn", "info", "debug", "trace"];
        std::array::from_fn(|at| (names[at], self.0[at].load(Ordering::Relaxed)))
    }
}

/// Counts the lines that no filter keeps back.
pub(super) struct Counting(pub(super) Arc<Counts>);

impl<S: Subscriber> Layer<S> for Counting {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let at = match *event.metadata().level() {
            Level::ERROR => 0,
            Level::WARN => 1,
            Level::INFO => 2,
            Level::DEBUG => 3,
            Level::TRACE => 4,
        };
        self.0.0[at].fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt};

    use super::*;

    #[test]
    fn what_is_written_is_counted() {
        let counts = Arc::new(Counts::default());
        let lines =
            tracing_subscriber::registry().with(LevelFilter::INFO).with(Counting(counts.clone()));
        tracing::subscriber::with_default(lines, || {
            tracing::info!("one");
            tracing::info!("two");
            tracing::error!("three");
            tracing::debug!("kept back");
        });
        let expected = [("error", 1), ("warn", 0), ("info", 2), ("debug", 0), ("trace", 0)];
        assert_eq!(counts.by_level(), expected);
    }
}
