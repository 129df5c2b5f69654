//! Wakes who waits for messages of an outbox channel, here at once and in other processes by way of the database: commits
//! note the channels, a loop tells them. Nobody else is told while the relay of the channel is in this process.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep},
};

use crate::channels::{Channels, wake};

/// What is told instead of channels that are too many, or whose names are too long: all of them.
const EVERY: &str = "";
/// How many channels are told at a time.
const MOST: usize = 32;
/// How many bytes the name of a channel may have to be told.
const LONGEST: usize = 200;
/// How long the loop collects what is noted after it has told something.
const GAP: Duration = Duration::from_millis(5);
/// How long the loop waits when it could not tell.
const PAUSE: Duration = Duration::from_millis(500);

/// Who waits here, and what others have to be told.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    channels: Channels,
    others: Mutex<Others>,
    noted: Notify,
}

#[derive(Debug, Default)]
struct Others {
    /// Channels with messages that nobody was told of.
    untold: BTreeSet<String>,
    /// Channels whose relay is in this process, and until when that is sure.
    ours: HashMap<String, Instant>,
}

impl Others {
    fn has(&self, channel: &str) -> bool {
        self.ours.get(channel).is_some_and(|until| Instant::now() < *until)
    }
}

impl Wakes {
    /// Changes whenever somebody is woken who waits for this channel.
    pub(crate) fn added(&self, channel: &str) -> watch::Receiver<u64> {
        self.channels.counter(channel).subscribe()
    }

    /// A commit has added messages to these channels: wakes everybody.
    pub(crate) fn committed<'c>(&self, channels: impl IntoIterator<Item = &'c str>) {
        for channel in channels.into_iter().collect::<BTreeSet<_>>() {
            self.here(channel);
            self.note(channel);
        }
    }

    /// Waits until somebody is woken, or for this long.
    pub(crate) async fn woken(added: &mut watch::Receiver<u64>, patience: Duration) {
        tokio::select! {
            _ = added.changed() => {}
            () = sleep(patience) => {}
        }
    }

    /// Wakes who waits in this process.
    pub(crate) fn here(&self, channel: &str) {
        wake(&self.channels.counter(channel));
    }

    /// Another process has told that there are messages.
    pub(crate) fn told(&self, channel: &str) {
        match channel {
            EVERY => self.channels.wake_all(),
            channel => self.channels.wake_known(channel),
        }
    }

    /// Wakes everybody here: what others told meanwhile was not heard.
    pub(crate) fn all(&self) {
        self.channels.wake_all();
    }

    /// The relay of a channel is in this process for `time` from `since` on, or may be elsewhere.
    pub(crate) fn leased(&self, channel: &str, since: Instant, time: Option<Duration>) {
        match time.and_then(|time| since.checked_add(time)) {
            Some(until) => self.others().ours.insert(channel.to_owned(), until),
            None => self.others().ours.remove(channel),
        };
    }

    /// Whether the relay of a channel is surely in this process.
    pub(crate) fn is_ours(&self, channel: &str) -> bool {
        self.others().has(channel)
    }

    /// Tells others of what is noted, with `tell`, for ever: at once when nothing was told just before, and everything
    /// that is noted within a few milliseconds together.
    pub(crate) async fn tell_on<'t, E>(
        &self,
        tell: impl Fn(Vec<String>) -> BoxFuture<'t, Result<(), E>>,
    ) {
        loop {
            self.noted.notified().await;
            let untold = std::mem::take(&mut self.others().untold);
            if untold.is_empty() {
                continue;
            }
            if tell(untold.iter().cloned().collect()).await.is_ok() {
                sleep(GAP).await;
                continue;
            }
            // Who listens over the same connections is woken when they work again; others may listen even now.
            self.others().untold.extend(untold);
            sleep(PAUSE).await;
            self.noted.notify_one();
        }
    }

    fn note(&self, channel: &str) {
        let mut others = self.others();
        if others.has(channel) {
            return;
        }
        let is_much = channel.len() > LONGEST || others.untold.len() >= MOST;
        let told = if is_much { EVERY } else { channel };
        if !others.untold.contains(told) {
            others.untold.insert(told.to_owned());
            self.noted.notify_one();
        }
    }

    fn others(&self) -> MutexGuard<'_, Others> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::ready, sync::Mutex};

    use anyhow::anyhow;
    use futures_util::FutureExt;

    use super::*;

    /// What others are told while this goes on, in the order of telling; the first `failures` times that fails.
    async fn told(
        wakes: &Wakes,
        failures: usize,
        happens: impl Future<Output = ()>,
    ) -> Vec<Vec<String>> {
        let (told, tries) = (Mutex::new(Vec::new()), Mutex::new(0));
        let tell = |channels: Vec<String>| {
            let mut tries = tries.lock().unwrap();
            *tries += 1;
            if *tries <= failures {
                return ready(Err(anyhow!("away"))).boxed();
            }
            told.lock().unwrap().push(channels);
            ready(Ok(())).boxed()
        };
        tokio::select! {
            () = wakes.tell_on(tell) => {}
            () = happens => {}
        }
        told.into_inner().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn tells_the_first_at_once_and_the_rest_together() {
        let wakes = Wakes::default();
        let happens = async {
            wakes.committed(["a", "a"]);
            sleep(Duration::from_millis(1)).await;
            for _ in 0..100 {
                wakes.committed(["b", "a"]);
            }
            sleep(Duration::from_secs(1)).await;
        };
        assert_eq!(told(&wakes, 0, happens).await, [vec!["a"], vec!["a", "b"]]);
    }

    #[tokio::test(start_paused = true)]
    async fn tells_nobody_while_the_relay_is_here() {
        let wakes = Wakes::default();
        let happens = async {
            wakes.leased("a", Instant::now(), Some(Duration::from_secs(4)));
            for _ in 0..10 {
                sleep(Duration::from_millis(390)).await;
                wakes.committed(["a"]);
            }
            wakes.committed(["b"]);
            sleep(Duration::from_millis(200)).await;
            wakes.committed(["a"]);
            wakes.leased("a", Instant::now(), Some(Duration::MAX));
            sleep(Duration::from_millis(200)).await;
            wakes.leased("b", Instant::now(), None);
            wakes.committed(["a", "b"]);
            sleep(Duration::from_secs(1)).await;
        };
        let expected = [vec!["b"], vec!["a"], vec!["a", "b"]];
        assert_eq!(told(&wakes, 0, happens).await, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn tells_again_what_could_not_be_told() {
        let wakes = Wakes::default();
        let happens = async {
            wakes.committed(["a"]);
            sleep(Duration::from_millis(1)).await;
            wakes.committed(["b"]);
            sleep(Duration::from_secs(3)).await;
        };
        assert_eq!(told(&wakes, 2, happens).await, [["a", "b"]]);
    }

    #[tokio::test(start_paused = true)]
    async fn tells_of_all_channels_instead_of_many_and_long_ones() {
        for names in [vec!["x".repeat(LONGEST + 1)], (0..50).map(|n| format!("c{n:02}")).collect()]
        {
            let wakes = Wakes::default();
            let happens = async {
                wakes.committed(names.iter().map(String::as_str));
                sleep(Duration::from_secs(1)).await;
            };
            let told = told(&wakes, 0, happens).await;
            assert!(told.len() == 1 && told[0].len() <= MOST + 1, "{told:?}");
            assert_eq!(told[0][0], EVERY);
        }
    }

    #[test]
    fn wakes_who_is_meant() {
        let wakes = Wakes::default();
        let mut waiting = ["a", "b"].map(|channel| wakes.added(channel));
        let mut check = |expected: [bool; 2]| {
            let woken = [0, 1].map(|at| waiting[at].has_changed().unwrap());
            waiting.iter_mut().for_each(watch::Receiver::mark_unchanged);
            assert_eq!(woken, expected);
        };
        wakes.committed(["a"]);
        check([true, false]);
        wakes.told("b");
        check([false, true]);
        wakes.told("unknown");
        check([false, false]);
        wakes.told(EVERY);
        check([true, true]);
        wakes.all();
        check([true, true]);
    }
}
