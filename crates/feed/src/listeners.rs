//! Who listens: streams with a bounded queue each, so that one who does not read costs the others nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc::{self, error::TrySendError};

/// How many streams are open at most, and of one caller.
pub(crate) const MOST: usize = 1000;
pub(crate) const MOST_OF_ONE: usize = 20;
/// How many events wait for a listener at most.
pub(crate) const QUEUE: usize = 64;

/// The open streams.
#[derive(Default)]
pub(crate) struct Listeners {
    next: u64,
    closed: bool,
    open: Vec<Listener>,
}

struct Listener {
    number: u64,
    caller: String,
    queue: mpsc::Sender<Bytes>,
}

/// Why nobody more can listen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There are too many streams.
    Full,
    /// This caller has too many.
    TooManyOfOne,
    /// The service stops.
    Closed,
}

/// A place among the listeners, which is given back when this is dropped.
pub(crate) struct Place {
    number: u64,
    listeners: Arc<Mutex<Listeners>>,
    /// What the listener has still to be sent; ends when the stream does.
    pub(crate) queue: mpsc::Receiver<Bytes>,
}

pub(crate) fn lock(listeners: &Mutex<Listeners>) -> MutexGuard<'_, Listeners> {
    listeners.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets a caller listen, a second time too: each stream is one browser's, and each gets everything.
pub(crate) fn join(listeners: &Arc<Mutex<Listeners>>, caller: &str) -> Result<Place, Refusal> {
    let mut all = lock(listeners);
    if all.closed {
        return Err(Refusal::Closed);
    }
    if all.open.len() >= MOST {
        return Err(Refusal::Full);
    }
    if all.open.iter().filter(|listener| listener.caller == caller).count() >= MOST_OF_ONE {
        return Err(Refusal::TooManyOfOne);
    }
    let (sender, queue) = mpsc::channel(QUEUE);
    let number = all.next;
    all.next += 1;
    all.open.push(Listener { number, caller: caller.to_owned(), queue: sender });
    Ok(Place { number, listeners: listeners.clone(), queue })
}

impl Listeners {
    pub(crate) fn count(&self) -> usize {
        self.open.len()
    }

    /// Gives an event to everybody. Whoever has not read the last ones is sent away; tells who.
    pub(crate) fn send(&mut self, event: &Bytes) -> Vec<String> {
        let mut sent_away = Vec::new();
        self.open.retain(|listener| match listener.queue.try_send(event.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                sent_away.push(listener.caller.clone());
                false
            }
            Err(TrySendError::Closed(_)) => false,
        });
        sent_away
    }

    /// Ends all streams of a caller.
    pub(crate) fn end(&mut self, caller: &str) {
        self.open.retain(|listener| listener.caller != caller);
    }

    /// Ends all streams; nobody can listen any more.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.open.clear();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.listeners).open.retain(|listener| listener.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(place: &mut Place) -> usize {
        let mut count = 0;
        while place.queue.try_recv().is_ok() {
            count += 1;
        }
        count
    }

    #[test]
    fn everybody_gets_every_event_also_who_listens_twice() {
        let all = Arc::default();
        let mut places = ["ann", "ann", "bob"].map(|caller| join(&all, caller).unwrap());
        for _ in 0..3 {
            assert!(lock(&all).send(&Bytes::from_static(b"event")).is_empty());
        }
        assert_eq!(places.each_mut().map(waiting), [3, 3, 3]);
    }

    #[test]
    fn who_does_not_read_is_sent_away_and_nobody_else() {
        let all = Arc::default();
        let (mut slow, mut quick) = (join(&all, "ann").unwrap(), join(&all, "bob").unwrap());
        for number in 0..=QUEUE {
            let sent_away = lock(&all).send(&Bytes::from_static(b"event"));
            assert_eq!(waiting(&mut quick), 1);
            assert_eq!(sent_away, if number < QUEUE { vec![] } else { vec!["ann".to_owned()] });
        }
        assert_eq!((waiting(&mut slow), slow.queue.is_closed()), (QUEUE, true));
        assert_eq!(lock(&all).count(), 1);
    }

    #[test]
    fn the_number_of_streams_is_bounded_for_each_and_for_all() {
        let all = Arc::default();
        let mut places: Vec<Place> = Vec::new();
        for _ in 0..MOST_OF_ONE {
            places.push(join(&all, "ann").unwrap());
        }
        assert_eq!(join(&all, "ann").err(), Some(Refusal::TooManyOfOne));
        drop(places.pop());
        places.push(join(&all, "ann").unwrap());
        for number in 0..MOST - MOST_OF_ONE {
            places.push(join(&all, &number.to_string()).unwrap());
        }
        assert_eq!(join(&all, "bob").err(), Some(Refusal::Full));
        places.clear();
        assert_eq!(lock(&all).count(), 0);
        lock(&all).close();
        assert_eq!(join(&all, "bob").err(), Some(Refusal::Closed));
    }

    #[test]
    fn a_caller_ends_all_streams_of_its_own() {
        let all = Arc::default();
        let mut places = ["ann", "bob", "ann"].map(|caller| join(&all, caller).unwrap());
        lock(&all).end("ann");
        let ended = places.each_mut().map(|place| place.queue.is_closed());
        assert_eq!(ended, [true, false, true]);
    }
}
