//! What a peer has still to be told: at most one bundle of changes for each instance, the oldest first.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};
use tracing::warn;

use super::{Change, Peer, PeerState};
use crate::{Address, instance::Status};

/// For how many instances changes wait at most. Beyond that they are lost to the peer, until the next sign of life of the
/// instance tells us that it does not know it.
const MOST: usize = 20_000;
/// After how long signs of life and cancellations are not worth telling: the instance has sent another, or its lease is over
/// there too, or it is registered again.
const EXPIRY: Duration = Duration::from_secs(30);

/// An instance's application and id.
pub(super) type Name = (String, String);

/// The changes that wait for one peer.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) address: Address,
    state: Mutex<State>,
    pub(super) wake: Notify,
}

#[derive(Debug)]
struct State {
    order: VecDeque<Name>,
    waiting: HashMap<Name, Waiting>,
    peer: PeerState,
    is_full: bool,
}

/// What waits about one instance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    since: Instant,
    pub(super) cancel: bool,
    pub(super) register: bool,
    pub(super) status: Option<StatusStep>,
    pub(super) heartbeat: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatusStep {
    Override(Status),
    Remove(Status),
}

impl Queue {
    pub(super) fn new(address: Address) -> Self {
        let peer = PeerState::Untried;
        let state =
            State { order: VecDeque::new(), waiting: HashMap::new(), peer, is_full: false };
        Queue { address, state: Mutex::new(state), wake: Notify::new() }
    }

    /// Adds a change to what waits about the instance.
    pub(super) fn note(&self, app: &str, id: &str, change: Change) {
        let mut state = self.state();
        if state.peer == PeerState::Itself {
            return;
        }
        let name = (app.to_owned(), id.to_owned());
        if let Some(waiting) = state.waiting.get_mut(&name) {
            waiting.add(change);
        } else if state.waiting.len() < MOST {
            let mut waiting = Waiting::nothing();
            waiting.add(change);
            state.add(name, waiting);
        } else if !state.is_full {
            state.is_full = true;
            let peer = &self.address;
            warn!("{MOST} instances wait to be told to the registry at {peer}: others are not kept for it");
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Takes the oldest bundles, but those that are not worth telling any more.
    pub(super) fn take(&self, most: usize) -> Vec<(Name, Waiting)> {
        let mut state = self.state();
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(name) = state.order.pop_front() else { break };
            let Some(waiting) = state.waiting.remove(&name) else { continue };
            if let Some(waiting) = waiting.still_worth_telling() {
                taken.push((name, waiting));
            }
        }
        if state.waiting.len() < MOST / 2 {
            state.is_full = false;
        }
        taken
    }

    /// Puts back what could not be told, in front; what has happened since counts more.
    pub(super) fn put_back(&self, untold: Vec<(Name, Waiting)>) {
        let mut state = self.state();
        for (name, older) in untold.into_iter().rev() {
            match state.waiting.get_mut(&name) {
                Some(newer) => newer.follow(older),
                None => {
                    state.order.push_front(name.clone());
                    state.waiting.insert(name, older);
                }
            }
        }
    }

    pub(super) fn count(&self) -> usize {
        self.state().waiting.len()
    }

    /// Notes how it stands with the peer, and gives back how it stood.
    pub(super) fn stands(&self, peer: PeerState) -> PeerState {
        let mut state = self.state();
        if peer == PeerState::Itself {
            state.order.clear();
            state.waiting.clear();
        }
        std::mem::replace(&mut state.peer, peer)
    }

    pub(super) fn peer(&self) -> Peer {
        let state = self.state();
        Peer {
            address: self.address.to_string(),
            state: state.peer,
            waiting: state.waiting.len(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, name: Name, waiting: Waiting) {
        self.order.push_back(name.clone());
        self.waiting.insert(name, waiting);
    }
}

impl Waiting {
    fn nothing() -> Self {
        let since = Instant::now();
        Waiting { since, cancel: false, register: false, status: None, heartbeat: false }
    }

    fn add(&mut self, change: Change) {
        self.since = Instant::now();
        match change {
            Change::Heartbeat => self.heartbeat = true,
            Change::Register => self.register = true,
            Change::Cancel => *self = Waiting { cancel: true, ..Waiting::nothing() },
            Change::Override(status) => self.status = Some(StatusStep::Override(status)),
            Change::RemoveOverride(status) => self.status = Some(StatusStep::Remove(status)),
        }
    }

    /// Takes over what waited before, as far as it still counts.
    fn follow(&mut self, older: Waiting) {
        if self.cancel {
            return;
        }
        self.cancel = older.cancel;
        self.register |= older.register;
        self.status = self.status.or(older.status);
        self.heartbeat |= older.heartbeat;
    }

    fn still_worth_telling(mut self) -> Option<Self> {
        if self.since.elapsed() > EXPIRY {
            (self.cancel, self.heartbeat) = (false, false);
        }
        let is_something =
            self.cancel || self.register || self.status.is_some() || self.heartbeat;
        is_something.then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Queue {
        Queue::new(Address::parse("http://127.0.0.1:1/eureka").unwrap())
    }

    fn told(queue: &Queue) -> Vec<String> {
        let taken = queue.take(usize::MAX).into_iter();
        taken
            .map(|((_, id), waiting)| {
                let parts = [
                    (waiting.cancel, "cancel"),
                    (waiting.register, "register"),
                    (waiting.status.is_some(), "status"),
                    (waiting.heartbeat, "heartbeat"),
                ];
                parts.iter().filter(|(is, _)| *is).fold(id, |text, (_, part)| format!("{text} {part}"))
            })
            .collect()
    }

    #[test]
    fn changes_of_an_instance_are_one_bundle_in_order_of_the_first() {
        let queue = queue();
        queue.note("A", "1", Change::Heartbeat);
        queue.note("A", "2", Change::Register);
        queue.note("A", "1", Change::Heartbeat);
        queue.note("A", "1", Change::Override(Status::Down));
        queue.note("A", "2", Change::Cancel);
        queue.note("A", "3", Change::Cancel);
        queue.note("A", "3", Change::Register);
        assert_eq!(told(&queue), ["1 status heartbeat", "2 cancel", "3 cancel register"]);
        assert_eq!(told(&queue), [""; 0]);
    }

    #[test]
    fn what_could_not_be_told_comes_first_again_unless_it_was_overtaken() {
        let queue = queue();
        queue.note("A", "1", Change::Register);
        queue.note("A", "2", Change::Register);
        let untold = queue.take(2);
        queue.note("A", "3", Change::Heartbeat);
        queue.note("A", "1", Change::Cancel);
        queue.put_back(untold);
        assert_eq!(told(&queue), ["2 register", "3 heartbeat", "1 cancel"]);
    }

    #[tokio::test(start_paused = true)]
    async fn signs_of_life_and_cancellations_expire_and_registrations_do_not() {
        let queue = queue();
        queue.note("A", "1", Change::Heartbeat);
        queue.note("A", "2", Change::Cancel);
        queue.note("A", "3", Change::Register);
        tokio::time::advance(EXPIRY + Duration::from_secs(1)).await;
        assert_eq!(told(&queue), ["3 register"]);
    }

    #[test]
    fn no_more_wait_than_there_is_room_for() {
        let queue = queue();
        (0..MOST + 5).for_each(|id| queue.note("A", &id.to_string(), Change::Register));
        assert_eq!(queue.count(), MOST);
    }
}
