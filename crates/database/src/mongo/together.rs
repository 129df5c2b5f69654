//! Lets callers that come at the same time share one request: while one is under way, the others wait, and the next takes
//! all of them.

use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

/// Items that wait for the next request, each with who waits for its answer.
type Waiting<T, A> = Vec<(T, oneshot::Sender<A>)>;

/// Requests of one kind, one at a time.
#[derive(Debug)]
pub(super) struct Together<T, A> {
    waiting: Mutex<Waiting<T, A>>,
    one: tokio::sync::Mutex<()>,
}

impl<T: Clone, A> Together<T, A> {
    pub(super) fn new() -> Self {
        Together { waiting: Mutex::default(), one: tokio::sync::Mutex::default() }
    }

    /// Has an item answered. `request` answers all items of a request, in their order; it may be given those of others, and
    /// they may be answered by somebody else's. Who goes away while he makes a request leaves its items to those who wait.
    pub(super) async fn ask<F>(&self, item: T, request: impl Fn(Vec<T>) -> F) -> A
    where
        F: Future<Output = Vec<A>>,
    {
        loop {
            let (sender, mut answer) = oneshot::channel();
            self.waiting().push((item.clone(), sender));
            let asked = async {
                let _one = self.one.lock().await;
                let (items, senders): (Vec<T>, Vec<_>) =
                    std::mem::take(&mut *self.waiting()).into_iter().unzip();
                if !items.is_empty() {
                    for (answer, sender) in request(items).await.into_iter().zip(senders) {
                        // Somebody may have gone away.
                        let _ = sender.send(answer);
                    }
                }
            };
            let answered = tokio::select! {
                biased;
                answered = &mut answer => answered,
                () = asked => answer.await,
            };
            if let Ok(answered) = answered {
                return answered;
            }
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting<T, A>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use futures_util::future::join_all;
    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn callers_of_the_same_moment_share_requests_and_each_gets_its_answer() {
        let (together, requests) = (Together::new(), AtomicUsize::new(0));
        let ask = |number: usize| {
            together.ask(number, |numbers: Vec<usize>| {
                requests.fetch_add(1, Ordering::Relaxed);
                async move {
                    sleep(Duration::from_secs(1)).await;
                    numbers.into_iter().map(|number| number * 2).collect()
                }
            })
        };
        let answers = join_all((0..100).map(ask)).await;
        assert_eq!(answers, (0..100).map(|number| number * 2).collect::<Vec<_>>());
        assert_eq!(requests.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_takes_no_answer_of_others_with_him() {
        let together = Together::new();
        let slow = together.ask(1, |numbers: Vec<i32>| async move {
            sleep(Duration::from_secs(60)).await;
            numbers
        });
        let hasty = timeout(Duration::from_secs(1), slow);
        let patient = together.ask(2, |numbers| async move { numbers });
        let (hasty, patient) = tokio::join!(hasty, patient);
        assert!(hasty.is_err());
        assert_eq!(patient, 2);
    }
}
