//! Whether Kafka answers: what all clients of one Kafka notice together, said once when it goes and once when it comes back.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
};
use tracing::{debug, info, warn};

/// What is known of the way to the brokers.
pub(super) struct Link {
    brokers: String,
    away: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Since when no broker answers.
    since: Option<Instant>,
    /// The last thing that went wrong.
    reason: String,
}

impl Link {
    pub(super) fn new(brokers: String) -> Arc<Self> {
        Arc::new(Link { brokers, away: AtomicBool::new(false), state: Mutex::default() })
    }

    /// The brokers as the settings name them.
    pub(super) fn brokers(&self) -> &str {
        &self.brokers
    }

    pub(super) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Why the last connection failed, in brackets; empty when none has.
    pub(super) fn reason(&self) -> String {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.reason.is_empty() { String::new() } else { format!(" ({})", state.reason) }
    }

    /// A broker has answered.
    pub(super) fn works(&self) {
        if self.is_away() && self.away.swap(false, Ordering::Relaxed) {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let seconds = state.since.take().map_or(0, |since| since.elapsed().as_secs());
            state.reason.clear();
            info!(target: "Kafka", "Kafka at {} answers again after {seconds} s", self.brokers);
        }
    }

    fn failed(&self, code: RDKafkaErrorCode, reason: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if code != RDKafkaErrorCode::AllBrokersDown {
            reason.clone_into(&mut state.reason);
            return;
        }
        if !self.away.swap(true, Ordering::Relaxed) {
            state.since = Some(Instant::now());
            warn!(target: "Kafka", "Kafka at {} does not answer, waiting until it does: {}", self.brokers, state.reason);
        }
    }
}

/// What clients tell us about themselves: errors go to the link, librdkafka's own lines to the log at debug.
#[derive(Clone)]
pub(super) struct Ear {
    pub(super) link: Arc<Link>,
}

impl ClientContext for Ear {
    fn log(&self, _: RDKafkaLogLevel, kind: &str, line: &str) {
        debug!(target: "librdkafka", "{kind}: {line}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!(target: "librdkafka", "{error}: {reason}");
        if let Some(code) = error.rdkafka_error_code() {
            self.link.failed(code, reason);
        }
    }
}

impl rdkafka::consumer::ConsumerContext for Ear {}
