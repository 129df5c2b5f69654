//! A document of the provider that is fetched by one caller at a time, kept, and not asked for too often.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, anyhow};
use tokio::{sync::Semaphore, time::Instant};

use super::ProviderState;

/// How long a failure is repeated to others before the provider is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// The document, and how the last attempt to fetch it went.
pub(super) struct Document<T> {
    cool_down: Duration,
    turn: Semaphore,
    /// Counts how often the document was replaced.
    version: AtomicU64,
    state: Mutex<State<T>>,
}

struct State<T> {
    kept: Option<Arc<T>>,
    attempt: Option<Attempt>,
}

struct Attempt {
    ended: Instant,
    /// Whether there was a document already.
    again: bool,
    failure: Option<Failure>,
}

#[derive(Clone)]
struct Failure {
    reason: String,
    /// When the first of these attempts failed that all failed.
    since: Instant,
}

impl<T> Document<T> {
    /// Nothing fetched yet. A document that was fetched again is taken as current for `cool_down`, whatever it lacks.
    pub(super) fn new(cool_down: Duration) -> Self {
        let state = State { kept: None, attempt: None };
        Document {
            cool_down,
            turn: Semaphore::new(1),
            version: AtomicU64::new(0),
            state: Mutex::new(state),
        }
    }

    /// Which version of the document is kept; 0 before there is one. Whoever reads this first and then the document
    /// has that version or a later one.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Whether the document is there, and how the last attempt went.
    pub(super) fn standing(&self) -> ProviderState {
        let state = self.state();
        let failure = state.attempt.as_ref().and_then(|attempt| attempt.failure.as_ref());
        match (&state.kept, failure) {
            (None, failure) => ProviderState::NotYet(failure.map(|failure| failure.reason.clone())),
            (Some(_), None) => ProviderState::Reached,
            (Some(_), Some(Failure { reason, since })) => {
                ProviderState::Away { lasting: since.elapsed(), reason: reason.clone() }
            }
        }
    }

    /// The document as it was last fetched, however long ago.
    pub(super) fn kept(&self) -> Option<Arc<T>> {
        self.state().kept.clone()
    }

    /// Fetches the document, unless somebody else just did: then that outcome counts.
    /// A failure leaves the kept document as it is.
    pub(super) async fn fetch(
        &self,
        fetch: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<Arc<T>> {
        let asked = Instant::now();
        // The holder of the turn is bounded by the client's time-out; those who wait behind it find its outcome.
        let _turn = self.turn.acquire().await.context("wait for the provider's answer")?;
        if let Some(recent) = self.state().recent(asked, self.cool_down) {
            return recent;
        }
        let outcome = fetch.await;
        let mut state = self.state();
        let ended = Instant::now();
        let before = state.attempt.take().and_then(|attempt| attempt.failure);
        let since = before.map_or(ended, |failure| failure.since);
        let failure =
            outcome.as_ref().err().map(|cause| Failure { reason: format!("{cause:#}"), since });
        state.attempt = Some(Attempt { ended, again: state.kept.is_some(), failure });
        let fetched = Arc::new(outcome?);
        state.kept = Some(fetched.clone());
        self.version.fetch_add(1, Ordering::Release);
        Ok(fetched)
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    /// The outcome of an attempt that ended while the caller waited, or is too recent to be repeated.
    fn recent(&self, asked: Instant, cool_down: Duration) -> Option<anyhow::Result<Arc<T>>> {
        let attempt = self.attempt.as_ref()?;
        let (shared, age) = (attempt.ended >= asked, attempt.ended.elapsed());
        match &attempt.failure {
            Some(failure) if shared || age < PAUSE => Some(Err(anyhow!("{}", failure.reason))),
            None if shared || (attempt.again && age < cool_down) => self.kept.clone().map(Ok),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use anyhow::bail;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    /// Fetches from a provider that counts how often it is asked.
    async fn fetch(
        document: &Document<usize>,
        asked: &AtomicUsize,
        works: bool,
    ) -> Result<usize, String> {
        let answer = async {
            tokio::task::yield_now().await;
            let count = asked.fetch_add(1, Ordering::SeqCst) + 1;
            if works { Ok(count) } else { bail!("refused") }
        };
        document.fetch(answer).await.map(|count| *count).map_err(|cause| cause.to_string())
    }

    #[tokio::test]
    async fn callers_at_the_same_time_share_one_answer() {
        let (document, asked) = (Document::new(Duration::ZERO), AtomicUsize::new(0));
        let answers = tokio::join!(fetch(&document, &asked, true), fetch(&document, &asked, true));
        assert_eq!(answers, (Ok(1), Ok(1)));
    }

    #[tokio::test]
    async fn asks_again_once_and_then_only_after_the_cool_down() {
        let (document, asked) = (Document::new(LONG), AtomicUsize::new(0));
        assert_eq!(fetch(&document, &asked, true).await, Ok(1));
        assert_eq!(fetch(&document, &asked, true).await, Ok(2));
        assert_eq!(fetch(&document, &asked, true).await, Ok(2));
        let (document, asked) = (Document::new(Duration::ZERO), AtomicUsize::new(0));
        for expected in 1..4 {
            assert_eq!(fetch(&document, &asked, true).await, Ok(expected));
        }
    }

    #[tokio::test]
    async fn a_failure_is_repeated_for_a_moment_and_keeps_what_was_there() {
        let (document, asked) = (Document::new(Duration::ZERO), AtomicUsize::new(0));
        assert_eq!(fetch(&document, &asked, true).await, Ok(1));
        assert_eq!(fetch(&document, &asked, false).await, Err("refused".to_owned()));
        assert_eq!(fetch(&document, &asked, true).await, Err("refused".to_owned()));
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        assert_eq!(document.kept().as_deref(), Some(&1));
    }

    #[tokio::test(start_paused = true)]
    async fn tells_whether_the_document_is_there_and_since_when_nobody_answers() {
        let (document, asked) = (Document::new(Duration::ZERO), AtomicUsize::new(0));
        assert_eq!(document.standing(), ProviderState::NotYet(None));
        assert!(fetch(&document, &asked, false).await.is_err());
        assert_eq!(document.standing(), ProviderState::NotYet(Some("refused".to_owned())));
        tokio::time::advance(PAUSE).await;
        assert_eq!((fetch(&document, &asked, true).await, document.version()), (Ok(2), 1));
        assert_eq!(document.standing(), ProviderState::Reached);
        tokio::time::advance(PAUSE).await;
        for seconds in [0, 1, 2] {
            assert!(fetch(&document, &asked, false).await.is_err());
            let lasting = Duration::from_secs(seconds);
            let reason = "refused".to_owned();
            assert_eq!(document.standing(), ProviderState::Away { lasting, reason });
            tokio::time::advance(PAUSE).await;
        }
        assert_eq!((fetch(&document, &asked, true).await, document.version()), (Ok(6), 2));
        assert_eq!(document.standing(), ProviderState::Reached);
    }
}
