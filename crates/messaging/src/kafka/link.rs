//! Whether Kafka answers: what all clients of one Kafka notice together, said once when it goes and once when it comes back.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
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
            state.reason = told(reason);
            return;
        }
        self.is_gone(&mut state);
    }

    /// Nothing that was sent has been answered. Connections do not tell when a broker is gone without a word, and librdkafka
    /// does not always say that the last one is down.
    pub(super) fn is_silent(&self, patience: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.reason.is_empty() {
            state.reason = format!("nothing was acknowledged in {patience:?}");
        }
        self.is_gone(&mut state);
    }

    fn is_gone(&self, state: &mut State) {
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

/// What librdkafka says of TLS, and what is said instead: what to do, by the names that were set.
const TOLD: [(&str, &str); 4] = [
    (
        "verify that ssl.ca.location is correctly configured or root CA certificates are installed (install ca-certificates package)",
        "ssl.truststore.certificates or ssl.truststore.location has to name who signed it, and the certificate has to be for the broker's address",
    ),
    ("SSL alert number 42", NO_CERTIFICATE),
    ("SSL alert number 48", "the broker does not know who signed the certificate of ssl.keystore"),
    ("SSL alert number 116", NO_CERTIFICATE),
];
const NO_CERTIFICATE: &str = "the broker takes no client without a certificate that it trusts: set ssl.keystore.location, or ssl.keystore.certificate.chain and ssl.keystore.key";

/// A reason of librdkafka's for whoever has set Java's properties.
fn told(reason: &str) -> String {
    TOLD.iter().fold(reason.to_owned(), |reason, (theirs, ours)| reason.replace(theirs, ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_the_properties_that_can_be_set() {
        for (reason, expected) in [
            (
                "broker certificate could not be verified, verify that ssl.ca.location is correctly configured or root CA certificates are installed (install ca-certificates package) (after 3ms)",
                "ssl.truststore.certificates",
            ),
            ("ssl/tls alert bad certificate: SSL alert number 42 (after 1ms)", "ssl.keystore.key"),
            ("tlsv1 alert unknown ca: SSL alert number 48", "who signed the certificate"),
            ("alert certificate required: SSL alert number 116", "ssl.keystore.key"),
        ] {
            let told = told(reason);
            assert!(told.contains(expected) && !told.contains("ssl.ca.location"), "{told}");
        }
        assert_eq!(told("Connection refused"), "Connection refused");
    }
}
